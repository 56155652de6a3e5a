"""A TCP line that goes wrong: a proxy in user space, in the test's own loop, for either leg of a session.

    async with FaultProxy(proxy.port, Trouble.LATENCY) as line:    # trouble from the first byte on
        ... dial line.port ...
        line.strike(Trouble.RESET)                                 # in mid-stream, to all that is open
        line.mend()                                                # what was held back goes on

Whatever the trouble, no byte that passes is changed, and none overtakes another; only `say` adds some.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import random
import socket
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import Self

_CHUNK = 64 * 1024
_DELAY = 0.01
"""Seconds that LATENCY holds each chunk back."""


class Trouble(enum.Enum):
    """What a line does to its connections. The first three are for good; `mend` ends the others.

    The caller is who dialled the line: the viewer on its leg, the gateway on the console proxy's.
    """

    RESET = "both ends are reset"
    CALLER_SAYS_FIN = "the caller falls silent with a FIN, and hears the other end still"
    ANSWERER_SAYS_FIN = "the answering end falls silent with a FIN, and hears the caller still"
    STALL = "nothing passes, and nothing is said"
    SLOW_CLOSE = "bytes pass, but no FIN"
    LATENCY = "each chunk comes late"
    DRIBBLE = "one byte at a time"
    SLICES = "pieces of any size"


class _Way:
    """One direction of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random) -> None:
        self._reader = reader
        self._writer = writer
        self._chance = chance
        self._mended = asyncio.Event()
        self._trouble: Trouble | None = None
        self._cut = False
        self.suffer(None)

    def suffer(self, trouble: Trouble | None) -> None:
        """From now on this, or nothing, is wrong here."""
        self._trouble = trouble
        if trouble in (Trouble.STALL, Trouble.SLOW_CLOSE):
            self._mended.clear()
        else:
            self._mended.set()

    def cut(self) -> None:
        """Say FIN now; what still comes is lost."""
        if not self._cut:
            self._cut = True
            with contextlib.suppress(OSError):
                self._writer.write_eof()

    async def carry(self) -> None:
        """Until the end of what comes. Raises ConnectionError."""
        while chunk := await self._reader.read(_CHUNK):
            if self._trouble is Trouble.STALL:
                await self._mended.wait()
            for piece in self._pieces(chunk):
                await self._pass(piece)
        await self._mended.wait()
        self.cut()

    async def _pass(self, piece: bytes) -> None:
        if self._trouble is Trouble.LATENCY:
            await asyncio.sleep(_DELAY)
        if not self._cut:
            self._writer.write(piece)
            await self._writer.drain()
        if self._trouble in (Trouble.DRIBBLE, Trouble.SLICES):
            await asyncio.sleep(0)  # so that the piece is met alone

    def _pieces(self, chunk: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(chunk):
            size = self._size_of_a_piece()
            yield chunk[at : at + size]
            at += size

    def _size_of_a_piece(self) -> int:
        match self._trouble:
            case Trouble.DRIBBLE:
                return 1
            case Trouble.SLICES:
                return int(2 ** self._chance.uniform(0, 16.5))  # as often a byte as tens of thousands
            case _:
                return _CHUNK


class _Line:
    """One connection: the caller, who dialled, and the answering end."""

    def __init__(self, caller: asyncio.StreamWriter, answering: asyncio.StreamWriter, up: _Way, down: _Way) -> None:
        self._writers = (caller, answering)
        self._up = up
        self._down = down

    def suffer(self, trouble: Trouble | None) -> None:
        match trouble:
            case Trouble.RESET:
                self.reset()
            case Trouble.CALLER_SAYS_FIN:
                self._up.cut()
            case Trouble.ANSWERER_SAYS_FIN:
                self._down.cut()
            case _:
                self._up.suffer(trouble)
                self._down.suffer(trouble)

    def say(self, words: bytes) -> None:
        """To the caller, between two pieces of what passes."""
        self._writers[0].write(words)

    def reset(self) -> None:
        """A zero linger time makes the kernel say RST instead of goodbye."""
        for writer in self._writers:
            with contextlib.suppress(OSError):  # it is closed already
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def carry(self) -> None:
        """Both ways, until both are over; a reset of one end is one of the other."""
        with contextlib.suppress(ConnectionError, ExceptionGroup):
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._up.carry())
                ways.create_task(self._down.carry())
            return
        self.reset()


class FaultProxy:
    """A line to a loopback port; what is wrong with it is wrong with each connection from its first byte on.

    `window`: bytes that the kernel takes for the line beyond what it passes on; as the kernel likes if None. With a
    small one, whoever writes to the line can often write a part only.
    """

    def __init__(
        self, target: int, trouble: Trouble | None = None, *, seed: int = 0, window: int | None = None
    ) -> None:
        self._target = target
        self._window = window
        self._trouble = trouble
        self._chance = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._lines: set[_Line] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.connections = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        listener = self._socket()
        listener.bind(("127.0.0.1", 0))
        self._server = await asyncio.start_server(self._serve, sock=listener)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.mend()
        for line in tuple(self._lines):
            line.reset()
        await self.until_quiet()

    @property
    def live(self) -> int:
        """How many connections are open now."""
        return len(self._lines)

    def strike(self, trouble: Trouble) -> None:
        """Now, for all connections of now and to come."""
        self._trouble = trouble
        for line in tuple(self._lines):
            line.suffer(trouble)

    def mend(self) -> None:
        """Nothing is wrong any more, but for what has ended."""
        self._trouble = None
        for line in tuple(self._lines):
            line.suffer(None)

    def say(self, words: bytes) -> None:
        """Tell the caller of each open connection what the answering end never said."""
        for line in tuple(self._lines):
            line.say(words)

    async def until_quiet(self) -> None:
        """Wait until no connection is open. Raises TimeoutError."""
        async with asyncio.timeout(10):
            await self._quiet.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._quiet.clear()
        try:
            far_reader, far_writer = await self._dial()
        except OSError:
            writer.transport.abort()
            self._see_whether_it_is_quiet()
            return
        up = _Way(reader, far_writer, self._chance)
        line = _Line(writer, far_writer, up, _Way(far_reader, writer, self._chance))
        self._lines.add(line)
        if self._trouble is not None:
            line.suffer(self._trouble)
        try:
            await line.carry()
        finally:
            self._lines.discard(line)
            writer.close()
            far_writer.close()
            self._see_whether_it_is_quiet()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises OSError."""
        sock = self._socket()
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._target))
        except BaseException:
            sock.close()
            raise
        return await asyncio.open_connection(sock=sock)

    def _socket(self) -> socket.socket:
        """The kernel takes the window into account from the handshake on: it is set before."""
        sock = socket.socket()
        if self._window is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._window)
        return sock

    def _see_whether_it_is_quiet(self) -> None:
        if not self._lines:
            self._quiet.set()
