"""A viewer that stops reading while the upstream tries to send a gigabyte makes the upstream wait."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import FaultyProxy, frame
from tests.fakes.viewer import Viewer
from tests.process.daemon import Daemon

GIGABYTE = 10**9
CHUNK = frame(bytes(16384)) * 16
ALLOWED_GROWTH = 2 * 1024**2


def resident(pid: int) -> int:
    """Bytes of memory that a process holds now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel tells no VmRSS")


async def flood(proxy: FaultyProxy, sent: list[int], total: int) -> None:
    """Send as fast as the other end takes it."""
    while sum(sent) < total:
        await proxy.send_raw(CHUNK)
        sent.append(len(CHUNK))


async def until_it_stands_still(sent: list[int]) -> int:
    """How much had been taken when nothing more was, for two seconds."""
    while True:
        before = sum(sent)
        await asyncio.sleep(2)
        if sum(sent) == before:
            return before


def stop_reading(viewer: Viewer) -> None:
    transport = viewer.writer.transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()


async def test_a_viewer_that_stops_reading_stops_the_upstream_and_costs_little(suite_output: Path) -> None:
    async with AsyncExitStack() as stack:
        compute = await stack.enter_async_context(FakeCompute())
        proxy = await stack.enter_async_context(FaultyProxy())
        compute.add_server("web-01")
        clouds = {"prod": {"provider": "none", "endpoint": compute.endpoint}}
        daemon = await stack.enter_async_context(Daemon(suite_output / "daemons", clouds))
        compute.mint = lambda *_: proxy.url()
        assert daemon.process is not None
        async with Viewer(daemon.port, "/ws/prod/web-01") as warm, asyncio.TaskGroup() as tasks:
            await warm.greeted()
            size = 64 * len(CHUNK)
            tasks.create_task(flood(proxy, [], size))
            await warm.reader.readexactly(size)
        async with Viewer(daemon.port, "/ws/prod/web-01") as viewer, asyncio.TaskGroup() as tasks:
            await viewer.greeted()
            stop_reading(viewer)
            before = resident(daemon.process.pid)
            sent: list[int] = []
            flooding = tasks.create_task(flood(proxy, sent, GIGABYTE))
            taken = await until_it_stands_still(sent)
            grown = resident(daemon.process.pid) - before
            print(f"{taken / 1024**2:.1f} MiB are in the kernel's buffers; the daemon grew by {grown / 1024:.0f} KiB")
            assert taken < GIGABYTE // 10
            assert grown < ALLOWED_GROWTH
            flooding.cancel()
