"""The console proxy behind the gateway, in a process of its own: thousands of screens on one event loop.

`python -m tests.soak.upstream` listens on several loopback addresses, says which as one JSON line, and takes orders:

- `{"do": "update", "rate": R}`: R updates a second in all, to one screen after another, until `{"do": "rest"}`
- `{"do": "tell"}`: what there is and what there was, and begins to count anew

A console URL's path names the server. Each connection is a screen with a number of its own. The console tokens of
servers whose name begins with `once-` are good for one connection: later ones get their 101 and are hung up on, as a
nova-novncproxy does.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.benchmarks import wire
from tests.soak import conversation as talk
from tests.soak.conversation import ConversationError, Faults, Frames, Way
from tests.soak.figures import percentiles
from tests.soak.orders import Answer, Order, obey, say

ADDRESSES = tuple(f"127.0.0.{number}" for number in range(2, 6))
ONCE = "once-"
_TICK = 0.01


class Proxy:
    """All screens of this process."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.screens: dict[int, Screen] = {}
        self.used: set[str] = set()
        """Console tokens that are good for nothing any more."""
        self.updates = self.requests = self.refused = 0
        self.round_trips: list[int] = []
        self.faults = Faults()
        self._ticking: asyncio.Task[None] | None = None
        self._round: Iterator[Screen] = iter(())

    async def obey(self, order: Order, tasks: asyncio.TaskGroup) -> Answer:
        """Carry out one order."""
        match order["do"]:
            case "update":
                self._ticking = tasks.create_task(self._tick(order["rate"]))
            case "rest":
                if self._ticking is not None:
                    self._ticking.cancel()
                    self._ticking = None
            case "tell":
                return self._tell()
            case other:
                raise ValueError(f"no such order: {other}")
        return {}

    def _tell(self) -> Answer:
        told = {
            "screens": len(self.screens),
            "updates": self.updates,
            "requests": self.requests,
            "refused": self.refused,
            "faults": self.faults.count,
            "first_faults": self.faults.told,
            "round_trip": percentiles(self.round_trips),
        }
        self.updates = self.requests = self.refused = 0
        self.faults = Faults()
        self.round_trips = []
        return told

    async def _tick(self, rate: float) -> None:
        """As many in each tick as are due by then."""
        loop = asyncio.get_running_loop()
        began_at, done = loop.time(), 0
        while True:
            due = int((loop.time() - began_at) * rate)
            for screen in itertools.islice(self._by_turns(), due - done):
                screen.send_update()
            done = due
            await asyncio.sleep(_TICK)

    def _by_turns(self) -> Iterator[Screen]:
        """One screen after another, for as long as there are any."""
        while self.screens:
            for screen in self._round:
                if screen.number in self.screens:
                    yield screen
            self._round = iter(tuple(self.screens.values()))


class Screen(asyncio.Protocol):
    """One connection."""

    __slots__ = (
        "_frames",
        "_head",
        "_is_to_reset",
        "_proxy",
        "_said",
        "_server",
        "_transport",
        "number",
        "requests",
        "updates",
    )

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._head: bytes | None = b""
        self._frames = Frames()
        self._is_to_reset = False
        self._said = 0
        self._server = ""
        self._transport: asyncio.Transport
        self.number = next(proxy.numbers)
        self.updates = self.requests = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._proxy.screens.pop(self.number, None)

    def data_received(self, data: bytes) -> None:
        try:
            if self._head is not None:
                self._read_head(data)
                return
            for opcode, payload in self._frames.feed(data):
                self._hear(opcode, payload)
        except (ConversationError, ValueError) as error:
            self._proxy.faults.note(f"{self._server}: {error}")
            self._transport.abort()

    def send_update(self) -> None:
        self._transport.write(wire.server_frame(talk.update(self.number, self.updates)))
        self.updates += 1
        self._proxy.updates += 1

    def _read_head(self, data: bytes) -> None:
        """The gateway says nothing behind its request before it has the 101."""
        assert self._head is not None
        self._head += data
        if not self._head.endswith(b"\r\n\r\n"):
            return
        head, self._head = self._head.decode(), None
        url = urlsplit(head.split()[1])
        self._server = url.path.strip("/")
        self._transport.write(wire.upgrade_answer(head))
        if self._server.startswith(ONCE) and self._is_used(url.query):
            self._proxy.refused += 1
            self._transport.close()
        else:
            self._transport.write(wire.server_frame(wire.GREETING[0][0]))

    def _is_used(self, token: str) -> bool:
        used = token in self._proxy.used
        self._proxy.used.add(token)
        return used

    def _hear(self, opcode: int, payload: bytes) -> None:
        match opcode:
            case talk.BINARY if self._said < len(wire.GREETING):
                self._greet(payload)
            case talk.BINARY:
                self._answered(talk.parse_request(payload, self.requests))
            case talk.PING:
                self._transport.write(wire.server_frame(payload, talk.PONG))
            case talk.CLOSE:
                self._transport.close()
            case talk.PONG:  # the viewer's, to a ping of the gateway's while its launch was under way
                pass
            case _:
                raise ConversationError(f"a frame has opcode {opcode}")

    def _greet(self, payload: bytes) -> None:
        if payload != wire.GREETING[self._said][1]:
            raise ConversationError(f"the greeting was answered with {payload[:40]!r}")
        self._said += 1
        if self._said < len(wire.GREETING):
            self._transport.write(wire.server_frame(wire.GREETING[self._said][0]))
        else:
            self._transport.write(wire.server_frame(talk.server_init(self._server, self.number)))
            self._proxy.screens[self.number] = self

    def _answered(self, request: talk.Request) -> None:
        self.requests += 1
        self._proxy.requests += 1
        if request.way is Way.NONE:
            self._proxy.round_trips.append(talk.microseconds_since(request.sent_at))
            if self._is_to_reset:
                reset(self._transport)
            return
        self.send_update()
        self._is_to_reset = request.way is Way.SCREEN_RESETS
        if request.way is Way.SCREEN_CLOSES:
            self._transport.write(wire.SERVER_CLOSE)
            self._transport.close()


def reset(transport: asyncio.Transport) -> None:
    """Close a connection with an RST."""
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _serve() -> None:
    proxy = Proxy()
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(lambda: Screen(proxy), address, 0, backlog=4096) for address in ADDRESSES]
    say({"listening": [server.sockets[0].getsockname() for server in servers]})
    async with asyncio.TaskGroup() as tasks:
        await obey(lambda order: proxy.obey(order, tasks))
        await proxy.obey({"do": "rest"}, tasks)


if __name__ == "__main__":
    asyncio.run(_serve())
