"""A listing in parts, from gateways that do not know where it ends."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from launcher.cli.answers import Object
from launcher.cli.client import Client
from launcher.cli.exits import Exit
from launcher.cli.failure import Failure
from launcher.cli.gateway import UnixGateway
from launcher.cli.servers import listed, run

Part = Callable[[int], Mapping[str, Any]]


class Asked(Client):
    """A client whose gateway answers with the part that `part` makes of the number of earlier requests."""

    def __init__(self, part: Part) -> None:
        super().__init__(UnixGateway("/run/x.sock"), 1)
        self.asked = 0
        self.queries: list[Mapping[str, str]] = []
        self._part = part

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Object:
        self.asked += 1
        self.queries.append(query or {})
        return {"errors": [], **self._part(self.asked - 1)}


def servers(*numbers: int) -> list[Mapping[str, str]]:
    return [
        {"cloud": "prod", "id": str(number), "name": "a", "status": "ACTIVE", "page": "http://x", "path": "/c"}
        for number in numbers
    ]


def test_an_empty_part_is_the_last_whatever_marker_it_has() -> None:
    asked = Asked(lambda number: {"servers": servers(number)[number:], "next_marker": f"m{number}"})
    listing = listed(asked)
    assert ([server["id"] for server in listing["servers"]], listing["next_marker"]) == (["0"], None)
    assert asked.asked == 2


@pytest.mark.parametrize("round_", [1, 2, 3])
def test_a_marker_that_was_followed_before_ends_the_list(round_: int) -> None:
    asked = Asked(lambda number: {"servers": servers(number), "next_marker": f"m{number % round_}"})
    assert listed(asked)["next_marker"] is None
    assert asked.asked == round_ + 1


def test_a_gateway_that_gives_more_than_it_was_asked_for_is_asked_no_further() -> None:
    asked = Asked(lambda number: {"servers": servers(1, 2, 3), "next_marker": f"m{number}"})
    listing = listed(asked, limit=2)
    assert ([server["id"] for server in listing["servers"]], listing["next_marker"]) == (["1", "2"], "m0")
    assert asked.asked == 1


def test_a_list_that_never_ends_is_given_up_with_a_sentence() -> None:
    asked = Asked(lambda number: {"servers": servers(number), "next_marker": f"m{number}"})
    with pytest.raises(Failure) as failure:
        listed(asked)
    assert failure.value.sentence == (
        "the gateway at unix:/run/x.sock lists more than 1000 servers, or never ends its list."
    )
    assert (failure.value.code, asked.asked) == (70, 1000)
    assert failure.value.advice == ("Part of it is shown with: --limit NUMBER",)


def test_slow_clouds_get_most_of_the_time_and_old_servers_are_asked_for_anew() -> None:
    asked = Asked(lambda number: {"servers": servers(number), "next_marker": None})
    listed(asked, query="web")
    assert asked.queries == [{"q": "web", "limit": "1000", "wait": "0.800", "max_age": "15"}]


def test_what_is_known_of_the_clouds_is_what_the_first_part_said() -> None:
    parts: list[dict[str, Any]] = [
        {"as_of": {"prod": "10:00"}, "waiting": ["stage"]},
        {"as_of": {"prod": "10:00", "stage": "10:01"}},
    ]
    asked = Asked(lambda number: {**parts[number], "servers": servers(number), "next_marker": None if number else "m"})
    listing = listed(asked)
    assert (listing["as_of"], listing["waiting"]) == ({"prod": "10:00"}, ["stage"])


@pytest.mark.parametrize("known", [{"as_of": []}, {"as_of": {"prod": 7}}, {"waiting": {}}, {"waiting": [7]}])
def test_what_is_said_of_the_clouds_is_looked_at_before_it_is_believed(known: Mapping[str, Any]) -> None:
    with pytest.raises(Failure, match="no console-launcher"):
        listed(Asked(lambda _: {"servers": [], "next_marker": None, **known}))


def test_clouds_that_are_late_are_told_with_the_age_of_what_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {
        "servers": servers(1),
        "next_marker": None,
        "as_of": {"prod": "10:00", "stage": "10:01", "fine": "10:02"},
        "waiting": ["prod", "new"],
        "errors": [{"cloud": "stage", "detail": "stage is busy."}, {"detail": "odd"}],
    }
    monkeypatch.setattr("launcher.cli.servers.client_of", lambda _: Asked(lambda _: said))
    code = run(argparse.Namespace(query=[], cloud=None, limit=None, json=False))
    assert code == Exit.TRY_AGAIN
    assert capsys.readouterr().err.splitlines() == [
        "console-launcher: stage is busy.",
        "console-launcher: odd",
        "console-launcher: prod: it has not answered yet.",
        "console-launcher: new: it has not answered yet.",
        "console-launcher: prod: its servers are shown as of 10:00.",
        "console-launcher: stage: its servers are shown as of 10:01.",
    ]
