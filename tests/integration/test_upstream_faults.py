"""Everything a console proxy or a console URL can do wrong: a close code, a sentence, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl

import pytest

from launcher.egress import Gate
from launcher.errors import UpstreamUnreachableError
from launcher.model import Secret, Target
from launcher.relay.upstream import DialLimits, open_upstream
from tests.fakes.console_proxy import Fault, FaultyProxy, frame
from tests.fakes.issued import issue
from tests.fakes.viewer import BANNER
from tests.integration.conftest import RunGateway, Running


async def descriptors_at_rest(running: Running, proxy: FaultyProxy) -> int:
    """How many descriptors are open once no session and no upstream is; the cloud's pooled connections stay."""
    await running.settled()
    async with asyncio.timeout(5):
        while proxy.live:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0)
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize(
    ("fault", "code", "sentence", "openings"),
    [
        (Fault.FORBIDDEN, 4502, "answered 403 Forbidden instead of a WebSocket", 1),
        (Fault.NOT_FOUND, 4502, "answered 404 Not Found instead of a WebSocket", 1),
        (Fault.BAD_GATEWAY, 4502, "answered 502 Bad Gateway instead of a WebSocket", 1),
        (Fault.REDIRECT, 4502, "answered 302 Found instead of a WebSocket", 1),
        (Fault.WRONG_ACCEPT, 4502, "Sec-WebSocket-Accept is wrong", 1),
        (Fault.SILENT_BEFORE_101, 4504, "showed no screen for 0.3 s", 1),
        (Fault.SILENT_AFTER_101, 4504, "showed no screen for 0.3 s", 1),
        (Fault.HANG_UP_BEFORE_101, 4502, "hung up before the first bytes", 2),
        (Fault.HANG_UP_AFTER_101, 4502, "hung up before the first bytes", 2),
        (Fault.RESET_IN_HANDSHAKE, 4502, "hung up before the first bytes", 2),
        (Fault.RESET_AFTER_101, 4502, "hung up before the first bytes", 2),
        (Fault.CLOSE_FRAME_FIRST, 4502, "closed before the first bytes", 2),
        (Fault.EMPTY_FRAME_THEN_CLOSE, 4502, "closed before the first bytes", 2),
        (Fault.SSH_GREETING, 4502, "it does not begin with `RFB `", 1),
        (Fault.TEXT_GREETING, 4502, "it begins with a text message", 1),
        (Fault.MASKED_GREETING, 4502, "breaks the WebSocket protocol", 1),
        (Fault.RESERVED_BITS, 4502, "breaks the WebSocket protocol", 1),
        (Fault.HUGE_FRAME, 4502, "breaks the WebSocket protocol", 1),
    ],
)
async def test_a_faulty_console_proxy_is_told_apart(
    run_gateway: RunGateway, fault: Fault, code: int, sentence: str, openings: int
) -> None:
    async with run_gateway(first_bytes=0.3) as running, FaultyProxy(fault) as proxy:
        running.compute.mint = lambda *_: proxy.url()
        async with running.viewer("web-01?launch=a-launch-of-this-test") as viewer:
            closed_with, reason = await viewer.closed()
        assert closed_with == code
        assert f"ws://127.0.0.1:{proxy.port}" in reason
        _, launch = await running.ask("GET", "/api/v1/launches/a-launch-of-this-test")
        assert sentence in launch["problem"]["detail"]
        assert launch["problem"]["hint"]
        assert launch["state"] == "failed"
        assert [step["state"] for step in launch["steps"]][-1] == "failed"
        assert proxy.connections == openings
        before = await descriptors_at_rest(running, proxy)
        async with running.viewer() as viewer:
            await viewer.closed()
        assert await descriptors_at_rest(running, proxy) <= before


