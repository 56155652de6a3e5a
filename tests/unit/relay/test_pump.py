from __future__ import annotations

import asyncio
import struct

import pytest

from launcher.model import EndReason, Secret, Target
from launcher.relay.allowance import FLOOD
from launcher.relay.basin import SMALL
from launcher.relay.engine import ViewerEngine
from launcher.relay.frames import OUR_PING
from launcher.relay.governor import too_large
from launcher.relay.openings import opening_of
from launcher.relay.pump import Pump
from launcher.relay.terms import Rules
from launcher.relay.upstream import UpstreamEnd
from launcher.relay.websocketviewer import WebSocketViewer
from tests.fakes.transport import MemoryTransport, received
from tests.fakes.viewer import BANNER, BINARY, CLOSE, PING, PONG, frame
from tests.unit.relay.test_websocketviewer import HANDSHAKE, sent

PROXY = Target(tls=False, host="proxy", port=80, path=Secret("/"))


def unmasked(stream: bytes) -> list[tuple[int, bytes]]:
    """Opcode and payload of small client frames."""
    found = []
    while stream:
        size = stream[1] & 0x7F
        mask, payload = stream[2:6], stream[6 : 6 + size]
        found.append((stream[0] & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))))
        stream = stream[6 + size :]
    return found


class Joined:
    """A viewer and an upstream in memory, joined by a pump."""

    def __init__(
        self, limit: int = 1024**2, first: bytes = frame(BANNER), *, lost: bool = False, full: bool = False,
        gone: bool = False,
    ) -> None:  # fmt: skip
        self.viewer_side, self.upstream_side = MemoryTransport(), MemoryTransport()
        engine = ViewerEngine(limit)
        engine.open(HANDSHAKE)
        self.viewer = WebSocketViewer(self.viewer_side, engine)
        self.viewer_side.protocol = self.viewer
        self.upstream = UpstreamEnd(PROXY, opening_of(PROXY, limit, lambda: None))
        self.upstream_side.protocol = self.upstream
        self.upstream.connection_made(self.upstream_side)
        self.upstream_side.taken()  # the upgrade request
        self.upstream.proven.cancel()
        if gone:
            self.upstream.connection_lost(None)
        if full:
            self.viewer.pause_writing()
        if lost:
            self.viewer.connection_lost(None)
        self.pump = Pump(self.viewer, self.upstream, Rules(limit))
        self.pump.start(first)

    def from_viewer(self, chunk: bytes) -> None:
        self.viewer.data_received(chunk)

    def from_upstream(self, chunk: bytes) -> None:
        received(self.upstream, chunk)


@pytest.fixture
async def joined() -> Joined:
    joined = Joined()
    assert joined.viewer_side.taken() == frame(BANNER)
    return joined


async def test_server_frames_pass_verbatim_and_client_messages_one_by_one(joined: Joined) -> None:
    stream = frame(b"x" * 70000) + frame(b"part", fin=False) + frame(b"end", 0) + frame(b"", BINARY)
    for at in range(0, len(stream), 1000):
        joined.from_upstream(stream[at : at + 1000])
    assert joined.viewer_side.taken() == stream
    joined.from_viewer(sent(b"one") + sent(b"two") + sent(b""))
    assert unmasked(joined.upstream_side.taken()) == [(BINARY, b"one"), (BINARY, b"two"), (BINARY, b"")]
    assert (joined.pump.bytes_up, joined.pump.bytes_down) == (6, len(frame(BANNER)) + len(stream))


async def test_pongs_of_the_viewer_pass_to_the_upstream_but_those_to_the_gateways_pings(joined: Joined) -> None:
    joined.from_viewer(sent(b"b", PONG) + sent(OUR_PING, PONG))
    assert unmasked(joined.upstream_side.taken()) == [(PONG, b"b")]


async def test_whoever_cannot_take_more_holds_up_the_other(joined: Joined) -> None:
    joined.viewer.pause_writing()
    assert not joined.upstream_side.reading
    joined.viewer.resume_writing()
    assert joined.upstream_side.reading
    joined.upstream.pause_writing()
    assert not joined.viewer_side.reading
    joined.upstream.resume_writing()
    assert joined.viewer_side.reading


