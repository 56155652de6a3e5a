"""The daemon on a machine whose name service hangs, by glibc's own look-ups."""

from __future__ import annotations

from pathlib import Path

from tests.hostile import names
from tests.hostile.bystander import TCP, UNIX
from tests.hostile.world import World


async def test_while_the_name_service_hangs_strangers_are_refused_and_an_admitted_account_and_root_open_consoles(
    suite_output: Path,
) -> None:
    async with World(suite_output / "names") as world:
        outcome = await names.run(world)
    for way in (TCP, UNIX):
        assert outcome.delays[way].failed == 0
        assert outcome.delays[way].opened > names.ROUNDS
    assert outcome.counts["refused"] == outcome.counts["strangers"] == names.AT_ONCE * (names.ROUNDS + 1)
    assert int(outcome.counts["look-ups answered"]) > 0  # glibc did ask this service
    assert int(outcome.counts["look-ups that hung"]) > 0
