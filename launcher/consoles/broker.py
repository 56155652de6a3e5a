"""Hands out the consoles of one cloud: a usable one, the one being asked for, or a new one.

For each (server, kind) at most one request is under way, however many ask. The request is a task of the daemon's:
whoever waits may leave without taking it from the others. A failure reaches all who waited; it says by `retry_after`
when to come again, if that makes sense, and nobody is let through to the cloud before (`patience`, `budget`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from launcher.clock import Clock
from launcher.consoles.budget import Budget
from launcher.consoles.cache import ConsoleCache
from launcher.consoles.patience import Patience
from launcher.consoles.turns import Turns
from launcher.errors import CloudBusyError, CloudError, KindNotOfferedError, ServerNotFoundError
from launcher.model import CLOUD_KINDS, Console, ConsoleKey, Kind
from launcher.spans import span


class ConsoleSource(Protocol):
    """The cloud, as far as consoles go."""

    async def console(self, server_id: str, kind: Kind) -> Console:
        """A new console. Raises CloudError or ServerNotFoundError."""
        ...


@dataclass(frozen=True, slots=True)
class Obtained:
    """A console, and whether it had been there already."""

    console: Console
    cached: bool


class Broker:
    """Every console of one cloud."""

    def __init__(
        self,
        cloud: str,
        source: ConsoleSource,
        *,
        margin: float,
        keeps: bool,
        budget: Budget,
        at_once: int,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`keeps` is false for a cloud that ends a session with its console token: there every session gets its own."""
        self.keeps = keeps
        self._cloud = cloud
        self._source = source
        self._clock = clock
        self._tasks = tasks
        self._chance = chance
        self._cache = ConsoleCache(margin)
        self._patience = Patience()
        self._budget = budget
        self._at_once = at_once
        self._turns = Turns(at_once)
        self._missing: set[Kind] = set()
        """Kinds that the cloud has said not to have at all."""
        self._instead: dict[ConsoleKey, Console] = {}
        """By what was asked for: the console of the other kind that the cloud gave, having none of that."""
        self._under_way: dict[ConsoleKey, asyncio.Future[Console]] = {}

    async def obtain(self, key: ConsoleKey, *, insist: bool = False) -> Obtained:
        """A console that is usable now; of the cloud's other kind where it has none of this, unless one insists.

        Raises CloudError or ServerNotFoundError.
        """
        if insist:
            return await self._obtain(key)
        instead = self._usable_instead(key)
        if instead is not None:
            return Obtained(instead, cached=True)
        other = _other_kind(key)
        obtained = await self._either(*((other, key) if key.kind in self._missing else (key, other)))
        self._missing.discard(obtained.console.key.kind)
        if self.keeps and obtained.console.key != key:
            self._instead = {asked: console for asked in self._instead if (console := self._usable_instead(asked))}
            self._instead[key] = obtained.console
        return obtained

    async def _either(self, first: ConsoleKey, then: ConsoleKey) -> Obtained:
        """A console of the first kind, else of the other. Raises CloudError or ServerNotFoundError."""
        try:
            return await self._obtain(first)
        except KindNotOfferedError as refused:
            self._miss(refused)
            try:
                return await self._obtain(then)
            except KindNotOfferedError as second:
                self._miss(second)
                raise self._neither(first, refused) from None

    def _miss(self, refused: KindNotOfferedError) -> None:
        """From now on the cloud is asked for the other kind first, if it has none of this for any server."""
        if refused.everywhere:
            self._missing.add(Kind(refused.kind))

    async def fresh(self, key: ConsoleKey) -> Obtained:
        """A console that nobody else gets. Raises CloudError or ServerNotFoundError."""
        return Obtained(await self._new(key), cached=False)

    def go_on_from(self, before: Broker, *, budget: bool) -> None:
        """Share what another broker knows of the same cloud: its patience, and its `budget` where the rates are those.

        Requests of either are then told to both.
        """
        self._patience = before._patience
        if budget:
            self._budget = before._budget
        self._turns.limit(self._at_once_now())

    def discard(self, console: Console) -> None:
        """Forget a console that the console proxy refused."""
        self._cache.discard(console)

    def __repr__(self) -> str:
        return (
            f"<Broker {self._cloud}: {len(self._cache)} consoles, {len(self._under_way)} requests under way, "
            f"{len(self._turns)} queued>"
        )

    def _usable_instead(self, key: ConsoleKey) -> Console | None:
        """What was given instead, while it is kept. Of this server alone: another's host may have what its has not."""
        console = self._instead.get(key)
        if console is None or self._cache.get(console.key, self._clock.monotonic()) is not console:
            return None
        return console

    def _neither(self, key: ConsoleKey, refused: KindNotOfferedError) -> KindNotOfferedError:
        message = f"{self._cloud} has no console for this server: neither {' nor '.join(CLOUD_KINDS)}."
        return KindNotOfferedError(message, cloud=self._cloud, kind=key.kind, request_id=refused.request_id)

    async def _obtain(self, key: ConsoleKey) -> Obtained:
        if not self.keeps:
            return await self.fresh(key)
        console = self._cache.get(key, self._clock.monotonic())
        if console is not None:
            return Obtained(console, cached=True)
        # No await between the look and the note that a request is under way: there can be no second one.
        asked = self._under_way.get(key) or self._ask(key)
        return Obtained(await asyncio.shield(asked), cached=False)

    def _ask(self, key: ConsoleKey) -> asyncio.Future[Console]:
        asked: asyncio.Future[Console] = asyncio.get_running_loop().create_future()
        self._under_way[key] = asked
        self._tasks.create_task(self._fulfil(key, asked), name=f"console {self._cloud}")
        return asked

    async def _fulfil(self, key: ConsoleKey, asked: asyncio.Future[Console]) -> None:
        """Settle the future whatever happens: somebody may be waiting."""
        try:
            console = await self._new(key)
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

    async def _new(self, key: ConsoleKey) -> Console:
        if key.kind not in CLOUD_KINDS:
            message = f"{self._cloud} has no {key.kind} consoles: it gives {' and '.join(CLOUD_KINDS)} consoles."
            raise KindNotOfferedError(message, cloud=self._cloud, kind=key.kind, hint="Ask for no kind, or for novnc.")
        self._patience.require(key.server_id, self._clock.monotonic())
        async with self._turns.turn():
            now = self._clock.monotonic()
            self._patience.require(key.server_id, now)  # who went before may have been told to wait
            self._spare(key, now)
            return await self._request(key)

    async def _request(self, key: ConsoleKey) -> Console:
        asked_at = self._clock.monotonic()
        try:
            console = await self._source.console(key.server_id, key.kind)
        except CloudError as error:
            now, chance = self._clock.monotonic(), self._chance()
            error.retry_after = self._patience.note(error, key.server_id, now, chance, asked_at)
            raise
        except ServerNotFoundError:
            self._patience.answered(asked_at)
            raise
        else:
            self._patience.good(key.server_id, asked_at)
            return console
        finally:
            self._turns.limit(self._at_once_now())

    def _at_once_now(self) -> int:
        return 1 if self._patience.wary else self._at_once

    def _spare(self, key: ConsoleKey, now: float) -> None:
        """Raises CloudBusyError where the budget has nothing for this request yet."""
        wait = self._budget.due(f"{key.kind} {key.server_id}", now)
        if wait > 0:
            message = (
                f"{self._cloud} is asked for no more consoles in the next {span(wait)}: "
                "the gateway's own budget for it is used up."
            )
            raise CloudBusyError(message, cloud=self._cloud, retry_after=wait)


def _other_kind(key: ConsoleKey) -> ConsoleKey:
    return replace(key, kind=Kind.XVPVNC if key.kind is Kind.NOVNC else Kind.NOVNC)
