"""An xvpvnc console proxy to test against, with what stands behind and before it, in the test's own loop.

Written from what is known of nova-xvpvncproxy's wire, its faults included; Rackspace's own was never seen from here.

    async with Host() as host, XvpProxy() as proxy:       # a VNC server on the server's host, and the proxy before it
        ... dial what proxy.url(host.port) says, or proxy.url(host.port, XENSERVER) with XenServer's own hop in between
        assert host.received == b"RFB 003.003\n"

- It reads the request through a buffer that it throws away: bytes that come in one piece with the request are lost.
- Method, path and version mean nothing to it; the console token is the last `token` of the query.
- Its answer is 19 bytes. From there on the connection is the screen's, both ways, with each way's own end.
- It takes every whole answer of XenServer for consent, so that a refused console is a 200 with garbage, or the end.
- A viewer that says nothing for `idle` seconds (900 as it comes) has left, for it.

`front_end` stands before it as a load balancer does; `tests.fakes.certificates.tls_before` speaks TLS for it.
Each secret that passes through here is noted in `tests.fakes.issued`.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from tests.fakes.console_proxy import BANNER
from tests.fakes.issued import issue

DATE = "Tue, 24 Nov 2026 12:00:00 GMT"
OPENED = b"HTTP/1.1 200 OK\r\n\r\n"
XENSERVER = "/console?ref=OpaqueRef:7a4b&session_id=OpaqueRef:{session}"
"""The path that Nova hands to the proxy for a server on XenServer."""
_END = b"\r\n\r\n"
_HOP_LIMIT = 4096
_CHUNK = 32384
_READ_AHEAD = 8192

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Listener(ABC):
    """Serves on a loopback port for as long as the context lasts; connections that live longer are aborted."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._reached: set[asyncio.StreamWriter] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.connections = 0
        """How many connections it ever took."""
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers | self._reached:
            writer.transport.abort()
        async with asyncio.timeout(5):
            await self._quiet.wait()
            await self._server.wait_closed()

    @property
    def live(self) -> int:
        """How many connections are open now."""
        return len(self._writers)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        self._quiet.clear()
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            writer.close()
            self._writers.discard(writer)
            if not self._writers:
                self._quiet.set()

    @abstractmethod
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""

    @asynccontextmanager
    async def _reach(self, port: int) -> AsyncIterator[Streams]:
        """A connection to what stands behind. Raises OSError."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        self._reached.add(writer)
        try:
            yield reader, writer
        finally:
            self._reached.discard(writer)
            writer.close()


class Host(_Listener):
    """The server's host: says `banner` at once, as a VNC server does, and keeps what it hears until that ends.

    With `answer` it is a XenServer: it reads a request first and answers it. `screen` is the port of a real VNC server,
    to which it leads then. `closes` makes it hang up when it has said its words.
    """

    def __init__(
        self, *, banner: bytes = BANNER, answer: bytes | None = None, screen: int | None = None, closes: bool = False
    ) -> None:
        super().__init__()
        self._banner = banner
        self._answer = answer
        self._screen = screen
        self._closes = closes
        self.requests: list[bytes] = []
        """Heads of the requests that came to XenServer."""
        self.received = b""
        """What all viewers said."""
        self.ends = 0
        """How many viewers have said their last word."""
        self._heard = asyncio.Condition()

    async def send(self, raw: bytes) -> None:
        """These bytes to all viewers."""
        for writer in tuple(self._writers):
            writer.write(raw)
            await writer.drain()

    def hang_up(self) -> None:
        """Our last word to all viewers, who may go on."""
        for writer in tuple(self._writers):
            writer.write_eof()

    async def until(self, happened: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait until something is heard that makes it so. Raises TimeoutError."""
        async with asyncio.timeout(seconds), self._heard:
            await self._heard.wait_for(happened)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._answer is not None:
            await self._note(request=await reader.readuntil(_END))
            writer.write(self._answer)
        if self._screen is not None:
            async with self._reach(self._screen) as there:
                await _join((reader, writer), there)
            return
        writer.write(self._banner)
        if self._closes:
            return
        while chunk := await reader.read(_CHUNK):
            await self._note(received=chunk)
        await self._note(ends=1)

    async def _note(self, *, request: bytes = b"", received: bytes = b"", ends: int = 0) -> None:
        async with self._heard:
            self.requests += [request] if request else []
            self.received += received
            self.ends += ends
            self._heard.notify_all()


@dataclass(frozen=True, slots=True)
class _Way:
    """Where a console token leads."""

    port: int
    path: str | None


