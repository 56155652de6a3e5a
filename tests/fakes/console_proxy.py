"""Console proxies to test against: the stock `websockify` command, a silent one, and one with every fault.

`ConsoleProxy` is real software: the `websockify` command with its `TokenFile` plugin, which takes the console token
from the query (`?token=`), as Nova's does. It differs in one thing: a bad token ends the connection *before* the 101,
where Nova answers 101 and hangs up after it (`Fault.HANG_UP_AFTER_101`).

`FaultyProxy` and `SilentProxy` run in the test's own loop:

    async with FaultyProxy(Fault.HANG_UP_AFTER_101, Fault.NONE) as proxy:   # first connection, every later one
        ... dial ws://127.0.0.1:{proxy.port}/?token=… ...
        assert proxy.connections == 2
        assert proxy.received == [b"RFB 003.008\\n"]
        await proxy.send(b"more bytes")

Each secret that passes through here is noted in `tests.fakes.issued`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import enum
import hashlib
import os
import secrets
import signal
import socket
import ssl
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fakes.issued import issue

BANNER = b"RFB 003.008\n"
BINARY, CLOSE, PING, PONG = 0x2, 0x8, 0x9, 0xA
_ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_PAGE = "<html><body><h1>No</h1><p>A front end's own page.</p></body></html>"


def free_port() -> int:
    """A loopback TCP port that nobody listens on now, and that the kernel gives to nobody for a connection.

    Those that it gives begin at 32768 (ip_local_port_range): another process's may take one a moment later.
    """
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


async def until_listening(
    port: int, process: subprocess.Popen[bytes], seconds: float = 15.0, *, host: str = "127.0.0.1"
) -> None:
    """Wait until `process` accepts on the port. Raises RuntimeError when it ends before, TimeoutError when late."""
    async with asyncio.timeout(seconds):
        while True:
            if process.poll() is not None:
                raise RuntimeError(f"{process.args!r} ended with {process.returncode} before it listened")
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(host, port)
                writer.close()
                return
            await asyncio.sleep(0.02)


async def until_gone(process: subprocess.Popen[bytes], seconds: float) -> int:
    """Wait for the process's end without holding the loop; its exit code. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while process.poll() is None:
            await asyncio.sleep(0.02)
    return process.wait()


class ConsoleProxy:
    """The stock `websockify` command on a loopback port of its own, with console tokens that live in one file.

    Its log holds whole request lines, console tokens among them, as the stock command writes them: keep `folder` out
    of what is searched for secrets.
    """

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._host = host
        self._tokens = folder / "tokens.cfg"
        self._log = folder / "websockify.log"
        self._targets: dict[str, int] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        self._write()
        for attempt in range(5):
            self.port = free_port()
            try:
                await self.restart()
            except RuntimeError:
                if attempt == 4:
                    raise
            else:
                return self
        raise AssertionError("not reached")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    @property
    def base(self) -> str:
        """What the console URLs of this proxy begin with."""
        return f"http://{self._host}:{self.port}"

    def mint(self, screen_port: int) -> str:
        """A new console token that leads to the VNC server on this loopback port."""
        token = issue()
        self._targets[token] = screen_port
        self._write()
        return token

    def url(self, screen_port: int) -> str:
        """A new console URL in Nova's shape since Train: the token in the page's `path`."""
        return f"{self.base}/vnc_lite.html?path=%3Ftoken%3D{self.mint(screen_port)}"

    def expire(self, token: str) -> None:
        """From now on the token opens nothing; what it has opened stays."""
        del self._targets[token]
        self._write()

    def expire_all(self) -> None:
        """Every token made until now opens nothing any more."""
        self._targets.clear()
        self._write()

    def openings(self) -> int:
        """How many WebSockets were ever joined to a screen, by its own log."""
        return self._log.read_text().count("connecting to: ")

    async def kill(self) -> None:
        """End it at once, its forked sessions too: it leads a process group of its own."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await until_gone(process, 5)

    def freeze(self) -> None:
        """SIGSTOP to it and its forked sessions: the kernel still takes connections and bytes for them."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT to all of them."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)

    async def restart(self) -> None:
        """Start it (again) on its port; tokens that were not expired are good still."""
        await self.kill()
        command = [str(Path(sys.executable).with_name("websockify")), "--token-plugin", "TokenFile"]
        command += ["--token-source", str(self._tokens), f"{self._host}:{self.port}"]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._process = process
        await until_listening(self.port, process, host=self._host)

    def _write(self) -> None:
        # In one step: the command reads it again at every look-up, and must not meet half a file.
        fresh = self._tokens.with_suffix(".new")
        fresh.write_text("".join(f"{token}: 127.0.0.1:{port}\n" for token, port in self._targets.items()))
        fresh.replace(self._tokens)


