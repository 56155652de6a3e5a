"""A raw TCP server in the test's own loop: greets as a VNC server does, keeps whatever comes, and echoes it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.fakes.console_proxy import BANNER


class RawScreen:
    """Says `RFB 003.008` to each connection, or only once `greet` is called, if it does not greet by itself.

    `received` holds what came, over all connections; `ended` says of each that is over whether it was by FIN.
    """

    def __init__(self, *, greets: bool = True, echoes: bool = True) -> None:
        self._echoes = echoes
        self._greeting = asyncio.Event()
        if greets:
            self._greeting.set()
        self._gone = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._news = asyncio.Condition()
        self.received = bytearray()
        self.connections = 0
        self.ended: list[bool] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._greeting.set()
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        await self.until_left()

    @property
    def live(self) -> int:
        """How many connections are open now."""
        return len(self._writers)

    def greet(self) -> None:
        """The connections of now, and those to come, are greeted."""
        self._greeting.set()

    async def send(self, payload: bytes) -> None:
        """The same bytes to every open connection."""
        for writer in tuple(self._writers):
            writer.write(payload)
            await writer.drain()

    def hang_up(self) -> None:
        """End every open connection by FIN, and each that comes."""
        self._gone = True
        for writer in tuple(self._writers):
            writer.close()
        self._greeting.set()

    async def until_received(self, size: int) -> None:
        """Wait until so many bytes came. Raises TimeoutError."""
        await self._until(lambda: len(self.received) >= size)

    async def until_called(self) -> None:
        """Wait until somebody has dialled. Raises TimeoutError."""
        await self._until(lambda: self.connections > 0)

    async def until_left(self) -> None:
        """Wait until no connection is open. Raises TimeoutError."""
        await self._until(lambda: not self._writers)

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(holds)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        await self._tell()
        try:
            with contextlib.suppress(ConnectionError):
                await self._greeting.wait()
                if not self._gone:
                    writer.write(BANNER)
                    await self._listen(reader, writer)
                self.ended.append(True)
                return
            self.ended.append(False)
        finally:
            writer.close()
            self._writers.discard(writer)
            await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            self.received += chunk
            await self._tell()
            if self._echoes:
                writer.write(chunk)
                await writer.drain()
