"""What a launch waits for before it can go on: a cloud that asks for patience, a server that is not ready.

While it waits, `Launch.waiting` says for what and until when; the page shows it.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol, TypeVar

from launcher.clock import Clock
from launcher.consoles.patience import TRIES, passes, pause
from launcher.errors import CloudError, ConsoleRefusedError, LauncherError, ServerNotFoundError
from launcher.launches import Launch, StepName, Waiting
from launcher.model import Server
from launcher.states import Outlook, reading, told

T = TypeVar("T")

CLOUD_PATIENCE: Final = 120.0
"""Seconds that a launch waits for a cloud that asks for patience or fails for a while; then it says so and ends."""
SERVER_PATIENCE: Final = 1800.0
"""Seconds that a launch waits for a server; its page then begins another one."""
_LONGEST_POLL: Final = 10.0
_A_MOMENT: Final = 2.0
"""Seconds; the shortest pause between two polls."""


class Knows(Protocol):
    async def current(self, cloud: str, server_id: str) -> Server:
        """The server as it is now. Raises CloudError, ServerNotFoundError."""
        ...


class Lookout:
    """What servers were a moment ago: many who wait for the same one ask its cloud together, not each for himself."""

    def __init__(self, directory: Knows, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, Server]] = {}
        """When that was asked for, and what it was."""

    async def current(self, cloud: str, server_id: str) -> Server:
        """The server as it is, or was `_A_MOMENT` ago. Raises CloudError, ServerNotFoundError."""
        now = self._clock.monotonic()
        self._seen = {key: seen for key, seen in self._seen.items() if now - seen[0] < _A_MOMENT}
        seen = self._seen.get((cloud, server_id))
        if seen is not None:
            return seen[1]
        server = await self._directory.current(cloud, server_id)
        self._seen[cloud, server_id] = now, server
        return server


def poll_pause(count: int) -> float:
    """Seconds before poll `count` (from 0): 2, 3, 4.5 … 10."""
    return min(_LONGEST_POLL, 2.0 * 1.5 ** min(count, 10))


async def persist(launch: Launch, clock: Clock, ask: Callable[[], Awaitable[T]], *, retries: bool = False) -> T:
    """What `ask` gives, asked again as long as its failures say when to; with `retries`, a few times where they do not.

    Raises what `ask` raises.
    """
    until = clock.monotonic() + CLOUD_PATIENCE
    for failures in itertools.count(1):
        try:
            return await ask()
        except CloudError as error:
            wait = error.retry_after
            if not wait and retries and failures < TRIES and passes(error):  # a time that is over already is none
                wait = pause(failures, random.random())  # noqa: S311 -- so that many do not come back at once
            if not wait or clock.monotonic() + wait > until:
                raise
            with _waits(launch, Waiting(str(error), clock.monotonic() + wait)):
                await clock.sleep(wait)
    raise AssertionError("not reached")


async def until_ready(launch: Launch, clock: Clock, directory: Knows, server: Server) -> Server:
    """The server once its state lets it have a screen.

    Raises ConsoleRefusedError for a state that does not pass by itself, ServerNotFoundError for one that is gone.
    """
    if launch.anyway or reading(server).outlook is Outlook.READY:
        return server
    with launch.step(StepName.WAIT, told(server)) as step:
        until = clock.monotonic() + SERVER_PATIENCE
        count = 0
        while reading(server).outlook is Outlook.PASSING and clock.monotonic() < until:
            with _waits(launch, Waiting(reading(server).hint, None)):
                await clock.sleep(poll_pause(count))
            server = launch.server = await current(launch, clock, directory, server)
            step.text = told(server)
            count += 1
        if reading(server).outlook is not Outlook.READY:
            raise refusal(server)
    return server


async def current(launch: Launch, clock: Clock, directory: Knows, server: Server) -> Server:
    """The server as it is now. Raises CloudError, ServerNotFoundError."""
    try:
        return await persist(launch, clock, lambda: directory.current(server.cloud, server.id), retries=True)
    except ServerNotFoundError as error:
        message = f"{server.name} is deleted: {server.cloud} does not have it any more."
        raise ServerNotFoundError(message, request_id=error.request_id) from error


def refusal(server: Server, error: CloudError | None = None, *, page: bool = True) -> ConsoleRefusedError:
    """Why a server in its state has no console; `error` is what the cloud said of it.

    Its hint is for who has the server's page open, or (not `page`) for who asked once.
    """
    fault = f": {server.fault}" if server.status == "ERROR" and server.fault else ""
    return ConsoleRefusedError(
        f"{told(server)}{fault.removesuffix('.')}.",
        cloud=server.cloud,
        request_id=error.request_id if error else None,
        state=server.status,
        hint=(reading(server).hint if page else reading(server).advice) or None,
    )


def unexplained(server: Server, error: LauncherError) -> LauncherError:
    """The cloud's `error` where the server's state does not explain it: it is said of both that they do not agree."""
    if not isinstance(error, ConsoleRefusedError | ServerNotFoundError):
        return error
    stays = "give the request id to the cloud's support" if error.request_id else "ask the cloud's support"
    return ConsoleRefusedError(
        f"{told(server)}, and yet {error}",
        cloud=server.cloud,
        request_id=error.request_id,
        state=server.status,
        hint=f"Try again in a minute; if it stays so, {stays}.",
    )


@contextmanager
def _waits(launch: Launch, waiting: Waiting) -> Iterator[None]:
    launch.waiting = waiting
    try:
        yield
    finally:
        launch.waiting = None
