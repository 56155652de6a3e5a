"""Lets the name service hang while strangers of a thousand user ids connect: glibc's own, behind a fake nscd."""

from __future__ import annotations

from collections import Counter

from tests.fakes.callers import Told, called
from tests.fakes.nscd import DaemonWithNscd, FakeNscd
from tests.fakes.sshd import open_folder
from tests.hostile.outcome import Outcome
from tests.hostile.world import CLOUD, World

NAME = "names"
FIRST = 50_000
"""No account of this machine has this user id or one of those that follow."""
AT_ONCE = 40
ROUNDS = 25


async def run(world: World) -> Outcome:
    """It answers while the daemon starts, and hangs from then on."""
    with open_folder() as folder:
        async with FakeNscd(folder).serving() as nscd:
            access = {"local_users": [world.admitted.pw_name]}
            daemon = DaemonWithNscd(world.folder, {CLOUD: world.entry()}, access=access)
            daemon.nscd = nscd
            async with daemon:
                return await _hanging(world, daemon, nscd)


async def _hanging(world: World, daemon: DaemonWithNscd, nscd: FakeNscd) -> Outcome:
    daemon.socket_path.chmod(0o666)
    nscd.hangs = True
    told: list[Told] = []
    async with world.bystander(daemon) as bystander:
        await bystander.opens(1)
        told += await called(daemon.port, [world.stranger.pw_uid] * AT_ONCE)
        for number in range(ROUNDS):
            where = daemon.port if number % 2 else str(daemon.socket_path)
            first = FIRST + number * AT_ONCE
            told += await called(where, range(first, first + AT_ONCE))
            await bystander.opens(1)
        delays = bystander.report()
    statuses = Counter(one.status for one in told)
    counts = {"strangers": len(told), "refused": statuses[403], "look-ups answered": nscd.answered}
    return Outcome(delays, {**counts, "look-ups that hung": nscd.hung})
