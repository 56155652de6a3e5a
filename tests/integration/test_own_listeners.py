"""The gateway is never made to dial itself, by whatever name, nor by way of another gateway."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from launcher.config.models import Config
from launcher.daemon import open_gateway
from launcher.relay import loops
from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import FaultyProxy
from tests.fakes.issued import issue
from tests.fakes.viewer import Viewer
from tests.fakes.vnc_server import GreetingServer
from tests.integration.conftest import RunGateway, Running


def leads_to_a_gateway(port: int, host: str = "127.0.0.1", server: str = "web-01") -> str:
    """A console URL whose page would dial a gateway's own WebSocket."""
    return f"ws://{host}:{port}/ws/prod/{server}?token={issue()}"


@pytest.fixture
def resolved_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """gateway.example.net is a name of this host."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *args: Any, **options: Any) -> object:
        return real("127.0.0.1" if host == "gateway.example.net" else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.usefixtures("resolved_here")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "gateway.example.net"])
async def test_a_console_url_that_names_the_gateway_itself_is_not_dialled(running: Running, host: str) -> None:
    running.compute.mint = lambda *_: leads_to_a_gateway(running.port, host)
    async with running.viewer() as viewer:
        code, reason = await viewer.closed()
    assert (code, "is not dialled" in reason) == (4504, True), reason
    assert len(running.compute.console_requests) == 1


async def test_another_service_of_the_same_host_is_dialled(running: Running) -> None:
    async with FaultyProxy() as proxy, running.viewer() as viewer:
        running.compute.mint = lambda *_: proxy.url()
        await viewer.greeted()


async def test_a_direct_target_that_is_the_gateways_own_socket_is_not_dialled(
    compute: FakeCompute, tmp_path: Path
) -> None:
    socket_path, tokens = tmp_path / "web.sock", tmp_path / "tokens"
    tokens.write_text(f"by-token: unix_socket:{socket_path}\n")
    async with GreetingServer() as vnc:
        servers = {"itself": {"vnc": f"unix:{socket_path}"}, "kvm": {"vnc": vnc.address}}
        lab = {"provider": "static", "websockify_tokens": tokens, "servers": servers}
        model = Config.model_validate(
            {"listen": (f"unix:{socket_path}", "127.0.0.1:0"), "clouds": {"lab": lab}}, context=tmp_path
        )
        async with open_gateway(model) as gateway:
            port = int(next(one for one in gateway.where if "127.0.0.1" in one).rsplit(":", 1)[1])
            for name in ("itself", "by-token"):
                async with Viewer(port, f"/ws/lab/{name}") as viewer:
                    assert (await viewer.closed())[0] == 4504
            async with Viewer(port, "/ws/lab/kvm") as viewer:
                await viewer.greeted()


async def test_two_gateways_that_name_each_other_are_ended_by_the_hop_header() -> None:
    """Each is another one's console proxy; by its addresses neither knows the other."""
    async with AsyncExitStack() as stack:
        clouds = [await stack.enter_async_context(FakeCompute()) for _ in range(2)]
        ports: list[int] = []
        for cloud in clouds:
            cloud.add_server("web-01")
            prod = {"provider": "none", "endpoint": cloud.endpoint}
            config = Config.model_validate({"listen": ("127.0.0.1:0",), "clouds": {"prod": prod}})
            gateway = await stack.enter_async_context(open_gateway(config))
            ports.append(int(gateway.where[0].rsplit(":", 1)[1]))
        clouds[0].mint = lambda *_: leads_to_a_gateway(ports[1])
        clouds[1].mint = lambda *_: leads_to_a_gateway(ports[0])
        async with Viewer(ports[0], "/ws/prod/web-01") as viewer, asyncio.timeout(20):
            assert (await viewer.closed())[0] in {4502, 4504, 4409}
        assert 1 <= len(clouds[1].console_requests) <= 2
        assert len(clouds[0].console_requests) <= 2


async def test_a_session_that_has_passed_here_or_too_many_gateways_is_answered_508(running: Running) -> None:
    own = running.gateway._lasting.node
    far = ", ".join(f"gateway-{n}" for n in range(loops.MOST))
    for gateways, status in ((own, 508), (f"other-gateway, {own}", 508), (far, 508), ("not a list", 400)):
        async with aiohttp.ClientSession() as http:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(f"{running.url}/ws/prod/web-01", headers={loops.HEADER: gateways})
        assert refused.value.status == status
    assert running.compute.console_requests == []
    assert len(running.gateway.sessions) == 0


async def test_a_native_socket_of_a_server_is_not_dialled_as_a_direct_target(run_gateway: RunGateway) -> None:
    """`relay.sockets` of one cloud, named as the VNC server of another."""
    async with FaultyProxy() as proxy:
        with tempfile.TemporaryDirectory(prefix="sockets-") as folder:
            link = Path(folder) / "prod" / "web-01.sock"
            static = {"provider": "static", "servers": {"nested": {"vnc": f"unix:{link}"}}}
            relay = {"sockets": ("prod/*",), "sockets_directory": folder}
            async with run_gateway(more_clouds={"lab": static}, relay=relay) as running:
                running.compute.mint = lambda *_: proxy.url()
                async with asyncio.timeout(10):
                    while not link.exists():
                        await asyncio.sleep(0.02)
                async with running.viewer("nested", cloud="lab") as viewer:
                    assert (await viewer.closed())[0] == 4504
                assert proxy.connections == 0
