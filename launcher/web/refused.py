"""Puts on record which requests are refused, and which headers are ignored: who, what and why, at a bounded rate.

Whoever is refused before the account is known, by `Host` or `Origin`, is named by user id where the kernel tells it at
once; a name is never looked up for a stranger's refusal.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol

from aiohttp import web

from launcher.access.claims import claimed
from launcher.access.peer import Socket, unix_uid
from launcher.access.sockdiag import asked_uid
from launcher.audit.events import Event, RefusalEvent, RefusalKind
from launcher.audit.refusals import INTERVAL, Refusals
from launcher.clock import Clock
from launcher.errors import ForbiddenError, MisdirectedError, NotSignedInError, RequestError
from launcher.model import Actor

_LOOKS = 6
"""How often in an interval is looked what is due."""
_SEPARATOR = ", "


class Journal(Protocol):
    def record(self, event: Event, *, owed: bool = True) -> None: ...
    def has_room(self) -> bool: ...


class RefusalWatch:
    """Counts refusals and writes their lines; `keep` is to run as long as the gateway serves, `close` ends it."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._refusals = Refusals()
        self._some = asyncio.Event()

    def saw(self, event: RefusalEvent) -> None:
        """One more refusal."""
        self._some.set()
        told = self._refusals.seen(event, self._clock.monotonic(), has_room=self._journal.has_room())
        if told is not None:
            self._journal.record(told, owed=False)

    def refused(self, request: web.Request, error: RequestError, *, who: Actor | None, let_in: bool) -> None:
        """A request's refusal, if the error is one: a malformed request, or one for what is not there, is none."""
        kind = _kind(error, who, let_in=let_in)
        if kind is None:
            return
        header = {RefusalKind.HOST: "Host", RefusalKind.SITE: "Origin"}.get(kind)
        sent = _SEPARATOR.join(request.headers.getall(header, [])) if header else ""
        self.saw(_event(request, kind, who, sent or None, str(error)))

    def claims(self, request: web.Request, *, who: Actor | None) -> None:
        """Count the headers of a request that name a person or an address: their names, never their values."""
        names = claimed(request.headers)
        if names:
            why = "only the kernel says here which account a request is of"
            self.saw(_event(request, RefusalKind.CLAIM, who, _SEPARATOR.join(names), why))

    async def keep(self) -> None:
        """Tell in time what was counted."""
        while True:
            await self._some.wait()
            await self._clock.sleep(INTERVAL / _LOOKS)
            if self._journal.has_room():
                for event in self._refusals.due(self._clock.monotonic()):
                    self._journal.record(event, owed=False)
            if not self._refusals:
                self._some.clear()

    def close(self) -> None:
        """Tell what is untold."""
        for event in self._refusals.rest():
            self._journal.record(event, owed=False)


def _kind(error: RequestError, who: Actor | None, *, let_in: bool) -> RefusalKind | None:
    if isinstance(error, MisdirectedError):
        return RefusalKind.HOST
    if isinstance(error, NotSignedInError):
        return RefusalKind.PEER
    if not isinstance(error, ForbiddenError):
        return None
    if let_in:
        return RefusalKind.RIGHT
    return RefusalKind.SITE if who is None else RefusalKind.ACCOUNT


def _event(request: web.Request, kind: RefusalKind, who: Actor | None, sent: str | None, why: str) -> RefusalEvent:
    uid, via = (who.uid, who.via) if who else _caller(request)
    path = request.raw_path.partition("?")[0]
    return RefusalEvent(
        kind=kind,
        actor=who.name if who else None,
        uid=uid,
        via=via,
        method=request.method,
        path=path if path.startswith("/") else "(not a path)",  # an absolute URL may hold a password
        sent=sent,
        why=why,
    )


def _caller(request: web.Request) -> tuple[int | None, str]:
    """User id and kind of listener, as far as the kernel says it at once."""
    sock: Socket | None = request.transport.get_extra_info("socket") if request.transport else None
    if sock is None:
        return None, "unknown"
    try:
        if sock.family == socket.AF_UNIX:
            return unix_uid(sock), "unix"
        return asked_uid(sock.getsockname()[:2], sock.getpeername()[:2]), "tcp"
    except OSError:  # it has gone
        return None, "tcp"