async def test_an_end_inside_a_frame_waits_for_its_boundary_and_drops_the_rest(joined: Joined) -> None:
    whole = frame(bytes(1000))
    joined.from_upstream(whole[:400])
    joined.viewer_side.taken()
    joined.pump.end(EndReason.ENDED, 1008, "Ended.")
    joined.pump.end(EndReason.STOPPING, 1012, "later causes do not count")
    assert joined.viewer_side.taken() == b""
    joined.from_viewer(sent(b"dropped"))
    joined.from_upstream(whole[400:600])
    joined.from_upstream(whole[600:] + frame(b"never seen"))
    assert joined.viewer_side.taken() == whole[400:] + frame((1008).to_bytes(2) + b"Ended.", CLOSE)
    joined.from_upstream(frame(b"never seen"))
    assert joined.viewer_side.taken() == b""
    assert unmasked(joined.upstream_side.taken()) == [(CLOSE, (1000).to_bytes(2))]
    joined.from_viewer(sent((1008).to_bytes(2), CLOSE))
    assert await joined.pump.ended is EndReason.ENDED
    assert (joined.viewer_side.ended, joined.upstream_side.ended) == ("closed", "closed")


async def test_the_upstreams_close_frame_is_the_last_that_the_viewer_gets(joined: Joined) -> None:
    goodbye = frame((1000).to_bytes(2) + b"Target closed", CLOSE)
    joined.from_upstream(frame(b"last") + goodbye + frame(b"never seen"))
    assert joined.viewer_side.taken() == frame(b"last") + goodbye
    assert joined.upstream_side.ended == "closed"
    joined.from_viewer(sent((1000).to_bytes(2), CLOSE))
    assert await joined.pump.ended is EndReason.UPSTREAM_CLOSED
    assert joined.viewer_side.taken() == b""


@pytest.mark.parametrize(
    ("faulty", "code", "reason"),
    [
        (frame(b"masked", mask=b"mask"), 1014, EndReason.UPSTREAM_PROTOCOL),
        (frame(b"rsv", rsv1=True), 1014, EndReason.UPSTREAM_PROTOCOL),
        (b"\x83\x00", 1014, EndReason.UPSTREAM_PROTOCOL),
        (b"\x82\x7f" + (2**62).to_bytes(8), 1009, EndReason.UPSTREAM_FRAME_TOO_LARGE),
    ],
)
async def test_a_faulty_server_frame_is_replaced_by_our_close(
    joined: Joined, faulty: bytes, code: int, reason: EndReason
) -> None:
    joined.from_upstream(frame(b"good") + faulty)
    written = joined.viewer_side.taken()
    assert written.startswith(frame(b"good"))
    assert written[len(frame(b"good")) + 2 :][:2] == code.to_bytes(2)
    joined.from_viewer(sent(code.to_bytes(2), CLOSE))
    assert await joined.pump.ended is reason


async def test_a_goodbye_of_the_viewer_is_echoed_and_passed_on(joined: Joined) -> None:
    joined.from_viewer(sent(b"", CLOSE))
    assert joined.viewer_side.taken() == frame((1000).to_bytes(2), CLOSE)
    assert unmasked(joined.upstream_side.taken()) == [(CLOSE, (1000).to_bytes(2))]
    assert await joined.pump.ended is EndReason.VIEWER_CLOSED


async def test_a_viewer_that_breaks_the_protocol_has_nothing_forwarded_after(joined: Joined) -> None:
    joined.from_viewer(sent(b"good") + frame(b"unmasked") + sent(b"never seen"))
    assert unmasked(joined.upstream_side.taken()) == [(BINARY, b"good"), (CLOSE, (1000).to_bytes(2))]
    joined.viewer.connection_lost(None)
    assert await joined.pump.ended is EndReason.VIEWER_PROTOCOL


async def test_a_viewer_that_is_lost_takes_the_upstream_with_it(joined: Joined) -> None:
    joined.viewer.connection_lost(None)
    assert unmasked(joined.upstream_side.taken()) == [(CLOSE, (1001).to_bytes(2))]
    assert await joined.pump.ended is EndReason.VIEWER_LOST


async def test_a_viewer_lost_before_the_pump_started_takes_the_upstream_with_it() -> None:
    joined = Joined(lost=True)
    assert await joined.pump.ended is EndReason.VIEWER_LOST
    assert joined.upstream_side.ended == "closed"


