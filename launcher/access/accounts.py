"""Account names and user ids: who is let in, and what a user id is called."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterable

from launcher.access.policy import Policy
from launcher.config.accounts import overflow_uid, uid_of

_ROOT = 0
_NAMELESS = "uid "
"""How a user id without an account is called; no account that is awaited may be called so."""


def admitted(local_users: Iterable[str]) -> Policy:
    """Root, the daemon's own account, and `access.local_users` may come in.

    A name that the account database does not have now is awaited: somebody who left the directory comes in no more,
    and a directory that was slow to answer when we started lets nobody stand outside for that.
    """
    unmapped = overflow_uid()
    found = {name: uid_of(name) for name in local_users}
    known = {uid for uid in found.values() if uid is not None and uid != unmapped}
    awaited = {name for name, uid in found.items() if uid is None and not name.startswith(_NAMELESS)}
    return Policy(frozenset({_ROOT, os.geteuid()} | known), frozenset(awaited), unmapped)


def group_id(name: str) -> int | None:
    """The group's id; None where there is no such group."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def name_of(uid: int) -> str:
    """The account's name, or `uid 1234` where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"{_NAMELESS}{uid}"
