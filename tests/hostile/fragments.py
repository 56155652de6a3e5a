"""Sends a mebibyte of frames that hold nothing, or a byte each: eight viewers at once, then eight console proxies."""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

from tests.fakes.console_proxy import BANNER, BINARY, PING, FaultyProxy, frame
from tests.fakes.viewer import Viewer
from tests.hostile.memory import peak
from tests.hostile.outcome import Outcome
from tests.hostile.world import CLOUD, World
from tests.process.daemon import Daemon

NAME = "fragments"
AT_ONCE = 8
SIZE = 1024**2
"""Bytes of each flood, but for viewers' messages."""
MESSAGES_SIZE = 64 * 1024
"""These are no breach and pass one by one, each by a system call of its own."""
FRAGMENTS, PINGS, MESSAGES = "empty fragments", "empty pings", "1-byte messages"
_SCREEN = struct.pack(">HH", 1024, 768) + struct.pack(
    ">BBBBHHHBBBxxxI", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0, 3
) + b"lab"  # fmt: skip
_REQUEST = struct.pack(">BBHHHH", 3, 1, 0, 0, 1024, 768)
_HANDSHAKE = ((BANNER, BANNER), (b"\1\1", b"\1"), (b"\0\0\0\0", b"\1"), (_SCREEN, _REQUEST))
"""What the screen says, and what its viewer answers, up to the first request for a picture."""
_PATIENCE = 120.0
_KEY = b"\1\2\3\4"
GOODBYE = frame(struct.pack(">H", 1000), 0x8, mask=_KEY)


def floods(mask: bytes = b"") -> dict[str, bytes]:
    """A flood of each kind; masked as a viewer's, if a mask is given."""
    begin = frame(b"", BINARY, fin=False, mask=mask)
    more = frame(b"", 0, fin=False, mask=mask)
    ping, message = frame(b"", PING, mask=mask), frame(b"x", BINARY, mask=mask)
    return {
        FRAGMENTS: begin + more * ((SIZE - len(begin)) // len(more)),
        PINGS: ping * (SIZE // len(ping)),
        MESSAGES: message * ((MESSAGES_SIZE if mask else SIZE) // len(message)),
    }


class FloodingProxy(FaultyProxy):
    """Shows a screen, then sends `flood`; counts what comes after that, and looks at none of it."""

    def __init__(self, flood: bytes = b"") -> None:
        super().__init__()
        self._flood = flood
        self.came = 0
        """Bytes of the viewers' frames since the screen was there."""

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for said, awaited in _HANDSHAKE:
            if said != BANNER:  # which it has said already
                writer.write(frame(said))
            await reader.readexactly(len(frame(awaited, mask=_KEY)))
        writer.write(self._flood)
        while chunk := await reader.read(65536):
            self.came += len(chunk)


async def shown(viewer: Viewer) -> None:
    """Answer the screen's handshake, and ask for a picture."""
    for said, answer in _HANDSHAKE:
        assert await viewer.received(len(said)) == said
        viewer.send(answer)


async def at_once(
    daemon: Daemon, server_id: str, each: Callable[[Viewer], Awaitable[str]], words: str
) -> Mapping[str, int]:
    """Show the screen to so many viewers, then do `each` with all of them; how often it came to what."""
    async with AsyncExitStack() as stack, asyncio.timeout(_PATIENCE):
        path = f"/ws/{CLOUD}/{server_id}"
        viewers = [await stack.enter_async_context(Viewer(daemon.port, path)) for _ in range(AT_ONCE)]
        await asyncio.gather(*map(shown, viewers))
        found = await asyncio.gather(*map(each, viewers))
    return {f"{words}: {what}": count for what, count in Counter(found).items()}


async def _code(viewer: Viewer) -> str:
    code, _ = await viewer.closed()
    return str(code)


async def from_viewers(world: World, daemon: Daemon) -> dict[str, int]:
    """Each flood in turn; what the gateway closed them with, and which messages went through."""
    counts: dict[str, int] = {}
    async with FloodingProxy() as proxy:
        server_id = world.add_server("quiet", proxy)
        for kind, flood in floods(_KEY).items():

            async def send(viewer: Viewer, kind: str = kind, flood: bytes = flood) -> str:
                viewer.send_raw(flood)
                if kind != MESSAGES:
                    return await _code(viewer)
                await viewer.writer.drain()
                viewer.send_raw(GOODBYE)
                return await _code(viewer)

            await proxy.until_left()
            proxy.came = 0
            counts |= await at_once(daemon, server_id, send, f"{kind} of viewers")
        await proxy.until_left()
        counts["bytes of messages that went up"] = proxy.came
    return counts


async def from_proxies(world: World, daemon: Daemon) -> dict[str, int]:
    """The same from the other side."""
    counts: dict[str, int] = {}
    for kind, flood in floods().items():

        async def read(viewer: Viewer, kind: str = kind, size: int = len(flood)) -> str:
            if kind != MESSAGES:
                return await _code(viewer)
            await viewer.reader.readexactly(size)
            return "whole"

        async with FloodingProxy(flood) as proxy:
            server_id = world.add_server(f"flooding with {kind}", proxy)
            counts |= await at_once(daemon, server_id, read, f"{kind} of console proxies")
    return counts


async def run(world: World) -> Outcome:
    """First the viewers, then the console proxies; somebody else opens consoles before, meanwhile and afterwards."""
    async with world.daemon() as daemon, world.bystander(daemon) as bystander:
        await bystander.opens(3)
        counts = await from_viewers(world, daemon) | await from_proxies(world, daemon)
        await bystander.opens(3)
        return Outcome(bystander.report(), {**counts, "MiB held at most": peak(daemon)})
