from __future__ import annotations

import pytest

from launcher.consoles.cache import ConsoleCache, usable_until
from launcher.model import Console, ConsoleKey, Kind, Secret
from tests.fakes.issued import issue


def console(server: str = "one", *, asked_at: float = 0.0, life: float = 600.0) -> Console:
    key = ConsoleKey("prod", server, Kind.NOVNC)
    return Console(key, Secret(f"http://proxy/?token={issue()}"), asked_at, asked_at + life, None)


@pytest.mark.parametrize(
    ("life", "margin", "expected"),
    [(600, 30, 570), (8, 30, 6), (600, 0, 600), (120, 30, 90), (100, 30, 75)],
)
def test_a_console_is_handed_out_until_the_margin_or_a_quarter_of_its_life_is_left(
    life: float, margin: float, expected: float
) -> None:
    assert usable_until(console(life=life), margin) == expected


def test_a_usable_console_is_found_again_and_an_old_one_is_not() -> None:
    cache = ConsoleCache(margin=30)
    kept = console()
    cache.put(kept, now=0)
    assert cache.get(kept.key, now=569.9) is kept
    assert cache.get(kept.key, now=570) is None
    assert len(cache) == 0


def test_kinds_and_servers_do_not_mix() -> None:
    cache = ConsoleCache(margin=30)
    cache.put(console("one"), now=0)
    assert cache.get(ConsoleKey("prod", "one", Kind.XVPVNC), now=0) is None
    assert cache.get(ConsoleKey("prod", "two", Kind.NOVNC), now=0) is None
    assert cache.get(ConsoleKey("stage", "one", Kind.NOVNC), now=0) is None


def test_discarding_a_stale_console_leaves_a_newer_one_alone() -> None:
    cache = ConsoleCache(margin=30)
    stale, newer = console(), console(asked_at=5)
    cache.put(stale, now=0)
    cache.discard(stale)
    assert cache.get(stale.key, now=1) is None
    cache.put(newer, now=5)
    cache.discard(stale)
    assert cache.get(stale.key, now=6) is newer


def test_consoles_that_have_run_out_are_dropped_while_others_are_put() -> None:
    cache = ConsoleCache(margin=30)
    for number in range(63):
        cache.put(console(str(number)), now=0)
    cache.put(console("fresh", asked_at=600), now=600)
    assert len(cache) == 1
