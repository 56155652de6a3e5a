"""The WebSocket ends that Autobahn asks: a plain aiohttp echo, and this gateway before such an echo."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from launcher.config.models import Config
from launcher.daemon import open_gateway
from tests.conformance.autobahn.shim import without_greeting
from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import BANNER
from tests.fakes.issued import issue

REFERENCE, AS_IT_IS, TEXTS_CARRIED = "aiohttp", "gateway", "gateway-texts-carried"


@dataclass(frozen=True, slots=True)
class End:
    """What Autobahn dials, under the name that it reports it by."""

    name: str
    url: str


@asynccontextmanager
async def _echo(*, greets: bool) -> AsyncIterator[int]:
    """The loopback port of an echo, as aiohttp makes one; it may greet as a VNC server does."""

    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=0, protocols=("binary",))
        await socket.prepare(request)
        if greets:
            await socket.send_bytes(BANNER)
        with contextlib.suppress(ConnectionError):  # the other end closed while its echo was on the way
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await socket.send_str(message.data)
                elif message.type is WSMsgType.BINARY:
                    await socket.send_bytes(message.data)
        return socket

    app = web.Application()
    app.router.add_get("/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _gateway(upstream: int) -> AsyncIterator[int]:
    """The loopback port of a gateway whose one server is shown by the loopback port `upstream`."""
    async with FakeCompute() as compute:
        compute.add_server("web-01")
        compute.mint = lambda *_: f"http://127.0.0.1:{upstream}/vnc_lite.html?path=%3Ftoken%3D{issue()}"
        cloud = {"provider": "none", "endpoint": compute.endpoint}
        config = {"listen": ("127.0.0.1:0",), "clouds": {"prod": cloud}, "relay": {"frame_limit": "64MiB"}}
        async with open_gateway(Config.model_validate(config)) as gateway:
            yield int(gateway.where[0].rpartition(":")[2])


@asynccontextmanager
async def ends() -> AsyncIterator[tuple[End, ...]]:
    """All of them, the reference first."""
    async with AsyncExitStack() as stack:
        reference = await stack.enter_async_context(_echo(greets=False))
        gateway = await stack.enter_async_context(_gateway(await stack.enter_async_context(_echo(greets=True))))
        plain = await stack.enter_async_context(without_greeting(gateway))
        carrying = await stack.enter_async_context(without_greeting(gateway, carry_texts=True))
        path = "/ws/prod/web-01"
        yield (
            End(REFERENCE, f"ws://127.0.0.1:{reference}/"),
            End(AS_IT_IS, f"ws://127.0.0.1:{plain}{path}"),
            End(TEXTS_CARRIED, f"ws://127.0.0.1:{carrying}{path}"),
        )