class Fault(enum.Enum):
    """What a `FaultyProxy` does to a connection; the first ones end or stall it, the last ones are merely unusual."""

    FORBIDDEN = "answers 403 with HTML"
    NOT_FOUND = "answers 404 with HTML"
    BAD_GATEWAY = "answers 502 with HTML"
    REDIRECT = "answers 302 to /elsewhere of its own"
    SILENT_BEFORE_101 = "takes the request and says nothing"
    SILENT_AFTER_101 = "answers 101 and then nothing"
    HANG_UP_BEFORE_101 = "reads the request and closes: stock websockify with a bad token"
    HANG_UP_AFTER_101 = "answers 101, then a bare FIN: Nova with a bad token"
    RESET_IN_HANDSHAKE = "sends half of the 101 and resets the connection"
    RESET_AFTER_101 = "answers 101 and resets the connection"
    WRONG_ACCEPT = "answers 101 with the Sec-WebSocket-Accept of another key"
    CLOSE_FRAME_FIRST = "answers 101 and a close frame 1000, as stock websockify with a dead target"
    EMPTY_FRAME_THEN_CLOSE = "answers 101, an empty frame and a close frame 1000, as Nova to an RFB 3.3 client"
    SSH_GREETING = "greets with SSH-2.0 in a binary frame"
    TEXT_GREETING = "greets with the RFB banner in a text frame"
    MASKED_GREETING = "greets with a masked frame, which no server may"
    RESERVED_BITS = "greets with RSV1 set, though no extension was agreed"
    HUGE_FRAME = "announces a first frame of 2^62 bytes"
    NONE = "greets with RFB"
    EMPTY_FRAME_FIRST = "an empty binary frame, then the banner"
    PING_FIRST = "a ping, then the banner"
    SPLIT_BANNER = "the banner over three frames: `R`, `FB`, the rest"
    FRAGMENTED_BANNER = "the banner as one message in three fragments"
    SPLIT_SEGMENTS = "the banner's frame byte by byte, a TCP segment each"
    BANNER_WITH_101 = "the banner in the same segment as the 101"


_STATUS = {
    Fault.FORBIDDEN: "403 Forbidden",
    Fault.NOT_FOUND: "404 Not Found",
    Fault.BAD_GATEWAY: "502 Bad Gateway",
    Fault.REDIRECT: "302 Found\r\nLocation: /elsewhere",
}


def frame(payload: bytes, opcode: int = BINARY, *, fin: bool = True, rsv1: bool = False, mask: bytes = b"") -> bytes:
    """One WebSocket frame (RFC 6455 §5.2); masked if a 4-byte mask key is given."""
    first = opcode | (0x80 if fin else 0) | (0x40 if rsv1 else 0)
    flag, size = (0x80 if mask else 0), len(payload)
    if size < 126:
        head = struct.pack("!BB", first, flag | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, flag | 126, size)
    else:
        head = struct.pack("!BBQ", first, flag | 127, size)
    body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)) if mask else payload
    return head + mask + body


_CLOSE_1000 = frame(struct.pack("!H", 1000) + b"Target closed", CLOSE)
_GREETINGS: dict[Fault, tuple[bytes, ...]] = {
    Fault.SILENT_AFTER_101: (),
    Fault.CLOSE_FRAME_FIRST: (_CLOSE_1000,),
    Fault.EMPTY_FRAME_THEN_CLOSE: (frame(b""), _CLOSE_1000),
    Fault.SSH_GREETING: (frame(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),),
    Fault.TEXT_GREETING: (frame(BANNER, 0x1),),
    Fault.MASKED_GREETING: (frame(BANNER, mask=b"\x01\x02\x03\x04"),),
    Fault.RESERVED_BITS: (frame(BANNER, rsv1=True),),
    Fault.HUGE_FRAME: (struct.pack("!BBQ", 0x82, 127, 2**62) + BANNER,),
    Fault.NONE: (frame(BANNER),),
    Fault.EMPTY_FRAME_FIRST: (frame(b""), frame(BANNER)),
    Fault.PING_FIRST: (frame(b"are you there", PING), frame(BANNER)),
    Fault.SPLIT_BANNER: (frame(b"R"), frame(b"FB"), frame(BANNER[3:])),
    Fault.FRAGMENTED_BANNER: (frame(b"R", fin=False), frame(b"FB", 0, fin=False), frame(BANNER[3:], 0)),
    Fault.SPLIT_SEGMENTS: tuple(bytes([byte]) for byte in frame(BANNER)),
}


