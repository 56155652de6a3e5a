"""Which pings go where, on a session in memory."""

from __future__ import annotations

import socket

import pytest

from launcher.model import EndReason
from launcher.relay.frames import OUR_PING
from launcher.relay.silence import LOOKS
from tests.fakes.viewer import CLOSE, PING, PONG, frame
from tests.unit.relay.test_pump import Joined, unmasked
from tests.unit.relay.test_websocketviewer import sent

ASKED = [(PING, b"")]


def look(joined: Joined, times: int = LOOKS) -> list[tuple[int, bytes]]:
    """What so many looks send to the upstream."""
    for _ in range(times):
        joined.pump.look(LOOKS)
    return unmasked(joined.upstream_side.taken())


@pytest.fixture
async def joined() -> Joined:
    """A session whose first bytes lie behind it."""
    joined = Joined()
    joined.from_upstream(frame(b"first"))
    assert look(joined, 1) == []
    joined.viewer_side.taken()
    return joined


def answer(joined: Joined) -> None:
    """The upstream answers a ping of the gateway's, and is silent again."""
    joined.from_upstream(frame(b"", PONG))
    look(joined, 1)
    joined.viewer_side.taken()


async def test_a_silent_upstream_is_pinged_once_an_interval(joined: Joined) -> None:
    assert look(joined, LOOKS - 1) == []
    assert look(joined, 1) == ASKED
    assert look(joined, 2 * LOOKS) == ASKED * 2


async def test_one_that_sends_is_not(joined: Joined) -> None:
    for _ in range(5 * LOOKS):
        joined.from_upstream(frame(b"picture"))
        assert look(joined, 1) == []


async def test_one_that_is_held_up_is_not_and_then_a_whole_interval_must_pass(joined: Joined) -> None:
    joined.viewer.pause_writing()
    assert look(joined, 5 * LOOKS) == []
    joined.viewer.resume_writing()
    assert look(joined, LOOKS) == []
    assert look(joined, 1) == ASKED


async def test_a_pause_between_two_looks_counts_too(joined: Joined) -> None:
    look(joined, LOOKS - 1)
    joined.viewer.pause_writing()
    joined.viewer.resume_writing()
    assert look(joined, LOOKS) == []


async def test_it_waits_until_nothing_waits_for_either_end(joined: Joined) -> None:
    for side in (joined.viewer_side, joined.upstream_side):
        side.unsent = 1
        assert look(joined, 2 * LOOKS) == []
        side.unsent = 0
        assert look(joined, 1) == ASKED


