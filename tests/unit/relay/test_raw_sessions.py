"""Sessions whose upstream or viewer speaks raw RFB, in memory."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from launcher.model import Carrier, EndReason, Secret, Target
from launcher.relay.engine import ViewerEngine
from launcher.relay.frames import OUR_PING
from launcher.relay.nativeviewer import NativeViewer
from launcher.relay.openings import opening_of
from launcher.relay.pump import Pump
from launcher.relay.terms import Rules, Terms
from launcher.relay.upstream import UpstreamEnd
from launcher.relay.viewer import ViewerEnd, ViewerLeftError
from launcher.relay.websocketviewer import WebSocketViewer
from tests.fakes.issued import issue
from tests.fakes.rfb_client import key, pointer, set_encodings, update_request
from tests.fakes.transport import MemoryTransport, received
from tests.fakes.viewer import BANNER, CLOSE, PING, PONG, frame
from tests.unit.relay.test_pump import unmasked
from tests.unit.relay.test_websocketviewer import HANDSHAKE, sent

SERVER_INIT = bytes.fromhex("0008 0008") + bytes(16) + (4).to_bytes(4) + b"name"
NUDGE = update_request(1, 1, incremental=True)


def target(carrier: Carrier, **others: Any) -> Target:
    return Target(
        tls=False, host="there", port=5900, path=Secret("/console?token=" + issue()), carrier=carrier, **others
    )


class Joined:
    """A viewer and an upstream of any kinds in memory, joined by a pump."""

    def __init__(self, where: Target, *, native: bool = False, first: bytes = BANNER, **rules: Any) -> None:
        self.viewer_side, self.upstream_side = MemoryTransport(), MemoryTransport()
        self.viewer: ViewerEnd
        if native:
            self.viewer = NativeViewer(self.viewer_side)
        else:
            engine = ViewerEngine(1024**2)
            engine.open(HANDSHAKE)
            self.viewer = WebSocketViewer(self.viewer_side, engine)
        self.viewer_side.protocol = self.viewer
        self.upstream = UpstreamEnd(where, opening_of(where, 1024**2, lambda: None))
        self.upstream_side.protocol = self.upstream
        self.upstream.connection_made(self.upstream_side)
        self.upstream_side.taken()
        self.upstream.proven.cancel()
        self.pump = Pump(self.viewer, self.upstream, Rules(**rules))
        self.pump.start(first)

    def say(self, *payloads: bytes) -> None:
        """The viewer's messages, one by one."""
        for payload in payloads:
            self.viewer.data_received(sent(payload) if self.viewer.framed else payload)

    def show(self, *chunks: bytes) -> None:
        """The upstream's."""
        for chunk in chunks:
            received(self.upstream, chunk)

    def shake_hands(self) -> None:
        """RFB 3.8 with security None, the banner having passed."""
        self.say(BANNER)
        self.show(b"\1\1")
        self.say(b"\1")
        self.show(bytes(4))
        self.say(b"\1")
        self.show(SERVER_INIT)


async def test_a_raw_screen_comes_to_a_page_in_frames_and_its_messages_go_out_bare() -> None:
    joined = Joined(target(Carrier.RAW))
    joined.show(b"x" * 65_536, b"x" * 70_000)
    assert joined.viewer_side.taken() == frame(BANNER) + frame(b"x" * 65_536) + frame(b"x" * 70_000)
    joined.say(b"one", b"", b"two")
    assert joined.upstream_side.taken() == b"onetwo"


async def test_a_page_is_answered_its_pings_by_the_gateway_where_the_screen_knows_none() -> None:
    joined = Joined(target(Carrier.RAW))
    joined.viewer_side.taken()
    joined.viewer.data_received(frame(b"there?", PING, mask=b"mask") + frame(b"yes", PONG, mask=b"mask"))
    assert joined.viewer_side.taken() == frame(b"there?", PONG)
    assert joined.upstream_side.taken() == b""


@pytest.mark.parametrize("carrier", [Carrier.RAW, Carrier.XVP])
async def test_a_page_is_asked_for_a_sign_of_life_where_the_screen_cannot_be(carrier: Carrier) -> None:
    joined = Joined(target(carrier))
    joined.viewer_side.taken()
    joined.pump.ping()
    assert (joined.viewer_side.taken(), joined.upstream_side.taken()) == (frame(OUR_PING, PING), b"")
    joined.pump.end(EndReason.ENDED, 1008, "")
    joined.viewer_side.taken()
    joined.pump.ping()
    assert joined.viewer_side.taken() == b""


