"""Closing a connection whose transport minds being closed twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

from launcher.relay.sockets import close
from tests.fakes.certificates import Authority


class Server(asyncio.Protocol):
    def __init__(self) -> None:
        self.made: asyncio.Future[asyncio.Transport] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.made.set_result(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(None)


async def test_a_tls_connection_that_is_closed_twice_can_still_be_aborted(tmp_path: Path) -> None:
    """The peer never answers the goodbye, for which asyncio itself waits 30 s."""
    authority = Authority(tmp_path, "authority of the test")
    protocol = Server()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol, "127.0.0.1", 0, ssl=authority.context("127.0.0.1"))
    port = server.sockets[0].getsockname()[1]
    _, peer = await asyncio.open_connection("127.0.0.1", port, ssl=authority.trusting())
    assert isinstance(peer.transport, asyncio.Transport)
    peer.transport._ssl_protocol._transport.pause_reading()  # type: ignore[attr-defined]  # it goes deaf
    transport = await protocol.made
    for _ in range(2):
        close(transport)
    assert transport.is_closing()
    assert not protocol.lost.done()
    transport.abort()
    async with asyncio.timeout(5):
        await protocol.lost
    peer.transport.abort()
    server.close()
    await server.wait_closed()
