"""A line in front of a client that expects a pure echo: what the gateway needs for its proof of a console is kept back.

The WebSocket end behind it must say one frame of its own before anything else, `GREETING`; the line holds the `101`
until that has come, takes it out, and passes every other byte on as it is, both ways.

On request it also carries texts: the opcode of each text message becomes that of a binary one on the way to the
gateway, and the echo's becomes text again. Nothing else of a frame is touched, so that a gateway that refuses text by
design can be asked all the questions that are put in texts: fragments, controls between them, reserved bits, closes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from launcher.relay.frames import BINARY, TEXT
from tests.fakes.console_proxy import BANNER, frame

GREETING = frame(BANNER)
_CHUNK = 64 * 1024
_ALL_BUT_OPCODE = 0xF0

Change = Callable[[bytes], bytes]


class _Opcodes:
    """Walks one direction's frames, however they are cut, and lets `swap` decide on the opcode of each."""

    def __init__(self, swap: Callable[[int], int]) -> None:
        self._swap = swap
        self._head = bytearray()
        self._left = 0

    def __call__(self, chunk: bytes) -> bytes:
        out = bytearray(chunk)
        at = 0
        while at < len(out):
            if self._left:
                step = min(self._left, len(out) - at)
                self._left -= step
                at += step
                continue
            if not self._head:
                out[at] = out[at] & _ALL_BUT_OPCODE | self._swap(out[at] & 0x0F)
            self._head.append(out[at])
            at += 1
            self._see_whether_the_header_is_whole()
        return bytes(out)

    def _see_whether_the_header_is_whole(self) -> None:
        head = self._head
        if len(head) < 2:
            return
        masked, size = head[1] >> 7, head[1] & 0x7F
        more = {126: 2, 127: 8}.get(size, 0)
        if len(head) == 2 + more + 4 * masked:
            self._left = int.from_bytes(head[2 : 2 + more]) if more else size
            head.clear()


def _texts_as_binary() -> tuple[Change, Change]:
    """Towards the gateway, and back: each echo has the opcode that its message had."""
    said: deque[int] = deque()

    def to_binary(opcode: int) -> int:
        if opcode in (TEXT, BINARY):
            said.append(opcode)
            return BINARY
        return opcode

    def as_said(opcode: int) -> int:
        return said.popleft() if opcode == BINARY and said else opcode

    return _Opcodes(to_binary), _Opcodes(as_said)


def _unchanged(chunk: bytes) -> bytes:
    return chunk


@asynccontextmanager
async def without_greeting(target: int, *, carry_texts: bool = False) -> AsyncIterator[int]:
    """The loopback port of such a line to the loopback port `target`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = _texts_as_binary() if carry_texts else (_unchanged, _unchanged)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        try:
            with contextlib.suppress(ExceptionGroup):  # either end may reset the line
                async with asyncio.TaskGroup() as ways:
                    ways.create_task(_carry_requests(reader, far_writer, there))
                    ways.create_task(_carry_answers(far_reader, writer, back))
        finally:
            writer.close()
            far_writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _carry_requests(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Change) -> None:
    writer.write(await reader.readuntil(b"\r\n\r\n"))
    await _carry(reader, writer, change)


async def _carry_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Change) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    greeting = await reader.readexactly(len(GREETING))
    if greeting != GREETING:
        raise ConnectionError(f"not the greeting, but {greeting!r}")
    writer.write(head)
    await _carry(reader, writer, change)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Change) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(change(chunk))
        await writer.drain()
    writer.write_eof()
