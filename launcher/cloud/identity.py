"""The API token of a cloud: fetched once for all who wait, reused, renewed before its end and once after a 401.

The sign-in itself blocks and runs in a worker thread (`signin`); a thread cannot be cancelled, so that a waiter who
leaves takes nothing from the others.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from launcher.clock import Clock
from launcher.cloud.signin import Door, Grant, compute_regions, door_of, sign_in
from launcher.cloud.signin_faults import fault_of_signin
from launcher.cloud.transport import hush
from launcher.config.models import Cloud
from launcher.errors import CloudUnreachableError, LauncherError
from launcher.model import Secret

_T = TypeVar("_T")

_MARGIN = 120.0
_LONGEST_SIGN_IN = 60.0


@dataclass(frozen=True, slots=True)
class ApiAccess:
    """The right to ask a Compute API."""

    token: Secret | None
    """The API token; None where the cloud wants none."""
    endpoint: str
    """Without a slash at its end."""
    expires_at: float | None
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    """How the endpoint's certificate is checked; None: against the system's authorities."""


@dataclass(frozen=True, slots=True)
class _Kept:
    access: ApiAccess
    good_until: float | None
    """When it is to be renewed."""


class SharedAccess:
    """Keeps what `ask`, which blocks, gave, and asks once for all who wait."""

    def __init__(self, cloud: str, ask: Callable[[], Grant], clock: Clock, pool: ThreadPoolExecutor) -> None:
        self._cloud = cloud
        self._ask = ask
        self._clock = clock
        self._pool = pool
        self._kept: _Kept | None = None
        self._under_way: asyncio.Future[_Kept] | None = None

    async def access(self) -> ApiAccess:
        """A token that is good for a while yet. Raises CloudError."""
        kept = self._kept
        if kept is not None and (kept.good_until is None or self._clock.monotonic() < kept.good_until):
            return kept.access
        return await self._signed_in()

    async def renew(self, refused: ApiAccess) -> ApiAccess:
        """Another than the one that a 401 refused; once for all who saw the same refused. Raises CloudError."""
        if self._kept is not None and self._kept.access is refused:
            self._kept = None
        return await self.access()

    async def _signed_in(self) -> ApiAccess:
        under_way = self._under_way
        if under_way is None:
            under_way = asyncio.get_running_loop().run_in_executor(self._pool, self._sign_in)
            under_way.add_done_callback(self._landed)
            self._under_way = under_way
        try:
            async with asyncio.timeout(_LONGEST_SIGN_IN):
                return (await asyncio.shield(under_way)).access
        except TimeoutError as error:
            raise _too_slow(self._cloud) from error

    def _landed(self, under_way: asyncio.Future[_Kept]) -> None:
        self._under_way = None
        if not under_way.cancelled() and under_way.exception() is None:  # looking at it also marks it as seen
            self._kept = under_way.result()

    def _sign_in(self) -> _Kept:
        """In the worker thread; the life counts from before the request."""
        asked_at = self._clock.monotonic()
        grant = self._ask()
        expires_at = None if grant.life is None else asked_at + grant.life
        good_until = None if grant.life is None else asked_at + grant.life - min(_MARGIN, grant.life / 4)
        return _Kept(ApiAccess(grant.token, grant.endpoint, expires_at, grant.tls), good_until)


def identity_of(cloud: Cloud, clock: Clock, pool: ThreadPoolExecutor) -> SharedAccess:
    """The cloud's identity, whatever its provider; nothing is asked yet."""
    hush()
    return SharedAccess(cloud.name, lambda: _told(cloud, clock, lambda: sign_in(cloud, clock.now())), clock, pool)


async def regions_of(cloud: Cloud, clock: Clock, pool: ThreadPoolExecutor) -> tuple[str, ...]:
    """Signs in and tells the regions in which the account has a Compute endpoint; none without catalog.

    Raises CloudError.
    """
    return await _within(cloud, clock, pool, lambda: compute_regions(cloud))


async def identity_door(cloud: Cloud, clock: Clock, pool: ThreadPoolExecutor) -> Door | None:
    """Where the cloud signs in, by its entry and the files that it names; None where it does so nowhere.

    Raises CloudError.
    """
    return await _within(cloud, clock, pool, lambda: door_of(cloud))


async def _within(cloud: Cloud, clock: Clock, pool: ThreadPoolExecutor, ask: Callable[[], _T]) -> _T:
    """What `ask`, which blocks, gives. Raises CloudError."""
    hush()
    asked = asyncio.get_running_loop().run_in_executor(pool, _told, cloud, clock, ask)
    try:
        async with asyncio.timeout(_LONGEST_SIGN_IN):
            return await asked
    except TimeoutError as error:
        raise _too_slow(cloud.name) from error


def _told(cloud: Cloud, clock: Clock, ask: Callable[[], _T]) -> _T:
    """What `ask` gives, its faults in our words. Raises CloudError."""
    try:
        return ask()
    except LauncherError:
        raise
    except Exception as error:  # a plugin may raise anything: one cloud's entry must not look like our own fault
        raise fault_of_signin(cloud.name, error, clock.now()) from error


def _too_slow(cloud: str) -> CloudUnreachableError:
    message = f"{cloud}: signing in takes longer than {_LONGEST_SIGN_IN:.0f} s."
    return CloudUnreachableError(message, cloud=cloud)
