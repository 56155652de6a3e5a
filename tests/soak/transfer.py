"""Bytes by the hundred megabytes, each way at once, over lines that cut them anywhere: they arrive as they were sent.

    python -m tests.soak.transfer [MIB]        256 MiB each way by default, for each kind of upstream

Both legs lead through a `FaultProxy` that passes pieces of any size, a byte as often as tens of kilobytes; or only the
viewer's does, and the upstream floods. Messages have any size, too; some come in fragments, some are empty, and pings
and pongs come between.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import numpy

from launcher.config.models import Config
from launcher.daemon import open_gateway
from launcher.relay.allowance import AT_ONCE
from tests.benchmarks.wire import upgrade_answer
from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import BANNER, BINARY, CLOSE, PING, PONG, frame
from tests.fakes.fault_proxy import FaultProxy, Trouble
from tests.fakes.issued import issue
from tests.fakes.viewer import Viewer
from tests.soak.figures import Figure
from tests.soak.run import Part

KINDS = ("websocket", "raw")
"""The upstream is a console proxy, or a VNC server without one."""

_LARGEST = 200_000
_CONTINUATION = 0x0
_WINDOW = 16 * 1024
"""Small, so that neither leg takes all that the gateway has for it."""


class _Stream:
    """So many random bytes in pieces of any size, and their digest; the same ones for the same seed."""

    def __init__(self, amount: int, seed: int) -> None:
        self._chance = random.Random(seed)
        self._amount = self._left = amount
        self._controls = 0
        self.digest = hashlib.sha256()

    def pieces(self) -> Iterator[bytes]:
        while self._left:
            size = min(self._left, int(_LARGEST ** self._chance.random()))
            piece = self._chance.randbytes(size)
            self._left -= size
            self.digest.update(piece)
            yield piece

    def frames(self, *, masked: bool) -> Iterator[bytes]:
        """The pieces as messages, a few of them in fragments, with other frames between.

        Pings and pongs are spread over the whole, no more of them than a peer may send at once.
        """
        for piece in self.pieces():
            match self._chance.randrange(8):
                case 0:
                    cut = self._chance.randrange(len(piece) + 1)
                    yield self._frame(piece[:cut], BINARY, masked=masked, fin=False)
                    if self._controls * self._amount < AT_ONCE * (self._amount - self._left):
                        self._controls += 1
                        yield self._frame(b"between", self._chance.choice((PING, PONG)), masked=masked)
                    yield self._frame(piece[cut:], _CONTINUATION, masked=masked)
                case 1:
                    yield self._frame(b"", BINARY, masked=masked)
                    yield self._frame(piece, BINARY, masked=masked)
                case _:
                    yield self._frame(piece, BINARY, masked=masked)

    def _frame(self, payload: bytes, opcode: int, *, masked: bool, fin: bool = True) -> bytes:
        if not masked:
            return frame(payload, opcode, fin=fin)
        key = self._chance.randbytes(4)
        head = bytearray(frame(payload, opcode, fin=fin)[: -len(payload) or None])
        head[1] |= 0x80
        return bytes(head) + key + _masked(payload, key)


def _masked(payload: bytes, key: bytes) -> bytes:
    padded = numpy.frombuffer(payload + bytes(-len(payload) % 4), numpy.uint32)
    return (padded ^ numpy.frombuffer(key, numpy.uint32)).tobytes()[: len(payload)]


class _Sink:
    """Counts and digests what comes, until all of it is there."""

    def __init__(self, amount: int) -> None:
        self._left = amount
        self.digest = hashlib.sha256()
        self.began = asyncio.Event()

    async def take_bytes(self, reader: asyncio.StreamReader) -> None:
        """Raises EOFError when the stream ends before."""
        while self._left > 0:
            self._take(await reader.read(65536) or _ended(self._left))

    async def take_frames(self, reader: asyncio.StreamReader) -> None:
        """The payloads of data frames. Raises EOFError when the stream ends before."""
        while self._left > 0:
            opcode, payload = await _frame_of(reader)
            if opcode == CLOSE:
                _ended(self._left, f"with a close frame: {payload!r}")
            elif opcode not in (PING, PONG):
                self._take(payload)

    def _take(self, payload: bytes) -> None:
        self._left -= len(payload)
        self.digest.update(payload)
        self.began.set()


def _ended(left: int, how: str = "by FIN") -> bytes:
    raise EOFError(f"the stream ended {left} bytes before it should, {how}")


async def _frame_of(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Opcode and payload, unmasked, of the next frame."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
    key = await reader.readexactly(4) if second & 0x80 else b""
    payload = await reader.readexactly(size)
    return first & 0x0F, _masked(payload, key) if key else payload


class _Far:
    """The upstream: greets, then sends its stream while it takes the viewer's."""

    def __init__(self, kind: str, amount: int) -> None:
        self._framed = kind == "websocket"
        self.stream = _Stream(amount, seed=1)
        self.sink = _Sink(amount)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.port = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._framed:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                writer.write(upgrade_answer(head))
            writer.write(frame(BANNER) if self._framed else BANNER)
            self.stream.digest.update(BANNER)
            async with asyncio.TaskGroup() as both:
                both.create_task(
                    _send(writer, self.stream.frames(masked=False) if self._framed else self.stream.pieces())
                )
                both.create_task(self.sink.take_frames(reader) if self._framed else self.sink.take_bytes(reader))
            self.done.set_result(None)
            await reader.read()
        except BaseException as error:
            if not self.done.done():
                self.done.set_exception(error)
            raise
        finally:
            writer.close()


