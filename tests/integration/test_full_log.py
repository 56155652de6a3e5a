"""A log that has no room for events: what is under way goes on, what is new waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

from launcher.audit.events import Event, LaunchEvent, SessionEvent
from launcher.audit.log import LogJournal
from tests.fakes.console_proxy import BANNER, FaultyProxy
from tests.integration.conftest import RunGateway, Running

LAUNCH = "a-launch-of-the-page"


class Pages(LogJournal):
    """A journal whose room the test decides on, and that keeps what is recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.room = True
        self.events: list[tuple[Event, bool]] = []

    def record(self, event: Event, *, owed: bool = True) -> None:
        self.events.append((event, owed))

    def has_room(self) -> bool:
        return self.room


async def step_of(running: Running) -> dict[str, Any]:
    """The launch's last step, once it has one."""
    async with asyncio.timeout(10):
        while True:
            status, told = await running.ask("GET", f"/api/v1/launches/{LAUNCH}")
            if status == 200 and told["steps"]:
                step: dict[str, Any] = told["steps"][-1]
                return step
            await asyncio.sleep(0.01)


async def test_sessions_go_on_and_a_new_launch_waits_until_the_log_has_room(run_gateway: RunGateway) -> None:
    journal = Pages()
    async with FaultyProxy() as proxy, run_gateway(journal=journal) as running:
        running.compute.mint = lambda *_: proxy.url()
        async with running.viewer() as before:
            assert await before.received(len(BANNER)) == BANNER
            journal.room = False
            asked = len(running.compute.console_requests)
            async with running.viewer(launch=LAUNCH) as later:
                step = await step_of(running)
                assert (step["name"], step["state"]) == ("log", "doing")
                assert step["text"] == "Waiting for the log, which is full"
                before.send(BANNER)
                assert len(running.compute.console_requests) == asked
                journal.room = True
                assert await later.received(len(BANNER)) == BANNER
        await running.settled()
    kinds = [(type(event), owed) for event, owed in journal.events]
    assert kinds.count((LaunchEvent, True)) == 2
    assert kinds.count((SessionEvent, True)) == 2


async def test_who_leaves_while_waiting_for_the_log_has_begun_nothing(run_gateway: RunGateway) -> None:
    journal = Pages()
    journal.room = False
    async with run_gateway(journal=journal) as running:
        async with running.viewer(launch=LAUNCH):
            await step_of(running)
        await running.settled()
        assert running.compute.console_requests == []
    [(event, owed)] = journal.events
    assert isinstance(event, LaunchEvent)
    assert (event.outcome, owed) == ("viewer lost", False)
