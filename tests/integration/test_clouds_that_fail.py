"""Clouds that cannot sign in hold up neither the start nor the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from launcher.config.models import Config
from launcher.model import Secret
from launcher.parts import gather
from tests.fakes.console_proxy import FaultyProxy
from tests.fakes.identity import FakeIdentity
from tests.fakes.issued import issue
from tests.integration.conftest import RunGateway

AT_ONCE = 8.0
"""Seconds; the silent Identity service would be waited for twenty."""


class Silent:
    """Accepts connections, reads what comes and never answers."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Silent:
        self._server = await asyncio.start_server(self._listen, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        while await reader.read(65536):
            self.asked.set()


@pytest.fixture
async def silent() -> AsyncIterator[Silent]:
    async with Silent() as silent:
        yield silent


@pytest.fixture
async def refusing() -> AsyncIterator[FakeIdentity]:
    async with FakeIdentity({"DFW": "http://127.0.0.1:1/v2/610275"}) as refusing:
        yield refusing


def rackspace(auth_url: str, api_key: str | None = None) -> dict[str, Any]:
    """An entry whose API key is wrong unless it is given."""
    return {
        "provider": "rackspace",
        "username": "ops",
        "api_key": Secret(api_key or issue()),
        "regions": ("DFW",),
        "auth_url": auth_url,
    }


async def test_the_good_cloud_opens_at_once_beside_a_silent_and_a_refusing_one(
    run_gateway: RunGateway, silent: Silent, refusing: FakeIdentity
) -> None:
    bad = {"silent": rackspace(f"http://127.0.0.1:{silent.port}/v2.0"), "refusing": rackspace(refusing.auth_url)}
    async with asyncio.timeout(AT_ONCE), run_gateway(more_clouds=bad) as running, asyncio.TaskGroup() as group:
        waiting = group.create_task(running.ask("GET", "/api/v1/servers?cloud=silent"))
        await silent.asked.wait()
        status, listing = await running.ask("GET", "/api/v1/servers?cloud=prod")
        assert (status, [server["name"] for server in listing["servers"]]) == (200, ["web-01"])
        async with FaultyProxy() as proxy:
            running.compute.mint = lambda *_: proxy.url()
            async with running.viewer("web-01") as viewer:
                await viewer.greeted()
        assert not waiting.done(), "and the silent cloud is still waited for"
        waiting.cancel()


async def test_the_refusing_cloud_says_why_and_is_not_asked_again_by_every_viewer(
    run_gateway: RunGateway, silent: Silent, refusing: FakeIdentity
) -> None:
    bad = {"silent": rackspace(f"http://127.0.0.1:{silent.port}/v2.0"), "refusing": rackspace(refusing.auth_url)}
    async with asyncio.timeout(AT_ONCE), run_gateway(more_clouds=bad) as running:
        for _ in range(5):
            status, listing = await running.ask("GET", "/api/v1/servers?cloud=refusing")
            assert status == 200
            assert "refusing does not accept the gateway's credentials" in str(listing["errors"])
            async with running.viewer("web-01", cloud="refusing") as viewer:
                code, _ = await viewer.closed()
            assert code == 4502
        assert refusing.sign_ins == 1


async def test_mended_credentials_work_at_once_after_a_reload(run_gateway: RunGateway, refusing: FakeIdentity) -> None:
    async with run_gateway(more_clouds={"rax": rackspace(refusing.auth_url)}) as running:
        refusing.regions = {"DFW": running.compute.endpoint}
        for _ in range(2):
            _, listing = await running.ask("GET", "/api/v1/servers?cloud=rax")
            assert list(listing["errors"])
        mended = {"rax": rackspace(refusing.auth_url, refusing.api_key)}
        running.gateway.replace(gather(Config.model_validate({"clouds": mended})))
        _, listing = await running.ask("GET", "/api/v1/servers?cloud=rax")
        assert [server["name"] for server in listing["servers"]] == ["web-01"]
        assert refusing.sign_ins == 2
