from __future__ import annotations

import asyncio
import sys

import pytest

from launcher.errors import GatewayStoppingError, NotFoundError, TooManySessionsError
from launcher.model import Actor, EndReason
from launcher.relay.frames import OUR_PING
from launcher.relay.sessions import Sessions
from tests.fakes.viewer import BANNER, PING, frame
from tests.unit.relay.test_pump import Joined, unmasked

ALICE = Actor(1000, "alice", "unix")


async def test_places_are_counted_from_the_beginning_and_given_back() -> None:
    sessions = Sessions(limit=1)
    first = sessions.admit("one", ALICE)
    with pytest.raises(TooManySessionsError, match=r"1 sessions already.*relay\.sessions"):
        sessions.admit("two", ALICE)
    sessions.release(first)
    sessions.release(first)
    assert sessions.admit("two", ALICE).id == "two"


async def test_only_joined_sessions_are_listed_and_found() -> None:
    sessions = Sessions(limit=10)
    launching, live = sessions.admit("launching", ALICE), sessions.admit("live", ALICE)
    live.pump = Joined().pump
    assert (len(sessions), list(sessions)) == (2, [live])
    assert sessions.get("live") is live
    for name in ("launching", "nobody"):
        with pytest.raises(NotFoundError):
            sessions.get(name)
    launching.end(EndReason.ENDED, 1008, "")  # nothing there to end yet
    launching.abort()


async def test_whoever_may_not_stay_is_sent_away_joined_or_not() -> None:
    sessions = Sessions(limit=10)
    joined, other = Joined(), Joined()
    live, launching, stays = (sessions.admit(name, ALICE) for name in ("live", "launching", "stays"))
    live.pump, launching.viewer, stays.pump = joined.pump, other.viewer, other.pump
    assert sessions.dismiss(lambda session: session is stays, "No longer.") == [live, launching]
    assert (other.viewer.gone, other.pump.ended.done()) == (EndReason.ACCESS_REMOVED, False)
    assert b"No longer." in joined.viewer_side.written
    assert sessions.dismiss(bool, "No longer.") == []


async def test_all_are_kept_awake_each_in_its_own_way() -> None:
    sessions = Sessions(limit=200)
    live, launching = Joined(), Joined()
    sessions.admit("live", ALICE).pump = live.pump
    for number in range(150):
        sessions.admit(str(number), ALICE)
    waiting = sessions.admit("launching", ALICE)
    waiting.viewer = launching.viewer
    launching.viewer_side.taken()
    async with asyncio.timeout(5):
        keeping = asyncio.get_running_loop().create_task(sessions.keep_awake(0.02))
        while not (live.upstream_side.written and launching.viewer_side.written):
            await asyncio.sleep(0.01)
        keeping.cancel()
    assert unmasked(live.upstream_side.taken())[0] == (PING, b"")
    assert frame(OUR_PING, PING) in launching.viewer_side.written


async def test_a_fault_with_one_ends_that_one_alone(caplog: pytest.LogCaptureFixture) -> None:
    sessions = Sessions(limit=10)
    faulty, live = Joined(), Joined()
    faulty.upstream_side.finished = True
    for name, joined in (("faulty", faulty), ("live", live)):
        sessions.admit(name, ALICE).pump = joined.pump
    async with asyncio.timeout(5):
        keeping = asyncio.get_running_loop().create_task(sessions.keep_awake(0.02))
        while not live.upstream_side.written:
            await asyncio.sleep(0.001)
        keeping.cancel()
    assert (faulty.viewer_side.ended, live.viewer_side.ended) == ("aborted", None)
    assert "A session ended by a fault of the gateway." in caplog.text


async def test_a_session_that_has_ended_is_not_kept_by_the_pings() -> None:
    sessions = Sessions(limit=200)
    live = Joined()
    session = sessions.admit("live", ALICE)
    session.pump = live.pump
    async with asyncio.timeout(5):
        keeping = asyncio.get_running_loop().create_task(sessions.keep_awake(0.02))
        while not live.upstream_side.written:
            await asyncio.sleep(0.001)
        sessions.release(session)
        assert sys.getrefcount(session) == 2  # ours, and the argument's
        keeping.cancel()


async def test_draining_refuses_ends_and_at_last_aborts() -> None:
    sessions = Sessions(limit=10)
    quick, stuck = Joined(), Joined()
    stuck.from_upstream(frame(bytes(1000))[:10])
    for name, joined in (("quick", quick), ("stuck", stuck)):
        sessions.admit(name, ALICE).pump = joined.pump

    async def release_quick() -> None:
        quick.viewer.connection_lost(None)
        await quick.pump.ended
        sessions.release(sessions.get("quick"))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sessions.drain(0.05))
        await asyncio.sleep(0)
        tasks.create_task(release_quick())
    assert quick.viewer_side.written[len(frame(BANNER)) + 2 :][:2] == (1012).to_bytes(2)
    assert stuck.viewer_side.ended == "aborted"
    with pytest.raises(GatewayStoppingError):
        sessions.admit("late", ALICE)


async def test_a_launch_under_way_is_ended_through_its_viewer() -> None:
    sessions = Sessions(limit=10)
    joined = Joined()
    session = sessions.admit("launching", ALICE)
    session.viewer = joined.viewer
    joined.viewer_side.taken()
    session.end(EndReason.STOPPING, 1012, "bye")
    assert joined.viewer_side.taken()[2:4] == (1012).to_bytes(2)
    assert joined.viewer.gone is EndReason.STOPPING
    session.abort()
    assert joined.viewer_side.ended == "aborted"
