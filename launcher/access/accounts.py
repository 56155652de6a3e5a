"""Account names and user ids, by the account database that the system is set up with: files, LDAP, others."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from launcher.errors import ConfigError, ConfigProblem

_ROOT = 0
_OVERFLOW = Path("/proc/sys/kernel/overflowuid")
_USUAL_OVERFLOW = 65534


def allowed_uids(local_users: Iterable[str], *, file: str = "configuration") -> frozenset[int]:
    """The user ids of those who may come in: root, the daemon's own account, and `access.local_users`.

    Raises ConfigError that names every account which does not exist, with `file` as the place.
    """
    uids = {_ROOT, os.geteuid()}
    problems: list[ConfigProblem] = []
    for name in local_users:
        try:
            uids.add(_uid(name))
        except ValueError as error:
            problems.append(ConfigProblem(file, None, "access.local_users", str(error)))
    if problems:
        raise ConfigError(problems)
    return frozenset(uids)


def name_of(uid: int) -> str:
    """The account's name, or `uid 1234` where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _uid(name: str) -> int:
    """Raises ValueError with a sentence."""
    try:
        uid = pwd.getpwnam(name).pw_uid
    except KeyError:
        near = get_close_matches(name, [account.pw_name for account in pwd.getpwall()], n=1)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        raise ValueError(f'there is no account "{name}" on this host.{hint}') from None
    if uid == _overflow_uid():
        raise ValueError(
            f'"{name}" cannot be let in: the kernel shows every account that it cannot map as user id {uid}'
        )
    return uid


def _overflow_uid() -> int:
    """What unmapped user ids look like (user_namespaces(7)); a sandbox may hide it (ProcSubset=pid of our unit)."""
    try:
        return int(_OVERFLOW.read_text())
    except OSError:
        return _USUAL_OVERFLOW
