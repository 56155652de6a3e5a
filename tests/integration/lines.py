"""A whole way with a line that can go wrong on either leg.

viewer ═ gateway ═ stock websockify ─ screen
viewer ═ gateway ─ xvpvnc proxy ─ screen
viewer ═ gateway ─ screen
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.fakes.console_proxy import BANNER, ConsoleProxy
from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.raw_screen import RawScreen
from tests.fakes.viewer import Viewer
from tests.fakes.xvp_proxy import XvpProxy
from tests.integration.conftest import RunGateway, Running

_PATTERN = bytes(range(256)) * 400


@dataclass(frozen=True, slots=True)
class Way:
    """Everything on the way; `near` is the viewer's leg, `far` the gateway's leg to the console proxy or the screen."""

    running: Running
    near: FaultProxy
    far: FaultProxy
    screen: RawScreen
    cloud: str

    def viewer(self) -> Viewer:
        return Viewer(self.near.port, f"/ws/{self.cloud}/web-01")

    async def at_rest(self) -> None:
        """Wait until no session, no line and no connection to the screen is open. Raises TimeoutError."""
        await self.running.settled()
        await self.near.until_quiet()
        await self.far.until_quiet()
        await self.screen.until_left()


@asynccontextmanager
async def whole_way(
    run_gateway: RunGateway, proxy: ConsoleProxy | XvpProxy | None, screen: RawScreen, **gateway: Any
) -> AsyncIterator[Way]:
    """A gateway whose one server shows `screen`, through `proxy` or itself.

    At its end nothing may be left of the sessions within: no place, no task, no descriptor.
    """
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(screen)
        far = await stack.enter_async_context(FaultProxy(proxy.port if proxy else screen.port))
        if proxy is None:
            servers = {"web-01": {"vnc": f"tcp://127.0.0.1:{far.port}"}}
            gateway["more_clouds"] = {"lab": {"provider": "static", "servers": servers}}
        running = await stack.enter_async_context(run_gateway(**gateway))
        near = await stack.enter_async_context(FaultProxy(running.port))
        _mint(running, proxy, f"http://127.0.0.1:{far.port}", screen.port)
        way = Way(running, near, far, screen, "prod" if proxy else "lab")
        await _warm_up(running)
        before = _open_things()
        yield way
        near.mend()
        far.mend()
        await way.at_rest()
        async with asyncio.timeout(5):
            while (left := _open_things()) > before:
                await asyncio.sleep(0.01)
        assert left <= before


def _mint(running: Running, proxy: ConsoleProxy | XvpProxy | None, base: str, screen: int) -> None:
    """Let the cloud make consoles that lead over `base` to the screen."""
    if isinstance(proxy, XvpProxy):
        running.compute.kinds = {"xvpvnc"}
        running.compute.mint = lambda *_: proxy.url(screen, base=base)
    elif proxy is not None:
        token = proxy.mint(screen)
        running.compute.mint = lambda *_: f"{base}/vnc_lite.html?path=%3Ftoken%3D{token}"


async def _warm_up(running: Running) -> None:
    """The gateway's connection to the cloud is there, and stays."""
    status, _ = await running.ask("GET", "/api/v1/servers")
    assert status == 200


def _open_things() -> int:
    """Tasks and descriptors of this process."""
    return len(asyncio.all_tasks()) + len(os.listdir("/proc/self/fd"))


async def goes_both_ways(viewer: Viewer) -> None:
    """100 KiB from the viewer come back as they were. Raises TimeoutError."""
    async with asyncio.timeout(10):
        for at in range(0, len(_PATTERN), 20_000):
            viewer.send(_PATTERN[at : at + 20_000])
        assert await viewer.received(len(_PATTERN)) == _PATTERN


async def shakes_hands(viewer: Viewer) -> None:
    """The viewer answers the greeting, and is heard. Raises TimeoutError."""
    async with asyncio.timeout(10):
        viewer.send(BANNER)
        assert await viewer.received(len(BANNER)) == BANNER
