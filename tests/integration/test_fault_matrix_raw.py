"""Lines that go wrong before raw RFB: a VNC server that is dialled directly, and an xvpvnc proxy.

What concerns the viewer's leg alone stands in `test_fault_matrix`; here is what differs with another upstream.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.fakes.fault_proxy import Trouble
from tests.fakes.raw_screen import RawScreen
from tests.fakes.viewer import Viewer
from tests.fakes.xvp_proxy import XvpProxy
from tests.integration.conftest import RunGateway
from tests.integration.lines import Way, goes_both_ways, shakes_hands, whole_way

PATIENCE = 0.3
"""Seconds that the gateway waits for the first bytes here."""


@pytest.fixture(params=["direct", "xvp"])
async def proxy(request: pytest.FixtureRequest) -> AsyncIterator[XvpProxy | None]:
    """The xvpvnc proxy before the screen, or none."""
    if request.param == "direct":
        yield None
    else:
        async with XvpProxy() as proxy:
            yield proxy


@pytest.mark.parametrize(
    ("trouble", "code"), [(Trouble.RESET, 4502), (Trouble.ANSWERER_SAYS_FIN, 4502), (Trouble.STALL, 4504)]
)
async def test_an_upstream_that_fails_before_its_first_byte_is_told(
    run_gateway: RunGateway, proxy: XvpProxy | None, trouble: Trouble, code: int
) -> None:
    async with whole_way(run_gateway, proxy, RawScreen(), first_bytes=PATIENCE) as way:
        way.far.strike(trouble)
        async with way.viewer() as viewer:
            assert (await viewer.closed())[0] == code


@pytest.mark.parametrize(
    ("trouble", "code"), [(Trouble.RESET, 1014), (Trouble.ANSWERER_SAYS_FIN, 1000), (Trouble.CALLER_SAYS_FIN, 1000)]
)
@pytest.mark.parametrize("later", [False, True], ids=["greeted", "in mid-stream"])
async def test_an_upstream_that_is_lost_in_a_session_is_told(
    run_gateway: RunGateway, proxy: XvpProxy | None, trouble: Trouble, code: int, later: bool
) -> None:
    async with whole_way(run_gateway, proxy, RawScreen()) as way, way.viewer() as viewer:
        await viewer.greeted()
        if later:
            await well_under_way(way, viewer)
        way.far.strike(trouble)
        assert (await viewer.closed())[0] == code


async def well_under_way(way: Way, viewer: Viewer) -> None:
    """Bytes went both ways; through an xvpvnc proxy they are RFB's own, which the gateway follows there."""
    await shakes_hands(viewer)
    if way.cloud == "lab":
        await goes_both_ways(viewer)


@pytest.mark.parametrize("trouble", [Trouble.LATENCY, Trouble.DRIBBLE, Trouble.SLICES, Trouble.SLOW_CLOSE])
async def test_a_poor_line_carries_a_session_from_its_first_byte_to_its_close(
    run_gateway: RunGateway, proxy: XvpProxy | None, trouble: Trouble
) -> None:
    async with whole_way(run_gateway, proxy, RawScreen()) as way:
        way.far.strike(trouble)
        async with way.viewer() as viewer:
            await viewer.greeted()
            await shakes_hands(viewer)
            await way.screen.send(bytes(2048))
            assert await viewer.received(2048) == bytes(2048)
            viewer.send((4001).to_bytes(2), 0x8)
            assert (await viewer.closed())[0] == 4001
        await way.running.settled()


async def test_a_line_that_stalls_and_is_mended_has_lost_no_byte(
    run_gateway: RunGateway, proxy: XvpProxy | None
) -> None:
    async with whole_way(run_gateway, proxy, RawScreen(echoes=False)) as way, way.viewer() as viewer:
        await viewer.greeted()
        way.far.strike(Trouble.STALL)
        viewer.send(b"RFB 003.008\n")
        await way.screen.send(b"and back")
        await asyncio.sleep(0.05)
        assert not way.screen.received
        way.far.mend()
        assert await viewer.received(8) == b"and back"
        await way.screen.until_received(12)
        assert way.screen.received == b"RFB 003.008\n"


@pytest.mark.parametrize("trouble", [Trouble.RESET, Trouble.CALLER_SAYS_FIN])
async def test_a_viewer_whose_line_ends_leaves_nothing_at_the_upstream(
    run_gateway: RunGateway, proxy: XvpProxy | None, trouble: Trouble
) -> None:
    async with whole_way(run_gateway, proxy, RawScreen()) as way, way.viewer() as viewer:
        await viewer.greeted()
        way.near.strike(trouble)
        assert (await viewer.closed())[0] == 1006
        await way.running.settled()
        await way.far.until_quiet()
        await way.screen.until_left()


async def test_an_upstream_that_reads_nothing_of_a_flood_is_given_up_with_1014(
    run_gateway: RunGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launcher.relay.stall.STALL_TIME", 0.2)
    async with whole_way(run_gateway, None, RawScreen(echoes=False)) as way, way.viewer() as viewer:
        await viewer.greeted()
        way.far.strike(Trouble.STALL)
        async with asyncio.TaskGroup() as tasks:
            flood = tasks.create_task(flooding(viewer))
            assert await viewer.closed() == (1014, "The VNC server reads no more.")
            flood.cancel()


async def flooding(viewer: Viewer) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            viewer.send(bytes(64 * 1024))
            await viewer.writer.drain()
