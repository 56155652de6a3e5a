"""How long a console token serves, with real software: the stock `websockify` command and a TigerVNC screen behind it.

The gateway's clock is moved by hand. A token dies when the test says so, at the console proxy itself.
"""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from launcher.audit.log import JsonLines
from tests.fakes.clock import FakeClock
from tests.fakes.console_proxy import ConsoleProxy
from tests.fakes.rfb_client import Follower, set_encodings, set_format, update_request
from tests.fakes.screens import HEIGHT, WIDTH, Picture, Screen
from tests.fakes.viewer import BANNER, Viewer
from tests.integration.conftest import RunGateway, Running

CONSOLE = "/api/v1/servers/prod/web-01/console"
RAW = 0


class Watcher:
    """A VNC viewer behind a WebSocket: it knows what is on its screen."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._follower = Follower()
        self._rest = b""

    async def begin(self) -> None:
        """RFB's handshake (RFC 6143 §7.1 to §7.3) without a password, sharing the screen with others."""
        assert await self._take(12) == BANNER
        self._viewer.send(BANNER)
        (count,) = await self._take(1)
        assert b"\x01" in await self._take(count)
        self._viewer.send(b"\x01")
        assert await self._take(4) == bytes(4)
        self._viewer.send(b"\x01")
        self._viewer.send(set_format(32, 24, (255, 255, 255), (16, 8, 0)))
        self._viewer.send(set_encodings(RAW))

    async def until_shows(self, picture: Picture) -> None:
        """Ask for the whole screen until this is on it. Raises TimeoutError."""
        async with asyncio.timeout(10):
            while not self._shows(picture):
                updates = self._follower.updates
                self._viewer.send(update_request(WIDTH, HEIGHT))
                while self._follower.updates == updates:
                    await self._read()

    def _shows(self, picture: Picture) -> bool:
        pixels = self._follower.pixels
        return bool(pixels.size) and all(
            tuple(int(channel) for channel in pixels[y, x]) == colour for x, y, colour in picture.probes()
        )

    async def _read(self) -> None:
        rest, self._rest = self._rest, b""
        self._follower.feed(rest or await self._viewer.message())

    async def _take(self, size: int) -> bytes:
        while len(self._rest) < size:
            self._rest += await self._viewer.message()
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


class Place:
    """A gateway, a cloud that counts, and its console proxy with one screen."""

    def __init__(self, running: Running, proxy: ConsoleProxy, screen: Screen, clock: FakeClock) -> None:
        self.running = running
        self.proxy = proxy
        self.screen = screen
        self.tokens: list[str] = []
        """Every console token that the cloud made, in its order."""
        self._clock = clock
        self._began_at = clock.monotonic()
        running.compute.mint = self._mint

    def _mint(self, _server_id: str, _kind: str) -> str:
        url = self.proxy.url(self.screen.port)
        self.tokens.append(url.rpartition("%3D")[2])
        return url

    def at(self, second: float) -> None:
        """Move the gateway's clock there; the first console was asked for at second 0."""
        self._clock.advance(self._began_at + second - self._clock.monotonic())

    @asynccontextmanager
    async def watcher(self) -> AsyncIterator[Watcher]:
        """A viewer that sees the screen as it is now."""
        async with self.running.viewer() as viewer:
            watcher = Watcher(viewer)
            async with asyncio.timeout(10):
                await watcher.begin()
            await watcher.until_shows(self.screen.picture)
            yield watcher

    async def ask(self) -> tuple[bool, str | None]:
        """What the API says of a console: whether it was there, and when it ends."""
        status, answer = await self.running.ask("POST", CONSOLE)
        assert status == 200
        return answer["cached"], answer["expires_at"]

    async def is_dead(self, token: str) -> bool:
        """Whether the console proxy itself opens nothing for it: the stock command hangs up before the 101."""
        try:
            async with asyncio.timeout(10), Viewer(self.proxy.port, f"/?token={token}"):
                return False
        except asyncio.IncompleteReadError:
            return True


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def screen(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Screen]:
    if shutil.which("Xtigervnc") is None:
        pytest.fail("needs Debian's package tigervnc-standalone-server")
    async with Screen(tmp_path_factory.mktemp("screen"), "web-01") as screen:
        yield screen


@asynccontextmanager
async def opened(run_gateway: RunGateway, screen: Screen, folder: Path, **entry: Any) -> AsyncIterator[Place]:
    clock = FakeClock()
    async with ConsoleProxy(folder / "proxy") as proxy, run_gateway(entry=entry, clock=clock) as running:
        yield Place(running, proxy, screen, clock)