@pytest.mark.parametrize(
    "unusual",
    [
        Fault.EMPTY_FRAME_FIRST,
        Fault.PING_FIRST,
        Fault.SPLIT_BANNER,
        Fault.FRAGMENTED_BANNER,
        Fault.SPLIT_SEGMENTS,
        Fault.BANNER_WITH_101,
    ],
)
async def test_an_unusual_greeting_is_a_screen_all_the_same(running: Running, unusual: Fault) -> None:
    async with FaultyProxy(unusual) as proxy, running.viewer() as viewer:
        running.compute.mint = lambda *_: proxy.url()
        assert await viewer.received(len(BANNER)) == BANNER
        await proxy.send(b"and on")
        assert await viewer.message() == b"and on"


async def test_why_a_session_was_cut_off_within_a_frame_stands_at_its_launch(running: Running) -> None:
    """No close frame has a place there: the viewer's connection ends without a word."""
    async with FaultyProxy() as proxy, running.viewer("web-01?launch=a-launch-of-this-test") as viewer:
        running.compute.mint = lambda *_: proxy.url()
        await viewer.greeted()
        _, launch = await running.ask("GET", "/api/v1/launches/a-launch-of-this-test")
        assert launch["ending"] is None
        await proxy.send_raw(frame(bytes(100))[:50])
        proxy.hang_up(reset=True)
        assert await viewer.closed() == (1006, "")
        await running.settled()
        _, launch = await running.ask("GET", "/api/v1/launches/a-launch-of-this-test")
        assert launch["ending"] == {"reason": "upstream lost", "code": 1014, "text": "The console proxy hung up."}


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize(
    ("url", "code", "sentence"),
    [
        ("http://proxy.invalid/vnc_auto.html?token={token}", 4504, "a name that does not resolve"),
        ("http://{free}/vnc_auto.html?token={token}", 4504, "takes no connection: Connection refused"),
        ("http://169.254.169.254/vnc_auto.html?token={token}", 4504, "a link-local or metadata address"),
        ("http://[::ffff:169.254.169.254]/vnc_auto.html?token={token}", 4504, "a link-local or metadata address"),
        ("http://{free}/vnc_auto.html", 4502, "it holds no console token"),
        ("ftp://{free}/vnc_auto.html?token={token}", 4502, 'its scheme "ftp" is not'),
        ("https://{free}/vnc_auto.html?token={token}", 4504, "takes no connection"),
    ],
)
async def test_a_console_url_that_leads_nowhere_is_told(running: Running, url: str, code: int, sentence: str) -> None:
    token = issue()
    running.compute.mint = lambda *_: url.format(token=token, free=free_address())
    async with running.viewer("web-01?launch=a-launch-of-this-test") as viewer:
        closed_with, reason = await viewer.closed()
    _, launch = await running.ask("GET", "/api/v1/launches/a-launch-of-this-test")
    assert closed_with == code, launch
    assert sentence in launch["problem"]["detail"]
    assert token not in reason + str(launch)
    await running.settled()


async def test_a_console_proxy_on_loopback_is_not_dialled_for_a_cloud_elsewhere() -> None:
    async with FaultyProxy() as proxy:
        target = Target(tls=False, host="127.0.0.1", port=proxy.port, path=Secret(f"/?token={issue()}"))
        with pytest.raises(UpstreamUnreachableError, match="this host itself"):
            await open_upstream(
                target, gate=Gate(loopback=False), tls=ssl.create_default_context(), limits=DialLimits()
            )
        assert proxy.connections == 0


async def test_a_host_outside_console_hosts_is_not_dialled(run_gateway: RunGateway) -> None:
    async with run_gateway(entry={"console_hosts": ("*.example.net",)}) as running, FaultyProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url()
        async with running.viewer() as viewer:
            code, reason = await viewer.closed()
        assert code == 4502
        assert "console_hosts" in reason
        assert proxy.connections == 0


async def test_a_proxy_that_speaks_plain_text_where_tls_is_due_is_told(running: Running) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    running.compute.mint = lambda *_: f"https://127.0.0.1:{port}/vnc_auto.html?token={issue()}"
    async with server, running.viewer("web-01?launch=a-launch-of-this-test") as viewer:
        assert (await viewer.closed())[0] == 4504
        _, launch = await running.ask("GET", "/api/v1/launches/a-launch-of-this-test")
        assert "does not speak TLS" in launch["problem"]["detail"]
        await running.settled()
