"""The demo's screens, seen by viewers over the console proxy."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from launcher.demo.cloud import DemoCloud
from launcher.demo.fleet import REBOOT_TIME, SLEEP_TIME
from tests.fakes import rfb_client
from tests.fakes.clock import FakeClock
from tests.fakes.console_proxy import BANNER
from tests.fakes.demo import demo_cloud
from tests.fakes.rfb_client import EXTENDED_CLIPBOARD, TIGHT, Follower
from tests.fakes.viewer import Viewer
from tests.integration.demo.test_proxy import settled, viewer

TEXT, REQUEST, NOTIFY, PROVIDE = 1, 1 << 25, 1 << 27, 1 << 28


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def cloud(clock: FakeClock) -> AsyncIterator[DemoCloud]:
    async with demo_cloud(clock=clock) as cloud:
        yield cloud


class Looking:
    """A viewer that has a picture, and what it sees."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.seen = Follower()

    async def until(self, met: Callable[[], bool], *, ask: bool = True) -> None:
        """Read on, asking for updates as viewers do, until it is so."""
        async with asyncio.timeout(10):
            while not met():
                updates = self.seen.updates
                self.seen.feed(await self.viewer.message())
                if ask and self.seen.updates > updates:
                    self.ask()

    def ask(self, *, incremental: bool = True) -> None:
        self.viewer.send(rfb_client.update_request(self.seen.width, self.seen.height, incremental=incremental))

    async def type(self, text: str) -> None:
        self.viewer.send(rfb_client.typed(text))

    def like(self, cloud: DemoCloud, name: str) -> bool:
        """Whether it sees what the screen shows."""
        pixels = cloud.screen(name).pixels
        return pixels.shape == self.seen.pixels.shape and bool((pixels == self.seen.pixels).all())


@asynccontextmanager
async def looking(
    cloud: DemoCloud, name: str = "web-01", encodings: tuple[int, ...] = (TIGHT,)
) -> AsyncIterator[Looking]:
    async with viewer(cloud, name) as one:
        await one.greeted()
        one.send(BANNER)
        await one.received(2)
        one.send(b"\x01")
        assert await one.received(4) == b"\0\0\0\0"
        one.send(b"\x01")
        look = Looking(one)
        await look.until(lambda: look.seen.width > 0)
        one.send(rfb_client.set_encodings(*encodings))
        look.ask(incremental=False)
        await look.until(lambda: look.seen.updates > 0)
        yield look


@pytest.mark.parametrize("encodings", [(TIGHT,), (0,)])
async def test_a_viewer_sees_what_the_screen_shows(cloud: DemoCloud, encodings: tuple[int, ...]) -> None:
    async with looking(cloud, encodings=encodings) as look:
        assert look.like(cloud, "web-01")
        await look.type("echo héllo\n")
        await look.until(lambda: list(cloud.screen("web-01").received.commands) == ["echo héllo"])
        await look.until(lambda: look.like(cloud, "web-01"))
        assert cloud.screen("web-01").scene.terminal.lines[-1] == "héllo"


async def test_only_what_changed_is_sent(cloud: DemoCloud) -> None:
    async with looking(cloud) as look:
        await look.until(lambda: look.like(cloud, "web-01"))
        await look.type("a")
        await look.until(lambda: cloud.screen("web-01").scene.terminal.typed == "a" and look.like(cloud, "web-01"))
        assert sum(width * height for _, _, width, height in look.seen.rectangles) < 3000


async def test_two_viewers_see_one_screen(cloud: DemoCloud) -> None:
    async with looking(cloud) as one, looking(cloud) as other:
        assert cloud.screen("web-01").viewers == 2
        await one.type("one")
        one.viewer.send(rfb_client.pointer(500, 300, 1))
        await other.until(lambda: cloud.screen("web-01").scene.terminal.typed == "one" and other.like(cloud, "web-01"))
        await one.until(lambda: one.like(cloud, "web-01"))
        assert cloud.screen("web-01").scene.pointer == (500, 300)


async def test_a_viewer_who_leaves_takes_nothing_from_the_other(cloud: DemoCloud) -> None:
    async with looking(cloud) as stays:
        async with looking(cloud) as leaves:
            leaves.viewer.leave()
        await stays.until(lambda: cloud.screen("web-01").viewers == 1)
        await stays.type("x")
        await stays.until(lambda: cloud.screen("web-01").scene.terminal.typed == "x" and stays.like(cloud, "web-01"))


async def test_a_pointer_outside_is_brought_back(cloud: DemoCloud) -> None:
    async with looking(cloud) as look:
        look.viewer.send(rfb_client.pointer(65535, 65535, 255))
        await look.until(lambda: cloud.screen("web-01").scene.pointer == (1023, 639))
        assert list(cloud.screen("web-01").received.clicks) == [(1023, 639, 127)]


async def test_the_clipboard_goes_both_ways_in_latin_1(cloud: DemoCloud) -> None:
    async with looking(cloud) as look:
        look.viewer.send(rfb_client.cut_text("grüße"))
        await look.type("copy zurück\n")
        await look.until(lambda: look.seen.clipboards == ["zurück"])
        assert list(cloud.screen("web-01").received.clipboards) == ["grüße"]


