"""How much of a list of servers is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launcher.cloud import bounds
from launcher.cloud.bounds import Gathering, weight_of
from launcher.model import Server

ONE = Server("prod", "id", "web", "ACTIVE")


def page(first: int, count: int, **changes: str) -> list[Server]:
    return [replace(ONE, id=str(number), **changes) for number in range(first, first + count)]


def add(
    gathering: Gathering, servers: list[Server], now: float = 0.0, *, overfull: bool = False, more: bool = True
) -> bool:
    return gathering.add(servers, now, overfull=overfull, more=more)


def test_twenty_thousand_servers_in_two_hundred_pages_are_whole() -> None:
    gathering = Gathering("prod", 0.0)
    for number in range(200):
        assert add(gathering, page(number * 100, 100), more=number < 199) is (number < 199)
    assert len(gathering.servers) == bounds.SERVERS
    assert gathering.cut is None


@pytest.mark.parametrize(
    ("servers", "now", "overfull", "kept", "why"),
    [
        (page(0, bounds.SERVERS + 5), 0.0, False, bounds.SERVERS, "more than 20000 servers"),
        (page(0, 9000, name="n" * 1000), 0.0, False, 8300, "fill more than 8 MiB"),
        (page(0, 9000, name="\U0001f600" * 1000), 0.0, False, 2090, "fill more than 8 MiB"),
        (page(0, 10), bounds.SECONDS + 1, False, 10, "longer than 10 min"),
        (page(0, 10), 0.0, True, 10, "more than 2000 servers"),
    ],
)
def test_what_is_larger_is_cut_and_says_why(
    servers: list[Server], now: float, overfull: bool, kept: int, why: str
) -> None:
    gathering = Gathering("prod", 0.0)
    assert not add(gathering, servers, now, overfull=overfull)
    assert kept * 0.98 <= len(gathering.servers) <= kept * 1.02
    assert gathering.cut is not None
    assert gathering.cut.startswith("prod: its list of servers is cut: ")
    assert why in gathering.cut


def test_pages_without_end_are_cut() -> None:
    gathering, number = Gathering("prod", 0.0), 0
    while add(gathering, page(number, 1)):
        number += 1
    assert number == bounds.PAGES - 1
    assert "more than 200 pages, or never ends" in (gathering.cut or "")


def test_the_same_page_for_ever_is_a_whole_list() -> None:
    gathering = Gathering("prod", 0.0)
    assert add(gathering, page(0, 3))
    assert not add(gathering, page(0, 3))
    assert (len(gathering.servers), gathering.cut) == (3, None)


def test_every_text_weighs_what_it_takes() -> None:
    assert weight_of(replace(ONE, task_state="spawning", fault="no host")) == len("idwebACTIVEspawningno host")
    assert weight_of(replace(ONE, name="\U0001f600")) == len("idACTIVE") + 4
