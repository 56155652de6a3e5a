"""Keeps the servers' sockets as the clouds' listings are: looks at these every minute, and after a reload."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

from launcher.clock import Clock
from launcher.cloud.kept import Seen
from launcher.cloud.listing import Snapshot
from launcher.web.serversockets import ServerSockets
from launcher.web.socketplan import Plan, clouds_meant, plan

_LOG = logging.getLogger(__name__)
_EVERY: Final = 60.0
_SOON: Final = 5.0
"""Seconds until the next look, where a cloud has not answered yet."""
_PATIENCE: Final = 5.0
"""Seconds that each cloud has to answer; the sockets of the others wait no longer."""


class Listing(Protocol):
    """One cloud's, that is kept: `launcher.cloud.kept.KeptListing`."""

    async def seen(self, wait: float | None = None, max_age: float | None = None) -> Seen: ...


class SocketKeeper:
    """`listings` gives those of the moment, by cloud; `patterns` are of `cloud/server`; `most`: so many sockets."""

    def __init__(
        self,
        sockets: ServerSockets,
        listings: Callable[[], Mapping[str, Listing]],
        *,
        patterns: Sequence[str],
        directory: str,
        most: int,
        clock: Clock,
    ) -> None:
        self._sockets = sockets
        self._listings = listings
        self._patterns = patterns
        self._directory = directory
        self._most = most
        self._clock = clock
        self._asked = asyncio.Event()
        self._told = (0, 0)

    def look_again(self) -> None:
        """Do not wait for the next minute: something has changed."""
        self._asked.set()

    async def keep(self) -> None:
        """For ever; at the end nothing is left."""
        try:
            with suppress(OSError):
                self._sockets.clear_away()
            while True:
                self._asked.clear()
                late = await self._look()
                await self._pause(_SOON if late else _EVERY)
        finally:
            self._sockets.close()

    async def _look(self) -> bool:
        """Once; whether a cloud has yet to answer. It raises nothing: the daemon's other tasks would end with it."""
        listings = self._listings()
        meant = clouds_meant(listings, self._patterns)
        async with asyncio.TaskGroup() as tasks:
            looks = {cloud: tasks.create_task(listings[cloud].seen(_PATIENCE, _EVERY / 2)) for cloud in meant}
        seen = {cloud: look.result() for cloud, look in looks.items()}
        snapshots: dict[str, Snapshot] = {
            cloud: one.snapshot for cloud, one in seen.items() if one.snapshot is not None
        }
        wanted = plan(snapshots, self._patterns, self._directory, self._most)
        self._tell(wanted)
        try:
            before = len(self._sockets)
            await self._sockets.follow(wanted, unknown=set(meant) - set(snapshots))
            if len(self._sockets) != before:
                _LOG.info("servers with sockets of their own in %s: %d", self._directory, len(self._sockets))
        except OSError as error:
            _LOG.error("the servers' sockets are not as they should be: %s", error.strerror)
        return len(snapshots) < len(meant)

    async def _pause(self, seconds: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            waits = [tasks.create_task(self._clock.sleep(seconds)), tasks.create_task(self._asked.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    def _tell(self, wanted: Plan) -> None:
        told = (wanted.crowded_out, wanted.unfit)
        if told == self._told:
            return
        self._told = told
        if wanted.crowded_out:
            _LOG.warning(
                "relay.sockets: %d servers have no socket of their own: %d is the most. Narrow the patterns.",
                wanted.crowded_out, self._most,
            )  # fmt: skip
        if wanted.unfit:
            _LOG.warning(
                "relay.sockets: %d servers have no socket of their own: the path would be longer than a socket's may "
                "be (or the id is no UUID). A shorter relay.sockets_directory helps.",
                wanted.unfit,
            )
