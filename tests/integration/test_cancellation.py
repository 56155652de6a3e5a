"""Cancelled at every await of a launch, and left by its viewer at every await: nothing may stay behind."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from launcher.access.policy import Policy
from launcher.audit.events import Event
from launcher.clock import SystemClock
from launcher.cloud.compute import Compute
from launcher.cloud.directory import Directory
from launcher.cloud.http import open_http
from launcher.cloud.identity import identity_of
from launcher.cloud.kept import KeptListing
from launcher.config.models import Config, api_clouds_of
from launcher.consoles.broker import Broker
from launcher.consoles.budget import Budget
from launcher.egress import NoListeners
from launcher.launch import Launcher
from launcher.launches import Launches
from launcher.model import Actor, Kind
from launcher.opening import ConsoleRules, Opener
from launcher.relay.engine import ViewerEngine
from launcher.relay.sessions import Sessions
from launcher.relay.terms import Rules
from launcher.relay.upstream import DialLimits
from launcher.relay.websocketviewer import WebSocketViewer
from launcher.web.problems import farewell
from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import BANNER, Fault, FaultyProxy, frame

ALICE = Actor(0, "root", "unix")
HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


class AtSuspension:
    """Awaits a coroutine and calls `act` at the n-th time that it suspends."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], number: int, act: Callable[[], object]) -> None:
        self._coroutine = coroutine
        self._number = number
        self._act = act
        self.suspensions = 0

    def __await__(self) -> Generator[Any, Any, None]:
        steps = self._coroutine.__await__()
        while True:
            try:
                waiting_for = steps.send(None)
            except StopIteration:
                return
            self.suspensions += 1
            if self.suspensions == self._number:
                self._act()
            try:
                yield waiting_for
            except BaseException as error:  # noqa: BLE001 -- it is thrown into the coroutine
                # What a step answers to an exception is a suspension like all others.
                yield from self._thrown(steps, error)
                return

    def _thrown(self, steps: Any, error: BaseException) -> Generator[Any, Any, None]:
        while True:
            try:
                waiting_for = steps.throw(error)
                while True:
                    yield waiting_for
                    waiting_for = steps.send(None)
            except StopIteration:
                return
            except BaseException as another:
                if another is error or not isinstance(another, asyncio.CancelledError):
                    raise
                error = another


@dataclass
class Record:
    """A journal that keeps what it is told."""

    events: list[Event] = field(default_factory=list)

    def record(self, event: Event, *, owed: bool = True) -> None:
        self.events.append(event)

    def has_room(self) -> bool:
        return True


async def viewer_pair() -> tuple[WebSocketViewer, socket.socket]:
    """A viewer's end, and the viewer itself: a plain socket."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
    engine = ViewerEngine(1024**2)
    engine.open(HANDSHAKE)
    viewer = WebSocketViewer(transport, engine)
    transport.set_protocol(viewer)
    return viewer, theirs


async def one_stay(proxy: FaultyProxy, compute: FakeCompute, number: int, *, leave: bool, stays: bool) -> bool:
    """Run a whole stay with its n-th suspension disturbed, check what is left, and tell whether there was one."""
    config = Config.model_validate({"clouds": {"prod": {"provider": "none", "endpoint": compute.endpoint}}})
    clock, [cloud] = SystemClock(), api_clouds_of(config)
    sessions, launches, journal = Sessions(10), Launches(clock), Record()
    pool = ThreadPoolExecutor(1)
    async with open_http() as http, asyncio.TaskGroup() as tasks:
        source = Compute(cloud, identity_of(cloud, clock, pool), http, clock)
        broker = Broker("prod", source, margin=30, keeps=True, budget=Budget(()), at_once=9, clock=clock, tasks=tasks)
        rules = ConsoleRules(source, (), (), plain=False, tls=ssl.create_default_context())
        launcher = Launcher(
            directory=Directory({"prod": KeptListing("prod", source, clock, tasks)}, {}),
            policy=Policy(frozenset({0})),
            broker=broker,
            opener=Opener({"prod": rules}, DialLimits(first_bytes=0.2), own=NoListeners(), node="a-test"),
            sessions=sessions,
            launches=launches,
            journal=journal,
            clock=clock,
            rules=Rules(1024**2),
            farewell=farewell,
        )
        viewer, person = await viewer_pair()
        session = sessions.admit("S", ALICE)
        session.viewer = viewer
        launch = launches.begin("L", ALICE, "prod", "web-01", Kind.NOVNC)
        watch = AtSuspension(launcher.run(launch, session, viewer), number, lambda: disturb())
        stay = tasks.create_task(_as_coroutine(watch))

        def disturb() -> None:
            if leave:
                person.shutdown(socket.SHUT_RDWR)
            else:
                stay.cancel()

        reader = tasks.create_task(_look(person, go=not stays))
        with suppress(asyncio.CancelledError):
            await stay
        if stays and watch.suspensions >= number:
            async with asyncio.timeout(1):
                await viewer.lost  # the gateway hung up by itself: the person is there still
        reader.cancel()
        await asyncio.wait([reader])
        person.close()
        await viewer.lost
    pool.shutdown()
    assert len(sessions) == 0
    assert launch.over_at is not None
    assert repr(broker).endswith(" 0 requests under way, 0 queued>")
    async with asyncio.timeout(5):
        while proxy.live:
            await asyncio.sleep(0)
    return watch.suspensions >= number


async def _as_coroutine(awaitable: AtSuspension) -> None:
    await awaitable


async def _look(person: socket.socket, *, go: bool) -> None:
    """A person who leaves as soon as the screen is there, or stays for longer than the gateway may take to hang up."""
    loop = asyncio.get_running_loop()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(None) as patience:
            seen = b""
            while True:
                chunk = await loop.sock_recv(person, 4096)
                if not chunk or chunk[0] == 0x88:  # the gateway's close frame
                    person.shutdown(socket.SHUT_RDWR)
                    return
                seen += chunk
                if BANNER in seen and patience.when() is None:
                    patience.reschedule(loop.time() + (0 if go else 3))
    with suppress(OSError):
        await loop.sock_sendall(person, frame((1000).to_bytes(2), 0x8, mask=b"mask"))


@pytest.mark.parametrize(
    ("leave", "stays"),
    [(False, False), (True, False), (False, True)],
    ids=["cancelled", "left by its viewer", "cancelled while its viewer stays"],
)
@pytest.mark.parametrize(
    "faults",
    [(Fault.NONE,), (Fault.HANG_UP_AFTER_101, Fault.NONE), (Fault.SILENT_AFTER_101,)],
    ids=["good", "stale", "silent"],
)
async def test_disturbed_at_every_await_a_stay_leaves_nothing_behind(
    compute: FakeCompute, faults: tuple[Fault, ...], leave: bool, stays: bool
) -> None:
    number = 1
    before = len(asyncio.all_tasks())
    unread: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: unread.append(about))
    while True:
        async with FaultyProxy(*faults) as proxy:
            compute.mint = lambda *_, proxy=proxy: proxy.url()
            descriptors = len(os.listdir("/proc/self/fd"))
            async with asyncio.timeout(10):
                disturbed = await one_stay(proxy, compute, number, leave=leave, stays=stays)
            assert (
                len(os.listdir("/proc/self/fd")) <= descriptors + 1
            )  # the cloud's end of a pooled connection may close later
        await asyncio.sleep(0)
        if not disturbed:
            break
        number += 1
    assert number > 5
    async with asyncio.timeout(5):
        while len(asyncio.all_tasks()) > before:
            await asyncio.sleep(0.01)
    gc.collect()
    assert unread == []
