"""Lines that go wrong: trouble × leg × phase of a session, through the stock `websockify`; it ends as documented, or
goes on where it was, and nothing of it is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.fakes.console_proxy import ConsoleProxy
from tests.fakes.fault_proxy import FaultProxy, Trouble
from tests.fakes.raw_screen import RawScreen
from tests.fakes.viewer import Viewer
from tests.integration.conftest import RunGateway
from tests.integration.lines import Way, goes_both_ways, shakes_hands, whole_way

ENDING = (Trouble.RESET, Trouble.CALLER_SAYS_FIN, Trouble.ANSWERER_SAYS_FIN)
PASSING = (Trouble.LATENCY, Trouble.DRIBBLE, Trouble.SLICES, Trouble.SLOW_CLOSE)
PATIENCE = 0.3
"""Seconds that the gateway waits for the first bytes here."""


class Phase(enum.Enum):
    """How far a session has come when its line goes wrong."""

    HANDSHAKE = "the screen has greeted"
    STREAM = "bytes went both ways"

    async def reach(self, viewer: Viewer) -> None:
        await viewer.greeted()
        if self is Phase.STREAM:
            await shakes_hands(viewer)
            await goes_both_ways(viewer)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proxy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ConsoleProxy]:
    async with ConsoleProxy(tmp_path_factory.mktemp("proxy")) as proxy:
        yield proxy


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (Trouble.RESET, 4502),
        (Trouble.ANSWERER_SAYS_FIN, 4502),
        (Trouble.CALLER_SAYS_FIN, 4502),
        (Trouble.STALL, 4504),
    ],
)
async def test_a_console_proxy_that_fails_before_its_first_byte_is_told(
    run_gateway: RunGateway, proxy: ConsoleProxy, trouble: Trouble, code: int
) -> None:
    async with whole_way(run_gateway, proxy, RawScreen(), first_bytes=PATIENCE) as way:
        way.far.strike(trouble)
        async with way.viewer() as viewer:
            assert (await viewer.closed())[0] == code
        assert way.far.connections == (1 if trouble is Trouble.STALL else 2)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("trouble", [Trouble.RESET, Trouble.ANSWERER_SAYS_FIN, Trouble.CALLER_SAYS_FIN])
async def test_a_console_proxy_that_is_lost_in_a_session_ends_it_with_1014(
    run_gateway: RunGateway, proxy: ConsoleProxy, trouble: Trouble, phase: Phase
) -> None:
    async with whole_way(run_gateway, proxy, RawScreen()) as way, way.viewer() as viewer:
        await phase.reach(viewer)
        way.far.strike(trouble)
        assert await viewer.closed() == (1014, "The console proxy hung up.")


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("trouble", [Trouble.RESET, Trouble.CALLER_SAYS_FIN])
async def test_a_viewer_whose_line_ends_leaves_nothing_at_the_console_proxy(
    run_gateway: RunGateway, proxy: ConsoleProxy, trouble: Trouble, phase: Phase
) -> None:
    async with whole_way(run_gateway, proxy, RawScreen()) as way, way.viewer() as viewer:
        await phase.reach(viewer)
        way.near.strike(trouble)
        assert (await viewer.closed())[0] == 1006
        await way.running.settled()
        await way.far.until_quiet()
        await way.screen.until_left()


@pytest.mark.parametrize("trouble", [Trouble.RESET, Trouble.CALLER_SAYS_FIN])
async def test_a_viewer_whose_line_ends_before_the_first_byte_leaves_nothing(
    run_gateway: RunGateway, proxy: ConsoleProxy, trouble: Trouble
) -> None:
    async with whole_way(run_gateway, proxy, RawScreen(greets=False)) as way, way.viewer() as viewer:
        await asked_for_the_screen(way)
        way.near.strike(trouble)
        assert (await viewer.closed())[0] == 1006
        await way.running.settled()
        way.screen.greet()


async def asked_for_the_screen(way: Way) -> None:
    """The console proxy has dialled the screen, which says nothing yet."""
    async with asyncio.timeout(10):
        while not way.screen.live:
            await asyncio.sleep(0.01)


def leg(way: Way, name: str) -> FaultProxy:
    return way.near if name == "near" else way.far


@pytest.mark.parametrize("where", ["near", "far"])
@pytest.mark.parametrize("trouble", PASSING)
async def test_a_poor_line_carries_a_session_from_its_first_byte_to_its_close(
    run_gateway: RunGateway, proxy: ConsoleProxy, trouble: Trouble, where: str
) -> None:
    async with whole_way(run_gateway, proxy, RawScreen()) as way:
        leg(way, where).strike(trouble)
        async with way.viewer() as viewer:
            await viewer.greeted()
            await shakes_hands(viewer)
            viewer.send(bytes(range(256)) * 8)
            assert await viewer.received(2048) == bytes(range(256)) * 8
            viewer.send((4001).to_bytes(2) + b"enough", 0x8)
            assert (await viewer.closed())[0] == 4001
        await way.running.settled()


@pytest.mark.parametrize("where", ["near", "far"])
async def test_a_line_that_stalls_before_the_first_byte_and_is_mended_in_time_shows_the_screen(
    run_gateway: RunGateway, proxy: ConsoleProxy, where: str
) -> None:
    async with whole_way(run_gateway, proxy, RawScreen(greets=False)) as way, way.viewer() as viewer:
        await asked_for_the_screen(way)
        leg(way, where).strike(Trouble.STALL)
        way.screen.greet()
        await asyncio.sleep(0.05)
        leg(way, where).mend()
        await viewer.greeted()
        await goes_both_ways(viewer)


@pytest.mark.parametrize("where", ["near", "far"])
@pytest.mark.parametrize("phase", Phase)
async def test_a_line_that_stalls_and_is_mended_has_lost_no_byte(
    run_gateway: RunGateway, proxy: ConsoleProxy, phase: Phase, where: str
) -> None:
    async with whole_way(run_gateway, proxy, RawScreen()) as way, way.viewer() as viewer:
        await phase.reach(viewer)
        leg(way, where).strike(Trouble.STALL)
        viewer.send(b"while it stalls")
        await way.screen.send(b"and back")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await way.screen.until_received(10**9)
        leg(way, where).mend()
        assert sorted([await viewer.message(), await viewer.message()]) == [b"and back", b"while it stalls"]
        await goes_both_ways(viewer)


async def end_all(way: Way) -> None:
    _, listed = await way.running.ask("GET", "/api/v1/sessions")
    for session in listed["sessions"]:
        status, _ = await way.running.ask("DELETE", f"/api/v1/sessions/{session['id']}")
        assert status == 204


async def test_a_session_whose_console_proxy_stalls_is_ended_with_1008_all_the_same(
    run_gateway: RunGateway, proxy: ConsoleProxy
) -> None:
    async with whole_way(run_gateway, proxy, RawScreen()) as way, way.viewer() as viewer:
        await Phase.STREAM.reach(viewer)
        way.far.strike(Trouble.STALL)
        await end_all(way)
        assert (await viewer.closed())[0] == 1008
        await way.running.settled()


async def test_a_viewer_whose_line_stalls_is_given_up_by_an_ended_session(
    run_gateway: RunGateway, proxy: ConsoleProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launcher.relay.viewer.CLOSING_TIME", 0.1)
    monkeypatch.setattr("launcher.relay.pump.CLOSING_TIME", 0.1)
    async with whole_way(run_gateway, proxy, RawScreen()) as way, way.viewer() as viewer:
        await Phase.STREAM.reach(viewer)
        way.near.strike(Trouble.STALL)
        await end_all(way)
        await way.running.settled()
        way.near.mend()
        assert (await viewer.closed())[0] == 1008


async def test_a_viewer_who_reads_nothing_of_a_flood_is_given_up(
    run_gateway: RunGateway, proxy: ConsoleProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launcher.relay.stall.STALL_TIME", 0.2)
    async with whole_way(run_gateway, proxy, RawScreen(echoes=False)) as way, way.viewer() as viewer:
        await viewer.greeted()
        way.near.strike(Trouble.STALL)
        async with asyncio.TaskGroup() as tasks:
            flood = tasks.create_task(flooding(way.screen))
            await way.running.settled()
            flood.cancel()


async def flooding(screen: RawScreen) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await screen.send(bytes(2**20))


async def test_a_screen_that_hangs_up_is_told_with_the_stock_commands_own_words(
    run_gateway: RunGateway, proxy: ConsoleProxy
) -> None:
    async with whole_way(run_gateway, proxy, RawScreen()) as way, way.viewer() as viewer:
        await Phase.STREAM.reach(viewer)
        way.screen.hang_up()
        assert await viewer.closed() == (1000, "Target closed")


async def test_a_frame_over_the_limit_ends_a_session_with_1009_on_either_side(
    run_gateway: RunGateway, proxy: ConsoleProxy
) -> None:
    async with whole_way(run_gateway, proxy, RawScreen(), relay={"frame_limit": "4KiB"}) as way:
        async with way.viewer() as viewer:
            await viewer.greeted()
            await way.screen.send(bytes(5000))
            assert (await viewer.closed())[0] == 1009
        async with way.viewer() as viewer:
            await viewer.greeted()
            viewer.send(bytes(5000))
            assert (await viewer.closed())[0] == 1009


async def test_a_gateway_that_stops_over_a_poor_line_says_1012(run_gateway: RunGateway, proxy: ConsoleProxy) -> None:
    async with whole_way(run_gateway, proxy, RawScreen()) as way, way.viewer() as viewer:
        await Phase.STREAM.reach(viewer)
        way.near.strike(Trouble.LATENCY)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(way.running.gateway.sessions.drain(5))
            assert (await viewer.closed())[0] == 1012


async def test_a_console_proxy_that_is_killed_ends_its_session_with_1014_and_is_told_to_the_next(
    run_gateway: RunGateway, tmp_path: Path
) -> None:
    async with ConsoleProxy(tmp_path) as proxy, whole_way(run_gateway, proxy, RawScreen()) as way:
        async with way.viewer() as viewer:
            await Phase.STREAM.reach(viewer)
            await proxy.kill()
            assert await viewer.closed() == (1014, "The console proxy hung up.")
        async with way.viewer() as viewer:
            assert (await viewer.closed())[0] == 4502  # the line still takes connections, and hangs up
        await proxy.restart()
        async with way.viewer() as viewer:
            await viewer.greeted()
            await goes_both_ways(viewer)


async def test_a_console_proxy_that_is_killed_before_the_first_byte_is_told(
    run_gateway: RunGateway, tmp_path: Path
) -> None:
    async with (
        ConsoleProxy(tmp_path) as proxy,
        whole_way(run_gateway, proxy, RawScreen(greets=False)) as way,
        way.viewer() as viewer,
    ):
        await asked_for_the_screen(way)
        await proxy.kill()
        assert (await viewer.closed())[0] == 4502
        way.screen.greet()


async def test_a_frozen_console_proxy_goes_on_where_it_was(run_gateway: RunGateway, tmp_path: Path) -> None:
    async with ConsoleProxy(tmp_path) as proxy, whole_way(run_gateway, proxy, RawScreen(), first_bytes=PATIENCE) as way:
        async with way.viewer() as viewer:
            await Phase.STREAM.reach(viewer)
            proxy.freeze()
            viewer.send(b"while it sleeps")
            async with way.viewer() as late:
                assert (await late.closed())[0] == 4504
            proxy.thaw()
            assert await viewer.message() == b"while it sleeps"
            await goes_both_ways(viewer)
        async with way.viewer() as viewer:
            await viewer.greeted()


async def test_a_console_proxy_that_thaws_within_the_patience_shows_its_screen(
    run_gateway: RunGateway, tmp_path: Path
) -> None:
    async with (
        ConsoleProxy(tmp_path) as proxy,
        whole_way(run_gateway, proxy, RawScreen(greets=False)) as way,
        way.viewer() as viewer,
    ):
        await asked_for_the_screen(way)
        proxy.freeze()
        way.screen.greet()
        await asyncio.sleep(0.05)
        proxy.thaw()
        await viewer.greeted()
