from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NoReturn

from launcher.audit.events import Event, LaunchEvent
from launcher.consoles.broker import Obtained
from launcher.launch import Launcher
from launcher.launches import Launches, LaunchState
from launcher.model import Action, Actor, Console, ConsoleKey, EndReason, Kind, Secret, Server, Target
from launcher.relay.engine import ViewerEngine
from launcher.relay.openings import opening_of
from launcher.relay.sessions import Sessions
from launcher.relay.terms import Rules
from launcher.relay.upstream import UpstreamEnd
from launcher.relay.websocketviewer import WebSocketViewer
from launcher.web.problems import farewell
from tests.fakes.clock import FakeClock
from tests.fakes.issued import issue
from tests.fakes.transport import MemoryTransport
from tests.fakes.viewer import frame
from tests.unit.relay.test_websocketviewer import HANDSHAKE

ALICE = Actor(1000, "alice", "unix")


class Broken:
    """Stands for every neighbour of the launcher, and fails in a way that nobody foresaw."""

    async def resolve(self, cloud: str, reference: str, *, by: Actor | None) -> NoReturn:
        raise ZeroDivisionError

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} is not asked for")


class Journal:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event, *, owed: bool = True) -> None:
        self.events.append(event)

    def has_room(self) -> bool:
        return True


async def test_a_fault_of_the_gateway_ends_one_session_with_1011_and_is_recorded() -> None:
    clock, journal, broken = FakeClock(), Journal(), Broken()
    sessions, launches = Sessions(10), Launches(clock)
    launcher = Launcher(
        directory=broken, policy=broken, broker=broken, opener=broken, sessions=sessions, launches=launches,
        journal=journal, clock=clock, rules=Rules(1024), farewell=farewell,
    )  # fmt: skip
    transport = MemoryTransport()
    engine = ViewerEngine(1024)
    engine.open(HANDSHAKE)
    transport.protocol = viewer = WebSocketViewer(transport, engine)
    launch = launches.begin("L", ALICE, "prod", "web-01", Kind.NOVNC)
    session = sessions.admit("S", ALICE)
    session.viewer = viewer
    await launcher.run(launch, session, viewer)
    assert transport.written[2:4] == (1011).to_bytes(2)
    assert launch.state is LaunchState.FAILED
    assert len(sessions) == 0
    [event] = journal.events
    assert isinstance(event, LaunchEvent)
    assert event.outcome == "fault of the gateway"
    transport.close()
    await asyncio.sleep(0)


PROXY = Target(tls=False, host="proxy", port=80, path=Secret("/"))


class Cloud:
    """A directory, a broker and an opener that do as they are told; opening ends the viewer in the same turn."""

    def __init__(self, viewer: WebSocketViewer, upstream: UpstreamEnd) -> None:
        self._viewer = viewer
        self._upstream = upstream

    async def resolve(self, cloud: str, reference: str, *, by: Actor | None) -> Server:
        return Server(cloud, "0a1b", reference, "ACTIVE")

    async def current(self, cloud: str, server_id: str) -> Server:
        raise AssertionError("its state is fine")

    def authorize(self, actor: Actor | None, action: Action, server: Server | None = None) -> None:
        """Everyone may."""

    async def obtain(self, key: ConsoleKey) -> Obtained:
        return Obtained(Console(key, Secret("http://proxy/?token=" + issue()), 0, 600, "req-1"), cached=False)

    def discard(self, console: Console) -> None:
        raise AssertionError("it is not stale")

    async def open(self, console: Console, gateways: Sequence[str] = ()) -> tuple[UpstreamEnd, bytes]:
        self._viewer.end(EndReason.STOPPING, 1012, "bye")
        return self._upstream, frame(b"RFB 003.008\n")


async def test_a_screen_that_comes_in_the_turn_in_which_the_viewer_is_sent_away_is_not_shown() -> None:
    clock, journal = FakeClock(), Journal()
    sessions, launches = Sessions(10), Launches(clock)
    viewer_side, upstream_side = MemoryTransport(), MemoryTransport()
    engine = ViewerEngine(1024)
    engine.open(HANDSHAKE)
    viewer_side.protocol = viewer = WebSocketViewer(viewer_side, engine)
    upstream_side.protocol = upstream = UpstreamEnd(PROXY, opening_of(PROXY, 1024, lambda: None))
    upstream.connection_made(upstream_side)
    upstream.proven.cancel()
    cloud = Cloud(viewer, upstream)
    launcher = Launcher(
        directory=cloud, policy=cloud, broker=cloud, opener=cloud, sessions=sessions, launches=launches,
        journal=journal, clock=clock, rules=Rules(1024), farewell=farewell,
    )  # fmt: skip
    launch = launches.begin("L", ALICE, "prod", "web-01", Kind.NOVNC)
    viewer_side.close()
    await launcher.run(launch, sessions.admit("S", ALICE), viewer)
    assert upstream_side.ended == "aborted"
    assert [event.outcome for event in journal.events if isinstance(event, LaunchEvent)] == ["gateway stopping"]
