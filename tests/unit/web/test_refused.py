"""What is put on record of requests that the guard, or a route, does not answer as asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from launcher.access.claims import CLAIMS
from launcher.access.origin import Names
from launcher.access.policy import Policy
from launcher.audit.events import Event, RefusalEvent, RefusalKind
from launcher.audit.refusals import INTERVAL
from launcher.errors import BadRequestError, ForbiddenError, MisdirectedError, NotFoundError
from launcher.model import Actor
from launcher.web.guard import guard
from launcher.web.refused import RefusalWatch
from tests.fakes.clock import FakeClock
from tests.fakes.issued import issue
from tests.unit.web.test_guard import ALICE, GOOD, MALLORY, FakePeers, Gateway, answers


@dataclass
class Record:
    """A journal."""

    events: list[RefusalEvent] = field(default_factory=list)
    room: bool = True

    def record(self, event: Event, *, owed: bool = True) -> None:
        assert isinstance(event, RefusalEvent)
        assert not owed
        self.events.append(event)

    def has_room(self) -> bool:
        return self.room


@dataclass
class Watched(Gateway):
    """The guard's gateway, with a watch."""

    journal: Record = field(default_factory=Record)
    clock: FakeClock = field(default_factory=FakeClock)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Watched]:
    gateway = Watched(str(tmp_path / "s"), FakePeers())
    watch = RefusalWatch(gateway.journal, gateway.clock)

    async def route(request: web.Request) -> web.StreamResponse:
        if request.path == "/mine":
            raise ForbiddenError("It is never revealed to a browser.")
        return web.Response(text="ok")

    names = Names(["http://jump.localhost:6080"])
    door = guard(names, lambda: Policy(frozenset({1000})), gateway.peers, watch=watch)
    app = web.Application(middlewares=[answers, door])
    app.router.add_route("*", "/{path:.*}", route)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.UnixSite(runner, gateway.path).start()
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(watch.keep())
        yield gateway
        keeping.cancel()
    await runner.cleanup()
    watch.close()


async def test_a_wrong_host_is_on_record_with_the_account_and_without_the_query(gateway: Watched) -> None:
    await gateway.ask("GET", f"/c/prod/web-01?token={issue()}", "evil.example")
    [event] = gateway.journal.events
    assert (event.kind, event.uid, event.actor, event.via) == (RefusalKind.HOST, 0, None, "unix")
    assert (event.method, event.path, event.sent) == ("GET", "/c/prod/web-01", "evil.example")
    assert event.why == 'This gateway does not answer to the name "evil.example".'
    assert gateway.peers.asked == 0, "no name is looked up"


async def test_another_site_is_on_record(gateway: Watched) -> None:
    await gateway.ask("POST", "/", GOOD, "Origin: http://evil.example")
    await gateway.ask("POST", "/", GOOD, "Sec-Fetch-Site: cross-site")
    [event] = gateway.journal.events
    assert (event.kind, event.sent, event.method) == (RefusalKind.SITE, "http://evil.example", "POST")


async def test_another_account_is_on_record_by_its_name(gateway: Watched) -> None:
    gateway.peers.present = MALLORY
    for _ in range(20):
        assert (await gateway.ask("GET", "/", GOOD))[0] == 403
    [event] = gateway.journal.events
    assert (event.kind, event.actor, event.uid, event.via) == (RefusalKind.ACCOUNT, "mallory", 1001, "tcp")


async def test_an_account_that_the_kernel_does_not_tell_is_on_record(gateway: Watched) -> None:
    gateway.peers.present = None
    assert (await gateway.ask("GET", "/", GOOD))[0] == 401
    assert [event.kind for event in gateway.journal.events] == [RefusalKind.PEER]


async def test_what_a_route_does_not_let_an_account_do_is_on_record(gateway: Watched) -> None:
    await gateway.ask("GET", "/mine", GOOD)
    [event] = gateway.journal.events
    assert (event.kind, event.actor, event.path) == (RefusalKind.RIGHT, "alice", "/mine")


async def test_what_is_answered_is_no_refusal(gateway: Watched) -> None:
    await gateway.ask("GET", "/", GOOD)
    assert gateway.journal.events == []


def test_who_asks_wrongly_or_for_what_is_not_there_is_not_refused() -> None:
    journal = Record()
    watch = RefusalWatch(journal, FakeClock())
    for error in (NotFoundError("It is not there."), BadRequestError("It is no path.")):
        watch.refused(make_mocked_request("GET", "/"), error, who=ALICE, let_in=True)
    assert journal.events == []


async def test_a_thousand_refusals_are_two_lines_and_the_second_comes_by_itself(gateway: Watched) -> None:
    for _ in range(100):
        await gateway.ask("GET", "/", "evil.example")
    assert len(gateway.journal.events) == 1
    for _ in range(10):
        gateway.clock.advance(INTERVAL / 6)
        await asyncio.sleep(0.01)
    assert [event.more for event in gateway.journal.events] == [0, 98]


async def test_a_log_without_room_is_told_later(gateway: Watched) -> None:
    gateway.journal.room = False
    for _ in range(3):
        await gateway.ask("GET", "/", "evil.example")
    assert gateway.journal.events == []
    gateway.journal.room = True
    gateway.clock.advance(INTERVAL / 6)
    await asyncio.sleep(0.01)
    assert [event.more for event in gateway.journal.events] == [2]


@pytest.mark.parametrize("name", sorted(CLAIMS))
async def test_case_14_a_header_that_names_an_account_is_ignored_and_its_name_is_logged(
    gateway: Watched, name: str
) -> None:
    secret = issue()
    for path in ("/", "/healthz"):
        status, _, text = await gateway.ask("GET", path, GOOD, f"{name}: admin {secret}")
        assert (status, text) == (200, "ok")
    events = gateway.journal.events
    assert {(event.kind, event.sent) for event in events} == {(RefusalKind.CLAIM, name)}
    assert [event.actor for event in events] == ["alice", None]
    assert secret not in repr(events)


@pytest.mark.parametrize("name", ["X-Forwarded-User", "X-Remote-User", "Forwarded", "X-Forwarded-For"])
async def test_case_14_it_lets_nobody_in(gateway: Watched, name: str) -> None:
    gateway.peers.present = MALLORY
    status, _, _ = await gateway.ask("GET", "/", GOOD, f"{name}: alice")
    assert status == 403
    assert {event.kind for event in gateway.journal.events} == {RefusalKind.ACCOUNT, RefusalKind.CLAIM}


def test_of_an_absolute_url_nothing_is_shown_and_a_connection_that_is_gone_is_unknown() -> None:
    journal = Record()
    request = make_mocked_request("GET", f"http://me:{issue()}@host/")
    RefusalWatch(journal, FakeClock()).refused(request, MisdirectedError("host"), who=None, let_in=False)
    [event] = journal.events
    assert (event.path, event.uid, event.via) == ("(not a path)", None, "unknown")


def test_what_is_untold_at_the_end_is_told() -> None:
    journal = Record()
    watch = RefusalWatch(journal, FakeClock())
    for _ in range(3):
        watch.refused(make_mocked_request("GET", "/"), ForbiddenError("No."), who=Actor(7, "x", "tcp"), let_in=False)
    watch.close()
    assert [event.more for event in journal.events] == [0, 1]