def launches(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What was recorded of each, in the order of their screens."""
    lines = [json.loads(JsonLines(FakeClock()).format(record)) for record in caplog.records]
    return [line for line in lines if line.get("event") == "launch"]


async def test_where_a_session_ends_with_its_token_every_session_has_a_token_of_its_own(
    run_gateway: RunGateway, screen: Screen, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "launcher")
    async with opened(run_gateway, screen, tmp_path, session_ends_with_token=True) as place, AsyncExitStack() as open_:
        requests = place.running.compute.console_requests
        assert await place.ask() == (False, None)
        assert requests == [], "the API asks for none in vain"
        # Two at once.
        async with asyncio.TaskGroup() as group:
            entering = [group.create_task(open_.enter_async_context(place.watcher())) for _ in range(2)]
        both = [task.result() for task in entering]
        assert (len(requests), len(set(place.tokens))) == (2, 2)
        # One after another; whatever was used before opens nothing any more, so none can have been used again.
        for number in (3, 4):
            place.proxy.expire_all()
            await open_.enter_async_context(place.watcher())
            assert (await place.ask(), len(requests)) == ((False, None), number)
        # A reload: the page's WebSocket goes, and another comes.
        place.proxy.expire_all()
        async with place.watcher():
            pass
        place.proxy.expire_all()
        async with place.watcher():
            assert len(requests) == len(set(place.tokens)) == 6
        assert place.proxy.openings() == 6
        # The first two are where they were.
        await screen.show("after the others came")
        for watcher in both:
            await watcher.until_shows(screen.picture)
    recorded = launches(caplog)
    assert len({launch["request_id"] for launch in recorded}) == 6
    assert [(launch["outcome"], launch["cached"], launch["stale"]) for launch in recorded] == [
        ("open", False, False)
    ] * 6


async def test_a_token_that_lives_8_seconds_serves_its_first_6_and_its_sessions_outlive_it(
    run_gateway: RunGateway, screen: Screen, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "launcher")
    async with opened(run_gateway, screen, tmp_path, console_ttl="8s") as place, AsyncExitStack() as open_:
        tokens, watchers = place.tokens, list[Watcher]()
        for second in (0, 3, 5.9):
            place.at(second)
            watchers.append(await open_.enter_async_context(place.watcher()))
            assert await place.ask() == (True, "2026-01-01T00:16:48Z")
            assert len(tokens) == 1
        # The margin of 30 s would be longer than its life: a quarter of that is kept instead.
        place.at(6)
        watchers.append(await open_.enter_async_context(place.watcher()))
        assert (await place.ask(), len(tokens)) == ((True, "2026-01-01T00:16:54Z"), 2)
        # Now it really dies, where it was good for: at the console proxy.
        place.at(8)
        assert not await place.is_dead(tokens[0])
        place.proxy.expire(tokens[0])
        assert await place.is_dead(tokens[0])
        watchers.append(await open_.enter_async_context(place.watcher()))
        assert (await place.ask(), len(tokens)) == ((True, "2026-01-01T00:16:54Z"), 2)
        # Whoever came in by it, in its last second of use too, stays connected and sees what changes.
        await screen.show("after second 8")
        for watcher in watchers:
            await watcher.until_shows(screen.picture)
        # And so on: the second one's time is over, and the next viewer gets a third.
        place.at(14)
        place.proxy.expire(tokens[1])
        watchers.append(await open_.enter_async_context(place.watcher()))
        assert (await place.ask(), len(tokens)) == ((True, "2026-01-01T00:17:02Z"), 3)
        await screen.show("after second 14")
        for watcher in watchers:
            await watcher.until_shows(screen.picture)
    recorded = launches(caplog)
    assert [launch["cached"] for launch in recorded] == [False, True, True, False, True, False]
    assert [(launch["outcome"], launch["stale"]) for launch in recorded] == [("open", False)] * 6
    ids = [launch["request_id"] for launch in recorded]
    assert [sorted(set(ids), key=ids.index).index(one) for one in ids] == [0, 0, 0, 1, 1, 2]


async def test_a_token_that_dies_before_its_time_costs_the_viewer_nothing_but_a_second_request(
    run_gateway: RunGateway, screen: Screen, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "launcher")
    async with opened(run_gateway, screen, tmp_path, console_ttl="8s") as place:
        async with place.watcher():
            pass
        place.at(5.9)
        place.proxy.expire_all()
        async with place.watcher():
            assert len(place.tokens) == 2
            # The new one's life counts from its own request.
            assert await place.ask() == (True, "2026-01-01T00:16:53Z")
            place.at(11.8)
            async with place.watcher():
                assert len(place.tokens) == 2
    assert [(launch["outcome"], launch["stale"]) for launch in launches(caplog)] == [
        ("open", False), ("open", True), ("open", False),
    ]  # fmt: skip
