"""The viewers before the gateway, in a process of their own: thousands on one event loop.

`python -m tests.soak.viewers` takes orders:

- `{"do": "open", "port": P, "servers": [NAME, …], "at_once": A}`: one session for each name, past the whole greeting;
  from then on each update is checked and answered
- `{"do": "close"}`: closes all sessions with 1000, and waits until the gateway has hung up
- `{"do": "await the end"}`: waits until the gateway has ended all sessions
- `{"do": "short", "port": P, "servers": [NAME, …], "first": F, "count": N, "at_once": A}`: N sessions with a message
  each way, the ways of ending by turns
- `{"do": "tell"}`: what there is and what there was, and begins to count anew
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from tests.benchmarks import wire
from tests.soak import conversation as talk
from tests.soak.conversation import SHORT_WAYS, ConversationError, Faults, Frames, Way
from tests.soak.orders import Answer, Order, obey
from tests.soak.upstream import ADDRESSES, ONCE, reset

T = TypeVar("T")

_PATIENCE = 50.0
"""Seconds for one session's opening, and for what is waited for in the end."""
_IP_BIND_ADDRESS_NO_PORT = 24
"""ip(7): the kernel picks the port when it knows both addresses, so that each pair of them has all ports."""
_END_OF = {
    Way.NONE: "1000",
    Way.VIEWER_CLOSES: "1000",
    Way.VIEWER_RESETS: "none",
    Way.SCREEN_CLOSES: "1000",
    Way.SCREEN_RESETS: "1014",
    Way.STALE: "1000",
}
"""The close code that the gateway sends a viewer."""


class Viewers:
    """All viewers of this process."""

    def __init__(self) -> None:
        self.updates = 0
        self.faults = Faults()
        self.ends: Counter[str] = Counter()
        """By the close code that the gateway sent, or `none`."""
        self.ways: Counter[str] = Counter()
        """Of short sessions that ended as they were to."""
        self._open: set[Viewer] = set()
        self._addresses = itertools.cycle(ADDRESSES)

    async def obey(self, order: Order) -> Answer:
        """Carry out one order."""
        match order.pop("do"):
            case "open":
                await self._open_all(**order)
            case "close":
                for viewer in self._open:
                    viewer.close()
                await self._until_all_are_gone()
            case "await the end":
                await self._until_all_are_gone()
            case "short":
                await self._short(**order)
            case "tell":
                return self._tell()
            case other:
                raise ValueError(f"no such order: {other}")
        return {}

    def _tell(self) -> Answer:
        told = {
            "open": len(self._open),
            "updates": self.updates,
            "ends": dict(self.ends),
            "ways": dict(self.ways),
            "faults": self.faults.count,
            "first_faults": self.faults.told,
        }
        self.updates, self.faults, self.ends, self.ways = 0, Faults(), Counter(), Counter()
        return told

    async def _open_all(self, port: int, servers: Sequence[str], at_once: int) -> None:
        async def stay(server: str, _slot: int) -> None:
            viewer = await self._viewer(port, server, Way.NONE)
            await viewer.greeted

        await self._by_turns(servers, at_once, stay)

    async def _short(self, port: int, servers: Sequence[str], first: int, count: int, at_once: int) -> None:
        async def visit(number: int, slot: int) -> None:
            way = SHORT_WAYS[number % len(SHORT_WAYS)]
            server = f"{ONCE}{slot}" if way is Way.STALE else servers[number % len(servers)]
            viewer = await self._viewer(port, server, way)
            await viewer.greeted
            end = await viewer.gone
            if end != _END_OF[way] or viewer.updates != 1:
                raise ConversationError(f"{way.name}: ended with {end} after {viewer.updates} updates")
            self.ways[way.name] += 1

        await self._by_turns(range(first, first + count), at_once, visit)

    async def _by_turns(self, works: Iterable[T], at_once: int, work: Callable[[T, int], Awaitable[None]]) -> None:
        """All of them, `at_once` at the same time, each in a slot; what goes wrong is noted."""
        left = iter(works)

        async def slot(number: int) -> None:
            for one in left:
                try:
                    async with asyncio.timeout(_PATIENCE):
                        await work(one, number)
                except (ConversationError, OSError, TimeoutError) as error:
                    self.faults.note(f"{one}: {type(error).__name__}: {error}")

        async with asyncio.TaskGroup() as tasks:
            for number in range(at_once):
                tasks.create_task(slot(number))

    async def _viewer(self, port: int, server: str, way: Way) -> Viewer:
        loop = asyncio.get_running_loop()
        sock = socket.socket()
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((next(self._addresses), 0))
            await loop.sock_connect(sock, ("127.0.0.1", port))
        except BaseException:
            sock.close()
            raise
        viewer = Viewer(self, server, way)
        self._open.add(viewer)
        await loop.create_connection(lambda: viewer, sock=sock)
        viewer.begin(port)
        return viewer

    async def _until_all_are_gone(self) -> None:
        async with asyncio.timeout(_PATIENCE):
            await asyncio.gather(*(viewer.gone for viewer in tuple(self._open)))

    def left(self, viewer: Viewer, end: str) -> None:
        """A viewer's connection is closed."""
        self._open.discard(viewer)
        self.ends[end] += 1


