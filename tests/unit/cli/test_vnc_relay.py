"""The first of several works to end."""

from __future__ import annotations

import asyncio

import pytest

from launcher.cli.vnc_relay import first_of


async def test_the_wanted_one_goes_before_another_that_is_over_at_the_same_time() -> None:
    assert await first_of(asyncio.sleep(0, 1), asyncio.sleep(0)) == 1
    assert await first_of(asyncio.sleep(60, 1), asyncio.sleep(0)) is None


async def test_an_error_is_raised_as_it_is_and_the_others_end() -> None:
    ended: list[str] = []
    with pytest.raises(ZeroDivisionError):
        await first_of(until_cancelled(ended), failing())
    assert ended == ["cancelled"]


async def until_cancelled(ended: list[str]) -> None:
    try:
        await asyncio.sleep(60)
    finally:
        ended.append("cancelled")


async def failing() -> None:
    await asyncio.sleep(0)
    raise ZeroDivisionError
