"""A fault of our own, in a hop or in a run: it is said, and hides nothing else."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from launcher.doctor.cloud import Tools
from launcher.doctor.doctor import Doctor
from launcher.doctor.hops import Hop, HopName, Limits, Verdict
from launcher.doctor.patient import Patient
from launcher.doctor.trail import StoppedError, Trail
from launcher.errors import CloudReplyError
from launcher.model import Actor
from tests.fakes.clock import FakeClock

SECRET = "secret-in-an-exception"


async def test_a_fault_in_a_hop_is_told_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    trail = Trail(FakeClock())
    with pytest.raises(StoppedError):
        async with trail.hop(HopName.ROLE):
            raise RuntimeError(SECRET)
    [hop] = trail.hops
    assert (hop.name, hop.verdict) == (HopName.ROLE, Verdict.FAILED)
    assert "RuntimeError" in hop.reason
    assert SECRET not in hop.reason + caplog.text
    assert "a fault at the hop role" in caplog.text


async def test_an_error_that_nobody_explains_is_its_own_reason() -> None:
    trail = Trail(FakeClock())
    with pytest.raises(StoppedError):
        async with trail.hop(HopName.ROLE):
            raise CloudReplyError("It is odd.", cloud="prod")
    assert trail.hops == [Hop(HopName.ROLE, Verdict.FAILED, 0.0, reason="It is odd.")]


async def test_a_hop_takes_the_time_that_its_block_takes() -> None:
    clock = FakeClock()
    trail = Trail(clock)
    async with trail.hop(HopName.ROLE) as step:
        clock.advance(1.5)
        step.seen = "all of it"
    assert trail.hops == [Hop(HopName.ROLE, Verdict.OK, 1.5, "all of it")]


class Nobody:
    def canonical(self, alias_or_name: str) -> tuple[str, str] | None:
        return None

    async def locate(self, name: str, *, by: Actor | None = None) -> tuple[str, str]:
        return "prod", name


async def test_a_fault_in_a_run_reaches_whoever_waits_and_the_next_run_is_a_new_one() -> None:
    odd = cast("Patient", object())
    async with asyncio.TaskGroup() as tasks:
        doctor = Doctor({"prod": odd}, Nobody(), Tools(cast("object", None), FakeClock(), 1024), tasks)  # type: ignore[arg-type]  # never asked
        waiting = [tasks.create_task(_fault(doctor)) for _ in range(2)]
        assert [await task for task in waiting] == ["AttributeError"] * 2
        assert await _fault(doctor) == "AttributeError"


async def _fault(doctor: Doctor) -> str:
    try:
        await doctor.all_clouds(Limits())
    except ExceptionGroup as group:
        return type(group.exceptions[0]).__name__
    return ""
