"""Tens of thousands of short sessions, one after another: `python -m tests.soak.short [--sessions 50000]`

Each is opened, greeted, has a message each way and ends; the ways of ending take turns: the viewer closes or resets its
connection, the screen does, or the console token is refused first. What is left is looked at half-way and at the end.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.soak.conversation import SHORT_WAYS
from tests.soak.figures import Figure, at_most, exactly
from tests.soak.run import Part, alone, say_progress
from tests.soak.world import Left, World, world

NAME = "short"
_STEP = 1000
_GROWTH = 5.0
"""Percent by which memory may have grown between half-way and the end."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run does."""

    sessions: int = 50000
    at_once: int = 50
    quiet: float = 2
    """Seconds in which nothing happens, before what is left is looked at."""


class Half:
    """Some of the sessions."""

    def __init__(self, plan: Plan, there: World) -> None:
        self._plan = plan
        self._world = there
        self.ways: Counter[str] = Counter()
        self.faults = 0
        self.refused = 0

    async def run(self, first: int, count: int) -> None:
        there, began_at = self._world, time.monotonic()
        for at in range(0, count, _STEP):
            size = min(_STEP, count - at)
            order = {"servers": there.servers, "first": first + at, "count": size, "at_once": self._plan.at_once}
            await there.viewers.ask(do="short", port=there.port, **order)
            await self._hear()
            rate = (at + size) / (time.monotonic() - began_at)
            say_progress(f"{NAME}: {first + at + size:,} of {self._plan.sessions:,}, {rate:.0f} a second")

    async def _hear(self) -> None:
        viewers, screens = await self._world.viewers.ask(do="tell"), await self._world.upstream.ask(do="tell")
        self.ways.update(viewers["ways"])
        self.faults += viewers["faults"] + screens["faults"]
        self.refused += screens["refused"]
        for what in (*screens["first_faults"], *viewers["first_faults"]):
            say_progress(f"fault: {what}")


async def measure(plan: Plan, folder: Path | None = None) -> list[Figure]:
    """One run; its processes have ended when this returns or raises."""
    async with world(plan.sessions, folder, quiet=plan.quiet) as there:
        half = Half(plan, there)
        await half.run(0, len(SHORT_WAYS))  # what is made once and kept is there before the first count
        before = await there.left()
        half = Half(plan, there)
        await there.delays()
        began_at, cpu = time.monotonic(), there.cpu()
        await half.run(0, plan.sessions // 2)
        seconds, spent = time.monotonic() - began_at, there.cpu_between(cpu, there.cpu())
        delays = await there.delays()
        middle = await there.left(before)
        await half.run(plan.sessions // 2, plan.sessions - plan.sessions // 2)
        after = await there.left(before)
        left_over = await there.left_over(NAME)
    rate, each = plan.sessions // 2 / seconds, spent / (plan.sessions // 2) * 1000
    return [
        *(exactly(NAME, f"ended as wanted: {way}", count, _share(plan, way)) for way, count in _by_way(half)),
        exactly(NAME, "faults in the conversations", half.faults, 0),
        Figure(NAME, "console tokens refused", f"{half.refused:,}"),
        Figure(NAME, "sessions a second", f"{rate:,.0f}, {each:.2f} ms of CPU each"),
        *delays.figures(NAME, "meanwhile"),
        *after.figures(NAME, before),
        *left_over,
        *_memory(before, middle, after),
    ]


def _by_way(half: Half) -> list[tuple[str, int]]:
    return [(way.name, half.ways[way.name]) for way in SHORT_WAYS]


def _share(plan: Plan, way: str) -> int:
    return sum(1 for number in range(plan.sessions) if SHORT_WAYS[number % len(SHORT_WAYS)].name == way)


def _memory(before: Left, middle: Left, after: Left) -> list[Figure]:
    growth = (after.pss_kib / middle.pss_kib - 1) * 100
    sizes = " / ".join(f"{one.pss_kib / 1024:.1f}" for one in (before, middle, after))
    return [
        Figure(NAME, "memory before / half-way / after", f"{sizes} MiB"),
        at_most(NAME, "growth from half-way to the end", round(growth, 1), _GROWTH, " %"),
    ]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The part's own."""
    usual = Plan()
    parser.add_argument("--short-sessions", type=int, default=usual.sessions, help="one after another (default 50000)")
    parser.add_argument("--at-once", type=int, default=usual.at_once, help=f"of these (default {usual.at_once})")


async def run(options: argparse.Namespace) -> list[Figure]:
    """The part, as the command line has it."""
    return await measure(Plan(options.short_sessions, options.at_once))


PART = Part(NAME, add_options, run, descriptors=lambda options: 2 * options.at_once)

if __name__ == "__main__":
    sys.exit(alone(PART, __doc__))
