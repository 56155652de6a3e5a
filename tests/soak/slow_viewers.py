"""Slow viewers of a server that sends without end, through websockify on eventlet: `python -m tests.soak.slow_viewers`

A stock websockify on eventlet dies of a ping that comes while its own sending is held up, and its session with it. So
this holds that up in every session all the time: each viewer reads far less than its server sends. All sessions must be
there at the end. The gate has a small run of it (`tests/process/test_keep_alive.py`).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import BANNER, ON_EVENTLET, ConsoleProxy
from tests.fakes.flooding_server import FloodingServer
from tests.fakes.viewer import Viewer
from tests.process.daemon import Daemon

MEBIBYTE = 1024**2
_TURNS = 16
"""Readings a second: a slow line brings its bytes evenly."""


@dataclass(slots=True)
class Seen:
    """What a run saw."""

    viewers: int
    lasted: list[float] = field(default_factory=list)
    """Seconds after which sessions ended before their time, in order."""
    taken: int = 0
    """Bytes that all viewers have read."""

    @property
    def alive(self) -> int:
        """Sessions that were there to the end."""
        return self.viewers - len(self.lasted)


async def _look(viewer: Viewer, seconds: float, rate: int, seen: Seen) -> None:
    """Shake hands, then read `rate` bytes a second; whether the session ends before its time goes into `seen`."""
    began = time.monotonic()
    await viewer.greeted()
    for said in (BANNER, b"\1", b"\1"):
        viewer.send(said)
        await viewer.message()
    turn = began
    while turn < began + seconds:
        try:
            seen.taken += len(await viewer.reader.readexactly(rate // _TURNS))
        except (asyncio.IncompleteReadError, ConnectionError):
            seen.lasted.append(time.monotonic() - began)
            return
        turn += 1 / _TURNS
        await asyncio.sleep(turn - time.monotonic())


async def run(folder: Path, output: Path, *, viewers: int, seconds: float, ping: str, rate: int = MEBIBYTE) -> Seen:
    """So many slow viewers for so long, all through one console proxy; `ping` as in the configuration.

    `folder` is the console proxy's, whose log holds console tokens; `output` is the daemon's.
    """
    seen = Seen(viewers)
    async with AsyncExitStack() as stack:
        compute = await stack.enter_async_context(FakeCompute())
        proxy = await stack.enter_async_context(ConsoleProxy(folder, command=ON_EVENTLET))
        server = await stack.enter_async_context(FloodingServer(rate))
        compute.add_server("web-01")
        compute.mint = lambda *_: proxy.url(server.port)
        clouds = {"lab": {"provider": "none", "endpoint": compute.endpoint}}
        daemon = await stack.enter_async_context(Daemon(output, clouds, relay={"ping": ping}))
        ends = [await stack.enter_async_context(Viewer(daemon.port, "/ws/lab/web-01")) for _ in range(viewers)]
        async with asyncio.TaskGroup() as tasks:
            for end in ends:
                tasks.create_task(_look(end, seconds, rate, seen))
    return seen


def main(arguments: list[str] | None = None) -> int:
    """0: all sessions were there at the end."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak.slow_viewers", description=(__doc__ or "").partition(": `")[0]
    )
    parser.add_argument("--viewers", type=int, default=30, help="how many (30)")
    parser.add_argument("--seconds", type=float, default=300.0, help="for how long (300)")
    parser.add_argument("--rate", type=float, default=1.0, help="MiB that each reads a second (1)")
    parser.add_argument("--ping", default="1s", help="the gateway's relay.ping (1s)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        seen = asyncio.run(
            run(
                Path(folder) / "proxy",
                Path(folder) / "daemon",
                viewers=options.viewers,
                seconds=options.seconds,
                ping=options.ping,
                rate=round(options.rate * MEBIBYTE),
            )
        )
    print(f"{seen.alive} of {seen.viewers} sessions were there after {options.seconds:g} s, ping {options.ping};")
    print(f"they took {seen.taken / MEBIBYTE:.0f} MiB, {seen.taken / MEBIBYTE / options.seconds:.1f} MiB/s in all.")
    if seen.lasted:
        print("Ended before their time after", ", ".join(f"{lasted:.1f}" for lasted in seen.lasted), "s.")
    return 0 if seen.alive == seen.viewers else 1


if __name__ == "__main__":
    sys.exit(main())
