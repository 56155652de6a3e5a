"""Accounts that the configuration names, by the account database of the system: files, LDAP, others."""

from __future__ import annotations

import pwd
from difflib import get_close_matches
from pathlib import Path

_OVERFLOW = Path("/proc/sys/kernel/overflowuid")
_USUAL_OVERFLOW = 65534


def uid_of(name: str) -> int | None:
    """The account's user id, or None where the database has no such account now, or does not answer."""
    try:
        return pwd.getpwnam(name).pw_uid
    except (KeyError, ValueError):  # ValueError: a name that no database can hold
        return None


def why_not(name: str) -> str | None:
    """A sentence without its full stop on why the account cannot be let in; None where it can."""
    uid = uid_of(name)
    if uid is None:
        near = get_close_matches(name, _known(), n=1)
        hint = f'. Did you mean "{near[0]}"?' if near else ""
        return f'there is no account "{name}" on this machine{hint}'
    if uid == overflow_uid():
        return f'"{name}" cannot be let in: the kernel shows every account that it cannot map as user id {uid}'
    return None


def overflow_uid() -> int:
    """What unmapped user ids look like (user_namespaces(7)); a sandbox may hide it (ProcSubset=pid of our unit)."""
    try:
        return int(_OVERFLOW.read_text())
    except OSError:
        return _USUAL_OVERFLOW


def _known() -> list[str]:
    return [account.pw_name for account in pwd.getpwall() if account.pw_uid != overflow_uid()]
