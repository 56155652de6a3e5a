"""Puts no load on the daemon: what the bystander's figures are worth on this machine."""

from __future__ import annotations

from tests.hostile.outcome import Outcome
from tests.hostile.world import World

NAME = "nothing"


async def run(world: World) -> Outcome:
    """A daemon that nobody attacks."""
    async with world.daemon() as daemon, world.bystander(daemon) as bystander:
        await bystander.opens(20)
        return Outcome(bystander.report(), {"consoles asked for": len(world.compute.console_requests)})