async def _send(writer: asyncio.StreamWriter, pieces: Iterator[bytes]) -> None:
    for piece in pieces:
        writer.write(piece)
        await writer.drain()


@asynccontextmanager
async def _gateway(kind: str, upstream: int) -> AsyncIterator[int]:
    """The port of a gateway whose cloud has one server, `web-01`, at the loopback port `upstream`."""
    async with FakeCompute() as compute:
        compute.add_server("web-01")
        compute.mint = lambda *_: f"http://127.0.0.1:{upstream}/vnc_lite.html?path=%3Ftoken%3D{issue()}"
        websocket = {"provider": "none", "endpoint": compute.endpoint}
        raw = {"provider": "static", "servers": {"web-01": {"vnc": f"tcp://127.0.0.1:{upstream}"}}}
        clouds = {"lab": websocket if kind == "websocket" else raw}
        async with open_gateway(Config.model_validate({"listen": ("127.0.0.1:0",), "clouds": clouds})) as gateway:
            yield int(gateway.where[0].rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class Transfer:
    """Digests of what was sent and of what came, each way."""

    up: tuple[str, str]
    down: tuple[str, str]
    seconds: float

    @property
    def unchanged(self) -> bool:
        return self.up[0] == self.up[1] and self.down[0] == self.down[1]


async def transfer(
    kind: str, amount: int, *, near: Trouble = Trouble.SLICES, far: Trouble | None = Trouble.SLICES
) -> Transfer:
    """`amount` bytes each way at once, with these troubles on the legs; a leg without trouble is as wide as it can be.

    Raises EOFError when a stream ends early.
    """
    async with AsyncExitStack() as stack:
        end = _Far(kind, amount)
        await stack.enter_async_context(end.serving())
        far_line = await stack.enter_async_context(
            FaultProxy(end.port, far, seed=3, window=None if far is None else _WINDOW)
        )
        gateway = await stack.enter_async_context(_gateway(kind, far_line.port))
        near_line = await stack.enter_async_context(FaultProxy(gateway, near, seed=4, window=_WINDOW))
        stream, sink = _Stream(amount, seed=2), _Sink(len(BANNER) + amount)
        async with Viewer(near_line.port, "/ws/lab/web-01") as viewer:
            began = time.monotonic()
            async with asyncio.TaskGroup() as both:
                both.create_task(sink.take_frames(viewer.reader))
                await sink.began.wait()  # the server speaks first in RFB
                both.create_task(_send(viewer.writer, stream.frames(masked=True)))
            await end.done
            seconds = time.monotonic() - began
    return Transfer(
        up=(stream.digest.hexdigest(), end.sink.digest.hexdigest()),
        down=(end.stream.digest.hexdigest(), sink.digest.hexdigest()),
        seconds=seconds,
    )


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mebibytes", type=int, default=256, help="of a transfer, each way (default 256)")


async def _run(options: argparse.Namespace) -> list[Figure]:
    figures = []
    for kind in KINDS:
        done = await transfer(kind, options.mebibytes * 1024**2)
        what = f"{kind}: SHA-256 of {options.mebibytes} MiB each way, {done.seconds:.0f} s"
        figures.append(Figure("transfer", what, f"{'un' * done.unchanged}changed", "unchanged", done.unchanged))
    return figures


PART = Part("transfer", _add_options, _run, descriptors=lambda _: 100)


def main(arguments: list[str]) -> int:
    mebibytes = int(arguments[0]) if arguments else 256
    unchanged = True
    for kind, far in ((kind, far) for kind in KINDS for far in (Trouble.SLICES, None)):
        done = asyncio.run(transfer(kind, mebibytes * 1024**2, far=far))
        unchanged = unchanged and done.unchanged
        what = f"{kind}, {'both legs cut' if far else 'a flood for a viewer on a narrow line'}"
        print(f"{what}: {mebibytes} MiB each way in {done.seconds:.1f} s, {'un' * done.unchanged}changed", flush=True)
        for way, (sent, came) in (("up", done.up), ("down", done.down)):
            print(f"  {way:4} sent {sent}\n       came {came}")
    return 0 if unchanged else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