class Viewer(asyncio.Protocol):
    """One session."""

    __slots__ = (
        "_end",
        "_frames",
        "_head",
        "_heard",
        "_requests",
        "_screen",
        "_server",
        "_transport",
        "_viewers",
        "_way",
        "gone",
        "greeted",
        "updates",
    )

    def __init__(self, viewers: Viewers, server: str, way: Way) -> None:
        loop = asyncio.get_running_loop()
        self.greeted: asyncio.Future[None] = loop.create_future()
        """Past the greeting; or ConversationError."""
        self.gone: asyncio.Future[str] = loop.create_future()
        """The connection is closed: after which close code."""
        self.updates = 0
        self._viewers = viewers
        self._server = server
        self._way = way
        self._head: bytes | None = b""
        self._frames = Frames()
        self._heard = 0
        self._requests = 0
        self._screen = 0
        self._end = "none"
        self._transport: asyncio.Transport

    def begin(self, port: int) -> None:
        self._transport.write(wire.upgrade_request(port, f"/ws/soak/{self._server}"))

    def close(self) -> None:
        self._transport.write(wire.CLIENT_CLOSE)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.greeted.done():
            self.greeted.set_exception(ConversationError(f"{self._server}: closed with {self._end} before the screen"))
        self.gone.set_result(self._end)
        self._viewers.left(self, self._end)

    def data_received(self, data: bytes) -> None:
        try:
            if self._head is not None:
                data = self._read_head(data)
            for opcode, payload in self._frames.feed(data):
                self._hear(opcode, payload)
        except ConversationError as error:
            self._viewers.faults.note(f"{self._server}: {error}")
            self._transport.abort()

    def _read_head(self, data: bytes) -> bytes:
        """Returns what came behind it."""
        assert self._head is not None
        head, end, rest = (self._head + data).partition(b"\r\n\r\n")
        if not end:
            self._head = head
            return b""
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConversationError(f"the upgrade was answered with {head[:100]!r}")
        self._head = None
        return rest

    def _hear(self, opcode: int, payload: bytes) -> None:
        match opcode:
            case talk.BINARY if self._heard <= len(wire.GREETING):
                self._greet(payload)
            case talk.BINARY:
                self._see(payload)
            case talk.PING:
                self._transport.write(wire.client_frame(payload, talk.PONG))
            case talk.CLOSE:
                self._end = str(talk.close_code(payload))
                if self._end != "1000" or self._way is Way.SCREEN_CLOSES:
                    self.close()
            case talk.PONG:  # the screen's, to a ping of the gateway's
                pass
            case _:
                raise ConversationError(f"a frame has opcode {opcode}")

    def _greet(self, payload: bytes) -> None:
        self._heard += 1
        if self._heard <= len(wire.GREETING):
            spoken, answer = wire.GREETING[self._heard - 1]
            if payload != spoken:
                raise ConversationError(f"the screen greeted with {payload[:40]!r}")
            self._transport.write(wire.client_frame(answer))
            return
        server, self._screen = talk.parse_server_init(payload)
        if server != self._server:
            raise ConversationError(f"the screen is that of {server}")
        self.greeted.set_result(None)
        if self._way is not Way.NONE:
            self._ask(self._way, 0)

    def _see(self, payload: bytes) -> None:
        update = talk.parse_update(payload, self._screen, self.updates)
        self.updates += 1
        self._viewers.updates += 1
        match self._way:
            case Way.NONE | Way.SCREEN_RESETS:
                self._ask(Way.NONE, update.sent_at)
            case Way.VIEWER_CLOSES | Way.STALE:
                self.close()
            case Way.VIEWER_RESETS:
                reset(self._transport)
            case Way.SCREEN_CLOSES:
                pass

    def _ask(self, way: Way, sent_at: int) -> None:
        self._transport.write(wire.client_frame(talk.request(way, self._requests, sent_at)))
        self._requests += 1


async def _serve() -> None:
    await obey(Viewers().obey)


if __name__ == "__main__":
    asyncio.run(_serve())
