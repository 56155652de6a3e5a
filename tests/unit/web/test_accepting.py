"""Connections that are accepted, counted, turned away and pushed out; and an accept that fails."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from launcher.access.peer import Peers, Socket
from launcher.config.listen import TcpAddress, UnixAddress
from launcher.errors import TooManyConnectionsError
from launcher.model import Actor
from launcher.web.accepting import Nobody, Reception
from launcher.web.connections import Caps, Connections, Standing
from launcher.web.listeners import listen

CAPS = Caps(admitted=2, account=2, pending=3, stranger=2)
ALICE = Actor(1000, "alice", "tcp")


@dataclass
class Told:
    """Whoever is told to be at the other end of every connection."""

    uid: int | None = 1000

    def uid_now(self, sock: Socket) -> int | None:
        assert sock.fileno() >= 0
        return self.uid


@dataclass
class Running:
    """A server that accepts by a reception."""

    reception: Reception
    port: int
    peers: Told
    seen: list[web.Request] = field(default_factory=list)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.7", self.port)

    async def counted(self, *, admitted: int = 0, pending: int = 0) -> None:
        """Wait until so many are counted."""
        async with asyncio.timeout(5):
            while (self.reception.connections.admitted, self.reception.connections.pending) != (admitted, pending):
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running(lets_in: bool = False, tls: ssl.SSLContext | None = None) -> AsyncIterator[Running]:
    peers = Told()
    reception = Reception(Connections(CAPS), peers, lambda _uid, _name: lets_in)

    async def hello(request: web.Request) -> web.Response:
        if request.query:
            reception.admit(request.get_extra_info("socket"), 1000)
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    (one,) = await listen(runner, [TcpAddress("127.0.0.7", 0)], tls=tls, reception=reception)
    try:
        yield Running(reception, int(one.where.rpartition(":")[2]), peers)
    finally:
        one.close()
        await runner.cleanup()


async def until_ended(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the other side closes or resets the connection."""
    with suppress(ConnectionResetError):
        async with asyncio.timeout(5):
            return await reader.read()
    return b""


async def test_a_stranger_is_told_over_http_that_there_is_no_room() -> None:
    async with running() as server:
        held = [await server.connect() for _ in range(CAPS.stranger)]
        await server.counted(pending=2)
        reader, writer = await server.connect()
        assert (await until_ended(reader)).startswith(
            b"HTTP/1.1 503 Service Unavailable\r\nServer: console-launcher\r\n"
        )
        for _, one in (*held, (reader, writer)):
            one.close()
        await server.counted()


async def test_what_is_pending_gives_way_to_newcomers_and_what_is_admitted_never() -> None:
    async with running() as server:
        server.peers.uid = None
        stays, writer = await server.connect()
        writer.write(b"GET /?admit HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await stays.readline()).startswith(b"HTTP/1.1 200")
        await server.counted(admitted=1)
        first, first_writer = await server.connect()
        others = [await server.connect() for _ in range(CAPS.pending)]
        assert await until_ended(first) == b""
        await server.counted(admitted=1, pending=3)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"HTTP/1.1 200" in await until_ended(stays)
        for one in (writer, first_writer, *(end for _, end in others)):
            one.close()
        await server.counted()


async def test_an_admitted_account_is_counted_from_the_first_byte_on_and_held_to_its_share() -> None:
    async with running(lets_in=True) as server:
        held = [await server.connect() for _ in range(CAPS.account)]
        await server.counted(admitted=2)
        reader, writer = await server.connect()
        assert b" 503 " in await until_ended(reader)
        held[0][1].close()
        await server.counted(admitted=1)
        again, again_writer = await server.connect()
        again_writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await again.readline()).startswith(b"HTTP/1.1 200")
        for one in (writer, again_writer, held[1][1]):
            one.close()
        await server.counted()


async def test_half_a_tls_handshake_is_a_connection_like_all_others() -> None:
    async with running(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as server:
        held = [await server.connect() for _ in range(CAPS.stranger)]
        for _, writer in held:
            writer.write(b"\x16\x03\x01\x02\x00\x01")
        await server.counted(pending=2)
        reader, writer = await server.connect()
        assert await until_ended(reader) == b""
        for _, one in (*held, (reader, writer)):
            one.close()
        await server.counted()


async def test_who_is_let_in_too_late_is_told_so() -> None:
    caps = Caps(admitted=1, account=1, pending=3, stranger=3)
    reception = Reception(Connections(caps), Nobody(), lambda _uid, name: name == ALICE.name)
    admitted = reception.connections.begin(ALICE.uid, admitted=True)
    ours, theirs = socket.socketpair()
    with theirs:
        taken = reception.take(ours)
        assert taken is not None
        counted, connection = taken
        reception.admit_if_let_in(counted, None)
        with pytest.raises(TooManyConnectionsError):
            reception.admit_if_let_in(counted, ALICE)
        assert admitted[0] is not None
        reception.connections.end(admitted[0])
        reception.admit_if_let_in(counted, ALICE)
        assert (reception.connections.admitted, reception.uid(counted)) == (1, ALICE.uid)
        counted.close()
        assert reception.uid(counted) is None
    assert (reception.connections.admitted, connection.standing) == (0, Standing.OVER)


async def test_root_on_the_unix_socket_gets_in_when_everything_is_taken(tmp_path: Path) -> None:
    peers = Peers()
    reception = Reception(Connections(Caps(0, 0, 0, 0)), peers)
    runner = web.AppRunner(web.Application(), access_log=None)
    await runner.setup()
    path = str(tmp_path / "web.sock")
    (one,) = await listen(runner, [UnixAddress(path)], reception=reception)
    try:
        assert os.geteuid() == 0, "this test comes in as root: run it as root"
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await until_ended(reader)).startswith(b"HTTP/1.1 404")
        writer.close()
    finally:
        one.close()
        await runner.cleanup()
        peers.close()


@contextmanager
def no_more_files() -> Iterator[None]:
    """This process can open no file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_an_accept_that_fails_waits_says_so_once_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async with running(lets_in=True) as server:
        client = socket.socket()
        client.setblocking(False)
        with caplog.at_level(logging.DEBUG), no_more_files():
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.7", server.port))
            await asyncio.sleep(0.7)
        assert [record.getMessage() for record in caplog.records] == [
            "connections could not be accepted (1 times, each a moment apart), the last time: Too many open files"
        ]
        reader, writer = await asyncio.open_connection(sock=client)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await until_ended(reader)).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_connection_of_no_listener_of_ours_is_not_counted() -> None:
    reception = Reception(Connections(CAPS), Nobody())
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert reception.of(ours) is None
        reception.admit(ours, 1000)
    assert reception.of(None) is None
