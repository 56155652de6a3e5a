"""The same conversations through this gateway and through the stock `websockify`: how did each end?

    python -m tests.conformance.differential [WORD …]     those whose names hold one of the words; all by default

The screen behind them is the same raw TCP server. Ways to it:

    stock      client ═ websockify ─ screen
    gateway    client ═ gateway ═ websockify ─ screen
    direct     client ═ gateway ─ screen
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from launcher.config.models import Config
from launcher.daemon import open_gateway
from launcher.relay.frames import BINARY, CLOSE, CONTINUATION, PONG
from tests.conformance.conversations import (
    CONVERSATIONS,
    Conversation,
    Dialled,
    Dribble,
    Fin,
    Greet,
    HangUp,
    Hear,
    Reset,
    Say,
    Step,
    close,
)
from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import ConsoleProxy
from tests.fakes.raw_screen import RawScreen
from tests.fakes.viewer import Viewer

AT_ONCE = 8
"""Conversations at a time: each makes the stock command fork."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a conversation, as far as its two ends can tell."""

    upstream_got: bytes
    client_got: bytes
    pongs: tuple[bytes, ...]
    code: int | None
    """Of the close frame that the client got; 0 for an empty one, None without any."""

    def differs(self, other: Ending) -> set[str]:
        """The names of the fields in which two endings differ."""
        return {one.name for one in fields(self) if getattr(self, one.name) != getattr(other, one.name)}


class _Client:
    """Follows a script, and keeps what it hears."""

    def __init__(self, viewer: Viewer, screen: RawScreen) -> None:
        self._viewer = viewer
        self._screen = screen
        self._heard = bytearray()
        self._pongs: list[bytes] = []
        self._code: int | None = None
        self._over = False
        self._waits = False
        """Whether the other end is to end it."""
        self._silent = False
        """Whether it has closed, said FIN or left."""

    async def follow(self, script: Conversation) -> Ending:
        """Step by step, to the end of the connection at both sides."""
        for step in script.steps:
            await self._do(step)
        if not self._waits:
            self._goodbye(1000)
        await self._listen(lambda: False)
        await self._screen.until_left()
        return Ending(bytes(self._screen.received), bytes(self._heard), tuple(self._pongs), self._code)

    async def _do(self, step: Step) -> None:
        match step:
            case Say(raw):
                self._viewer.send_raw(raw)
            case Dribble(raw):
                for byte in raw:
                    self._viewer.send_raw(bytes((byte,)))
                    await asyncio.sleep(0)
            case Hear(size, pongs):
                await self._listen(lambda: len(self._heard) >= size and len(self._pongs) >= pongs)
            case Fin() | Reset():
                self._leave(step)
            case Dialled() | Greet() | HangUp():
                await self._let_the_screen(step)

    def _leave(self, step: Fin | Reset) -> None:
        self._silent = True
        if isinstance(step, Fin):
            self._viewer.writer.write_eof()
        else:
            self._over = True
            self._viewer.leave()

    async def _let_the_screen(self, step: Dialled | Greet | HangUp) -> None:
        match step:
            case Dialled():
                await self._screen.until_called()
            case Greet():
                self._screen.greet()
            case HangUp():
                self._waits = True
                self._screen.hang_up()

    async def _listen(self, enough: Callable[[], bool]) -> None:
        while not self._over and not enough():
            try:
                opcode, payload = await self._viewer.frame()
            except (asyncio.IncompleteReadError, ConnectionError):
                self._over = True  # by FIN or RST: that depends on whose last word came first
            else:
                self._note(opcode, payload)

    def _note(self, opcode: int, payload: bytes) -> None:
        if opcode in (BINARY, CONTINUATION):
            self._heard += payload
        elif opcode == PONG:
            self._pongs.append(payload)
        elif opcode == CLOSE and self._code is None:
            self._code = int.from_bytes(payload[:2])
            self._goodbye(self._code)

    def _goodbye(self, code: int) -> None:
        if not self._silent:
            self._silent = True
            self._viewer.send_raw(close(code))