async def test_a_native_viewer_of_a_raw_screen_gets_every_byte_as_it_is() -> None:
    joined = Joined(target(Carrier.RAW), native=True)
    joined.show(b"picture")
    joined.say(b"hello")
    assert (joined.viewer_side.taken(), joined.upstream_side.taken()) == (BANNER + b"picture", b"hello")


async def test_a_native_viewer_of_a_console_proxy_gets_the_payload_and_the_gateway_answers_pings() -> None:
    joined = Joined(target(Carrier.WEBSOCKET), native=True, first=frame(BANNER))
    joined.show(frame(b"there?", PING) + frame(b"pic", fin=False), frame(b"ture", 0))
    joined.say(b"hello")
    assert joined.viewer_side.taken() == BANNER + b"picture"
    assert unmasked(joined.upstream_side.taken()) == [(PONG, b"there?"), (2, b"hello")]


async def test_a_console_proxys_close_hangs_up_on_a_native_viewer() -> None:
    joined = Joined(target(Carrier.WEBSOCKET), native=True, first=frame(BANNER))
    joined.show(frame((1000).to_bytes(2) + b"Target closed", CLOSE))
    assert await joined.pump.ended is EndReason.UPSTREAM_CLOSED
    assert (joined.viewer_side.ended, joined.upstream_side.ended) == ("closed", "closed")


@pytest.mark.parametrize("native", [False, True], ids=["page", "native"])
async def test_a_screen_that_hangs_up_in_order_ends_its_session_so(native: bool) -> None:
    joined = Joined(target(Carrier.RAW), native=native)
    joined.viewer_side.taken()
    assert not joined.upstream.eof_received()
    joined.upstream.connection_lost(None)
    assert joined.viewer_side.taken() == (b"" if native else frame((1000).to_bytes(2) + b"The screen hung up.", CLOSE))
    joined.viewer.connection_lost(None)
    assert await joined.pump.ended is EndReason.UPSTREAM_CLOSED


@pytest.mark.parametrize(
    ("carrier", "who"), [(Carrier.RAW, b"The VNC server"), (Carrier.XVP, b"The console proxy")], ids=["raw", "xvp"]
)
async def test_a_screen_that_breaks_off_is_lost_and_who_it_was_is_told(carrier: Carrier, who: bytes) -> None:
    joined = Joined(target(carrier))
    joined.viewer_side.taken()
    joined.upstream.connection_lost(ConnectionResetError())
    assert joined.viewer_side.taken() == frame((1014).to_bytes(2) + who + b" hung up.", CLOSE)
    joined.viewer.connection_lost(None)
    assert await joined.pump.ended is EndReason.UPSTREAM_LOST


async def test_a_native_viewer_that_has_finished_still_gets_what_the_screen_says() -> None:
    joined = Joined(target(Carrier.RAW), native=True)
    assert joined.viewer.eof_received()
    assert joined.upstream_side.finished
    joined.show(b"last words")
    assert joined.viewer_side.taken() == BANNER + b"last words"
    joined.upstream.connection_lost(None)
    joined.viewer.connection_lost(None)
    assert await joined.pump.ended is EndReason.UPSTREAM_LOST


async def test_a_finished_native_viewer_ends_where_the_other_half_cannot_be_told() -> None:
    joined = Joined(target(Carrier.WEBSOCKET), native=True, first=frame(BANNER))
    joined.viewer.eof_received()
    assert await joined.pump.ended is EndReason.VIEWER_CLOSED
    joined = Joined(target(Carrier.RAW), native=True)
    joined.upstream_side.halves = False
    joined.viewer.eof_received()
    assert await joined.pump.ended is EndReason.VIEWER_CLOSED


async def test_a_server_that_does_not_let_go_of_a_finished_viewer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launcher.relay.pump._HALF_TIME", 0.01)
    joined = Joined(target(Carrier.RAW), native=True)
    joined.viewer.eof_received()
    assert await joined.pump.ended is EndReason.VIEWER_CLOSED


