"""A line in front of a client that expects a pure echo: what the gateway needs for its proof of a console is kept back.

A WebSocket end behind it must say one frame of its own before anything else, `GREETING`; the line holds the `101` until
that has come, takes it out, and passes every other byte on as it is, both ways.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.fakes.console_proxy import BANNER, frame

GREETING = frame(BANNER)
_CHUNK = 64 * 1024


@asynccontextmanager
async def without_greeting(target: int) -> AsyncIterator[int]:
    """The loopback port of such a line to the loopback port `target`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        try:
            if True:
                async with asyncio.TaskGroup() as ways:
                    ways.create_task(_carry(reader, far_writer))
                    ways.create_task(_carry_answers(far_reader, writer))
        finally:
            writer.close()
            far_writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _carry_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    greeting = await reader.readexactly(len(GREETING))
    if greeting != GREETING:
        raise ConnectionError(f"not the greeting: {greeting!r} {await reader.read(200)!r}")
    writer.write(head)
    await _carry(reader, writer)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()
