"""What may be meant by the name of a server that is not there."""

from __future__ import annotations

import pytest

from launcher.cli.near import near, word_of

SERVERS = [
    {"cloud": cloud, "name": name}
    for cloud, name in (
        ("prod", "db-master-01"),
        ("prod", "web-01"),
        ("prod", "web-02"),
        ("rax", "mail-01"),
        ("rax", "web-01"),
        ("rax", "a/b"),
    )
]


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("web", ["prod/web-01", "prod/web-02", "rax/web-01"]),
        ("WEB", ["prod/web-01", "prod/web-02", "rax/web-01"]),
        ("rax/web", ["rax/web-01", "prod/web-01", "prod/web-02"]),
        ("nowhere/web-02", ["prod/web-02"]),
        ("master", ["prod/db-master-01"]),
        ("wbe-02", ["prod/web-02"]),
        ("rax/wbe-01", ["rax/web-01", "prod/web-01"]),
        ("mial-01", ["rax/mail-01"]),
        ("rax", ["rax/mail-01", "rax/web-01", "rax/a/b"]),
        ("rax/a/", ["rax/a/b"]),
        ("zzz", []),
    ],
)
def test_names_that_hold_the_word_come_before_those_that_read_alike(reference: str, found: list[str]) -> None:
    assert near(reference, SERVERS) == found


def test_a_few_are_enough_and_twins_are_one() -> None:
    many = [{"cloud": "prod", "name": f"web-{number // 2}"} for number in range(40)]
    assert near("web", many) == [f"prod/web-{number}" for number in range(5)]
    assert near("web", []) == []


@pytest.mark.parametrize(("reference", "word"), [("web", "web"), ("prod/web", "web"), ("prod/a/b", "a/b"), ("/", "")])
def test_the_server_s_word_stands_behind_the_cloud(reference: str, word: str) -> None:
    assert word_of(reference) == word