async def test_it_waits_until_the_kernel_has_nothing_of_it(joined: Joined, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        monkeypatch.setitem(joined.upstream_side._extra, "socket", ours)  # type: ignore[attr-defined]  # asyncio's
        theirs.send(b"on its way")
        assert look(joined, 2 * LOOKS) == []
        ours.recv(100)
        assert look(joined, 1) == ASKED
    assert look(joined, LOOKS) == ASKED, "a closed socket has nothing"


async def test_the_pong_keeps_the_viewers_hop_awake_and_where_there_is_none_a_ping_does(joined: Joined) -> None:
    look(joined)
    assert joined.viewer_side.taken() == frame(OUR_PING, PING)
    joined.from_upstream(frame(b"", PONG))
    assert joined.viewer_side.taken() == frame(b"", PONG)
    assert look(joined, LOOKS + 1) == ASKED
    assert joined.viewer_side.taken() == b""


async def test_no_ping_of_ours_stands_within_a_frame_of_the_servers(joined: Joined) -> None:
    whole = frame(bytes(1000))
    joined.from_upstream(whole[:400])
    assert look(joined, LOOKS + 1) == ASKED
    joined.from_upstream(whole[400:])
    assert joined.viewer_side.taken() == whole


async def test_one_that_never_answered_may_stay_for_ever(joined: Joined) -> None:
    look(joined, 20 * LOOKS)
    assert joined.upstream_side.ended is None


async def test_one_that_answers_no_more_ends_its_session_and_the_viewer_is_told(joined: Joined) -> None:
    look(joined)
    answer(joined)
    look(joined, 2 * LOOKS - 1)
    assert joined.upstream_side.ended is None
    look(joined, 1)
    told = frame((1014).to_bytes(2) + b"The console proxy does not answer any more.", CLOSE)
    assert joined.viewer_side.taken() == told
    assert joined.upstream_side.ended is not None
    joined.viewer.connection_lost(None)
    assert await joined.pump.ended is EndReason.UPSTREAM_SILENT


async def test_within_a_frame_nobody_can_be_told_and_the_viewer_is_hung_up_on(joined: Joined) -> None:
    look(joined)
    answer(joined)
    joined.from_upstream(frame(bytes(1000))[:400])
    look(joined, 2 * LOOKS + 1)
    assert await joined.pump.ended is EndReason.UPSTREAM_SILENT
    assert joined.viewer_side.ended == "aborted"


async def test_a_pong_to_somebody_elses_ping_proves_nothing(joined: Joined) -> None:
    look(joined)
    joined.from_upstream(frame(b"another", PONG))
    look(joined, 10 * LOOKS)
    assert joined.upstream_side.ended is None


async def test_a_pong_that_came_before_any_ping_proves_nothing(joined: Joined) -> None:
    joined.from_upstream(frame(b"", PONG))
    look(joined, 10 * LOOKS)
    assert joined.upstream_side.ended is None


async def test_any_bytes_behind_the_ping_are_a_sign_of_life(joined: Joined) -> None:
    look(joined)
    answer(joined)
    for _ in range(20):
        look(joined, 2 * LOOKS - 1)
        joined.from_upstream(frame(b"x"))
        assert joined.upstream_side.ended is None
        look(joined, 1)


async def test_a_viewer_who_holds_things_up_puts_the_deadline_off(joined: Joined) -> None:
    look(joined)
    answer(joined)
    look(joined)
    joined.viewer.pause_writing()
    look(joined, 10 * LOOKS)
    assert joined.upstream_side.ended is None


async def test_an_ended_session_is_asked_nothing(joined: Joined) -> None:
    joined.pump.end(EndReason.ENDED, 1008, "Ended.")
    joined.upstream_side.taken()
    assert look(joined, 5 * LOOKS) == []
    joined.from_viewer(sent(b"?", PING))


async def test_a_viewers_ping_is_answered_by_the_gateway_while_the_upstream_is_not_silent(joined: Joined) -> None:
    joined.from_viewer(sent(b"1", PING) + sent(b"2", PING))
    assert joined.viewer_side.taken() == frame(b"1", PONG) + frame(b"2", PONG)
    assert joined.upstream_side.taken() == b""


async def test_a_viewers_ping_goes_on_to_a_silent_upstream_that_answers_pings(joined: Joined) -> None:
    look(joined)
    answer(joined)
    assert look(joined) == ASKED
    joined.from_viewer(sent(b"there?", PING))
    assert unmasked(joined.upstream_side.taken()) == [(PING, b"there?")]
    assert joined.viewer_side.taken() == b""


async def test_a_viewers_ping_does_not_go_on_to_one_that_never_answered(joined: Joined) -> None:
    look(joined)
    joined.viewer_side.taken()
    joined.from_viewer(sent(b"there?", PING))
    assert joined.viewer_side.taken() == frame(b"there?", PONG)


async def test_within_a_frame_the_last_ping_is_answered_behind_it(joined: Joined) -> None:
    whole, next_one = frame(bytes(1000)), frame(b"next")
    joined.from_upstream(whole[:400])
    joined.from_viewer(sent(b"1", PING) + sent(b"2", PING))
    joined.from_upstream(whole[400:500])
    joined.from_upstream(whole[500:] + next_one)
    assert joined.viewer_side.taken() == whole + frame(b"2", PONG) + next_one
    joined.from_upstream(next_one)
    assert joined.viewer_side.taken() == next_one


async def test_a_viewer_who_pings_and_does_not_read_is_owed_one_pong(joined: Joined) -> None:
    joined.viewer.pause_writing()
    for number in range(100):
        joined.from_viewer(sent(b"%d" % number, PING))
    assert joined.viewer_side.taken() == b""
    joined.viewer.resume_writing()
    assert joined.viewer_side.taken() == frame(b"99", PONG)


async def test_what_is_owed_within_a_frame_waits_for_its_end_even_when_the_viewer_reads_again(joined: Joined) -> None:
    whole = frame(bytes(1000))
    joined.from_upstream(whole[:400])
    joined.viewer.pause_writing()
    joined.from_viewer(sent(b"?", PING))
    joined.viewer.resume_writing()
    joined.from_upstream(whole[400:])
    assert joined.viewer_side.taken() == whole + frame(b"?", PONG)


async def test_a_pong_in_pieces_counts(joined: Joined) -> None:
    look(joined)
    joined.viewer_side.taken()
    pong = frame(b"", PONG)
    for at in range(len(pong)):
        joined.from_upstream(pong[at : at + 1])
    assert joined.viewer_side.taken() == pong
    look(joined, 2 * LOOKS + 1)
    assert joined.upstream_side.ended is not None
