"""Thousands of sessions at once: `python -m tests.soak.sessions [--sessions 9000] [--waves 3]`

Each wave opens all sessions, has the screens send their updates for a while, closes all, and looks at what is left. A
last wave is not closed by its viewers: the gateway is told to stop.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.soak.figures import Figure, at_most, exactly, milliseconds
from tests.soak.run import Part, alone, say_progress
from tests.soak.world import Left, World, world

NAME = "sessions"
_STEP = 500
_AT_ONCE = 50
_EXIT_WITHIN = 10.0
"""Seconds that systemd gives the service to stop (TimeoutStopSec)."""
_GROWTH = 5.0
"""Percent by which memory after a later wave may differ from that after the first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run does."""

    sessions: int = 9000
    waves: int = 3
    updates: float = 2000
    """A second, over all sessions."""
    seconds: float = 30
    quiet: float = 2
    """Seconds in which nothing happens, before what is left is looked at."""


@dataclass(slots=True)
class Tally:
    """What both ends have counted."""

    sent: int = 0
    seen: int = 0
    asked: int = 0
    faults: int = 0


class Waves:
    """One run's waves."""

    def __init__(self, plan: Plan, there: World) -> None:
        self._plan = plan
        self._world = there
        self.figures: list[Figure] = []

    async def run(self) -> None:
        await self._warm_up()
        before = await self._world.left()
        after: list[Left] = []
        for number in range(1, self._plan.waves + 1):
            name = f"{NAME}, wave {number}"
            await self._open(name, before)
            await self._move(name)
            await self._close(name)
            after.append(await self._world.left(before))
            self._compare(name, before, after)
        self.figures += await self._world.left_over(NAME)
        await self._stop()

    async def _warm_up(self) -> None:
        """One session, so that what is made once and kept is there before the first count."""
        await self._world.viewers.ask(do="open", port=self._world.port, servers=self._world.servers[:1], at_once=1)
        await self._world.viewers.ask(do="close")
        await self._told()

    async def _open(self, name: str, before: Left) -> None:
        there, plan, count = self._world, self._plan, self._plan.sessions
        names = [there.servers[number % len(there.servers)] for number in range(count)]
        await there.delays()
        began_at, cpu = time.monotonic(), there.cpu()
        for at in range(0, count, _STEP):
            await there.viewers.ask(do="open", port=there.port, servers=names[at : at + _STEP], at_once=_AT_ONCE)
            say_progress(f"{name}: {min(at + _STEP, count):,} of {count:,} opened, {time.monotonic() - began_at:.0f} s")
        seconds, spent = time.monotonic() - began_at, there.cpu_between(cpu, there.cpu())
        delays = await there.delays()
        screens, viewers = await self._told()
        self._note(exactly(name, "sessions open at once", min(screens["screens"], viewers["open"]), count))
        self._note(Figure(name, "opened a second", f"{count / seconds:,.0f}"))
        self._note(Figure(name, "CPU an opening", f"{spent / count * 1000:.2f} ms"))
        self.figures += delays.figures(name, "while opening")
        await asyncio.sleep(plan.quiet)
        grown = there.memory_kib() - before.pss_kib
        self._note(Figure(name, "memory a session that is open", f"{grown / count:.1f} KiB"))

    async def _move(self, name: str) -> None:
        there, plan = self._world, self._plan
        tally = Tally()
        await there.delays()
        began_at, cpu = time.monotonic(), there.cpu()
        await there.upstream.ask(do="update", rate=plan.updates)
        await asyncio.sleep(plan.seconds)
        seconds, spent = time.monotonic() - began_at, there.cpu_between(cpu, there.cpu())
        delays = await there.delays()
        await there.upstream.ask(do="rest")
        trips = await self._gather(tally)
        say_progress(f"{name}: {tally.sent:,} updates moved")
        self._note(exactly(name, "updates lost", tally.sent - tally.seen, 0))
        self._note(exactly(name, "requests lost", tally.seen - tally.asked, 0))
        self._note(exactly(name, "faults in the conversations", tally.faults, 0))
        self._note(Figure(name, "updates a second", f"{tally.sent / seconds:,.0f}"))
        self.figures += delays.figures(name, "with these")
        self._note(milliseconds(name, "round trip with these, p50 / p99 / max", trips, 0.001))
        self._note(Figure(name, "CPU with these", f"{spent / seconds * 100:.0f} % of a core"))

    async def _gather(self, tally: Tally) -> dict[str, float]:
        """Counts until all has arrived, or for ten seconds; round trips in microseconds."""
        trips: dict[str, float] = {"p50": 0, "p99": 0, "max": 0}
        for _ in range(100):
            await asyncio.sleep(0.1)
            screens, _ = await self._told(tally)
            if screens["requests"]:
                trips = {key: max(trips[key], screens["round_trip"][key]) for key in trips}
            if tally.sent == tally.seen == tally.asked:
                break
        return trips

    async def _close(self, name: str) -> None:
        there = self._world
        await there.delays()
        began_at, cpu = time.monotonic(), there.cpu()
        await there.viewers.ask(do="close")
        seconds, spent = time.monotonic() - began_at, there.cpu_between(cpu, there.cpu())
        delays = await there.delays()
        _, viewers = await self._told()
        count = self._plan.sessions
        self._note(exactly(name, "closed with 1000", viewers["ends"].get("1000", 0), count))
        self._note(Figure(name, "closing all", f"{seconds:.1f} s, {spent / count * 1000:.2f} ms of CPU each"))
        self.figures += delays.figures(name, "while closing")

    def _compare(self, name: str, before: Left, after: Sequence[Left]) -> None:
        found, first = after[-1], after[0]
        self.figures += found.figures(name, before)
        self._note(Figure(name, "memory when all have gone", f"{found.pss_kib / 1024:.1f} MiB"))
        if len(after) > 1:
            change = (found.pss_kib / first.pss_kib - 1) * 100
            figure = Figure(name, "against that after the first wave", f"{change:+.1f} %", f"within {_GROWTH:g} %")
            self._note(_judged(figure, held=abs(change) <= _GROWTH))

    async def _stop(self) -> None:
        name = f"{NAME}, stop"
        there, count = self._world, self._plan.sessions
        names = [there.servers[number % len(there.servers)] for number in range(count)]
        for at in range(0, count, _STEP):
            await there.viewers.ask(do="open", port=there.port, servers=names[at : at + _STEP], at_once=_AT_ONCE)
        say_progress(f"{name}: {count:,} opened")
        await there.upstream.ask(do="update", rate=self._plan.updates)
        await asyncio.sleep(self._plan.quiet)
        code, seconds = await there.stop(3 * _EXIT_WITHIN)
        await there.upstream.ask(do="rest")
        await there.viewers.ask(do="await the end")
        _, viewers = await self._told()
        self._note(exactly(name, "viewers that were told 1012", viewers["ends"].get("1012", 0), count))
        self._note(exactly(name, "faults in the conversations", viewers["faults"], 0))
        self._note(exactly(name, "exit code", -1 if code is None else code, 0))
        self._note(at_most(name, "from SIGTERM to the end", round(seconds, 1), _EXIT_WITHIN, " s"))

    async def _told(self, tally: Tally | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """What both ends tell since the last time."""
        screens = await self._world.upstream.ask(do="tell")
        viewers = await self._world.viewers.ask(do="tell")
        for what in (*screens["first_faults"], *viewers["first_faults"]):
            say_progress(f"fault: {what}")
        if tally is not None:
            tally.sent += screens["updates"]
            tally.asked += screens["requests"]
            tally.seen += viewers["updates"]
            tally.faults += screens["faults"] + viewers["faults"]
        return screens, viewers

    def _note(self, figure: Figure) -> None:
        self.figures.append(figure)


def _judged(figure: Figure, *, held: bool) -> Figure:
    return Figure(figure.part, figure.what, figure.value, figure.target, held)


async def measure(plan: Plan, folder: Path | None = None) -> list[Figure]:
    """One run; its processes have ended when this returns or raises."""
    async with world(plan.sessions, folder, quiet=plan.quiet) as there:
        waves = Waves(plan, there)
        await waves.run()
    return waves.figures


def add_options(parser: argparse.ArgumentParser) -> None:
    """The part's own."""
    usual = Plan()
    parser.add_argument("--sessions", type=int, default=usual.sessions, help=f"at once (default {usual.sessions})")
    parser.add_argument("--waves", type=int, default=usual.waves, help=f"opened and closed (default {usual.waves})")
    parser.add_argument("--updates", type=float, default=usual.updates, help="a second in all (default 2000)")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="of updates in each wave (default 30)")


async def run(options: argparse.Namespace) -> list[Figure]:
    """The part, as the command line has it."""
    return await measure(Plan(options.sessions, options.waves, options.updates, options.seconds))


PART = Part(NAME, add_options, run, descriptors=lambda options: 2 * options.sessions)

if __name__ == "__main__":
    sys.exit(alone(PART, __doc__))
