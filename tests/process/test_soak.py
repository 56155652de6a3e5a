"""The long runs, made tiny: the harness works, and what does not depend on the machine holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak import sessions, short
from tests.soak.figures import Figure, missed

OF_THE_MACHINE = ("against that after the first wave", "growth from half-way to the end", "from SIGTERM to the end")
"""Figures that only a long run on an idle machine can hold against their targets."""


def missed_by_us(figures: list[Figure]) -> list[Figure]:
    return [one for one in missed(figures) if one.what not in OF_THE_MACHINE]


@pytest.fixture
def output(suite_output: Path) -> Path:
    folder = suite_output / "soak"
    folder.mkdir(exist_ok=True)
    return folder


async def test_waves_of_sessions_lose_nothing_leave_nothing_and_are_told_when_the_gateway_stops(output: Path) -> None:
    plan = sessions.Plan(sessions=100, waves=2, updates=500, seconds=0.5, quiet=0.2)
    figures = await sessions.measure(plan, output)
    assert missed_by_us(figures) == []
    assert {one.value for one in figures if one.what == "sessions open at once"} == {"100"}


async def test_many_short_sessions_end_in_every_way_and_leave_nothing(output: Path) -> None:
    figures = await short.measure(short.Plan(sessions=200, quiet=0.2), output)
    assert missed_by_us(figures) == []
    assert sum(int(one.value) for one in figures if one.what.startswith("ended as wanted")) == 200
