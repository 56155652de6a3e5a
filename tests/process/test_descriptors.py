"""The daemon with few descriptors, and more connections than it has of them: who gets in, and who is turned away."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from tests.hostile import descriptors
from tests.hostile.world import CLOUD, SERVER, World

_LINES = 12
"""Log lines that a load of thousands of connections may cost, launches and session ends left out."""


@pytest.mark.parametrize("files", [256, 64])
async def test_case_29_who_may_come_in_gets_in_whatever_others_hold(suite_output: Path, files: int) -> None:
    async with World(suite_output / "descriptors") as world:
        outcome = await descriptors.run(world, files)
    counts = outcome.counts
    assert all(delays.opened >= 18 for delays in outcome.delays.values()), outcome.delays
    assert outcome.delays["tcp"].failed == outcome.delays["unix"].failed == 0, outcome.delays
    assert counts["console kept"] == 1
    assert int(counts["told 503"]) > 0
    assert int(counts["told 403"]) > 0
    assert int(counts["health answers"]) >= 5
    assert int(counts["answers (greedy)"]) > 0
    assert int(counts["log lines"]) <= _LINES


async def test_case_29_one_session_more_than_there_may_be_is_refused_and_the_others_stay(suite_output: Path) -> None:
    async with World(suite_output / "descriptors") as world, AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(world.daemon(settings={"relay": {"sessions": 3}}))
        kept = [await stack.enter_async_context(descriptors.console(daemon)) for _ in range(3)]
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(f"{daemon.url}/ws/{CLOUD}/{SERVER}", protocols=("binary",)) as refused,
        ):
            last = await refused.receive(timeout=20)
            assert last.type is aiohttp.WSMsgType.CLOSE
            assert "sessions" in str(last.extra)
        for viewer in kept:
            assert await descriptors.is_alive(world, viewer)
        await kept.pop().close()
        async with world.bystander(daemon) as bystander:
            await bystander.opens(1)


async def test_serve_raises_its_soft_limit_to_what_its_sessions_need(suite_output: Path) -> None:
    async with World(suite_output / "descriptors") as world:
        daemon = world.daemon(settings={"relay": {"sessions": 500}})
        async with daemon:
            assert daemon.process is not None
            limits = Path(f"/proc/{daemon.process.pid}/limits").read_text()
            (line,) = [line for line in limits.splitlines() if line.startswith("Max open files")]
            assert int(line.split()[3]) >= 2 * 500
            assert "relay.sessions allows" not in daemon.log()


async def test_sessions_that_do_not_fit_the_limit_are_told_at_the_start(suite_output: Path) -> None:
    async with World(suite_output / "descriptors") as world, descriptors.narrow(world, 256) as daemon:
        (line,) = [line for line in daemon.log_lines() if "relay.sessions allows" in str(line.get("message"))]
    assert "this process may open 256 files" in line["message"]
    assert "LimitNOFILE=" in line["message"]
