"""TLS for viewers, record by record: what goes to the socket, what waits, and who is told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from pathlib import Path

import pytest

from launcher.web.records import RECORD, RecordsProtocol
from launcher.web.tls import chain_context
from tests.fakes.certificates import Authority


class Socket(asyncio.Transport):
    """A socket's transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.limits: tuple[int | None, int | None] | None = None
        self.waiting = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.limits = (high, low)

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def pause_reading(self) -> None:
        raise AssertionError("nothing is paused here")

    def abort(self) -> None:
        """Nothing is there to cut off."""


class App(asyncio.Protocol):
    """What stands behind TLS."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.told: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")


class Joined:
    """A server's end, after its handshake with a client."""

    def __init__(self, authority: Authority) -> None:
        file = authority.file("127.0.0.1")
        self.socket, self.app = Socket(), App()
        loop = asyncio.get_running_loop()
        self.end = RecordsProtocol(loop, self.app, chain_context(file, file), 10)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = authority.trusting().wrap_bio(self._in, self._out, server_hostname="127.0.0.1")
        self.end.connection_made(self.socket)
        for _ in range(2):
            with contextlib.suppress(ssl.SSLWantReadError):
                self.client.do_handshake()
            self.deliver()
            self._in.write(b"".join(self.socket.written))
            self.socket.written.clear()
        assert self.app.transport is not None
        self.transport = self.app.transport

    def deliver(self) -> None:
        """Give the server what the client has to say."""
        said = self._out.read()
        while said:
            room = self.end.get_buffer(-1)
            count = min(len(room), len(said))
            room[:count] = said[:count]
            self.end.buffer_updated(count)
            said = said[count:]

    def read(self) -> bytes:
        """All that the client can read of what was written."""
        self._in.write(b"".join(self.socket.written))
        found = b""
        while True:
            try:
                found += self.client.read(1024 * 1024)
            except ssl.SSLWantReadError:
                return found

    def lose(self) -> None:
        self.end.connection_lost(None)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority of the test")


@pytest.mark.parametrize("size", [1, RECORD, RECORD + 1, 5 * RECORD + 7])
async def test_one_write_is_one_write_to_the_socket_whatever_its_size(authority: Authority, size: int) -> None:
    joined = Joined(authority)
    payload = os.urandom(size)
    joined.transport.write(payload)
    assert len(joined.socket.written) == 1
    assert joined.read() == payload
    joined.lose()


async def test_views_and_lists_are_written_in_their_order(authority: Authority) -> None:
    joined = Joined(authority)
    payload = os.urandom(3 * RECORD)
    joined.transport.writelines([payload[:7], memoryview(payload)[7 : 2 * RECORD], bytearray(payload[2 * RECORD :])])
    assert joined.read() == payload
    joined.lose()


async def test_what_waits_is_what_waits_in_the_socket(authority: Authority) -> None:
    joined = Joined(authority)
    joined.transport.set_write_buffer_limits(high=1000)
    assert joined.socket.limits == (1000, None)
    joined.socket.waiting = 700
    assert joined.transport.get_write_buffer_size() == 700
    joined.end.pause_writing()
    joined.transport.write(bytes(3 * RECORD))
    assert len(joined.socket.written) == 1
    joined.end.resume_writing()
    assert joined.app.told == ["pause", "resume"]
    joined.lose()
    assert joined.transport.get_write_buffer_size() == 0


async def test_all_connections_of_a_loop_read_into_one_buffer(authority: Authority) -> None:
    one, other = Joined(authority), Joined(authority)
    assert one.end.get_buffer(-1).obj is other.end.get_buffer(-1).obj
    assert len(one.end.get_buffer(-1)) == RECORD
    one.lose()
    other.lose()


async def test_what_comes_in_is_each_connections_own(authority: Authority) -> None:
    heard: dict[str, bytes] = {"one": b"", "other": b""}

    class Hears(App):
        def __init__(self, name: str) -> None:
            super().__init__()
            self._name = name

        def data_received(self, data: bytes) -> None:
            heard[self._name] += data

    ends = {"one": Joined(authority), "other": Joined(authority)}
    payloads = {name: os.urandom(3 * RECORD + 11) for name in ends}
    for name, joined in ends.items():
        joined.transport.set_protocol(Hears(name))
        joined.client.write(payloads[name])
    for joined in ends.values():
        joined.deliver()
    assert heard == payloads
    for joined in ends.values():
        joined.lose()


async def test_after_the_end_nothing_is_written(authority: Authority) -> None:
    joined = Joined(authority)
    joined.lose()
    joined.transport.set_write_buffer_limits(high=1000)
    joined.transport.write(bytes(3 * RECORD))
    assert joined.socket.written == []
