from __future__ import annotations

from tests.unit.config.conftest import Told

BARE = "{provider: none, endpoint: 'http://h/'}"
REGIONS = "{provider: rackspace, username: a, api_key: {file: config.yaml}, regions: [DFW, ORD]}"
HEAD = f"clouds:\n  rax: {REGIONS}\n"


def but_the_key(told: Told, text: str) -> list[str]:
    """What is said, without the sentence about the sample's API key (the file itself is none)."""
    return [line for line in told(text) if "api_key" not in line]


def test_an_alias_may_name_a_region_of_an_entry(told: Told) -> None:
    assert but_the_key(told, HEAD + "aliases: {db: rax-ord/db-01}\n") == []


def test_an_alias_that_names_an_entry_of_several_regions_is_told_the_regions(told: Told) -> None:
    assert but_the_key(told, HEAD + "aliases: {db: rax/db-01}\n") == [
        'config.yaml:3 aliases.db: there is no cloud "rax". Its regions are clouds of their own: rax-dfw, rax-ord.'
    ]


def test_two_clouds_of_one_name_are_told_with_both_entries(told: Told) -> None:
    assert but_the_key(told, HEAD + f"  rax-ord: {BARE}\n") == [
        'config.yaml:3 clouds.rax-ord: its cloud "rax-ord" is also made by clouds.rax: rename one'
    ]


def test_regions_that_cannot_be_read_leave_their_aliases_alone(told: Told) -> None:
    said = but_the_key(told, HEAD.replace("[DFW, ORD]", "DFW") + "aliases: {db: rax-dfw/db-01}\n")
    assert said == ['config.yaml:2 clouds.rax.regions: a list is expected: ["DFW"]']


def test_regions_that_differ_in_case_only_are_told(told: Told) -> None:
    assert but_the_key(told, HEAD.replace("ORD", "dfw")) == [
        'config.yaml:2 clouds.rax: its cloud "rax-dfw" is also made by clouds.rax: rename one'
    ]
