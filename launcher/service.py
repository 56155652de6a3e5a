"""The gateway as a service: what it says to systemd while it runs, and how it reloads.

    status     "3 sessions, 2 clouds", told when it has changed
    watchdog   told by the event loop itself, at half the interval: one that is blocked tells nothing, and is ended
    reload     configuration read in a thread → all of it takes effect, or nothing of it and every problem is logged

Reloads are made one at a time; whoever asks while one is under way gets another one after it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final, Protocol

from launcher.audit.log import describe, set_level
from launcher.clock import Clock
from launcher.config.changes import cloud_changes, fixed_changes
from launcher.config.models import Config
from launcher.errors import ConfigError
from launcher.parts import Gathered, gather
from launcher.systemd import Supervision

_LOG = logging.getLogger(__name__)

READ_TIMEOUT: Final = 30.0
"""Seconds for reading a configuration; a directory service may be asked for its accounts."""
_STATUS_INTERVAL = 1.0
_BUT = "the gateway serves all the same"
_BUT_ACCOUNTS = "everybody else is served; an account that appears later comes in without a reload"


class Replaceable(Protocol):
    """The gateway, as far as a service goes."""

    @property
    def sessions(self) -> Counted: ...
    def clouds(self) -> tuple[str, ...]: ...
    def replace(self, gathered: Gathered) -> frozenset[str]: ...


class Counted(Protocol):
    def __len__(self) -> int: ...


class Service:
    """Keeps systemd informed, and reloads when asked."""

    def __init__(
        self,
        gateway: Replaceable,
        config: Config,
        *,
        read: Callable[[], Config],
        asked: asyncio.Event,
        given: Supervision,
        clock: Clock,
    ) -> None:
        """`config` is in force; `read` gives the one that is to be, raising ConfigError, whenever `asked` is set."""
        self._gateway = gateway
        self._config = config
        self._read = read
        self._notifier = given.notifier
        self._watchdog = given.watchdog
        self._clock = clock
        self._asked = asked
        self._notice = ""
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="reload")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tell systemd that the gateway serves, and do the rest as long as the context lasts."""
        async with asyncio.TaskGroup() as tasks:
            own = [tasks.create_task(self._reload_when_asked(), name="reload")]
            if self._notifier.listens:
                self._notifier.ready(self.status())
                own.append(tasks.create_task(self._tell_status(), name="status"))
            if self._watchdog is not None:
                own.append(tasks.create_task(self._stay_alive(self._watchdog / 2), name="watchdog"))
            try:
                yield
            finally:
                for task in own:
                    task.cancel()
                self._threads.shutdown(wait=False, cancel_futures=True)

    def status(self) -> str:
        """One line on how it stands."""
        sessions, clouds = len(self._gateway.sessions), len(self._gateway.clouds())
        counted = f"{_number(sessions, 'session')}, {_number(clouds, 'cloud')}"
        return f"{counted}; {self._notice}" if self._notice else counted

    async def reload(self) -> None:
        """Read the configuration and let it take effect, all of it or nothing; whatever is wrong is logged."""
        self._notifier.reloading(self._clock.monotonic())
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                loop = asyncio.get_running_loop()
                config, gathered = await loop.run_in_executor(self._threads, self._look)
        except ConfigError as error:
            for problem in error.problems:
                _LOG.error("not reloaded: %s", problem)
            self._kept_old(_number(len(error.problems), "problem"))
        except TimeoutError:
            _LOG.error("not reloaded: reading the configuration takes longer than %.0f s", READ_TIMEOUT)
            self._kept_old("reading takes too long")
        except Exception as error:  # noqa: BLE001 -- the gateway goes on as it was
            _LOG.error("not reloaded: a fault of the gateway: %s", describe(error))
            self._kept_old("a fault of the gateway")
        else:
            self._take(config, gathered)
        self._notifier.ready(self.status())

    def _look(self) -> tuple[Config, Gathered]:
        """In the thread."""
        config = self._read()
        return config, gather(config)

    def _take(self, config: Config, gathered: Gathered) -> None:
        """No await: nobody ever meets half of it."""
        before = self._gateway.clouds()
        anew = self._gateway.replace(gathered)
        set_level(config.log_level)
        self._notice = ""
        tell_doubts(config)
        changes = cloud_changes(before, self._gateway.clouds(), anew)
        _LOG.info("reloaded: %s%s", _number(len(gathered.clouds), "cloud"), f" ({changes})" if changes else "")
        fixed = fixed_changes(self._config, config)
        if fixed:
            self._notice = f"{', '.join(fixed)}: at the next restart"
            _LOG.warning("%s: takes effect at the next restart", ", ".join(fixed))

    def _kept_old(self, why: str) -> None:
        self._notice = f"last reload failed ({why}, see the log), the configuration before it is in force"

    async def _reload_when_asked(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self.reload()

    async def _tell_status(self) -> None:
        told = ""
        while True:
            status = self.status()
            if status != told:
                self._notifier.status(status)
                told = status
            self._notifier.settle()
            await asyncio.sleep(_STATUS_INTERVAL)

    async def _stay_alive(self, interval: float) -> None:
        while True:
            self._notifier.alive()
            await asyncio.sleep(interval)


def tell_doubts(config: Config) -> None:
    """To the log: what a gateway with this configuration serves in spite of."""
    for doubt in config.doubts:
        _LOG.warning("%s (%s)", doubt, _BUT_ACCOUNTS if doubt.key.startswith("access.") else _BUT)


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
