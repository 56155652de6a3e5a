from __future__ import annotations

import asyncio
import time

import pytest

from launcher.relay.stall import StallWatch


async def test_a_peer_is_given_up_once_many_looks_have_found_that_it_reads_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("launcher.relay.stall.STALL_TIME", 0.04)
    given_up = asyncio.Event()
    watch = StallWatch(lambda: 5, given_up.set)
    watch.begin()
    async with asyncio.timeout(5):
        await given_up.wait()


async def test_a_gateway_that_was_suspended_itself_looks_again_before_it_gives_a_peer_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("launcher.relay.stall.STALL_TIME", 0.4)
    waiting, given_up = [5], asyncio.Event()
    watch = StallWatch(lambda: waiting[0], given_up.set)
    watch.begin()
    time.sleep(0.5)  # nothing runs for longer than the whole time
    await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    assert not given_up.is_set()
    watch.cancel()
