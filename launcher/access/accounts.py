"""Account names and user ids: who is let in, and what a user id is called."""

from __future__ import annotations

import grp
import os
import pwd
import threading
from collections.abc import Iterable

from launcher.access.nametable import NAMELESS, nameless
from launcher.access.policy import Policy
from launcher.config.accounts import overflow_uid, uid_of

_ROOT = 0
_PATIENCE = 2.0
"""Seconds for the name of the daemon's own account, which nothing hangs on."""


def admitted(local_users: Iterable[str]) -> Policy:
    """Root, the daemon's own account, and `access.local_users` may come in.

    A name that the account database does not have now is awaited: somebody who left the directory comes in no more,
    and a directory that was slow to answer when we started lets nobody stand outside for that.
    """
    unmapped = overflow_uid()
    found = {name: uid_of(name) for name in local_users}
    known = {uid: name for name, uid in found.items() if uid is not None and uid != unmapped}
    awaited = {name for name, uid in found.items() if uid is None and not name.startswith(NAMELESS)}
    own = os.geteuid()
    names = {_ROOT: "root"} | known
    if own not in names:
        names[own] = _soon(own)
    return Policy(frozenset(names), frozenset(awaited), unmapped, names)


def _soon(uid: int) -> str:
    """The account's name, or `uid 1234` where it cannot be found within `_PATIENCE`."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(name_of(uid)), name=f"name of {uid}", daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    return found[0] if found else nameless(uid)


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
        return nameless(uid)
