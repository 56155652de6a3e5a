"""The processes of one run, and the questions that parts ask them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks.processes import (
    BenchmarkError,
    Partner,
    cpu_ns,
    cpu_seconds_between,
    free_port,
    last_words,
    partner,
    pss_kib,
    running,
)
from tests.fakes.compute import FakeCompute
from tests.fakes.issued import issue
from tests.soak.figures import Figure, at_most, milliseconds
from tests.soak.upstream import ONCE

SERVERS = 200
"""Servers that have many sessions each; consoles are kept, as they are for people."""
_ONCE_SERVERS = 256
_SETTLE_TIME = 40.0
_LAUNCHES_KEPT = 2000
"""Launches that are over, kept for their pages."""


@dataclass(frozen=True, slots=True)
class Left:
    """What the gateway holds while nobody is there."""

    descriptors: int
    tasks: int
    pss_kib: int

    def figures(self, part: str, before: Left) -> list[Figure]:
        """Lines of the table."""
        return [
            at_most(part, "descriptors left over", self.descriptors - before.descriptors, 0),
            at_most(part, "tasks left over", self.tasks - before.tasks, 0),
        ]


@dataclass(frozen=True, slots=True)
class Delays:
    """p50, p99 and max in seconds."""

    delays: dict[str, float]
    """By which what was due came late."""
    collections: dict[str, float]
    """That single garbage collections took: they are among the causes."""

    def figures(self, part: str, when: str) -> list[Figure]:
        """Lines of the table."""
        longest = f"{self.collections['max'] * 1000:,.1f} ms"
        return [
            milliseconds(part, f"event-loop delay {when}, p50 / p99 / max", self.delays, 1000),
            Figure(part, f"longest garbage collection {when}", longest),
        ]


class World:
    """One gateway with its console proxy and its viewers."""

    def __init__(
        self,
        gateway: Partner,
        process: asyncio.subprocess.Process,
        port: int,
        *,
        cloud: int,
        upstream: Partner,
        viewers: Partner,
        quiet: float,
    ) -> None:
        self.gateway = gateway
        self.upstream = upstream
        self.viewers = viewers
        self.port = port
        self._process = process
        self._cloud = cloud
        self._quiet = quiet

    @property
    def servers(self) -> list[str]:
        """The names of servers that may have any number of sessions."""
        return [f"web-{number:03}" for number in range(SERVERS)]

    def memory_kib(self) -> int:
        """The gateway's PSS."""
        return pss_kib(self._process.pid)

    def cpu(self) -> dict[int, int]:
        """For `cpu_between`."""
        return cpu_ns(self._process.pid)

    @staticmethod
    def cpu_between(before: dict[int, int], after: dict[int, int]) -> float:
        """Seconds of the gateway's CPU."""
        return cpu_seconds_between(before, after)

    async def delays(self) -> Delays:
        """Of the gateway's event loop, since the last call."""
        return Delays(**await self.gateway.ask(do="delays"))

    async def left(self, wanted: Left | None = None) -> Left:
        """What is left once it has settled: no more than `wanted`, if that comes about in a while."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _SETTLE_TIME
        while True:
            await asyncio.sleep(self._quiet)
            found = Left(**await self.gateway.ask(do="count", cloud=self._cloud), pss_kib=self.memory_kib())
            settled = wanted is None or (found.descriptors <= wanted.descriptors and found.tasks <= wanted.tasks)
            if settled or loop.time() > deadline:
                return found

    async def left_over(self, part: str) -> list[Figure]:
        """Lines of the table: what no garbage collection finds to be garbage."""
        found = await self.gateway.ask(do="collect")
        launches = found.pop("Launch")
        told = ", ".join(f"{count} {name}" for name, count in found.items() if count) or "none"
        return [
            Figure(part, "sessions, pumps and ends left over", told, "none", not any(found.values())),
            at_most(part, "launches that are kept", launches, _LAUNCHES_KEPT),
        ]

    async def stop(self, patience: float) -> tuple[int | None, float]:
        """SIGTERM; the exit code and the seconds that it took. None: it did not end."""
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._process.wait()
        return self._process.returncode, loop.time() - began_at


@contextlib.asynccontextmanager
async def world(sessions: int, folder: Path | None = None, *, quiet: float = 2.0) -> AsyncIterator[World]:
    """All processes for as long as the block runs; logs go into `folder`. What is left is looked at after `quiet` s."""
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        async with (
            FakeCompute() as compute,
            partner("tests.soak.upstream", Path(name)) as upstream,
            partner("tests.soak.viewers", Path(name)) as viewers,
        ):
            _fill(compute, (await upstream.hear())["listening"])
            log = (folder or Path(name)) / "gateway.log"
            port = free_port()
            file = Path(name) / "config.yaml"
            file.write_text(yaml.safe_dump(_config(compute.endpoint, port, sessions)))
            command = (sys.executable, "-m", "tests.soak.gateway", "--config", str(file))
            async with running(*command, log=log, pipes=True) as process:
                gateway = Partner(process, log)
                await gateway.hear()
                try:
                    yield World(
                        gateway, process, port, cloud=compute.port, upstream=upstream, viewers=viewers, quiet=quiet
                    )
                except BenchmarkError as error:
                    raise BenchmarkError(f"{error}\nThe end of the gateway's log: {last_words(log)}") from error


def _fill(compute: FakeCompute, listening: list[list[Any]]) -> None:
    """Servers, and console URLs that lead to one of the console proxy's addresses by turns."""
    names = [f"web-{number:03}" for number in range(SERVERS)]
    names += [f"{ONCE}{number}" for number in range(_ONCE_SERVERS)]
    ids = {compute.add_server(name): name for name in names}
    places = itertools.cycle(listening)

    def mint(server_id: str, kind: str) -> str:
        host, port = next(places)
        return f"ws://{host}:{port}/{ids[server_id]}?token={issue()}"

    compute.mint = mint


def _config(endpoint: str, port: int, sessions: int) -> dict[str, Any]:
    return {
        "listen": [f"127.0.0.1:{port}"],
        "public_urls": [f"http://127.0.0.1:{port}"],
        "clouds": {
            "soak": {"provider": "none", "endpoint": endpoint, "budget": {"per_minute": 1_000_000, "at_once": 100}}
        },
        "relay": {"sessions": sessions + 100},
    }
