"""Live sessions: how many there may be, who they are, how they are ended.

A place is taken before the viewer's 101 and given back when its connection is closed, so that launches under way count.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from launcher.errors import GatewayStoppingError, NotFoundError, TooManySessionsError
from launcher.model import Actor, EndReason, Kind, Server
from launcher.relay.pump import Pump
from launcher.relay.silence import LOOKS, patience
from launcher.relay.viewer import ViewerEnd

_LOG = logging.getLogger(__name__)
_SPREAD = 0.4
"""The part of the time between two looks over which those at all sessions are spread."""
_LOOKS_AT_ONCE = 50


@dataclass(slots=True, eq=False)
class Session:
    """One viewer's place, and what it is joined to once it is."""

    id: str
    actor: Actor
    viewer: ViewerEnd | None = None
    server: Server | None = None
    kind: Kind = Kind.NOVNC
    view_only: bool = False
    opened_at: datetime | None = None
    pump: Pump | None = None
    ended_by: str | None = None
    """The actor who ended it, if another than its own did."""

    def end(self, reason: EndReason, code: int, text: str) -> None:
        """End it, whatever stage it is in; the viewer is told with a close code."""
        if self.pump is not None:
            self.pump.end(reason, code, text)
        elif self.viewer is not None:
            self.viewer.end(reason, code, text)

    def look(self, patience: int) -> None:
        """See whether its upstream is alive, once it is joined to one; `patience`: looks that an answer may take."""
        if self.pump is not None:
            self.pump.look(patience)

    def ping(self) -> None:
        """Keep awake what no look does: a session whose upstream knows no pings, and a launch under way."""
        if self.pump is not None:
            self.pump.ping()
        elif self.viewer is not None:
            self.viewer.ping()

    def abort(self) -> None:
        if self.pump is not None:
            self.pump.abort()
        elif self.viewer is not None:
            self.viewer.abort()


class Sessions:
    """Every viewer's place at this gateway."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sessions: dict[str, Session] = {}
        self._stopping = False
        self._empty = asyncio.Event()

    def admit(self, session_id: str, actor: Actor, *, view_only: bool = False) -> Session:
        """Take a place. Raises TooManySessionsError, GatewayStoppingError."""
        if self._stopping:
            raise GatewayStoppingError("The gateway restarts or stops.")
        if len(self._sessions) >= self._limit:
            raise TooManySessionsError(
                f"The gateway carries {self._limit} sessions already: its limit (relay.sessions)."
            )
        session = self._sessions[session_id] = Session(session_id, actor, view_only=view_only)
        return session

    def release(self, session: Session) -> None:
        """Give the place back."""
        self._sessions.pop(session.id, None)
        if not self._sessions:
            self._empty.set()

    def __iter__(self) -> Iterator[Session]:
        """The sessions that are joined to an upstream, oldest first."""
        return (session for session in tuple(self._sessions.values()) if session.pump is not None)

    def __len__(self) -> int:
        """All places taken, launches under way among them."""
        return len(self._sessions)

    def find(self, session_id: str | None) -> Session | None:
        """A session that is joined to an upstream, if there is one of this id."""
        session = self._sessions.get(session_id or "")
        return session if session is not None and session.pump is not None else None

    def get(self, session_id: str) -> Session:
        """Raises NotFoundError."""
        session = self.find(session_id)
        if session is None:
            raise NotFoundError(f'There is no session "{session_id[:40]}".')
        return session

    def dismiss(self, may_stay: Callable[[Session], bool], text: str) -> list[Session]:
        """End with 1008 those that may not stay, launches under way among them; which these are."""
        dismissed = [session for session in self._sessions.values() if not may_stay(session)]
        for session in dismissed:
            session.end(EndReason.ACCESS_REMOVED, 1008, text)
        return dismissed

    async def keep_awake(self, interval: float) -> None:
        """Look at every session several times an interval, and ping along those that are silent, for ever."""
        step, answer = interval / LOOKS, patience(interval)
        for count in itertools.count(1):
            await asyncio.sleep(step * (1 - _SPREAD) / 2)
            await self._look_at_all(step * _SPREAD, answer, awake=count % LOOKS == 0)
            await asyncio.sleep(step * (1 - _SPREAD) / 2)

    async def _look_at_all(self, seconds: float, answer: int, *, awake: bool) -> None:
        """A few at a time, over all of `seconds`: the answers of thousands are no burst either.

        Only ids are held while it waits: a session that ends is kept by nobody.
        """
        ids = tuple(self._sessions)
        batches = [ids[at : at + _LOOKS_AT_ONCE] for at in range(0, len(ids), _LOOKS_AT_ONCE)] or [()]
        for batch in batches:
            self._look(batch, answer, awake=awake)
            await asyncio.sleep(seconds / len(batches))

    def _look(self, ids: Iterable[str], answer: int, *, awake: bool) -> None:
        """At those of these sessions that have not ended; a fault with one ends that one, and no other."""
        for session in filter(None, map(self._sessions.get, ids)):
            try:
                session.look(answer)
                if awake:
                    session.ping()
            except Exception:  # noqa: BLE001 -- the task that looks is the whole daemon's
                _LOG.exception("A session ended by a fault of the gateway.")
                session.abort()

    async def drain(self, patience: float) -> None:
        """Refuse new sessions, end the live ones with 1012, abort after `patience` seconds those that do not end."""
        self._stopping = True
        self._empty.clear()
        for session in tuple(self._sessions.values()):
            session.end(EndReason.STOPPING, 1012, "The gateway restarts or stops.")
        try:
            async with asyncio.timeout(patience):
                while self._sessions:
                    await self._empty.wait()
        except TimeoutError:
            for session in tuple(self._sessions.values()):
                session.abort()
