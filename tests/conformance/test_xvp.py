"""The xvpvnc wire, byte by byte: our side of it, and the proxy that the tests play it against."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from launcher import errors
from launcher.errors import UpstreamError, UpstreamProtocolError, UpstreamStaleError
from launcher.model import Secret
from launcher.relay.firstbytes import FirstVerdict, RawFirstBytes
from launcher.relay.xvp import ResponseReader, request
from tests.conformance.transcripts import NAMES, Said, Transcript, Way
from tests.fakes.console_proxy import BANNER, free_port
from tests.fakes.issued import issue
from tests.fakes.xvp_proxy import OPENED, XENSERVER, Host, Streams, XvpProxy, front_end

OURS = [name for name in NAMES if Transcript.read(name).verdict]
"""Those that a launch of ours could be part of."""


def outcome(chunks: Iterable[bytes], *, ended: bool) -> str:
    """What a launch makes of what a proxy says: `a screen`, the name of an error, or nothing yet."""
    reader, first, judged = ResponseReader(), RawFirstBytes(), FirstVerdict.WAITING
    opened = False
    for chunk in chunks:
        try:
            response = None if opened else reader.feed(chunk)
        except UpstreamError as error:
            return type(error).__name__
        if opened or response is not None:
            judged = first.feed(chunk if response is None else response.leftover)
            opened = True
        if judged is not FirstVerdict.WAITING:
            return "a screen" if judged is FirstVerdict.PROVEN else UpstreamProtocolError.__name__
    return UpstreamStaleError.__name__ if ended else ""


@pytest.mark.parametrize("name", OURS)
def test_our_side_of_it_asks_and_understands(name: str) -> None:
    token = issue()
    transcript = Transcript.read(name, token=token)
    path = "/console" if transcript.things["token"] == "none" else f"/console?token={token}"
    assert request(Secret(path)) == transcript.asked
    heard = transcript.heard
    assert outcome([heard], ended=transcript.ended) == transcript.verdict
    assert outcome([heard[at : at + 1] for at in range(len(heard))], ended=transcript.ended) == transcript.verdict
    assert transcript.verdict == "a screen" or hasattr(errors, transcript.verdict)


@asynccontextmanager
async def host() -> AsyncIterator[tuple[int, asyncio.Queue[Streams]]]:
    """A port of the server's host, and who connects to it."""
    there: asyncio.Queue[Streams] = asyncio.Queue()
    writers = set[asyncio.StreamWriter]()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        await there.put((reader, writer))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], there
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


class Stage:
    """A transcript's proxy, with a client before it and the server's host behind it."""

    def __init__(self, client: Streams, guests: asyncio.Queue[Streams]) -> None:
        self._client = client
        self._guests = guests
        self._host: Streams | None = None

    async def play(self, said: Said) -> None:
        """Say it, or hear exactly it."""
        match said.way:
            case Way.TO_PROXY:
                await self._say(self._client, said.raw)
            case Way.FROM_HOST:
                await self._say(await self._at_host(), said.raw)
            case Way.FROM_PROXY:
                await self._hear(self._client, said.raw)
            case Way.TO_HOST:
                await self._hear(await self._at_host(), said.raw)

    async def _at_host(self) -> Streams:
        self._host = self._host or await self._guests.get()
        return self._host

    async def _say(self, to: Streams, raw: bytes | None) -> None:
        if raw is None:
            to[1].write_eof()
        else:
            to[1].write(raw)
            await to[1].drain()

    async def _hear(self, source: Streams, raw: bytes | None) -> None:
        if raw is None:
            assert await source[0].read(1) == b""
            return
        heard = b""
        with contextlib.suppress(asyncio.IncompleteReadError):
            heard = await source[0].readexactly(len(raw))
        assert heard == raw


async def staged(stack: AsyncExitStack, things: dict[str, str], words: dict[str, str]) -> Stage:
    """All that a transcript asks for; `words` get the token that fits."""
    port, guests = await stack.enter_async_context(host())
    proxy = await stack.enter_async_context(XvpProxy())
    behind = free_port() if things["host"] == "nowhere" else port
    path = XENSERVER.replace("{session}", words["session"]) if things["host"] == "xenserver" else None
    words["token"] = proxy.mint(behind, path) if things["token"] == "good" else issue()
    kind, _, rest = things.get("front", "").partition(" ")
    ahead = proxy.port
    if kind:
        extra = (rest,) if kind == "adds" else ()
        status = rest if kind == "answers" else ""
        base = await stack.enter_async_context(front_end(proxy.port, status=status, headers=extra))
        ahead = int(base.rpartition(":")[2])
    client = await asyncio.open_connection("127.0.0.1", ahead)
    stack.callback(client[1].close)
    return Stage(client, guests)


@pytest.mark.parametrize("name", NAMES)
async def test_the_proxy_of_our_tests_keeps_to_it(name: str) -> None:
    words = {"session": issue()}
    async with AsyncExitStack() as stack, asyncio.timeout(10):
        stage = await staged(stack, Transcript.read(name).things, words)
        for said in Transcript.read(name, **words).said:
            await stage.play(said)


async def test_a_viewer_who_is_silent_for_too_long_has_left_but_sees_the_screen_until_its_end() -> None:
    async with Host() as screen, XvpProxy(idle=0.05) as proxy, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(request(Secret(f"/console?token={proxy.mint(screen.port)}")))
        await reader.readexactly(len(OPENED + BANNER))
        await screen.until(lambda: screen.ends == 1)
        assert await reader.read() == b""
        writer.close()
