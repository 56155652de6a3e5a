"""Hands out consoles: a usable one, the one being asked for, or a new one.

For each (cloud, server, kind) at most one request is under way, however many ask. The request is a task of the
daemon's: whoever waits may leave without taking it from the others. A failure reaches all who waited and is then
forgotten; but a cloud that asked for patience is not asked before its time is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from launcher.clock import Clock
from launcher.consoles.cache import ConsoleCache
from launcher.consoles.patience import Patience
from launcher.errors import CloudBusyError, ServerNotFoundError
from launcher.model import Console, ConsoleKey, Kind


class ConsoleSource(Protocol):
    """A cloud, as far as consoles go."""

    async def console(self, server_id: str, kind: Kind) -> Console:
        """A new console. Raises CloudError or ServerNotFoundError."""
        ...


@dataclass(frozen=True, slots=True)
class Obtained:
    """A console, and whether it had been there already."""

    console: Console
    cached: bool


class Broker:
    """Every console of the daemon."""

    def __init__(
        self,
        sources: Mapping[str, ConsoleSource],
        *,
        margin: float,
        single_use: Collection[str],
        clock: Clock,
        tasks: asyncio.TaskGroup,
    ) -> None:
        """`single_use` are the clouds that end a session with its console token: there every session gets its own."""
        self._sources = sources
        self._single_use = frozenset(single_use)
        self._clock = clock
        self._tasks = tasks
        self._cache = ConsoleCache(margin)
        self._patience = Patience()
        self._under_way: dict[ConsoleKey, asyncio.Future[Console]] = {}

    def keeps(self, cloud: str) -> bool:
        """Whether a console of this cloud serves more than one session."""
        return cloud not in self._single_use

    async def obtain(self, key: ConsoleKey) -> Obtained:
        """A console that is usable now. Raises CloudError or ServerNotFoundError."""
        if key.cloud in self._single_use:
            return Obtained(await self._new(key, self._source(key)), cached=False)
        console = self._cache.get(key, self._clock.monotonic())
        if console is not None:
            return Obtained(console, cached=True)
        # No await between the look and the note that a request is under way: there can be no second one.
        asked = self._under_way.get(key) or self._ask(key)
        return Obtained(await asyncio.shield(asked), cached=False)

    async def fresh(self, key: ConsoleKey) -> Obtained:
        """A console that nobody else gets. Raises CloudError or ServerNotFoundError."""
        return Obtained(await self._new(key, self._source(key)), cached=False)

    def discard(self, console: Console) -> None:
        """Forget a console that the console proxy refused."""
        self._cache.discard(console)

    def __repr__(self) -> str:
        return f"<Broker {len(self._cache)} consoles, {len(self._under_way)} requests>"

    def _ask(self, key: ConsoleKey) -> asyncio.Future[Console]:
        source = self._source(key)
        asked: asyncio.Future[Console] = asyncio.get_running_loop().create_future()
        self._under_way[key] = asked
        self._tasks.create_task(self._fulfil(key, source, asked), name=f"console {key.cloud}")
        return asked

    async def _fulfil(self, key: ConsoleKey, source: ConsoleSource, asked: asyncio.Future[Console]) -> None:
        """Settle the future whatever happens: somebody may be waiting."""
        try:
            console = await self._new(key, source)
        except asyncio.CancelledError:
            asked.cancel()
            raise
        except Exception as error:  # noqa: BLE001 -- it belongs to those who wait, and must not end the daemon's other tasks
            asked.set_exception(error)
        else:
            self._cache.put(console, self._clock.monotonic())
            asked.set_result(console)
        finally:
            del self._under_way[key]
            if not asked.cancelled():
                asked.exception()  # everyone may have left: then nobody else reads it

    async def _new(self, key: ConsoleKey, source: ConsoleSource) -> Console:
        self._patience.require(key.cloud, self._clock.monotonic())
        try:
            return await source.console(key.server_id, key.kind)
        except CloudBusyError as error:
            self._patience.note(error, self._clock.monotonic())
            raise

    def _source(self, key: ConsoleKey) -> ConsoleSource:
        source = self._sources.get(key.cloud)
        if source is None:
            raise ServerNotFoundError(f'There is no cloud "{key.cloud}".')
        return source
