"""A transport in memory: what was written to it, and whether it was asked to pause, close or abort."""

from __future__ import annotations

import asyncio
from typing import Any


class MemoryTransport(asyncio.Transport):
    """Hands nothing on by itself; the test plays the other end."""

    def __init__(self, protocol: asyncio.BaseProtocol | None = None) -> None:
        super().__init__()
        self.protocol = protocol
        self.written = b""
        self.kept: list[bytes | bytearray | memoryview[Any]] = []
        """What was written, not copied: as asyncio keeps what does not leave at once (from Python 3.12 on)."""
        self.reading = True
        self.unsent = 0
        self.ended: str | None = None
        self.halves = True
        """Whether it can end one direction alone, as TCP can and TLS cannot."""
        self.finished = False
        """Whether that was done."""

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self.finished:
            raise RuntimeError("Cannot call write() after write_eof()")  # as asyncio has it
        if self.ended is None:
            self.written += bytes(data)
            self.kept.append(data)

    def taken(self) -> bytes:
        """What was written since the last call."""
        written, self.written = self.written, b""
        return written

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high is not None

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def can_write_eof(self) -> bool:
        return self.halves

    def write_eof(self) -> None:
        self.finished = True

    def is_closing(self) -> bool:
        return self.ended is not None

    def close(self) -> None:
        self._end("closed")

    def abort(self) -> None:
        self._end("aborted")

    def _end(self, how: str) -> None:
        if self.ended is None:
            self.ended = how
            if self.protocol is not None:
                asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


def received(protocol: asyncio.BufferedProtocol, chunk: bytes) -> None:
    """Give a protocol what came in as asyncio does: as much at a time as its buffer takes."""
    while chunk:
        buffer = memoryview(protocol.get_buffer(-1))
        size = min(len(buffer), len(chunk))
        buffer[:size] = chunk[:size]
        protocol.buffer_updated(size)
        chunk = chunk[size:]
