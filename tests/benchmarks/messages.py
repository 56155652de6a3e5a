"""A plain relay of messages, as one writes it with aiohttp in an afternoon: `python -m tests.benchmarks.messages`.

It stands for what the gateway would cost if it took every message in and sent it out again. Fair means: no
compression, no limit to a message, pings passed on and not answered, one task for each direction, the subprotocol
`binary` on both sides.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys

import aiohttp
from aiohttp import ClientWebSocketResponse, WSMsgType, web

_Side = web.WebSocketResponse | ClientWebSocketResponse


async def pass_on(heard: _Side, told: _Side) -> None:
    """One direction, until its side closes."""
    async for message in heard:
        match message.type:
            case WSMsgType.BINARY:
                await told.send_bytes(message.data)
            case WSMsgType.PING:
                await told.ping(message.data)
            case WSMsgType.PONG:
                await told.pong(message.data)
            case _:
                break
    await told.close()


class Relay:
    """All viewers are joined to one upstream."""

    def __init__(self, client: aiohttp.ClientSession, upstream: str) -> None:
        self._client = client
        self._upstream = upstream

    async def viewer(self, request: web.Request) -> web.WebSocketResponse:
        """One session."""
        viewer = web.WebSocketResponse(protocols=("binary",), compress=False, autoping=False, max_msg_size=0)
        await viewer.prepare(request)
        async with (
            self._client.ws_connect(
                self._upstream, protocols=("binary",), compress=0, autoping=False, max_msg_size=0
            ) as console,
            asyncio.TaskGroup() as directions,
        ):
            directions.create_task(pass_on(console, viewer))
            directions.create_task(pass_on(viewer, console))
        return viewer


async def serve(port: int, upstream: str, tls: ssl.SSLContext | None) -> None:
    """Until the process is ended."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as client:
        app = web.Application()
        app.router.add_get("/", Relay(client, upstream).viewer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls, backlog=4096).start()
        await asyncio.Event().wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.messages")
    parser.add_argument("port", type=int)
    parser.add_argument("upstream", help="as ws://127.0.0.1:PORT/")
    parser.add_argument("--certificate", help="a PEM file with certificate and key: then it speaks TLS")
    asked = parser.parse_args()
    tls = None
    if asked.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(asked.certificate)
    asyncio.run(serve(asked.port, asked.upstream, tls))
    return 0


if __name__ == "__main__":
    sys.exit(main())
