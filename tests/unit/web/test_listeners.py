"""Listening sockets: taken, stale, foreign, and connections that say nothing."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp import web

from launcher.config.listen import Address, TcpAddress, UnixAddress
from launcher.errors import ListenError
from launcher.web.listeners import Listening, _FirstRequest, listen

LOOPBACK = TcpAddress("127.0.0.7", 0)
"""One that has no partner."""
SOON = 0.05


@asynccontextmanager
async def runner(*, keepalive_timeout: float = 30.0) -> AsyncIterator[web.AppRunner]:
    app = web.Application()
    app.router.add_get("/", hello)
    app.router.add_get("/protocol", protocol)
    made = web.AppRunner(
        app, handler_cancellation=True, access_log=None, shutdown_timeout=1, keepalive_timeout=keepalive_timeout
    )
    await made.setup()
    try:
        yield made
    finally:
        await made.cleanup()


@asynccontextmanager
async def serving(
    *addresses: Address,
    tls: ssl.SSLContext | None = None,
    header_timeout: float = 10.0,
    keepalive_timeout: float = 30.0,
) -> AsyncIterator[list[Listening]]:
    async with runner(keepalive_timeout=keepalive_timeout) as made:
        listening = await listen(made, addresses, tls=tls, header_timeout=header_timeout)
        try:
            yield listening
        finally:
            for one in listening:
                one.close()


async def hello(_request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def protocol(request: web.Request) -> web.Response:
    """Whether the connection is aiohttp's own, so that it can be handed on."""
    assert request.transport is not None
    return web.Response(text=str(request.transport.get_protocol() is request.protocol))


async def connect(
    one: Listening, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if one.where.startswith("/"):
        return await asyncio.open_unix_connection(one.where)
    host, port = one.where.partition("://")[2].rsplit(":", 1)
    return await asyncio.open_connection(host.strip("[]"), int(port), ssl=tls)


async def ask(one: Listening, path: str = "/", *, tls: ssl.SSLContext | None = None) -> str:
    reader, writer = await connect(one, tls)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode().partition("\r\n\r\n")[2]


def port_of(one: Listening) -> int:
    return int(one.where.rsplit(":", 1)[1])


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.7", "::1", "localhost"])
async def test_a_port_of_loopback_answers(host: str) -> None:
    async with serving(TcpAddress(host, 0)) as listening:
        for one in listening:
            assert await ask(one) == "hello"
    with pytest.raises(ConnectionRefusedError):
        await connect(listening[0])


async def test_a_unix_socket_answers_and_is_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    async with serving(UnixAddress(str(path))) as [one]:
        assert one.where == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert await ask(one) == "hello"
    assert not path.exists()


async def test_a_connection_is_aiohttps_own_by_the_first_request(tmp_path: Path) -> None:
    async with serving(LOOPBACK, UnixAddress(str(tmp_path / "s"))) as listening:
        assert [await ask(one, "/protocol") for one in listening] == ["True", "True"]


async def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    assert path.is_socket()
    async with serving(UnixAddress(str(path))) as [one]:
        assert await ask(one) == "hello"


async def test_a_live_socket_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    async with serving(UnixAddress(path)) as [first], runner() as second:
        with pytest.raises(ListenError, match=f"already answers on {path}: another console-launcher"):
            await listen(second, [UnixAddress(path)])
        assert await ask(first) == "hello"


async def test_a_live_socket_with_a_full_queue_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as live, socket.socket(socket.AF_UNIX) as waiting:
        live.bind(path)
        live.listen(0)
        waiting.connect(path)
        async with runner() as made:
            with pytest.raises(ListenError, match="already answers"):
                await listen(made, [UnixAddress(path)])
    assert Path(path).is_socket()


@pytest.mark.parametrize("what", ["file", "directory", "link"])
async def test_what_is_no_socket_is_never_removed(tmp_path: Path, what: str) -> None:
    path = tmp_path / "s"
    if what == "file":
        path.write_text("precious")
    elif what == "directory":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "elsewhere")
    before = path.lstat().st_ino
    async with runner() as made:
        with pytest.raises(ListenError, match="is there and is not a socket"):
            await listen(made, [UnixAddress(str(path))])
    assert path.lstat().st_ino == before


async def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with runner() as made:
        with pytest.raises(ListenError, match=f"there is no directory {tmp_path}/run. Create it first"):
            await listen(made, [UnixAddress(str(tmp_path / "run" / "s"))])


async def test_a_path_too_long_for_a_socket_is_named(tmp_path: Path) -> None:
    async with runner() as made:
        with pytest.raises(ListenError, match="too long"):
            await listen(made, [UnixAddress(str(tmp_path / ("s" * 120)))])
        with pytest.raises(ListenError, match="File name too long"):
            await listen(made, [UnixAddress(str(tmp_path / ("s" * 300)))])


