"""A viewer without a browser: one WebSocket on raw streams, so that a test can send and see every byte."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import ssl
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.fakes.console_proxy import BANNER, BINARY, CLOSE, PING, PONG, frame
from tests.fakes.issued import put_out

__all__ = ["BANNER", "BINARY", "CLOSE", "PING", "PONG", "Refused", "Viewer", "frame"]


@dataclass
class Refused(Exception):  # noqa: N818 -- what the gateway did, not what went wrong
    """The upgrade was answered with something else than 101."""

    status: int
    body: str


class Viewer:
    """Opens `/ws/…` at a gateway on a loopback port, or on a Unix socket if `port` is a path.

    `async with Viewer(port, "/ws/prod/web-01") as viewer:` has its 101; raises Refused. With `tls` it speaks that.
    """

    def __init__(
        self, port: int | str, path: str, *, headers: dict[str, str] | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._port = port
        self._tls = tls
        self._path = path
        self._headers = {
            "Host": "127.0.0.1",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Protocol": "binary",
        } | (headers or {})
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter
        self.head = ""

    async def __aenter__(self) -> Self:
        if isinstance(self._port, str):
            self.reader, self.writer = await asyncio.open_unix_connection(self._port)
        else:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls)
        try:
            await self._upgrade()
        except BaseException:
            self.writer.transport.abort()
            raise
        return self

    async def _upgrade(self) -> None:
        lines = [f"GET {self._path} HTTP/1.1", *(f"{name}: {value}" for name, value in self._headers.items()), "", ""]
        self.writer.write("\r\n".join(lines).encode())
        self.head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status = int(self.head.split()[1])
        if status != 101:
            length = next((line for line in self.head.lower().split("\r\n") if line.startswith("content-length")), ":0")
            body = await self.reader.readexactly(int(length.split(":")[1]))
            raise Refused(status, put_out(body.decode()))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    def send(self, payload: bytes, opcode: int = BINARY) -> None:
        """One masked frame."""
        self.writer.write(frame(payload, opcode, mask=os.urandom(4)))

    def send_raw(self, raw: bytes) -> None:
        self.writer.write(raw)

    def stop_reading(self) -> None:
        transport = self.writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()

    def go_on_reading(self) -> None:
        transport = self.writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.resume_reading()

    def leave(self) -> None:
        """Go without a word."""
        self.writer.transport.abort()

    async def frame(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame. Raises IncompleteReadError at the end."""
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
        return first & 0x0F, await self.reader.readexactly(size)

    async def message(self) -> bytes:
        """The payload of the next data frame that is not empty; pings and pongs are passed over."""
        while True:
            opcode, payload = await self.frame()
            if opcode in (PING, PONG) or (opcode == BINARY and not payload):
                continue
            assert opcode in (BINARY, 0), (opcode, payload)
            return payload

    async def received(self, size: int) -> bytes:
        """Payload of data frames until so many bytes are there."""
        found = b""
        while len(found) < size:
            found += await self.message()
        return found

    async def closed(self) -> tuple[int, str]:
        """Code and reason of the gateway's close frame, which is then answered; 1006 where the connection just ends."""
        while True:
            try:
                opcode, payload = await self.frame()
            except (asyncio.IncompleteReadError, ConnectionError):
                return 1006, ""
            if opcode == CLOSE:
                self.send(payload[:2], CLOSE)
                code = int.from_bytes(payload[:2], "big") if payload else 1005
                return code, put_out(payload[2:].decode())

    async def first_word(self) -> tuple[int | None, str]:
        """None and nothing when the screen is there; else code and reason of the gateway's close frame."""
        opcode, payload = await self.frame()
        while opcode in (PING, PONG) or (opcode == BINARY and not payload):
            opcode, payload = await self.frame()
        if opcode != CLOSE:
            return None, ""
        self.send(payload[:2], CLOSE)
        return int.from_bytes(payload[:2], "big"), put_out(payload[2:].decode())

    async def greeted(self) -> None:
        """The screen is there."""
        assert await self.received(len(BANNER)) == BANNER
