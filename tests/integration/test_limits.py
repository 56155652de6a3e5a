"""How long a session may last, and how it ends: over real connections, with limits of a fraction of a second."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from launcher.model import EndReason
from tests.fakes.console_proxy import FaultyProxy
from tests.fakes.rfb_client import key, pointer, set_encodings, update_request
from tests.fakes.viewer import BANNER, Viewer
from tests.integration.conftest import RunGateway, Running

LAUNCH = "launch-of-a-screen"
SERVER_INIT = bytes.fromhex("0008 0008") + bytes(16) + (4).to_bytes(4) + b"name"


async def shake_hands(proxy: FaultyProxy, viewer: Viewer) -> None:
    """RFB 3.8, security None, as far as the first message of the person."""
    await viewer.greeted()
    for said, answer in ((BANNER, b"\1\1"), (b"\1", bytes(4)), (b"\1", SERVER_INIT)):
        before = len(proxy.received)
        viewer.send(said)
        while len(proxy.received) == before:
            await asyncio.sleep(0.005)
        await proxy.send(answer)
        await viewer.received(len(answer))
    viewer.send(set_encodings(0))


def end_of(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """The session's line in the log."""
    [fields] = [record.__dict__["fields"] for record in caplog.records if record.getMessage() == "session-end"]
    return dict(fields)


async def test_a_session_without_a_persons_input_ends_although_its_page_goes_on_asking_for_updates(
    run_gateway: RunGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "launcher")
    async with run_gateway(relay={"idle_timeout": "400ms"}) as running, FaultyProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url()
        async with running.viewer() as viewer, asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            await shake_hands(proxy, viewer)

            async def ask() -> None:
                while True:
                    viewer.send(update_request(8, 8))
                    await asyncio.sleep(0.02)

            asking = tasks.create_task(ask())
            code, reason = await viewer.closed()
            asking.cancel()
        assert (code, reason) == (1008, "Ended because nobody used it for 0.4 s (relay.idle_timeout).")
        await running.settled()
    assert end_of(caplog)["end_reason"] == EndReason.IDLE


@pytest.mark.parametrize("said", [key(0x61), pointer(3, 3)], ids=["key", "pointer"])
async def test_what_the_person_does_keeps_a_session(run_gateway: RunGateway, said: bytes) -> None:
    async with run_gateway(relay={"idle_timeout": "600ms"}) as running, FaultyProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url()
        async with running.viewer(launch=LAUNCH) as viewer, asyncio.timeout(10):
            await shake_hands(proxy, viewer)
            for _ in range(6):  # twice as long as the limit
                await asyncio.sleep(0.2)
                viewer.send(said)
            assert (await told(running))["why"] == "idle"
            await proxy.send(b"still there")
            assert await viewer.message() == b"still there"


async def told(running: Running) -> dict[str, Any]:
    """What the page is told of the session's end."""
    _, launch = await running.ask("GET", f"/api/v1/launches/{LAUNCH}")
    ends = launch["ends"]
    assert isinstance(ends, dict)
    return ends


async def test_no_session_lasts_longer_than_its_limit_whatever_its_person_does(
    run_gateway: RunGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "launcher")
    async with run_gateway(relay={"session_limit": "500ms"}) as running, FaultyProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url()
        async with running.viewer(launch=LAUNCH) as viewer, asyncio.timeout(10):
            await viewer.greeted()
            ends = await told(running)
            assert ends["why"] == "time limit"
            assert 0 < ends["seconds"] <= 0.5
            viewer.send(BANNER)
            assert await viewer.closed() == (1008, "Ended after 0.5 s, the limit of a session (relay.session_limit).")
        await running.settled()
    assert end_of(caplog)["end_reason"] == EndReason.TIME_LIMIT


async def test_without_limits_the_page_is_told_of_no_end(running: Running) -> None:
    async with FaultyProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url()
        async with running.viewer(launch=LAUNCH) as viewer:
            await viewer.greeted()
            _, launch = await running.ask("GET", f"/api/v1/launches/{LAUNCH}")
            assert (launch["ends"], launch["view_only"]) == (None, False)


async def test_the_address_asks_for_view_only_and_everybody_is_told(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "launcher")
    async with FaultyProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url()
        async with Viewer(running.port, f"/ws/prod/web-01?launch={LAUNCH}&view=only") as viewer, asyncio.timeout(10):
            await shake_hands(proxy, viewer)
            viewer.send(key(0x61) + pointer(1, 1) + update_request(8, 8))
            while proxy.received[-1] != update_request(8, 8):
                await asyncio.sleep(0.005)
            _, launch = await running.ask("GET", f"/api/v1/launches/{LAUNCH}")
            _, sessions = await running.ask("GET", "/api/v1/sessions")
            assert launch["view_only"] is True
            assert [one["view_only"] for one in sessions["sessions"]] == [True]
        await running.settled()
        assert not any(key(0x61) in message or pointer(1, 1) in message for message in proxy.received)
    assert end_of(caplog)["view_only"] is True


async def test_a_screen_that_encrypts_by_itself_cannot_be_kept_view_only(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "launcher")
    async with FaultyProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url()
        async with Viewer(running.port, "/ws/prod/web-01?view=only") as viewer, asyncio.timeout(10):
            await viewer.greeted()
            viewer.send(BANNER)
            await proxy.send(b"\1\x13")  # VeNCrypt alone
            await viewer.received(2)
            viewer.send(b"\x13")
            code, reason = await viewer.closed()
        assert (code, reason[:40]) == (1008, "This server's screen encrypts by itself,")
        await running.settled()
    assert end_of(caplog)["end_reason"] == EndReason.NOT_VIEW_ONLY


async def test_an_address_with_another_view_is_refused(running: Running) -> None:
    status, body = await running.ask(
        "GET",
        "/ws/prod/web-01?view=all",
        headers={
            "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        },
    )  # fmt: skip
    assert (status, json.dumps(body).count("view is `only`, or not there.")) == (400, 1)