def holds_on(side: MemoryTransport) -> None:
    """Its peer reads nothing of what waits for it, so that a close never comes to its end."""
    side.close = lambda: None  # type: ignore[method-assign]  # a transport whose connection does not end by itself


async def test_a_finished_viewer_that_then_breaks_off_leaves_no_server_behind_that_reads_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("launcher.relay.pump.CLOSING_TIME", 0.01)
    joined = Joined(target(Carrier.RAW), native=True)
    holds_on(joined.upstream_side)
    joined.viewer.eof_received()
    joined.viewer.connection_lost(ConnectionResetError())
    async with asyncio.timeout(5):
        assert await joined.pump.ended is EndReason.VIEWER_LOST
    assert joined.upstream_side.ended == "aborted"


async def test_a_screen_that_sends_no_more_and_reads_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launcher.relay.pump._FINISHING_TIME", 0.01)
    joined = Joined(target(Carrier.RAW), native=True)
    holds_on(joined.upstream_side)
    joined.upstream.eof_received()
    async with asyncio.timeout(5):
        assert await joined.pump.ended is EndReason.UPSTREAM_CLOSED


async def test_an_xvpvnc_proxy_is_kept_awake_between_two_messages_of_the_viewer_and_only_there() -> None:
    joined = Joined(target(Carrier.XVP))
    joined.pump.ping()
    joined.shake_hands()
    joined.upstream_side.taken()
    joined.pump.ping()
    assert joined.upstream_side.taken() == b"", "before the viewer's first message nobody may speak"
    joined.say(set_encodings(0))
    joined.pump.ping()
    assert joined.upstream_side.taken() == set_encodings(0) + NUDGE
    joined.say(pointer(1, 2)[:3])
    joined.pump.ping()
    joined.say(pointer(1, 2)[3:])
    joined.pump.ping()
    assert joined.upstream_side.taken() == pointer(1, 2) + NUDGE


async def test_a_proxy_that_was_told_that_its_viewer_has_finished_is_told_nothing_more() -> None:
    joined = Joined(target(Carrier.XVP), native=True)
    joined.shake_hands()
    joined.say(set_encodings(0))
    joined.viewer.eof_received()
    joined.upstream_side.taken()
    joined.pump.ping()
    assert joined.upstream_side.finished
    assert joined.upstream_side.taken() == b""


async def test_nothing_of_a_view_only_persons_doing_passes_and_all_else_does() -> None:
    joined = Joined(target(Carrier.RAW), view_only=True)
    joined.shake_hands()
    joined.upstream_side.taken()
    joined.say(set_encodings(0), key(0x61), pointer(1, 2) + update_request(8, 8))
    assert joined.upstream_side.taken() == set_encodings(0) + update_request(8, 8)


async def test_an_end_in_the_handshake_completes_the_frame_that_is_under_way() -> None:
    greeting = frame(BANNER + b"\1\1" + b"more than anybody asked for")
    joined = Joined(target(Carrier.WEBSOCKET), first=greeting[:8], view_only=True)
    joined.say(BANNER + b"\x13")  # a sign-in that is not seen through, chosen in haste
    joined.show(greeting[8:20])
    joined.show(greeting[20:])
    text = b"This server's screen encrypts by itself, so it cannot be kept view-only. Open it without view-only."
    assert joined.viewer_side.taken() == greeting + frame((1008).to_bytes(2) + text, CLOSE)


async def test_a_view_only_viewer_in_frames_is_followed_through_a_console_proxy() -> None:
    joined = Joined(target(Carrier.WEBSOCKET), first=frame(BANNER), view_only=True)
    joined.say(BANNER)
    joined.show(frame(b"\1\1")[:1], frame(b"\1\1")[1:])
    joined.say(b"\1")
    joined.show(frame(bytes(4)))
    joined.say(b"\0")
    joined.show(frame(SERVER_INIT))
    joined.say(key(0x61), update_request(8, 8))
    said = unmasked(joined.upstream_side.taken())
    assert said == [(2, BANNER), (2, b"\1"), (2, b"\1"), (2, update_request(8, 8))], "the screen is shared, too"