class XvpProxy(_Listener):
    """The proxy itself. `idle`: seconds of a viewer's silence after which it is taken for gone."""

    def __init__(self, *, idle: float = 900.0) -> None:
        super().__init__()
        self._idle = idle
        self._ways: dict[str, _Way] = {}
        self.requests: list[bytes] = []
        """Each request as it came, in one piece with what was lost behind it (it holds the console token)."""

    @property
    def base(self) -> str:
        """What the console URLs of this proxy begin with."""
        return f"http://127.0.0.1:{self.port}"

    def mint(self, port: int, path: str | None = None) -> str:
        """A new console token that leads to this port; with a path (XENSERVER), by a request for it there."""
        token = issue()
        self.lead(token, port, path)
        return token

    def lead(self, token: str, port: int, path: str | None = None) -> None:
        """The same, for a token that is somebody else's."""
        self._ways[token] = _Way(port, path and path.replace("{session}", issue()))

    def url(self, port: int, path: str | None = None, *, base: str = "") -> str:
        """A new console URL in Nova's shape; `base` is that of what stands before the proxy, if something does."""
        return f"{base or self.base}/console?token={self.mint(port, path)}"

    def expire_all(self) -> None:
        """Every token made until now opens nothing any more; what it has opened stays."""
        self._ways.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        token = await self._token(reader)
        if token is None:
            return
        if not token:
            _refuse(writer, "400 Invalid Request", "Invalid Request")
        elif token not in self._ways:
            _refuse(writer, "401 Not Authorized", "Not Authorized")
        else:
            await self._proxy(self._ways[token], reader, writer)

    async def _token(self, reader: asyncio.StreamReader) -> str | None:
        """The token that the request names, "" for none; None where no request comes."""
        head = b""
        try:
            async with asyncio.timeout(self._idle):
                while _END not in head:
                    chunk = await reader.read(_READ_AHEAD)
                    if not chunk:
                        return None
                    head += chunk
        except TimeoutError:
            return None
        self.requests.append(head)
        target = head.partition(b"\r\n")[0].decode("latin-1").split(" ")[1:2]
        return parse_qs(urlsplit("".join(target)).query).get("token", [""])[-1]

    async def _proxy(self, way: _Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with self._reach(way.port) as there:
                if way.path is not None and not await _hop(way.path, *there):
                    _refuse(writer, "400 Invalid Request", "Invalid Request")
                    return
                writer.write(OPENED)
                await _join((reader, writer), there, self._idle)
        except ConnectionRefusedError:
            # It ends in eventlet itself, whose answer is of another kind than the proxy's.
            _refuse(writer, "500 Internal Server Error", "", content="text/plain")


async def _hop(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """The request to XenServer. Every whole answer to it is consent: its status is looked at the wrong way round."""
    writer.write(f"CONNECT {path} HTTP/1.1\r\n\r\n".encode())
    answer = b""
    while _END not in answer:
        byte = await reader.read(1)
        answer += byte
        if not byte or len(answer) > _HOP_LIMIT:
            return False
    return not answer.startswith(b"200")


def _refuse(writer: asyncio.StreamWriter, status: str, body: str, *, content: str = "text/html") -> None:
    """An ordinary response, with the headers that eventlet gives it."""
    headers = f"Content-Type: {content}\r\nContent-Length: {len(body)}\r\nDate: {DATE}\r\nConnection: close\r\n"
    writer.write(f"HTTP/1.1 {status}\r\n{headers}\r\n{body}".encode())


async def _join(client: Streams, server: Streams, idle: float | None = None) -> None:
    """Both ways, until both have ended."""
    async with asyncio.TaskGroup() as ways:
        ways.create_task(_one_way(client, server, idle))
        ways.create_task(_one_way(server, client, None))


async def _one_way(source: Streams, to: Streams, idle: float | None) -> None:
    """A source that ends, fails or is silent for too long has said its last word; who cannot be told ends it all."""
    while True:
        try:
            async with asyncio.timeout(idle):
                chunk = await source[0].read(_CHUNK)
        except (OSError, TimeoutError):
            chunk = b""
        try:
            if not chunk:
                to[1].write_eof()
                return
            to[1].write(chunk)
            await to[1].drain()
        except OSError:
            source[1].transport.abort()
            to[1].transport.abort()
            return


class _FrontEnd(_Listener):
    def __init__(self, port: int, status: str, headers: tuple[str, ...], *, joined: bool, piecemeal: bool) -> None:
        super().__init__()
        self._port = port
        self._status = status
        self._headers = headers
        self._joined = joined
        self._piecemeal = piecemeal

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._status:
            await reader.readuntil(_END)
            _refuse(writer, self._status, "<html><body><h1>No</h1>A front end's own page.</body></html>")
            return
        async with self._reach(self._port) as there, asyncio.TaskGroup() as ways:
            ways.create_task(_one_way((reader, writer), there, None))
            ways.create_task(self._back(there, (reader, writer)))

    async def _back(self, there: Streams, here: Streams) -> None:
        try:
            head = await there[0].readuntil(_END)
        except (OSError, asyncio.IncompleteReadError):
            here[1].write_eof()
            return
        line, _, rest = head.partition(b"\r\n")
        begin = b"\r\n".join((line, *(header.encode() for header in self._headers), rest))
        if self._joined:
            begin += await there[0].read(_CHUNK)
        for piece in [begin[place : place + 1] for place in range(len(begin))] if self._piecemeal else [begin]:
            here[1].write(piece)
            await here[1].drain()
            # Lets each piece leave in a segment of its own, and lets the reader meet it alone.
            await asyncio.sleep(0)
        await _one_way(there, here, None)


@asynccontextmanager
async def front_end(
    port: int, *, status: str = "", headers: tuple[str, ...] = (), joined: bool = False, piecemeal: bool = False
) -> AsyncIterator[str]:
    """What stands before a proxy; the base of its console URLs.

    It answers `status` ("502 Bad Gateway") to everything, or else passes everything on with `headers` added to the
    response, which `joined` sends in one segment with what follows it, and `piecemeal` byte by byte.
    """
    async with _FrontEnd(port, status, headers, joined=joined, piecemeal=piecemeal) as front:
        yield f"http://127.0.0.1:{front.port}"


class _Fork(_Listener):
    def __init__(self, novnc: int, xvpvnc: int) -> None:
        super().__init__()
        self._novnc = novnc
        self._xvpvnc = xvpvnc

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(_END)
        async with self._reach(self._xvpvnc if head.startswith(b"CONNECT ") else self._novnc) as there:
            there[1].write(head)
            await _join((reader, writer), there)


@asynccontextmanager
async def either_kind(*, novnc: int, xvpvnc: int) -> AsyncIterator[str]:
    """One address for console proxies of both kinds, on these ports; the base of its console URLs."""
    async with _Fork(novnc, xvpvnc) as fork:
        yield f"http://127.0.0.1:{fork.port}"