async def test_an_upstream_lost_at_a_boundary_is_told_with_1014_and_inside_a_frame_by_an_abort() -> None:
    told = Joined()
    told.upstream.connection_lost(None)
    assert told.viewer_side.taken()[len(frame(BANNER)) + 2 :][:2] == (1014).to_bytes(2)
    cut = Joined()
    cut.from_upstream(frame(bytes(1000))[:10])
    cut.upstream.connection_lost(None)
    assert cut.viewer_side.ended == "aborted"
    assert await cut.pump.ended is EndReason.UPSTREAM_LOST
    told.viewer.connection_lost(None)
    assert await told.pump.ended is EndReason.UPSTREAM_LOST


async def test_an_upstream_lost_while_the_end_waits_for_its_boundary_aborts(joined: Joined) -> None:
    joined.from_upstream(frame(bytes(1000))[:10])
    joined.pump.end(EndReason.ENDED, 1008, "Ended.")
    joined.upstream.connection_lost(None)
    assert joined.viewer_side.ended == "aborted"
    assert await joined.pump.ended is EndReason.ENDED


async def test_what_does_not_end_by_itself_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launcher.relay.pump.CLOSING_TIME", 0.01)
    joined = Joined()
    joined.from_upstream(frame(bytes(1000))[:10])
    joined.pump.end(EndReason.ENDED, 1008, "Ended.")
    assert await joined.pump.ended is EndReason.ENDED
    assert (joined.viewer_side.ended, joined.upstream_side.ended) == ("aborted", "aborted")


async def test_a_fault_in_the_very_first_bytes_ends_at_once() -> None:
    joined = Joined(limit=100, first=frame(BANNER) + b"\x82\x7f" + (2**62).to_bytes(8))
    assert joined.viewer_side.taken().startswith(frame(BANNER))
    joined.viewer.connection_lost(None)
    assert await joined.pump.ended is EndReason.UPSTREAM_FRAME_TOO_LARGE


async def test_an_upstream_that_closed_right_behind_its_greeting_is_told() -> None:
    other = Joined(first=frame(BANNER) + frame((1000).to_bytes(2), CLOSE))
    other.viewer.connection_lost(None)
    await asyncio.sleep(0)
    assert await other.pump.ended is EndReason.UPSTREAM_CLOSED


async def test_a_viewer_that_was_full_already_holds_up_the_upstream_from_the_first() -> None:
    joined = Joined(full=True)
    assert not joined.upstream_side.reading
    joined.viewer.resume_writing()
    assert joined.upstream_side.reading


async def test_a_viewer_that_reads_nothing_any_more_is_given_up_and_a_slow_one_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("launcher.relay.stall.STALL_TIME", 0.4)
    joined = Joined()
    joined.viewer_side.unsent = 300_000
    joined.viewer.pause_writing()
    for _ in range(4):
        joined.viewer_side.unsent -= 1000
        await asyncio.sleep(0.15)
        assert joined.viewer_side.ended is None
    assert await joined.pump.ended is EndReason.VIEWER_STALLED
    assert joined.viewer_side.ended == "aborted"


async def test_a_viewer_that_was_full_and_is_so_anew_is_watched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launcher.relay.stall.STALL_TIME", 0.02)
    joined = Joined(full=True)
    joined.viewer.pause_writing()
    joined.viewer.resume_writing()
    await asyncio.sleep(0.05)
    assert joined.viewer_side.ended is None


async def test_a_slow_viewer_keeps_of_the_common_buffer_no_more_than_one(joined: Joined) -> None:
    joined.from_upstream(frame(b"a" * (SMALL - 4)))
    joined.viewer_side.kept.clear()
    joined.viewer_side.unsent = 1
    for _ in range(8):
        joined.from_upstream(frame(b"b" * (SMALL - 4)))
    views = [one for one in joined.viewer_side.kept if isinstance(one, memoryview)]
    assert len({id(view.obj) for view in views}) <= 1


