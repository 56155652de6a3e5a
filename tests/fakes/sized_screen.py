"""A VNC server whose screen is as large as it says: at first, and after each request for a picture."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Sequence
from types import TracebackType
from typing import Self

_DESKTOP_SIZE = -223
_FORMAT = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
_BODIES = {0: 19, 3: 9, 4: 7, 5: 5}
"""Bytes behind the type of a client's messages (RFC 6143 §7.5); SetEncodings has a list of its own."""


class SizedScreen:
    """Speaks RFB 3.8 without a password; `resizes` follow one another, one for each FramebufferUpdateRequest."""

    def __init__(self, size: tuple[int, int], resizes: Sequence[tuple[int, int]] = ()) -> None:
        self._size = size
        self._resizes = resizes
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._speak(reader, writer)
        writer.transport.abort()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for said, awaited in ((b"RFB 003.008\n", 12), (b"\1\1", 1), (b"\0\0\0\0", 1)):
            writer.write(said)
            await reader.readexactly(awaited)
        writer.write(struct.pack(">HH", *self._size) + _FORMAT + struct.pack(">I", 3) + b"lab")
        resizes = iter(self._resizes)
        while True:
            kind = (await reader.readexactly(1))[0]
            if kind == 2:
                count = struct.unpack(">xH", await reader.readexactly(3))[0]
                await reader.readexactly(4 * count)
            elif kind == 6:
                length = struct.unpack(">3xi", await reader.readexactly(7))[0]
                await reader.readexactly(abs(length))
            else:
                await reader.readexactly(_BODIES[kind])
            if kind == 3 and (size := next(resizes, None)) is not None:
                writer.write(struct.pack(">BxHHHHHi", 0, 1, 0, 0, *size, _DESKTOP_SIZE))
