"""Opens consoles while a load is under way: as an admitted account over loopback TCP, as root over the Unix socket."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

TCP, UNIX = "tcp", "unix"
WAYS = (TCP, UNIX)
_PYTHON = "/usr/bin/python3"
_SOURCE = Path(__file__).with_name("opener.py")


class Doors(Protocol):
    """Where a gateway listens: `tests.process.daemon.Daemon`, or one in the test's own loop."""

    @property
    def port(self) -> int: ...

    @property
    def socket_path(self) -> Path: ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """One console that was asked for."""

    ok: bool
    ms: float
    """Milliseconds to the first `RFB ` bytes, or to the failure."""
    why: str
    """What went wrong; empty where nothing did."""


@dataclass(frozen=True, slots=True)
class Delays:
    """What came of all attempts of one way in."""

    opened: int
    failed: int
    p50: float
    """Milliseconds, over the attempts that opened a console; 0 where none did."""
    p99: float
    worst: float
    reasons: tuple[str, ...]
    """Why attempts failed: each reason once."""

    def __str__(self) -> str:
        return f"{self.opened} opened, {self.failed} failed, {self.p50:.0f} / {self.p99:.0f} / {self.worst:.0f} ms"


def delays_of(attempts: list[Attempt]) -> Delays:
    """Counts and percentiles (nearest rank) of these attempts."""
    taken = sorted(one.ms for one in attempts if one.ok)
    failed = [one.why for one in attempts if not one.ok]

    def percentile(share: float) -> float:
        return taken[min(len(taken) - 1, int(len(taken) * share))] if taken else 0.0

    reasons = tuple(dict.fromkeys(failed))
    return Delays(len(taken), len(failed), percentile(0.5), percentile(0.99), percentile(1), reasons)


@dataclass
class _Way:
    """One way in: the program that takes it, and what it has told."""

    process: asyncio.subprocess.Process
    reading: asyncio.Task[None] | None = None
    attempts: list[Attempt] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def read(self) -> None:
        """Take in each line that the program prints, to its end."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self.news:
                self.attempts.append(Attempt(**json.loads(line)))
                self.news.notify_all()


class Bystander:
    """Opens one console after another, both ways, from a process each, for as long as the context lasts.

    `account` takes the TCP way, and must be admitted by the daemon's configuration; None is the suite's own. The Unix
    socket is always taken by the suite's own account, which is root.
    """

    def __init__(
        self,
        daemon: Doors,
        path: str = "/ws/lab/web-01",
        *,
        account: pwd.struct_passwd | None = None,
        pause: float = 0.05,
        patience: float = 20.0,
    ) -> None:
        """`pause` is the seconds between two attempts; one that takes longer than `patience` seconds has failed."""
        self._daemon = daemon
        self._path = path
        self._account = account
        self._times = (str(pause), str(patience))
        self._ways: dict[str, _Way] = {}
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        for way, where in ((TCP, str(self._daemon.port)), (UNIX, str(self._daemon.socket_path))):
            self._ways[way] = _Way(await self._start(way, where))
            self._ways[way].reading = self._tasks.create_task(self._ways[way].read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for way in self._ways.values():
            with suppress(ProcessLookupError):
                way.process.kill()
            await way.process.wait()
        await self._tasks.__aexit__(None, None, None)

    async def _start(self, way: str, where: str) -> asyncio.subprocess.Process:
        account = self._account if way == TCP else None
        return await asyncio.create_subprocess_exec(
            *(_PYTHON, "-I", "-c", _SOURCE.read_text(), where, self._path, *self._times),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            cwd="/",
            user=os.geteuid() if account is None else account.pw_uid,
            group=os.getegid() if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
        )

    def attempts(self, way: str) -> list[Attempt]:
        """All that are over, of one of `WAYS`."""
        return list(self._ways[way].attempts)

    async def opens(self, more: int = 1, *, within: float = 60.0) -> None:
        """Wait until `more` consoles have opened each way from now on. Raises AssertionError after `within` seconds."""
        for way in WAYS:
            await self._opens(way, more, within)

    async def _opens(self, way: str, more: int, within: float) -> None:
        told = self._ways[way]
        before = len(told.attempts)

        def enough() -> bool:
            return sum(one.ok for one in told.attempts[before:]) >= more

        try:
            async with asyncio.timeout(within), told.news:
                await told.news.wait_for(enough)
        except TimeoutError:
            reasons = delays_of(told.attempts[before:]).reasons or ("no attempt has ended",)
            raise AssertionError(f"{more} consoles did not open by {way}: {'; '.join(reasons)}") from None

    def report(self) -> dict[str, Delays]:
        """What came of it, by way in (`WAYS`)."""
        return {way: delays_of(told.attempts) for way, told in self._ways.items()}
