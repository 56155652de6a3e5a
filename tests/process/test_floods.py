"""The daemon under floods of frames that hold nothing, and before clouds whose lists never end: it goes on serving."""

from __future__ import annotations

from pathlib import Path

from tests.hostile import fragments, pages_without_end
from tests.hostile.outcome import Outcome
from tests.hostile.world import World

_MOST = 256
"""MiB that the daemon may ever hold; some 90 of them it has from the start."""


def everybody_was_served(outcome: Outcome) -> bool:
    """Whether each console that the bystander asked for opened, both ways."""
    return all(delays.failed == 0 and delays.opened >= 6 for delays in outcome.delays.values())


async def test_case_33_floods_of_empty_frames_and_pings_end_their_own_sessions_alone(suite_output: Path) -> None:
    async with World(suite_output / "floods") as world:
        outcome = await fragments.run(world)
    counts = dict(outcome.counts)
    assert everybody_was_served(outcome), outcome.delays
    assert int(counts.pop("MiB held at most")) < _MOST
    sent = sum(map(len, (fragments.floods(bytes(4))[fragments.MESSAGES], fragments.GOODBYE)))
    assert counts == {
        "empty fragments of viewers: 1008": fragments.AT_ONCE,
        "empty pings of viewers: 1008": fragments.AT_ONCE,
        "1-byte messages of viewers: 1000": fragments.AT_ONCE,
        "bytes of messages that went up": fragments.AT_ONCE * sent,
        "empty fragments of console proxies: 1014": fragments.AT_ONCE,
        "empty pings of console proxies: 1014": fragments.AT_ONCE,
        "1-byte messages of console proxies: whole": fragments.AT_ONCE,
    }


async def test_case_35_lists_without_end_are_cut_and_hold_nobody_up(suite_output: Path) -> None:
    async with World(suite_output / "floods") as world:
        outcome = await pages_without_end.run(world)
    counts = outcome.counts
    assert everybody_was_served(outcome), outcome.delays
    assert int(counts["MiB held at most"]) < _MOST
    assert "names and states fill more than 8 MiB" in str(counts["is told of long-names"])
    assert "more than 20000 servers" in str(counts["is told of full-pages"])
    assert "more than 200 pages" in str(counts["is told of thin-pages"])
    assert int(counts["pages of thin-pages"]) <= 1 + pages_without_end.ROUNDS * 200
