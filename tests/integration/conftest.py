"""The gateway in the test's own loop, between a simulated Compute API and viewers on raw sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiohttp
import pytest

from launcher.audit.log import LogJournal
from launcher.clock import Clock
from launcher.config.models import Config
from launcher.daemon import Gateway, open_gateway
from launcher.relay.upstream import DialLimits
from tests.fakes.compute import FakeCompute
from tests.fakes.issued import put_out
from tests.fakes.viewer import Viewer


class Running:
    """A gateway that serves on loopback, and the cloud behind it."""

    def __init__(self, gateway: Gateway, compute: FakeCompute) -> None:
        self.gateway = gateway
        self.compute = compute
        self.url = gateway.where[0]
        self.port = int(self.url.rsplit(":", 1)[1])

    def viewer(
        self, server: str = "web-01", *, cloud: str = "prod", launch: str | None = None, **options: Any
    ) -> Viewer:
        """A viewer of a server's console; `launch` is the id of its launch, of at least 16 signs."""
        return Viewer(self.port, f"/ws/{cloud}/{server}" + (f"?launch={launch}" if launch else ""), **options)

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and body of an API call."""
        async with aiohttp.ClientSession() as http, http.request(method, self.url + path, **options) as response:
            text = put_out(await response.text())
            return response.status, json.loads(text) if text and "json" in response.content_type else text

    async def until_waiting(self, launch: str) -> str:
        """Wait until the launch waits; for what."""
        async with asyncio.timeout(10):
            while True:
                _, told = await self.ask("GET", f"/api/v1/launches/{launch}")
                if told.get("waiting"):
                    return str(told["waiting"])
                await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Wait until no place is taken any more."""
        async with asyncio.timeout(10):
            while len(self.gateway.sessions):
                await asyncio.sleep(0.01)


RunGateway = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
async def compute() -> AsyncIterator[FakeCompute]:
    """A cloud with one server, web-01."""
    fake = FakeCompute()
    await fake.start()
    fake.add_server("web-01")
    yield fake
    await fake.stop()


@pytest.fixture
def run_gateway(compute: FakeCompute) -> RunGateway:
    """`async with run_gateway(first_bytes=0.2, relay={…}) as running:`; `entry` adds to prod's own keys."""

    @asynccontextmanager
    async def run(
        *,
        first_bytes: float = 5.0,
        connect: float = 5.0,
        entry: dict[str, Any] | None = None,
        more_clouds: dict[str, Any] | None = None,
        clock: Clock | None = None,
        journal: LogJournal | None = None,
        **config: Any,
    ) -> AsyncIterator[Running]:
        prod = {"provider": "none", "endpoint": compute.endpoint, **(entry or {})}
        clouds = {"prod": prod, **(more_clouds or {})}
        model = Config.model_validate({"listen": ("127.0.0.1:0",), "clouds": clouds, **config})
        dial = DialLimits(connect=connect, first_bytes=first_bytes, frame=model.relay.frame_limit)
        async with open_gateway(model, dial=dial, clock=clock, journal=journal) as gateway:
            yield Running(gateway, compute)

    return run


@pytest.fixture
async def running(run_gateway: RunGateway) -> AsyncIterator[Running]:
    async with run_gateway() as one:
        yield one
