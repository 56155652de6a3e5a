"""The demo's console proxy, byte by byte: what a real Nova's was seen to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from launcher.demo.cloud import DemoCloud
from tests.fakes.clock import FakeClock
from tests.fakes.console_proxy import frame
from tests.fakes.demo import demo_cloud
from tests.fakes.issued import note
from tests.fakes.viewer import BANNER, BINARY, CLOSE, PING, PONG, Refused, Viewer

TEXT = 1


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def cloud(clock: FakeClock) -> AsyncIterator[DemoCloud]:
    async with demo_cloud(clock=clock) as cloud:
        yield cloud


def viewer(cloud: DemoCloud, name: str = "web-01", *, token: str | None = None, **headers: str) -> Viewer:
    """A client of the console proxy itself, with a new token unless one is given."""
    if token is None:
        token = note(cloud.consoles.mint(cloud.fleet.named(name).id))
    port = int(cloud.proxy_base.rpartition(":")[2])
    return Viewer(port, f"/?token={token}", headers={key.replace("_", "-"): value for key, value in headers.items()})


async def ends_bare(one: Viewer) -> bool:
    """Whether the connection ends by a FIN, with nothing before it."""
    async with asyncio.timeout(5):
        return await one.reader.read() == b""


async def test_a_good_token_is_greeted_after_the_101(cloud: DemoCloud) -> None:
    async with viewer(cloud) as one:
        assert await one.frame() == (BINARY, BANNER)
        one.send(BANNER)
        assert await one.frame() == (BINARY, b"\x01\x01")
        one.send(b"\x01")
        assert await one.frame() == (BINARY, b"")  # the trap: this is not the end
        assert await one.frame() == (BINARY, b"\0\0\0\0")
        one.send(b"\x01")
        opcode, init = await one.frame()
        assert (opcode, init[:4], init[24:]) == (BINARY, b"\x04\x00\x02\x80", b"web-01")
        assert cloud.screen("web-01").viewers == 1
    await settled(cloud)
    assert cloud.screen("web-01").viewers == 0


async def settled(cloud: DemoCloud) -> None:
    async with asyncio.timeout(5):
        while cloud.proxy.connections:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("token", ["", "nobody's"])
async def test_a_bad_token_gets_its_101_and_then_a_bare_fin(cloud: DemoCloud, token: str) -> None:
    async with viewer(cloud, token=token) as one:
        assert one.head.startswith("HTTP/1.1 101")
        assert await ends_bare(one)


async def test_so_does_one_that_has_died(cloud: DemoCloud, clock: FakeClock) -> None:
    token = note(cloud.consoles.mint(cloud.fleet.named("web-01").id))
    async with viewer(cloud, token=token) as one:
        await one.greeted()
        clock.advance(60)
        one.send(b"still here", PING)
        assert await one.frame() == (PONG, b"still here")  # its sessions go on
    async with viewer(cloud, token=token) as one:
        assert await ends_bare(one)


@pytest.mark.parametrize("name", ["db-replica-01", "ci-runner-07", "backup-01"])
async def test_a_server_without_a_screen_is_refused_alike(cloud: DemoCloud, name: str) -> None:
    async with viewer(cloud, name) as one:
        assert await ends_bare(one)


async def test_so_is_one_that_was_deleted_after_its_token_was_made(cloud: DemoCloud) -> None:
    one = viewer(cloud)
    cloud.fleet.delete(cloud.fleet.named("web-01"))
    async with one:
        assert await ends_bare(one)


@pytest.mark.parametrize("origin", ["null", "http://evil.example", "https://127.0.0.1"])
async def test_so_is_a_page_of_another_site(cloud: DemoCloud, origin: str) -> None:
    async with viewer(cloud, Origin=origin) as one:
        assert await ends_bare(one)


async def test_a_page_of_the_proxy_s_own_host_is_not(cloud: DemoCloud) -> None:
    async with viewer(cloud, Origin="http://127.0.0.1:1") as one:
        await one.greeted()


@pytest.mark.parametrize("offered", ["base64", "chat", "base64, binary"])
async def test_other_subprotocols_are_refused_before_the_101(cloud: DemoCloud, offered: str) -> None:
    with pytest.raises(Refused) as refused:
        async with viewer(cloud, Sec_WebSocket_Protocol=offered):
            pass
    assert refused.value.status == 400
    assert "Invalid protocol selected" in refused.value.body


async def test_one_token_opens_as_often_as_one_likes(cloud: DemoCloud) -> None:
    token = note(cloud.consoles.mint(cloud.fleet.named("web-01").id))
    async with viewer(cloud, token=token) as one, viewer(cloud, token=token) as other:
        await one.greeted()
        await other.greeted()


async def test_a_close_is_echoed_with_its_code_and_reason(cloud: DemoCloud) -> None:
    async with viewer(cloud) as one:
        await one.greeted()
        one.send(b"\x0f\xa1enough", CLOSE)
        assert await one.frame() == (CLOSE, b"\x0f\xa1enough")
        assert await ends_bare(one)


async def test_text_is_not_taken(cloud: DemoCloud) -> None:
    async with viewer(cloud) as one:
        await one.greeted()
        one.send(b"hello", TEXT)
        assert (await one.closed())[0] == 1003


async def test_nor_are_frames_without_a_mask(cloud: DemoCloud) -> None:
    async with viewer(cloud) as one:
        await one.greeted()
        one.send_raw(frame(BANNER))
        assert (await one.closed())[0] == 1002


@pytest.mark.parametrize("version", [b"RFB 003.003\n", b"RFB 003.007\n"])
async def test_an_older_version_gets_an_empty_frame_and_a_close(cloud: DemoCloud, version: bytes) -> None:
    async with viewer(cloud) as one:
        await one.greeted()
        one.send(version)
        assert await one.frame() == (BINARY, b"")
        assert (await one.closed())[0] == 1000


async def test_another_security_type_gets_a_text_and_a_close(cloud: DemoCloud) -> None:
    async with viewer(cloud) as one:
        await one.greeted()
        one.send(BANNER)
        await one.message()
        one.send(b"\x02")
        assert (await one.message())[:4] == b"\0\0\0\x01"
        assert (await one.closed())[0] == 1000


async def test_messages_that_are_sent_together_lose_what_comes_after(cloud: DemoCloud) -> None:
    async with viewer(cloud) as one:
        await one.greeted()
        one.send(BANNER + b"\x01\x01")
        assert [await one.frame() for _ in range(3)] == [
            (BINARY, b"\x01\x01"),
            (BINARY, b"\x01"),  # the surplus, sent back
            (BINARY, b"\0\0\0\0"),
        ]


async def test_who_speaks_before_the_greeting_is_heard_after_it(cloud: DemoCloud) -> None:
    async with viewer(cloud) as one:
        one.send(BANNER)
        await one.greeted()
        assert await one.frame() == (BINARY, b"\x01\x01")


async def test_but_not_without_end(cloud: DemoCloud) -> None:
    async with viewer(cloud) as one:
        one.send(bytes(100_000))
        with pytest.raises(ConnectionError):
            await one.reader.read()


async def test_a_request_that_never_ends_is_refused(cloud: DemoCloud) -> None:
    port = int(cloud.proxy_base.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /" + b"x" * 20_000)
    assert (await reader.readline()).startswith(b"HTTP/1.1 431")
    writer.close()


async def test_a_browser_that_opens_the_console_url_is_told_where_to_go(cloud: DemoCloud) -> None:
    port = int(cloud.proxy_base.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /vnc_lite.html?path= HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"bookmark at the gateway" in answer
    writer.close()


async def test_closing_the_cloud_ends_everything() -> None:
    async with demo_cloud() as cloud:
        one = viewer(cloud)
        await one.__aenter__()
        await one.greeted()
    async with asyncio.timeout(5):
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await one.frame()
    await one.__aexit__(None, None, None)
