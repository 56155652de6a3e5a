"""View-only is the gateway's word: a viewer that keeps to nothing sends everything, and a VNC server writes it down.

Ten thousand messages of all kinds, cut anywhere and put into frames of any size, once watched and once in control; the
server stands behind the stock `websockify` command as console proxy, and is a direct target.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import pytest

from tests.fakes.console_proxy import ConsoleProxy
from tests.fakes.issued import issue
from tests.fakes.rfb_messages import Sent, random_messages
from tests.fakes.rfb_recorder import Recording, RfbRecorder
from tests.fakes.viewer import BANNER, Viewer
from tests.integration.conftest import RunGateway

COUNT = 10_000
WAYS = ("console proxy", "direct", "direct with a password")


def pieces(random: Random, stream: bytes) -> Iterator[bytes]:
    """The stream, cut anywhere."""
    at = 0
    while at < len(stream):
        size = random.choice((1, 2, 3, random.randrange(1, 40), random.randrange(1, 2000), random.randrange(1, 70_000)))
        yield stream[at : at + size]
        at += size


class Place:
    """A gateway before one recording server, reached in one of WAYS."""

    def __init__(self, port: int, address: str, recorder: RfbRecorder) -> None:
        self._port = port
        self._address = address
        self._recorder = recorder

    async def recorded(self, messages: list[Sent], random: Random, *, view_only: bool) -> Recording:
        """What the server wrote down of a viewer that says all this."""
        path = f"/ws/{self._address}" + ("?view=only" if view_only else "")
        async with Viewer(self._port, path) as viewer, asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            await self._shake_hands(viewer)
            reading = tasks.create_task(self._read_on(viewer))
            for piece in pieces(random, b"".join(message.raw for message in messages)):
                viewer.send(piece)
                await viewer.writer.drain()
            recording = self._recorder.recordings[-1]
            last = next(message for message in reversed(messages) if not (view_only and message.input))
            wanted = sum(not (view_only and message.input) for message in messages)
            await self._recorder.until(lambda: len(recording.messages) >= wanted, 50)
            assert recording.messages[-1].raw == last.raw
            reading.cancel()
        await self._recorder.until(lambda: recording.gone)
        return recording

    async def _shake_hands(self, viewer: Viewer) -> None:
        """As one that would rather be alone with the screen."""
        await viewer.greeted()
        for said, size in ((BANNER, 2), (b"\1", 4), (b"\0", 24)):
            viewer.send(said)
            await viewer.received(size)

    async def _read_on(self, viewer: Viewer) -> None:
        while True:
            await viewer.frame()


@pytest.fixture(params=WAYS)
async def place(request: pytest.FixtureRequest, run_gateway: RunGateway, tmp_path: Path) -> AsyncIterator[Place]:
    way = request.param
    password = issue()[:8] if way == "direct with a password" else None
    async with AsyncExitStack() as stack:
        recorder = await stack.enter_async_context(RfbRecorder(extensions=False, password=password))
        port = await recorder.listen()
        entry: dict[str, object] = {"vnc": f"tcp://127.0.0.1:{port}"}
        if password:
            (tmp_path / "password").write_text(password)
            (tmp_path / "password").chmod(0o600)
            entry["password"] = {"file": str(tmp_path / "password")}
        static = {"provider": "static", "servers": {"screen": entry}}
        running = await stack.enter_async_context(run_gateway(more_clouds={"rack7": static}))
        if way == "console proxy":
            proxy = await stack.enter_async_context(ConsoleProxy(tmp_path / "proxy"))
            running.compute.mint = lambda *_: proxy.url(port)
        yield Place(running.port, "prod/web-01" if way == "console proxy" else "rack7/screen", recorder)


async def test_a_server_sees_nothing_that_a_view_only_person_does_and_all_else(place: Place) -> None:
    random = Random(20260)
    messages = random_messages(random, COUNT)
    assert sum(message.input for message in messages) > COUNT // 4
    recording = await place.recorded(messages, random, view_only=True)
    assert recording.fault is None
    assert recording.inputs == []
    assert [message.raw for message in recording.messages] == [one.raw for one in messages if not one.input]
    assert recording.shared is True, "who only looks throws nobody out"


async def test_over_a_control_session_it_sees_exactly_what_was_sent(place: Place) -> None:
    random = Random(20261)
    messages = random_messages(random, COUNT)
    recording = await place.recorded(messages, random, view_only=False)
    assert recording.fault is None
    assert [message.raw for message in recording.messages] == [message.raw for message in messages]
    assert recording.shared is False
