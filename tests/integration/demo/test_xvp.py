"""The demo's proxy for xvpvnc consoles: its wire, and its place in the cloud."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from launcher.demo.cloud import DemoCloud
from launcher.demo.fleet import SITE
from launcher.egress import Gate
from launcher.model import Carrier, Kind, Secret, Target
from launcher.relay.upstream import DialLimits, open_upstream
from tests.fakes.clock import FakeClock
from tests.fakes.demo import demo_cloud
from tests.fakes.issued import note
from tests.fakes.viewer import BANNER

NAME = "shop-db-01"
OPENED = b"HTTP/1.1 200 OK\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def cloud(clock: FakeClock) -> AsyncIterator[DemoCloud]:
    async with demo_cloud(clock=clock) as cloud:
        yield cloud


def minted(cloud: DemoCloud, name: str = NAME) -> str:
    return note(cloud.consoles.mint(cloud.fleet.named(name).id))


@asynccontextmanager
async def asked(cloud: DemoCloud, request: bytes) -> AsyncIterator[Streams]:
    """A client that has sent this."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(cloud.xvp_base.rpartition(":")[2]))
    writer.write(request)
    try:
        async with asyncio.timeout(5):
            yield reader, writer
    finally:
        writer.close()


def connect(token: str) -> bytes:
    return f"CONNECT /console?token={token} HTTP/1.0\r\n\r\n".encode()


async def settled(cloud: DemoCloud) -> None:
    async with asyncio.timeout(5):
        while cloud.xvp.connections:
            await asyncio.sleep(0.01)


def test_one_server_of_the_demo_has_no_other_consoles() -> None:
    assert [machine.name for machine, _ in SITE if machine.kind is Kind.XVPVNC] == [NAME]


async def test_a_good_token_leads_to_the_screen(cloud: DemoCloud) -> None:
    async with asked(cloud, connect(minted(cloud))) as (reader, writer):
        assert await reader.readexactly(len(OPENED + BANNER)) == OPENED + BANNER
        writer.write(BANNER)
        assert await reader.readexactly(2) == b"\x01\x01"
        writer.write(b"\x01\x01")  # the choice, and ClientInit in the same breath
        assert await reader.readexactly(4) == bytes(4)
        init = await reader.readexactly(24 + len(NAME))
        assert (init[:4], init[24:].decode()) == (b"\x04\x00\x02\x80", NAME)
        assert cloud.screen(NAME).viewers == 1
    await settled(cloud)
    assert cloud.screen(NAME).viewers == 0


async def test_what_comes_with_the_request_is_lost(cloud: DemoCloud) -> None:
    async with asked(cloud, connect(minted(cloud)) + b"RFB 003.003\n") as (reader, writer):
        assert await reader.readexactly(len(OPENED + BANNER)) == OPENED + BANNER
        writer.write(BANNER)
        assert await reader.readexactly(2) == b"\x01\x01"


async def test_our_own_relay_finds_the_way(cloud: DemoCloud) -> None:
    port = int(cloud.xvp_base.rpartition(":")[2])
    path = Secret(f"/console?token={minted(cloud)}")
    target = Target(tls=False, host="127.0.0.1", port=port, path=path, carrier=Carrier.XVP)
    end, first = await open_upstream(
        target, gate=Gate(loopback=True), tls=ssl.create_default_context(), limits=DialLimits()
    )
    end.abort()
    assert first == BANNER
    await settled(cloud)


@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [
        (connect("nobody-s"), b"401 Not Authorized", b"Not Authorized"),
        (connect(""), b"400 Invalid Request", b"Invalid Request"),
        (b"nonsense\r\n\r\n", b"400 Invalid Request", b"Invalid Request"),
    ],
)
async def test_a_bad_request_gets_an_ordinary_response(
    cloud: DemoCloud, request_line: bytes, status: bytes, body: bytes
) -> None:
    async with asked(cloud, request_line) as (reader, _):
        head, _, rest = (await reader.read()).partition(b"\r\n\r\n")
        assert (head.partition(b"\r\n")[0], rest) == (b"HTTP/1.1 " + status, body)


async def test_so_does_a_token_that_has_died(cloud: DemoCloud, clock: FakeClock) -> None:
    token = minted(cloud)
    clock.advance(60)
    async with asked(cloud, connect(token)) as (reader, _):
        assert (await reader.read()).startswith(b"HTTP/1.1 401 ")


async def test_so_does_a_server_without_a_screen(cloud: DemoCloud) -> None:
    async with asked(cloud, connect(minted(cloud, "db-replica-01"))) as (reader, _):
        assert (await reader.read()).startswith(b"HTTP/1.1 500 ")


async def test_a_server_that_goes_takes_its_screen_along(cloud: DemoCloud) -> None:
    async with asked(cloud, connect(minted(cloud))) as (reader, writer):
        await reader.readexactly(len(OPENED + BANNER))
        writer.write(BANNER)
        await reader.readexactly(2)
        writer.write(b"\x01\x01")
        await reader.readexactly(4 + 24 + len(NAME))
        cloud.screen(NAME).close()
        assert await reader.read() == b""


@pytest.mark.parametrize("wrong", [b"RFB 003.003\n", BANNER + b"\x02"])
async def test_another_version_or_security_is_refused(cloud: DemoCloud, wrong: bytes) -> None:
    async with asked(cloud, connect(minted(cloud))) as (reader, writer):
        await reader.readexactly(len(OPENED + BANNER))
        writer.write(wrong)
        await reader.read()
    await settled(cloud)


async def test_a_request_without_end_is_cut_off(cloud: DemoCloud) -> None:
    async with asked(cloud, b"C" * (16 * 1024 + 1)) as (reader, _):
        assert await reader.read() == b""
