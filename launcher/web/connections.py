"""Counts connections and says which may come in: so many of an account, so many in all, and some files kept free.

A connection is pending until its account is known and let in, then admitted, as long as it lasts. One of a session
costs two descriptors (the viewer's and the upstream's), and each admitted one may become a session at any moment: so
each is counted as two. Nothing here can push an admitted connection out. What is full is full for the newcomer:

    admitted   an account, or all of them, hold as many as they may → the newcomer is refused
    pending    an account that is not admitted holds as many as it may → the newcomer is refused
               all together do → the one that has been silent longest gives way, of the account that holds most;
               where each of them is just being answered the newcomer is refused

Root on the Unix socket is never counted: descriptors are kept free for it, for look-ups and for what clouds are asked.
"""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass
from typing import Final

RESERVE: Final = 64
"""Descriptors that connections leave free; where the process may have few, a quarter of these."""
_COST: Final = 2
"""Descriptors of a session."""
_PENDING_SHARE: Final = 8
_PENDING_AT_LEAST: Final = 8
_PENDING_AT_MOST: Final = 1280
"""A thousand bookmarks may be opened at once, and each is pending for a moment where the kernel names no owner. No
more: 20,000 files, a common hard limit of containers, are to carry 9,000 sessions of one account."""
_STRANGERS_SHARE: Final = 8
"""So many accounts that are not admitted must agree to fill the room of the pending."""
_STRANGERS_AT_MOST: Final = 64
_OTHERS_AT_MOST: Final = 128
"""Connections that the account with the most leaves to all others."""


@dataclass(frozen=True, slots=True)
class Caps:
    """How many connections there may be at once."""

    admitted: int
    account: int
    """Of the admitted: those of one account."""
    pending: int
    stranger: int
    """Of the pending: those of one account, where the kernel names it at once."""


def caps(files: int, held: int) -> Caps:
    """What a process can carry that may open `files`, of which `held` are taken by other things than connections."""
    free = max(0, files - held - min(RESERVE, files // 4))
    pending = max(_PENDING_AT_LEAST, min(_PENDING_AT_MOST, free // _PENDING_SHARE))
    admitted = max(2, (free - pending) // _COST)
    account = admitted - min(_OTHERS_AT_MOST, admitted // 4)
    return Caps(admitted, account, pending, max(1, min(_STRANGERS_AT_MOST, pending // _STRANGERS_SHARE)))


def files_for(sessions: int, held: int) -> int:
    """How many files a process must be able to open so that one account may have so many sessions."""
    connections = _COST * (sessions + _OTHERS_AT_MOST)
    return held + RESERVE + connections + min(_PENDING_AT_MOST, connections // (_PENDING_SHARE - 1) + 1)


class Standing(enum.Enum):
    """Where a connection stands."""

    PENDING = "nobody has let it in yet"
    ADMITTED = "of an account that may use the gateway"
    FREE = "of root, on a Unix socket: not counted"
    OVER = "ended, refused or pushed out"


@dataclass(slots=True, eq=False)
class Connection:
    """One connection."""

    uid: int | None
    """Its account; None where that is not known yet."""
    standing: Standing
    busy: bool = False
    """Whether a request of it is being answered."""


class Connections:
    """All connections of a gateway."""

    def __init__(self, allowed: Caps) -> None:
        self.allowed = allowed
        self._admitted: Counter[int] = Counter()
        self._pending: dict[int | None, dict[Connection, None]] = {}

    @property
    def admitted(self) -> int:
        """How many there are."""
        return self._admitted.total()

    @property
    def pending(self) -> int:
        """How many there are."""
        return sum(map(len, self._pending.values()))

    def begin(
        self, uid: int | None, *, admitted: bool = False, free: bool = False
    ) -> tuple[Connection | None, Connection | None]:
        """A new connection of an account, None where it is refused; and the one that gives way to it, if one does."""
        if free:
            return Connection(uid, Standing.FREE), None
        if admitted and uid is not None:
            return (self._place(uid) if self._has_room(uid) else None), None
        if uid is not None and len(self._pending.get(uid, ())) >= self.allowed.stranger:
            return None, None
        if self.pending < self.allowed.pending:
            return self._wait(uid), None
        gone = self._longest_silent()
        if gone is None:
            return None, None
        self.end(gone)
        return self._wait(uid), gone

    def admit(self, connection: Connection, uid: int) -> bool:
        """Let a pending connection in, now that its account is known; whether there is room for it."""
        if connection.standing is not Standing.PENDING:
            return connection.standing is not Standing.OVER
        if not self._has_room(uid):
            return False
        self._forget(connection)
        connection.uid, connection.standing = uid, Standing.ADMITTED
        self._admitted[uid] += 1
        return True

    def end(self, connection: Connection) -> None:
        """It is closed. Ending it twice is no harm."""
        if connection.standing is Standing.PENDING:
            self._forget(connection)
        elif connection.standing is Standing.ADMITTED and connection.uid is not None:
            self._admitted[connection.uid] -= 1
            if not self._admitted[connection.uid]:
                del self._admitted[connection.uid]
        connection.standing = Standing.OVER

    def _has_room(self, uid: int) -> bool:
        return self._admitted[uid] < self.allowed.account and self.admitted < self.allowed.admitted

    def _place(self, uid: int) -> Connection:
        self._admitted[uid] += 1
        return Connection(uid, Standing.ADMITTED)

    def _wait(self, uid: int | None) -> Connection:
        connection = Connection(uid, Standing.PENDING)
        self._pending.setdefault(uid, {})[connection] = None
        return connection

    def _forget(self, connection: Connection) -> None:
        of_account = self._pending[connection.uid]
        del of_account[connection]
        if not of_account:
            del self._pending[connection.uid]

    def _longest_silent(self) -> Connection | None:
        """Of the account that has the most pending connections among those that have a silent one."""
        for of_account in sorted(self._pending.values(), key=len, reverse=True):
            silent = next((one for one in of_account if not one.busy), None)
            if silent is not None:
                return silent
        return None