class FaultyProxy:
    """A console proxy on loopback with one fault a connection: the first for the first, the last for all that follow.

    After a greeting it keeps every message that comes (`received`, unmasked), answers pings and closes, and says what
    `send`, `send_raw` and `hang_up` tell it to.
    """

    def __init__(self, *faults: Fault, tls: ssl.SSLContext | None = None) -> None:
        """With `tls` it speaks that, and its console URLs say so."""
        self._faults = faults or (Fault.NONE,)
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.connections = 0
        """How many connections it ever took."""
        self.requests: list[str] = []
        """Each request's head: request line and headers (it holds the console token)."""
        self.received: list[bytes] = []
        """Payloads of the data frames that came, over all connections."""
        self.closes: list[int] = []
        """Codes of the close frames that came; 1005 for an empty one."""
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        async with asyncio.timeout(5):
            await self._quiet.wait()
            await self._server.wait_closed()

    @property
    def base(self) -> str:
        """What the console URLs of this proxy begin with."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    @property
    def live(self) -> int:
        """How many connections are open now."""
        return len(self._writers)

    def url(self) -> str:
        """A new console URL in Nova's shape since Train; every token is as good as any other here."""
        return f"{self.base}/vnc_lite.html?path=%3Ftoken%3D{issue()}"

    async def send(self, payload: bytes) -> None:
        """One binary message to every open connection."""
        await self.send_raw(frame(payload))

    async def send_raw(self, raw: bytes) -> None:
        """These very bytes to every open connection."""
        for writer in tuple(self._writers):
            writer.write(raw)
            await writer.drain()

    def hang_up(self, *, reset: bool = False) -> None:
        """End every open connection without a close frame: by FIN, or by RST."""
        for writer in tuple(self._writers):
            _reset(writer) if reset else writer.close()

    def _next_fault(self) -> Fault:
        self.connections += 1
        return self._faults[min(self.connections, len(self._faults)) - 1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._quiet.clear()
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._converse(self._next_fault(), reader, writer)
        finally:
            writer.close()
            self._writers.discard(writer)
            if not self._writers:
                self._quiet.set()

    async def _converse(self, fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.requests.append(head)
        if not _answer(fault, head, writer):
            if fault is Fault.SILENT_BEFORE_101:
                await reader.read()
            return
        for piece in _GREETINGS.get(fault, ()):
            writer.write(piece)
            await writer.drain()
            # Lets each piece leave in a segment of its own, and lets the reader meet it alone.
            await asyncio.sleep(0)
        await self._listen(reader, writer)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            opcode, payload = await _read_frame(reader)
            if opcode == CLOSE:
                self.closes.append(struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005)
                writer.write(frame(payload, CLOSE))
                return
            if opcode == PING:
                writer.write(frame(payload, PONG))
            elif opcode != PONG:
                self.received.append(payload)


class SilentProxy(FaultyProxy):
    """Answers 101 and never a word more."""

    def __init__(self) -> None:
        super().__init__(Fault.SILENT_AFTER_101)


def _answer(fault: Fault, head: str, writer: asyncio.StreamWriter) -> bool:
    """The HTTP part of a connection; whether frames follow it."""
    if fault in _STATUS:
        writer.write(f"HTTP/1.1 {_STATUS[fault]}\r\nContent-Type: text/html\r\n".encode())
        writer.write(f"Content-Length: {len(_PAGE)}\r\nConnection: close\r\n\r\n{_PAGE}".encode())
    if fault in _STATUS or fault in {Fault.SILENT_BEFORE_101, Fault.HANG_UP_BEFORE_101}:
        return False
    switch = b"".join(_switching_lines(head, wrong_key=fault is Fault.WRONG_ACCEPT))
    if fault is Fault.RESET_IN_HANDSHAKE:
        writer.write(switch[: len(switch) // 2])
        _reset(writer)
        return False
    writer.write(switch + (frame(BANNER) if fault is Fault.BANNER_WITH_101 else b""))
    if fault is Fault.RESET_AFTER_101:
        _reset(writer)
    return fault not in {Fault.RESET_AFTER_101, Fault.HANG_UP_AFTER_101}


def _switching_lines(head: str, *, wrong_key: bool) -> Iterator[bytes]:
    """The 101 to this request (RFC 6455 §4.2.2); `binary` is chosen if it is offered."""
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\r\n"))
    }
    key = "AAAAAAAAAAAAAAAAAAAAAA==" if wrong_key else headers.get("sec-websocket-key", "")
    digest = hashlib.sha1(key.encode() + _ACCEPT_GUID, usedforsecurity=False).digest()
    yield b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    yield b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n"
    if "binary" in headers.get("sec-websocket-protocol", "").split(","):
        yield b"Sec-WebSocket-Protocol: binary\r\n"
    yield b"\r\n"


async def _read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Opcode and unmasked payload of the next frame. Raises IncompleteReadError at the end."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", await reader.readexactly(8))
    mask = await reader.readexactly(4) if second & 0x80 else bytes(4)
    payload = await reader.readexactly(size)
    return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def _reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with RST: a zero linger time makes the kernel drop it instead of saying goodbye."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