@dataclass(frozen=True, slots=True)
class Way:
    """A way for a client to a screen."""

    name: str
    viewer: Callable[[RawScreen], Viewer]
    """A client that meets this screen."""


@asynccontextmanager
async def ways(folder: Path) -> AsyncIterator[tuple[Way, ...]]:
    """All there are; the stock one is first."""
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(ConsoleProxy(folder))
        compute = await stack.enter_async_context(FakeCompute())
        screens: dict[str, RawScreen] = {}
        compute.mint = lambda server_id, _: proxy.url(screens[server_id].port)
        clouds = {
            "prod": {"provider": "none", "endpoint": compute.endpoint},
            "lab": {"provider": "static", "websockify_tokens": str(_tokens_of_ours(folder))},
        }
        gateway = await stack.enter_async_context(
            open_gateway(Config.model_validate({"listen": ("127.0.0.1:0",), "clouds": clouds}))
        )
        port = int(gateway.where[0].rpartition(":")[2])

        def stock(screen: RawScreen) -> Viewer:
            return Viewer(proxy.port, f"/?token={proxy.mint(screen.port)}")

        def through_both(screen: RawScreen) -> Viewer:
            server_id = compute.add_server(f"screen-{screen.port}")
            screens[server_id] = screen
            return Viewer(port, f"/ws/prod/{server_id}")

        def direct(screen: RawScreen) -> Viewer:
            name = f"screen-{screen.port}"
            with _tokens_of_ours(folder).open("a") as tokens:
                tokens.write(f"{name}: 127.0.0.1:{screen.port}\n")
            return Viewer(port, f"/ws/lab/{name}")

        yield Way("stock", stock), Way("gateway", through_both), Way("direct", direct)


def _tokens_of_ours(folder: Path) -> Path:
    """A token file in websockify's form, for the gateway itself."""
    file = folder / "ours.cfg"
    file.touch()
    return file


async def hold(name: str, way: Way) -> Ending:
    """One conversation over one way. Raises TimeoutError."""
    script = CONVERSATIONS[name]
    async with (
        asyncio.timeout(30),
        RawScreen(greets=script.greets, echoes=script.echoes) as screen,
        way.viewer(screen) as viewer,
    ):
        return await _Client(viewer, screen).follow(script)


Endings = Mapping[str, Mapping[str, Ending]]
"""By the names of conversation and way."""


async def hold_all(names: list[str]) -> Endings:
    """These conversations over all ways, several at a time."""
    endings: dict[str, dict[str, Ending]] = {name: {} for name in names}
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(name: str, way: Way) -> None:
        async with turn:
            try:
                endings[name][way.name] = await hold(name, way)
            except TimeoutError as error:
                raise TimeoutError(f"{name}, {way.name}: it did not end") from error

    with tempfile.TemporaryDirectory() as folder:
        async with ways(Path(folder)) as every, asyncio.TaskGroup() as tasks:
            for name in names:
                for way in every:
                    tasks.create_task(one(name, way))
    return endings


def _short(found: bytes) -> str:
    return repr(found)[1:] if len(found) <= 24 else f"{len(found)} bytes"


def _line(name: str, way: str, ending: Ending, differs: set[str]) -> str:
    pongs = f" pongs {len(ending.pongs)}" if ending.pongs else ""
    end = f"{'-' if ending.code is None else ending.code}{pongs}"
    mark = "≠" if differs else " "
    return f"{name:48} {way:8} {mark} {_short(ending.upstream_got):28} {_short(ending.client_got):28} {end}"


def table(endings: Endings) -> str:
    """A line for each conversation and way; those that differ from the stock one are marked."""
    lines = [f"{'conversation':48} {'way':8}   {'upstream got':28} {'client got':28} close"]
    for name, by_way in endings.items():
        for way, ending in by_way.items():
            lines.append(_line(name, way, ending, ending.differs(by_way["stock"])))
    return "\n".join(lines)


def main(words: list[str]) -> None:
    names = [name for name in CONVERSATIONS if not words or any(word in name for word in words)]
    print(table(asyncio.run(hold_all(names))))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(sys.argv[1:])
