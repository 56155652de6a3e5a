"""Takes a connection from aiohttp: its transport passes to a viewer's end, which goes on with it alone.

aiohttp (tried with 3.14) offers no way to give a connection up, so this goes through what its own WebSocket support
uses: `set_parser` gives up the bytes that came behind the request and lets reading go on, `set_protocol` turns the
transport over, and `connection_lost` makes its server forget the connection.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from launcher.relay.engine import ViewerEngine
from launcher.relay.sockets import guard_against_dead_peers
from launcher.relay.websocketviewer import WebSocketViewer


class _EarlyBytes:
    """Takes from aiohttp what the viewer sent behind its upgrade request."""

    def __init__(self) -> None:
        self.received = b""

    def feed_data(self, chunk: bytes) -> tuple[bool, bytes]:
        self.received += chunk
        return False, b""

    def feed_eof(self) -> None:
        """The transport says so itself."""


def take_over(request: web.Request, frame_limit: int) -> WebSocketViewer:
    """Answer the 101 and take the connection from aiohttp, which forgets it.

    Raises BadRequestError; ConnectionResetError when the viewer has gone.
    """
    transport, protocol = request.transport, request.protocol
    if transport is None:
        raise ConnectionResetError
    engine = ViewerEngine(frame_limit)
    answer = engine.open(request.headers)
    early = _EarlyBytes()
    protocol.set_parser(early)  # type: ignore[arg-type]  # aiohttp names its own reader, and calls these two methods
    viewer = WebSocketViewer(transport, engine)
    transport.set_protocol(viewer)
    sock = transport.get_extra_info("socket")
    if sock is not None:
        guard_against_dead_peers(sock)
    transport.write(answer)
    if early.received:
        viewer.data_received(early.received)
    _forget(request)
    return viewer


def _forget(request: web.Request) -> None:
    """Let aiohttp drop its side: without this its server would count the connection for ever."""
    protocol = request.protocol
    protocol.transport = None
    protocol.keep_alive(False)
    asyncio.get_running_loop().call_soon(protocol.connection_lost, None)
