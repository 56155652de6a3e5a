"""Consoles of kind xvpvnc, relayed: through the gateway, to a proxy after the wire of nova-xvpvncproxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.certificates import Authority, tls_before
from tests.fakes.console_proxy import free_port
from tests.fakes.issued import issue
from tests.fakes.rfb_client import set_encodings
from tests.fakes.xvp_proxy import XENSERVER, Host, XvpProxy, front_end
from tests.integration.conftest import RunGateway, Running

LAUNCH = "a-launch-of-this-test"
GOOD = b"HTTP/1.1 200 OK\r\n\r\n"
INCREMENTAL = b"\x03\x01"
"""How a FramebufferUpdateRequest begins that asks for news only."""


@asynccontextmanager
async def looking(running: Running, *, says: bytes = b"", **xvp: Any) -> AsyncIterator[tuple[Any, Host, XvpProxy]]:
    """A viewer of a server that has xvpvnc consoles alone, its host and the proxy."""
    running.compute.kinds = {"xvpvnc"}
    async with Host() as host, XvpProxy(**xvp) as proxy:
        running.compute.mint = lambda *_: proxy.url(host.port)
        async with running.viewer(launch=LAUNCH) as viewer:
            if says:
                viewer.send(says)
            yield viewer, host, proxy
        await running.settled()


async def told(running: Running) -> Any:
    return (await running.ask("GET", f"/api/v1/launches/{LAUNCH}"))[1]


async def test_both_ways_pass_and_nothing_of_it_before_its_time(running: Running) -> None:
    async with looking(running, says=b"RFB 003.008\n") as (viewer, host, proxy):
        await viewer.greeted()
        await host.until(lambda: host.received == b"RFB 003.008\n")
        await host.send(b"\x01\x01")
        assert await viewer.message() == b"\x01\x01"
        [request] = proxy.requests
        assert request.startswith(b"CONNECT /console?token=")
        assert request.endswith(b" HTTP/1.0\r\n\r\n")
        assert request.count(b"\r\n") == 2


async def test_a_viewer_who_leaves_leaves_the_host_too(running: Running) -> None:
    async with looking(running) as (viewer, host, proxy):
        await viewer.greeted()
        viewer.leave()
        await host.until(lambda: host.ends == 1)
        async with asyncio.timeout(5):
            while proxy.live:
                await asyncio.sleep(0.01)


async def test_a_screen_that_hangs_up_ends_the_session_in_order(running: Running) -> None:
    async with looking(running) as (viewer, host, _):
        await viewer.greeted()
        await host.send(b"its last words")
        host.hang_up()
        assert await viewer.message() == b"its last words"
        assert await viewer.closed() == (1000, "The screen hung up.")


async def test_on_xenserver_it_is_the_same(running: Running) -> None:
    running.compute.kinds = {"xvpvnc"}
    async with Host(banner=b"RFB 003.003\n", answer=GOOD) as host, XvpProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url(host.port, XENSERVER)
        async with running.viewer() as viewer:
            assert await viewer.received(12) == b"RFB 003.003\n"
        assert host.requests[0].startswith(b"CONNECT /console?ref=")


@pytest.mark.parametrize(
    "front",
    [
        {"joined": True},
        {"piecemeal": True},
        {"joined": True, "piecemeal": True},
        {"headers": ("Via: 1.1 front.example.net", "Content-Length: 0", "Connection: close")},
    ],
)
async def test_however_the_answer_comes_the_screen_is_there(running: Running, front: dict[str, Any]) -> None:
    running.compute.kinds = {"xvpvnc"}
    async with Host() as host, XvpProxy() as proxy, front_end(proxy.port, **front) as base:
        running.compute.mint = lambda *_: proxy.url(host.port, base=base)
        async with running.viewer() as viewer:
            await viewer.greeted()
            await host.send(b"and on")
            assert await viewer.message() == b"and on"


async def test_behind_tls_the_certificate_is_looked_at(run_gateway: RunGateway, tmp_path: Path) -> None:
    ours, other = Authority(tmp_path / "ours", "ours"), Authority(tmp_path / "other", "other")
    async with run_gateway(entry={"cacert": str(ours.pem)}) as running, Host() as host, XvpProxy() as proxy:
        running.compute.kinds = {"xvpvnc"}
        async with tls_before(proxy.port, ours.context("127.0.0.1")) as port:
            running.compute.mint = lambda *_: proxy.url(host.port, base=f"https://127.0.0.1:{port}")
            async with running.viewer() as viewer:
                await viewer.greeted()
                viewer.send(b"RFB 003.008\n")
                await host.until(lambda: host.received == b"RFB 003.008\n")
        running.compute.add_server("web-02")
        async with tls_before(proxy.port, other.context("127.0.0.1")) as port:
            running.compute.mint = lambda *_: proxy.url(host.port, base=f"https://127.0.0.1:{port}")
            async with running.viewer("web-02", launch=LAUNCH) as viewer:
                assert (await viewer.closed())[0] == 4504
        assert "is not trusted" in (await told(running))["problem"]["detail"]
        assert proxy.connections == 1


async def test_a_token_that_died_early_is_replaced_unseen(running: Running) -> None:
    async with looking(running) as (viewer, host, proxy):
        await viewer.greeted()
        proxy.expire_all()
        async with running.viewer(launch=f"{LAUNCH}-again") as again:
            await again.greeted()
        _, launch = await running.ask("GET", f"/api/v1/launches/{LAUNCH}-again")
        assert [step["name"] for step in launch["steps"]][-4:] == ["obtain", "open", "obtain", "open"]
        assert [request.kind for request in running.compute.console_requests] == ["novnc", "xvpvnc", "xvpvnc"]
        assert proxy.connections == 3
        assert host.connections == 2


async def test_a_token_that_never_works_is_told_after_a_second_one(running: Running) -> None:
    running.compute.kinds = {"xvpvnc"}
    async with XvpProxy() as proxy:
        running.compute.mint = lambda *_: f"{proxy.base}/console?token={issue()}"
        async with running.viewer(launch=LAUNCH) as viewer:
            code, _ = await viewer.closed()
        assert (code, proxy.connections) == (4502, 2)
    problem = (await told(running))["problem"]
    assert problem["type"] == "upstream-stale"
    assert problem["detail"].endswith("answered 401 Unauthorized: its console token is no longer good.")


@pytest.mark.parametrize(
    ("answer", "banner", "code", "sentence", "tries"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", b"<html>", 4502, "shows no screen: it does not begin with `RFB `.", 2),
        (b"HTTP/1.1 401 Unauthorized\r\n\r\n", b"", 4502, "hung up before the first bytes of a screen.", 2),
        (b"HTTP/1.1 200 OK\r\n", b"", 4502, "answered 400 Bad Request: the server's host gave it no screen", 1),
        (b"X" * 5000, b"", 4502, "answered 400 Bad Request: the server's host gave it no screen", 1),
    ],
)
async def test_what_a_xenserver_refuses_is_told(
    running: Running, answer: bytes, banner: bytes, code: int, sentence: str, tries: int
) -> None:
    running.compute.kinds = {"xvpvnc"}
    async with Host(banner=banner, answer=answer, closes=True) as host, XvpProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url(host.port, XENSERVER)
        async with running.viewer(launch=LAUNCH) as viewer:
            assert (await viewer.closed())[0] == code
        assert sentence in (await told(running))["problem"]["detail"]
        assert host.connections == tries


async def test_a_host_that_takes_no_connection_is_told(running: Running) -> None:
    running.compute.kinds = {"xvpvnc"}
    async with XvpProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url(free_port())
        async with running.viewer(launch=LAUNCH) as viewer:
            assert (await viewer.closed())[0] == 4504
    detail = (await told(running))["problem"]["detail"]
    assert detail.endswith("answered 500 Internal Server Error: it does not reach the server's host.")


@pytest.mark.parametrize("status", ["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"])
async def test_a_front_end_that_reaches_nothing_is_told(running: Running, status: str) -> None:
    running.compute.kinds = {"xvpvnc"}
    async with Host() as host, XvpProxy() as proxy, front_end(proxy.port, status=status) as base:
        running.compute.mint = lambda *_: proxy.url(host.port, base=base)
        async with running.viewer(launch=LAUNCH) as viewer:
            assert (await viewer.closed())[0] == 4504
    detail = (await told(running))["problem"]["detail"]
    assert detail == f"The console proxy {base} answered {status}: what stands behind it does not answer."


async def test_a_host_that_is_silent_is_waited_for_no_longer_than_it_may_take(run_gateway: RunGateway) -> None:
    async with run_gateway(first_bytes=0.2) as running, Host(banner=b"") as host, XvpProxy() as proxy:
        running.compute.kinds = {"xvpvnc"}
        running.compute.mint = lambda *_: proxy.url(host.port)
        async with running.viewer(launch=LAUNCH) as viewer:
            assert (await viewer.closed())[0] == 4504
        assert "showed no screen for 0.2 s" in (await told(running))["problem"]["detail"]
        await running.settled()
        await host.until(lambda: host.ends == 1)


async def test_a_viewer_who_only_watches_is_not_cut_off(run_gateway: RunGateway) -> None:
    beats = 20
    """At ten a second: longer than the proxy of this test is patient."""
    async with (
        run_gateway(relay={"ping": "100ms"}) as running,
        looking(running, says=b"RFB 003.008\n", idle=1.5) as (viewer, host, _),
    ):
        await viewer.greeted()
        for question, answer in ((b"\x01\x01", b"\x01"), (bytes(4), b"\x01"), (bytes(24), set_encodings(0))):
            await host.send(question)
            assert await viewer.received(len(question)) == question
            viewer.send(answer)
        said = b"RFB 003.008\n\x01\x01" + set_encodings(0)
        await host.until(lambda: len(host.received) >= len(said) + 10 * beats)
        news = host.received.removeprefix(said)
        assert [news[at : at + 2] for at in range(0, 10 * beats, 10)] == [INCREMENTAL] * beats
        assert host.ends == 0
        await host.send(b"still there")
        assert await viewer.message() == b"still there"


async def test_a_console_url_of_another_scheme_is_told(running: Running) -> None:
    running.compute.kinds = {"xvpvnc"}
    running.compute.mint = lambda *_: f"ws://127.0.0.1:1/console?token={issue()}"
    async with running.viewer(launch=LAUNCH) as viewer:
        assert (await viewer.closed())[0] == 4502
    assert 'its scheme "ws" is not http or https' in (await told(running))["problem"]["detail"]


async def test_what_the_host_sends_in_haste_is_all_there(running: Running) -> None:
    much = bytes(range(256)) * 4096
    async with looking(running) as (viewer, host, _):
        await viewer.greeted()
        async with asyncio.TaskGroup() as both:
            both.create_task(host.send(much))
            received = both.create_task(viewer.received(len(much)))
        assert received.result() == much