async def test_and_in_any_script_through_the_extended_one(cloud: DemoCloud) -> None:
    async with looking(cloud, encodings=(TIGHT, EXTENDED_CLIPBOARD)) as look:
        await look.until(lambda: len(look.seen.extended) == 1)  # the screen's capabilities
        look.viewer.send(rfb_client.extended(NOTIFY | TEXT))
        await look.until(lambda: look.seen.extended[-1][0] == REQUEST | TEXT)
        raw = "東京 €\0".encode()
        look.viewer.send(rfb_client.extended(PROVIDE | TEXT, zlib.compress(struct.pack(">I", len(raw)) + raw)))
        await look.until(lambda: list(cloud.screen("web-01").received.clipboards) == ["東京 €"])
        look.viewer.send(rfb_client.typed("copy ") + rfb_client.key(0x01006771) + rfb_client.typed("\n"))
        await look.until(lambda: look.seen.extended[-1][0] == NOTIFY | TEXT)
        look.viewer.send(rfb_client.extended(REQUEST | TEXT))
        await look.until(lambda: look.seen.extended[-1][0] == PROVIDE | TEXT)
        assert zlib.decompress(look.seen.extended[-1][1])[4:].decode() == "東\0"


async def test_ctrl_alt_del_arrives(cloud: DemoCloud) -> None:
    async with looking(cloud) as look:
        for keysym in (0xFFE3, 0xFFE9, 0xFFFF):
            look.viewer.send(rfb_client.key(keysym))
        await look.until(lambda: cloud.screen("web-01").received.ctrl_alt_dels == 1)
        await look.until(lambda: look.like(cloud, "web-01"))


@pytest.mark.parametrize(("command", "away"), [("reboot", REBOOT_TIME), ("off", SLEEP_TIME)])
async def test_a_server_goes_away_and_comes_back(cloud: DemoCloud, clock: FakeClock, command: str, away: float) -> None:
    async with looking(cloud) as look:
        await look.type(f"{command}\n")
        with pytest.raises(AssertionError, match="Target closed"):
            await look.until(lambda: False)
    async with viewer(cloud) as refused:
        assert await refused.reader.read() == b""
    clock.advance(away)
    async with looking(cloud) as again:
        assert cloud.screen("web-01").scene.terminal.typed == ""
        assert again.like(cloud, "web-01")


async def test_a_server_that_is_stopped_from_outside_hangs_up(cloud: DemoCloud, clock: FakeClock) -> None:
    async with looking(cloud) as look:
        cloud.fleet.power_off(cloud.fleet.named("web-01"), clock.monotonic())
        assert (await closed_by(look.viewer))[0] == 1000
    await settled(cloud)


async def closed_by(one: Viewer) -> tuple[int, str]:
    while True:
        opcode, payload = await one.frame()
        if opcode == 8:
            return int.from_bytes(payload[:2], "big"), payload[2:].decode()


async def test_a_paused_server_shows_its_picture_and_hears_nothing(cloud: DemoCloud, clock: FakeClock) -> None:
    async with looking(cloud, "cache-01") as look:
        await look.until(lambda: look.like(cloud, "cache-01"))
        before = cloud.screen("cache-01").pixels.copy()
        clock.advance(10)
        await look.type("help\n")
        look.viewer.send(rfb_client.update_request(1024, 640))
        await look.until(lambda: look.seen.updates > 1)
        assert (cloud.screen("cache-01").pixels == before).all()
        assert not cloud.screen("cache-01").received.keys


@pytest.mark.parametrize("noise", [b"\x63", b"\xff\0\0", struct.pack(">B3xI", 6, 10**9), b"\0\0\0\0" + bytes(16)])
async def test_a_viewer_that_breaks_the_protocol_loses_its_screen_alone(cloud: DemoCloud, noise: bytes) -> None:
    async with looking(cloud) as good, looking(cloud) as bad:
        bad.viewer.send(noise)
        assert await closed_by(bad.viewer) == (1000, "Target closed")
        await good.type("x")
        await good.until(lambda: cloud.screen("web-01").scene.terminal.typed == "x")


async def test_a_viewer_that_does_not_read_costs_no_memory(cloud: DemoCloud) -> None:
    async with looking(cloud, encodings=(0,)) as look:
        [connection] = cloud.proxy._connections
        assert connection._transport is not None
        for _ in range(200):
            look.ask(incremental=False)
            await asyncio.sleep(0)
        await asyncio.sleep(0.3)
        assert connection._transport.get_write_buffer_size() < 4 * 1024**2


async def test_a_request_for_everything_is_answered_though_another_waits(cloud: DemoCloud) -> None:
    async with looking(cloud) as look:
        look.ask()  # nothing has changed: this one waits
        updates = look.seen.updates
        look.ask(incremental=False)
        await look.until(lambda: look.seen.updates > updates)
        assert (0, 0, 1024, 640) in look.seen.rectangles


async def test_requests_without_end_are_kept_as_one(cloud: DemoCloud) -> None:
    async with looking(cloud) as look:
        requests = (struct.pack(">BBHHHH", 3, 0, x, y, 9, 9) for x in range(0, 1000, 10) for y in range(0, 600, 10))
        look.viewer.send(b"".join(requests))
        await look.until(lambda: (0, 0, 999, 599) in look.seen.rectangles)
        await look.until(lambda: look.like(cloud, "web-01"))


async def test_eight_and_sixteen_bits_are_smaller(cloud: DemoCloud) -> None:
    for bits, depth, maxima, shifts in (
        (16, 16, (31, 63, 31), (11, 5, 0)),
        (8, 8, (7, 7, 3), (0, 3, 6)),
    ):
        async with looking(cloud, encodings=(0,)) as look:
            look.viewer.send(rfb_client.set_format(bits, depth, maxima, shifts))
            look.ask(incremental=False)
            size = 1024 * 640 * bits // 8
            async with asyncio.timeout(5):
                raw = await look.viewer.received(16 + size)
            assert raw[4:16] == struct.pack(">HHHHi", 0, 0, 1024, 640, 0)