async def test_a_viewer_that_reads_again_is_watched_no_more(joined: Joined, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launcher.relay.stall.STALL_TIME", 0.02)
    joined.viewer.pause_writing()
    joined.viewer.resume_writing()
    await asyncio.sleep(0.05)
    assert joined.viewer_side.ended is None


async def test_the_upstream_is_told_goodbye_only_once(joined: Joined) -> None:
    joined.pump.end(EndReason.ENDED, 1008, "Ended.")
    joined.viewer.connection_lost(None)
    assert [opcode for opcode, _ in unmasked(joined.upstream_side.taken())] == [CLOSE]


async def test_an_upstream_that_is_gone_when_it_is_joined_is_told() -> None:
    joined = Joined(gone=True)
    await asyncio.sleep(0)
    assert joined.viewer_side.taken()[len(frame(BANNER)) + 2 :][:2] == (1014).to_bytes(2)


async def test_what_a_viewer_has_not_taken_is_not_overwritten_by_what_comes_next(joined: Joined) -> None:
    joined.from_upstream(frame(b"a" * (SMALL - 4)))  # a full read: the next may be larger
    joined.viewer_side.kept.clear()
    joined.viewer_side.unsent = 1
    joined.from_upstream(frame(b"b" * (2 * SMALL)))
    joined.from_upstream(frame(b"c" * (2 * SMALL)))
    kept = b"".join(joined.viewer_side.kept)
    assert kept == frame(b"b" * (2 * SMALL)) + frame(b"c" * (2 * SMALL))


async def flooded(joined: Joined) -> None:
    """Small frames in a row, until the upstream is left to gather."""
    for _ in range(16):
        assert joined.upstream_side.reading
        joined.from_upstream(frame(b"small"))
    assert not joined.upstream_side.reading


async def test_an_upstream_that_pours_in_small_pieces_is_read_again_after_a_moment(joined: Joined) -> None:
    await flooded(joined)
    assert joined.viewer_side.taken() == frame(b"small") * 16
    await asyncio.sleep(0.01)
    assert joined.upstream_side.reading


async def test_it_is_read_at_once_when_the_viewer_says_something(joined: Joined) -> None:
    await flooded(joined)
    joined.from_viewer(sent(b"a"))
    assert joined.upstream_side.reading


async def test_it_is_not_read_again_while_the_viewer_does_not_read(joined: Joined) -> None:
    await flooded(joined)
    joined.viewer.pause_writing()
    await asyncio.sleep(0.01)
    assert not joined.upstream_side.reading
    joined.viewer.resume_writing()
    assert joined.upstream_side.reading


async def test_it_may_hang_up_meanwhile(joined: Joined) -> None:
    await flooded(joined)
    joined.upstream.connection_lost(None)
    await asyncio.sleep(0.01)
    assert joined.viewer_side.taken().endswith(frame((1014).to_bytes(2) + b"The console proxy hung up.", CLOSE))


async def test_what_a_turn_has_no_time_for_goes_on_in_the_next_and_the_upstream_waits(joined: Joined) -> None:
    joined.from_viewer(sent(b"this is not RFB"))  # so nothing is followed
    stream = frame(b"x") * 20_000
    joined.from_upstream(stream)
    passed = joined.viewer_side.taken()
    assert 0 < len(passed) < len(stream)
    assert not joined.upstream_side.reading
    assert joined.pump.holds()
    for _ in range(10):
        await asyncio.sleep(0)
    assert passed + joined.viewer_side.taken() == stream
    assert joined.upstream_side.reading
    assert not joined.pump.holds()


async def test_what_is_left_waits_for_a_viewer_that_is_full(joined: Joined) -> None:
    joined.from_viewer(sent(b"this is not RFB"))  # so nothing is followed
    stream = frame(b"x") * 20_000
    joined.from_upstream(stream)
    joined.viewer.pause_writing()
    passed = joined.viewer_side.taken()
    for _ in range(10):
        await asyncio.sleep(0)
    assert joined.viewer_side.taken() == b""
    joined.viewer.resume_writing()
    for _ in range(10):
        await asyncio.sleep(0)
    assert passed + joined.viewer_side.taken() == stream
    assert joined.upstream_side.reading


@pytest.mark.parametrize("full", [False, True])
async def test_what_an_upstream_said_last_passes_whole_when_it_has_gone_meanwhile(joined: Joined, full: bool) -> None:
    """Over TLS one read may bring both: the last frames, and the goodbye behind which nothing is read."""
    joined.from_viewer(sent(b"this is not RFB"))  # so nothing is followed
    stream = frame(b"x") * 30_000
    joined.from_upstream(stream)
    if full:
        joined.viewer.pause_writing()
    joined.upstream.connection_lost(None)
    goodbye = frame((1014).to_bytes(2) + b"The console proxy hung up.", CLOSE)
    assert joined.viewer_side.taken() == stream + goodbye
    for _ in range(10):
        await asyncio.sleep(0)
    assert joined.viewer_side.taken() == b""


async def test_a_session_ends_between_two_turns(joined: Joined) -> None:
    joined.from_viewer(sent(b"this is not RFB"))  # so nothing is followed
    joined.from_upstream(frame(b"x") * 20_000)
    joined.viewer_side.taken()
    joined.pump.end(EndReason.ENDED, 1008, "Ended.")
    for _ in range(10):
        await asyncio.sleep(0)
    assert joined.viewer_side.taken() == frame((1008).to_bytes(2) + b"Ended.", CLOSE)
    joined.from_viewer(sent((1008).to_bytes(2), CLOSE))
    assert await joined.pump.ended is EndReason.ENDED


@pytest.mark.parametrize("opcode", [PING, PONG])
async def test_a_console_proxy_that_floods_with_pings_ends_its_session(joined: Joined, opcode: int) -> None:
    joined.from_viewer(sent(b"this is not RFB"))  # so nothing is followed
    joined.from_upstream(frame(b"", opcode) * 100_000)
    for _ in range(10):
        await asyncio.sleep(0)
    goodbye = joined.viewer_side.taken().partition(frame((1014).to_bytes(2) + b"?", CLOSE)[:1])[2]
    assert FLOOD.encode() in goodbye
    joined.from_viewer(sent((1014).to_bytes(2), CLOSE))
    assert await joined.pump.ended is EndReason.UPSTREAM_PROTOCOL


async def test_a_console_proxy_that_sends_empty_frames_without_end_ends_its_session(joined: Joined) -> None:
    joined.from_upstream(frame(b"", BINARY, fin=False) + frame(b"", 0, fin=False) * 500_000)
    assert b"empty frames" in joined.viewer_side.taken()
    joined.from_viewer(sent((1014).to_bytes(2), CLOSE))
    assert await joined.pump.ended is EndReason.UPSTREAM_PROTOCOL


RFB38 = b"RFB 003.008\n"


def size(width: int, height: int) -> bytes:
    """ServerInit."""
    return struct.pack(">HH16xI", width, height, 3) + b"lab"


def handshaken(joined: Joined) -> None:
    """Both sides have agreed on RFB 3.8 without a password, and the viewer has sent ClientInit."""
    for viewer, server in ((RFB38, b"\1\1"), (b"\1", b"\0\0\0\0")):
        joined.from_viewer(sent(viewer))
        joined.from_upstream(frame(server))
    joined.from_viewer(sent(b"\1"))
    joined.viewer_side.taken()


async def test_a_screen_that_is_too_large_ends_its_session_before_it_is_shown(joined: Joined) -> None:
    handshaken(joined)
    joined.from_upstream(frame(size(16384, 16384)))
    text = b"The screen has 16384 x 16384 pixels: more than 70 million (relay.screen_limit of the gateway)."
    assert joined.viewer_side.taken() == frame((1008).to_bytes(2) + text, CLOSE)
    joined.from_viewer(sent((1008).to_bytes(2), CLOSE))
    assert await joined.pump.ended is EndReason.SCREEN_TOO_LARGE


@pytest.mark.parametrize(("width", "height"), [(7680, 4320), (15360, 4320), (640, 480), (65535, 1000)])
async def test_real_screens_pass_and_nothing_follows_their_sessions(joined: Joined, width: int, height: int) -> None:
    handshaken(joined)
    for byte in (init := frame(size(width, height))):
        joined.from_upstream(bytes((byte,)))
    assert joined.viewer_side.taken() == init
    assert joined.pump._governor is None


def test_the_sentence_of_the_largest_screen_fits_into_a_close_frame() -> None:
    assert len(too_large(65535, 65535, 4294)) <= 123
