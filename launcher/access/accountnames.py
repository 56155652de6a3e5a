"""Looks account names up on threads of its own: who is let in by user id waits for nobody, others only so long.

What is done for whom decides `launcher.access.nametable`. The threads are daemons: one that hangs in a directory
service keeps no program from ending.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from launcher.access.accounts import name_of
from launcher.access.nametable import NameTable, nameless
from launcher.access.policy import Policy
from launcher.clock import Clock, SystemClock

_LOG = logging.getLogger(__name__)


class Knows(Protocol):
    """Tells who needs no look-up, and for whom it decides: `launcher.access.policy.Policy`."""

    def known(self, uid: int) -> str | None:
        """The name of an account that is let in by its user id; None for every other."""
        ...

    def awaits(self, name: str) -> bool:
        """Whether an account is let in because it is called so."""
        ...


def _nobody() -> Policy:
    return Policy(frozenset())


class AccountNames:
    """Names of user ids, for one event loop."""

    def __init__(
        self, policy: Callable[[], Knows] = _nobody, look: Callable[[int], str] = name_of, clock: Clock | None = None
    ) -> None:
        """`policy` gives today's; `look` is the look-up, which may hang; it is called in threads."""
        self._policy = policy
        self._look = look
        self._clock = clock or SystemClock()
        self._table = NameTable()
        self._flights: dict[int, asyncio.Future[str]] = {}

    async def name(self, uid: int) -> str:
        """The account's name; `uid 1234` where it has none, or none that can be found in time."""
        policy = self._policy()
        known = policy.known(uid)
        if known is not None:
            return known
        answer = self._table.ask(uid, self._clock.monotonic(), decides=policy.awaits)
        if answer.begin:
            self._begin(uid)
        flight = self._flights.get(uid)
        if flight is None or not answer.wait:
            return answer.name
        ended, _ = await asyncio.wait([flight], timeout=answer.wait)
        return flight.result() if ended else answer.name

    def _begin(self, uid: int) -> None:
        """Start the look-up's thread; its end comes back into the event loop."""
        loop = asyncio.get_running_loop()
        self._flights[uid] = loop.create_future()

        def look() -> None:
            name = nameless(uid)
            try:
                name = self._look(uid)
            except Exception as error:  # noqa: BLE001 -- whatever fails in a name service, the look-up is over
                _LOG.warning("the name of user id %d cannot be looked up: %r", uid, error)
            with suppress(RuntimeError):  # the loop is closed: nobody asks any more
                loop.call_soon_threadsafe(self._ended, uid, name)

        try:
            threading.Thread(target=look, name=f"name of {uid}", daemon=True).start()
        except RuntimeError:  # the system has no thread left
            self._ended(uid, nameless(uid))

    def _ended(self, uid: int, name: str) -> None:
        self._table.ended(uid, name, self._clock.monotonic())
        self._flights.pop(uid).set_result(name)
