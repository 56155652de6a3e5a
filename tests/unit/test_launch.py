from __future__ import annotations

import asyncio
from typing import Any, NoReturn

from launcher.audit.events import Event, LaunchEvent
from launcher.launch import Launcher
from launcher.launches import Launches, LaunchState
from launcher.model import Actor, Kind
from launcher.relay.engine import ViewerEngine
from launcher.relay.sessions import Sessions
from launcher.relay.viewer import ViewerEnd
from launcher.web.problems import farewell
from tests.fakes.clock import FakeClock
from tests.fakes.transport import MemoryTransport
from tests.unit.relay.test_viewer import HANDSHAKE

ALICE = Actor(1000, "alice", "unix")


class Broken:
    """Stands for every neighbour of the launcher, and fails in a way that nobody foresaw."""

    async def resolve(self, cloud: str, reference: str) -> NoReturn:
        raise ZeroDivisionError

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} is not asked for")


class Journal:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        self.events.append(event)


async def test_a_fault_of_the_gateway_ends_one_session_with_1011_and_is_recorded() -> None:
    clock, journal, broken = FakeClock(), Journal(), Broken()
    sessions, launches = Sessions(10), Launches(clock)
    launcher = Launcher(
        directory=broken, policy=broken, broker=broken, opener=broken, sessions=sessions, launches=launches,
        journal=journal, clock=clock, frame_limit=1024, farewell=farewell,
    )  # fmt: skip
    transport = MemoryTransport()
    engine = ViewerEngine(1024)
    engine.open(HANDSHAKE)
    transport.protocol = viewer = ViewerEnd(transport, engine)
    launch = launches.begin("L", ALICE, "prod", "web-01", Kind.NOVNC)
    await launcher.run(launch, sessions.admit("S", ALICE), viewer)
    assert transport.written[2:4] == (1011).to_bytes(2)
    assert launch.state is LaunchState.FAILED
    assert len(sessions) == 0
    [event] = journal.events
    assert isinstance(event, LaunchEvent)
    assert event.outcome == "fault of the gateway"
    transport.close()
    await asyncio.sleep(0)
