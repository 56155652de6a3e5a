"""The API token of a cloud: fetched once for all who wait, reused, renewed before its end and once after a 401.

How long a token holds, and a refusal, `holding` decides. The sign-in itself blocks and runs in a worker thread
(`signin`); a thread cannot be cancelled, so that a waiter who leaves takes nothing from the others.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from launcher.clock import Clock
from launcher.cloud.holding import Holding, retold
from launcher.cloud.signin import Door, Grant, compute_regions, door_of, sign_in
from launcher.cloud.signin_faults import fault_of_signin
from launcher.cloud.transport import hush
from launcher.config.models import Cloud
from launcher.egress import Listeners, NoListeners
from launcher.errors import CloudCredentialsError, CloudError, CloudUnreachableError, LauncherError
from launcher.model import Secret
from launcher.spans import span

_T = TypeVar("_T")

_LONGEST_SIGN_IN = 60.0
_NOWHERE = NoListeners()


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
    loopback: bool = False
    """Whether the operator's own words put the cloud on loopback: only then is it dialled there, or its consoles."""


@dataclass(frozen=True, slots=True)
class _Granted:
    access: ApiAccess
    asked_at: float
    life: float | None


class SharedAccess:
    """Keeps what `ask`, which blocks, gave, and asks once for all who wait; `Holding` decides how long either holds."""

    def __init__(self, cloud: str, ask: Callable[[], Grant], clock: Clock, pool: ThreadPoolExecutor) -> None:
        self._cloud = cloud
        self._ask = ask
        self._clock = clock
        self._pool = pool
        self._holding = Holding[ApiAccess]()
        self._under_way: asyncio.Future[_Granted | CloudError] | None = None
        self._patient_until = 0.0

    async def access(self) -> ApiAccess:
        """A token that is good for a while yet. Raises CloudError."""
        known = self._holding.known(self._clock.monotonic())
        if known is None:
            known = await self._signed_in()
        if isinstance(known, CloudError):
            raise known
        return known

    async def renew(self, refused: ApiAccess) -> ApiAccess:
        """Another than the one that a 401 refused; once for all who saw the same refused. Raises CloudError."""
        wait = self._holding.refuse(refused, self._clock.monotonic())
        if wait is not None:
            raise _still_refused(self._cloud, wait)
        return await self.access()

    async def _signed_in(self) -> ApiAccess | CloudError:
        """What the sign-in gives that is under way, or a new one; every waiter gets an error of its own."""
        now = self._clock.monotonic()
        under_way = self._under_way
        if under_way is None:
            under_way = asyncio.get_running_loop().run_in_executor(self._pool, self._sign_in)
            under_way.add_done_callback(self._landed)
            self._under_way = under_way
            self._patient_until = now + _LONGEST_SIGN_IN
        try:
            async with asyncio.timeout(max(0.0, self._patient_until - now)):
                outcome = await asyncio.shield(under_way)
        except TimeoutError as error:
            raise _too_slow(self._cloud) from error
        if isinstance(outcome, _Granted):
            return outcome.access
        known = self._holding.known(self._clock.monotonic())
        return known if isinstance(known, ApiAccess) else retold(outcome)

    def _landed(self, under_way: asyncio.Future[_Granted | CloudError]) -> None:
        self._under_way = None
        if under_way.cancelled() or under_way.exception() is not None:  # looking at it also marks it as seen
            return
        outcome = under_way.result()
        if isinstance(outcome, _Granted):
            self._holding.granted(outcome.access, outcome.asked_at, outcome.life)
        else:
            self._holding.failed(outcome, self._clock.monotonic())

    def _sign_in(self) -> _Granted | CloudError:
        """In the worker thread; the life counts from before the request."""
        asked_at = self._clock.monotonic()
        try:
            grant = self._ask()
        except CloudError as error:
            return error
        expires_at = None if grant.life is None else asked_at + grant.life
        return _Granted(
            ApiAccess(grant.token, grant.endpoint, expires_at, grant.tls, grant.loopback), asked_at, grant.life
        )


def identity_of(cloud: Cloud, clock: Clock, pool: ThreadPoolExecutor, own: Listeners = _NOWHERE) -> SharedAccess:
    """The cloud's identity, whatever its provider; nothing is asked yet. `own` is where this process listens."""
    hush()

    def ask() -> Grant:
        return _told(cloud, clock, lambda: sign_in(cloud, clock.now(), own))

    return SharedAccess(cloud.name, ask, clock, pool)


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


def _still_refused(cloud: str, wait: float) -> CloudCredentialsError:
    message = (
        f"{cloud} does not accept the gateway's API token. Check the account that the gateway uses there. "
        f"A new token is tried in {span(wait)}."
    )
    return CloudCredentialsError(message, cloud=cloud)
