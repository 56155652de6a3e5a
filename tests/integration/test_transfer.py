"""What the relay carries arrives as it was sent, however lines and messages cut it (more: `tests.soak.transfer`)."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.fault_proxy import Trouble
from tests.soak.transfer import KINDS, transfer

MIB = 1024**2


@pytest.mark.parametrize("kind", KINDS)
async def test_megabytes_each_way_at_once_arrive_unchanged_over_lines_that_cut_them_anywhere(kind: str) -> None:
    done = await transfer(kind, 8 * MIB)
    assert done.up[0] == done.up[1]
    assert done.down[0] == done.down[1]


@pytest.mark.parametrize("kind", KINDS)
async def test_byte_by_byte_it_is_the_same(kind: str) -> None:
    done = await transfer(kind, 2000, near=Trouble.DRIBBLE, far=Trouble.DRIBBLE)
    assert done.up[0] == done.up[1]
    assert done.down[0] == done.down[1]


@pytest.mark.parametrize("kind", KINDS)
async def test_floods_for_three_viewers_on_narrow_lines_do_not_mix(kind: str) -> None:
    """All upstreams are read into one buffer; from Python 3.12 on transports keep views of it."""
    for done in await asyncio.gather(*(transfer(kind, 12 * MIB, far=None) for _ in range(3))):
        assert done.up[0] == done.up[1]
        assert done.down[0] == done.down[1]
