"""Asks once for all who wait, without a task of its own.

The first caller does the work; the others wait for its outcome. A caller who leaves takes nothing from the others: if
it was the one at work, the next of them begins anew. So the work must be safe to do twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from launcher.errors import LauncherError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Landed(Generic[T]):
    """How the work ended; neither value nor error: whoever did it has left."""

    value: T | None = None
    error: LauncherError | None = None


class Flight(Generic[T]):
    """One piece of work that many may ask for at the same time; its failures are shared, not kept."""

    def __init__(self) -> None:
        self._under_way: asyncio.Future[_Landed[T]] | None = None

    @property
    def busy(self) -> bool:
        """Whether the work is being done."""
        return self._under_way is not None

    async def share(self, work: Callable[[], Awaitable[T]]) -> T:
        """The outcome of `work`, begun by this caller or by one before. Raises what `work` raises."""
        while self._under_way is not None:
            landed = await asyncio.shield(self._under_way)
            if landed.error is not None:
                raise landed.error
            if landed.value is not None:
                return landed.value
        return await self._lead(work)

    async def _lead(self, work: Callable[[], Awaitable[T]]) -> T:
        under_way = self._under_way = asyncio.get_running_loop().create_future()
        landed: _Landed[T] = _Landed()
        try:
            value = await work()
            landed = _Landed(value=value)
        except LauncherError as error:
            landed = _Landed(error=error)
            raise
        else:
            return value
        finally:
            self._under_way = None
            under_way.set_result(landed)