async def test_an_unknown_message_ends_a_view_only_session_and_no_other() -> None:
    joined = Joined(target(Carrier.RAW), view_only=True)
    joined.shake_hands()
    joined.viewer_side.taken()
    joined.say(b"\x63unknown")
    assert joined.viewer_side.taken()[2:4] == (1008).to_bytes(2)
    other = Joined(target(Carrier.RAW), terms=Terms(idle=60))
    other.shake_hands()
    other.upstream_side.taken()
    other.say(b"\x63unknown")
    assert other.upstream_side.taken() == b"\x63unknown"


async def test_a_page_never_sees_the_password_that_the_gateway_signs_in_with() -> None:
    joined = Joined(target(Carrier.RAW, password=Secret(issue()[:8])), first=b"")
    assert joined.viewer_side.taken() == frame(BANNER)
    joined.say(BANNER)
    assert joined.viewer_side.taken() == frame(b"\1\1"), "None is the only security type"
    joined.say(b"\1")
    assert joined.viewer_side.taken() == frame(bytes(4))
    joined.say(b"\1")
    assert joined.upstream_side.taken() == b"\1", "its ClientInit is the first that the server hears of it"
    joined.show(SERVER_INIT)
    assert joined.viewer_side.taken() == frame(SERVER_INIT)


async def test_a_viewer_that_does_not_answer_our_greeting_in_rfb_is_left() -> None:
    joined = Joined(target(Carrier.RAW, password=Secret(issue()[:8])), first=b"")
    joined.viewer_side.taken()
    joined.say(b"GET / HTTP/1.1\r\n")
    assert joined.viewer_side.taken()[2:4] == (1002).to_bytes(2)


async def test_an_upstream_that_reads_no_more_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launcher.relay.stall.STALL_TIME", 0.01)
    joined = Joined(target(Carrier.RAW))
    joined.upstream_side.unsent = 70_000
    joined.upstream.pause_writing()
    assert not joined.viewer_side.reading
    await asyncio.sleep(0.05)
    joined.viewer.connection_lost(None)
    assert await joined.pump.ended is EndReason.UPSTREAM_STALLED
    assert joined.upstream_side.ended is not None


# ---- a native viewer while its launch is under way


async def test_what_a_hasty_native_viewer_says_waits_for_its_screen_and_too_much_does_not() -> None:
    side = MemoryTransport()
    side.protocol = viewer = NativeViewer(side)
    viewer.data_received(BANNER)
    assert (viewer.gone, side.written) == (None, b"")
    viewer.data_received(bytes(5000))
    assert viewer.gone is EndReason.VIEWER_PROTOCOL


async def test_a_native_viewer_reads_in_its_own_words_why_there_is_no_screen() -> None:
    side = MemoryTransport()
    side.protocol = viewer = NativeViewer(side)
    viewer.end(EndReason.LAUNCH_FAILED, 4404, "There is no server web-09.")
    viewer.end(EndReason.LAUNCH_FAILED, 4404, "said once")
    assert side.taken() == BANNER
    viewer.data_received(BANNER[:5])
    viewer.data_received(BANNER[5:])
    assert side.taken() == b"\0" + (26).to_bytes(4) + b"There is no server web-09."
    assert side.ended == "closed"
    viewer.data_received(b"too late")


async def test_a_native_viewer_that_had_spoken_already_is_answered_at_once() -> None:
    side = MemoryTransport()
    side.protocol = viewer = NativeViewer(side)
    viewer.data_received(BANNER)
    viewer.end(EndReason.STOPPING, 1012, "Bye.")
    assert side.taken() == BANNER + b"\0" + (4).to_bytes(4) + b"Bye."


async def test_a_native_viewer_that_leaves_during_its_launch_ends_it() -> None:
    side = MemoryTransport()
    side.protocol = viewer = NativeViewer(side)
    with pytest.raises(ViewerLeftError):
        async with viewer.present():
            assert not viewer.eof_received()
            side.close()
            await asyncio.sleep(5)
    viewer.end(EndReason.VIEWER_LOST, 1001, "nobody listens")
    assert side.written == b""


async def test_a_native_viewer_that_is_held_up_is_read_again_afterwards() -> None:
    side = MemoryTransport()
    side.protocol = viewer = NativeViewer(side)
    viewer.pause_writing()
    assert not side.reading
    viewer.resume_writing()
    assert side.reading
    viewer.close(1008, "no words for it")
    assert side.ended == "closed"
    viewer.data_received(b"nothing of it counts")
    assert not viewer.eof_received()