async def test_a_socket_that_cannot_be_asked_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(path)
        async with runner() as made:
            with pytest.raises(ListenError, match="cannot be listened on: Protocol wrong type for socket"):
                await listen(made, [UnixAddress(path)])
    assert Path(path).is_socket()


async def test_somebody_elses_socket_in_our_place_stays(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as other:
        async with serving(UnixAddress(str(path))):
            path.unlink()
            other.bind(str(path))
        assert path.is_socket()


async def test_a_socket_that_somebody_removed_is_no_error(tmp_path: Path) -> None:
    async with serving(UnixAddress(str(tmp_path / "s"))):
        (tmp_path / "s").unlink()


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with runner() as made:
            with pytest.raises(ListenError) as caught:
                await listen(made, [TcpAddress("127.0.0.1", port)])
    assert str(caught.value) == (
        f"127.0.0.1:{port} is in use by another program. Stop it, or listen on another address."
    )


async def test_what_another_program_has_bound_and_serves_is_taken() -> None:
    """Both can bind it; only listening shows it."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        async with runner() as made:
            listening = await listen(made, [TcpAddress("127.0.0.1", port)])
            with pytest.raises(OSError, match="in use"):
                other.listen()
            with pytest.raises(ListenError, match=f"127.0.0.1:{port} is in use"):
                await listen(made, [TcpAddress("127.0.0.1", port)])
            for one in listening:
                one.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1", "jump.example.net", ""])
async def test_nothing_is_opened_beyond_loopback(host: str) -> None:
    async with runner() as made:
        with pytest.raises(ListenError, match="does not listen beyond loopback"):
            await listen(made, [TcpAddress(host, 0)])


@pytest.mark.parametrize("address", [LOOPBACK, UnixAddress("/tmp/never-made")])
async def test_what_else_the_kernel_refuses_is_said(address: Address) -> None:
    async with runner() as made:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            with pytest.raises(ListenError, match="cannot be listened on: Too many open files"):
                await listen(made, [address])
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_all_addresses_or_none(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with runner() as made:
            with pytest.raises(ListenError):
                await listen(made, [UnixAddress(str(path)), LOOPBACK, TcpAddress("127.0.0.1", port)])
            assert not path.exists()
            one, *_ = listening = await listen(made, [UnixAddress(str(path)), LOOPBACK])
            assert await ask(one) == "hello"
            for one in listening:
                one.close()


async def test_a_runner_is_set_up_first() -> None:
    made = web.AppRunner(web.Application())
    with pytest.raises(RuntimeError, match="set the runner up first"):
        await listen(made, [LOOPBACK])


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: local", b"\r\n\r\n"])
async def test_a_connection_that_sends_no_whole_request_is_closed(said: bytes, tmp_path: Path) -> None:
    async with serving(LOOPBACK, UnixAddress(str(tmp_path / "s")), header_timeout=SOON) as listening:
        for one in listening:
            reader, writer = await connect(one)
            writer.write(said)
            async with asyncio.timeout(5):
                assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()


async def test_three_hundred_slow_ones_keep_nobody_out() -> None:
    async with serving(LOOPBACK, header_timeout=1.0) as [one], AsyncExitStack() as undo:
        slow = []
        for _ in range(300):
            reader, writer = await connect(one)
            undo.callback(writer.close)
            writer.write(b"GET / HTTP/1.1\r\n")
            slow.append(reader)
        async with asyncio.timeout(10):
            assert await ask(one) == "hello"
            for reader in slow:
                with suppress(ConnectionResetError):  # it was closed before we had written
                    assert await reader.read() == b""


async def test_a_connection_that_was_heard_may_stay() -> None:
    async with serving(LOOPBACK, header_timeout=0.5) as [one]:
        reader, writer = await connect(one)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b"hello")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.4):
                    await reader.read(1)
        writer.close()
        await writer.wait_closed()


async def test_half_a_second_request_does_not_live_for_ever() -> None:
    async with serving(LOOPBACK, keepalive_timeout=0.5) as [one]:
        reader, writer = await connect(one)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"hello")
        writer.write(b"GET / HTTP/1.1\r\nHost: local")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_leaves_early_leaves_nothing() -> None:
    async with runner() as made:
        assert made.server is not None
        [one] = await listen(made, [LOOPBACK])
        _, writer = await connect(one)
        writer.write(b"GET /")
        while not made.server.connections:
            await asyncio.sleep(0)
        writer.write_eof()
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(5):
            while made.server.connections:
                await asyncio.sleep(0)
        one.close()


class Recorder(asyncio.Protocol):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append("lost")


def test_before_the_first_request_the_protocol_is_told_everything_too() -> None:
    behind = Recorder()
    first = _FirstRequest(behind, 10.0)
    first.pause_writing()
    first.resume_writing()
    first.step_aside()
    first.connection_lost(None)
    assert behind.told == ["pause", "resume", "lost"]
