"""A VNC server in the test's own loop that is far ahead of its viewers: it sends as fast as it is read, up to a lead.

A websockify on non-blocking sockets keeps all that its viewer has not read: without an end to the lead thirty of them
take a gigabyte each in five minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from types import TracebackType
from typing import Self

from tests.fakes.console_proxy import BANNER

_SERVER_INIT = struct.pack(">HHBBBBHHHBBBxxxI", 1920, 1080, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0, 5) + b"flood"
_CHUNK = bytes(256 * 1024)
_LEAD = 96 * 1024**2
"""Bytes: more than all kernel buffers on the way hold, so that a sending is unfinished all the time."""


class FloodingServer:
    """Listens on a loopback port as long as the context lasts; security None, then bytes without end.

    Each viewer is sent `rate` bytes a second, the pace at which it reads, and a lead before that.
    """

    def __init__(self, rate: int = 1024**2) -> None:
        self._rate = rate
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        async with asyncio.timeout(5):
            while self._writers:
                await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                for said, heard in ((BANNER, 12), (b"\1\1", 1), (bytes(4), 1), (_SERVER_INIT, 0)):
                    writer.write(said)
                    await reader.readexactly(heard)
                await self._flood(writer)
        finally:
            writer.close()
            self._writers.discard(writer)

    async def _flood(self, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        began, sent = loop.time(), 0
        while True:
            writer.write(_CHUNK)
            await writer.drain()
            sent += len(_CHUNK)
            await asyncio.sleep(began + (sent - _LEAD) / self._rate - loop.time())
