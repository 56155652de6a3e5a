"""A listing in parts, from gateways that do not know where it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from launcher.cli.answers import Object
from launcher.cli.client import Client
from launcher.cli.failure import Failure
from launcher.cli.gateway import UnixGateway
from launcher.cli.servers import listed

Part = Callable[[int], Mapping[str, Any]]


class Asked(Client):
    """A client whose gateway answers with the part that `part` makes of the number of earlier requests."""

    def __init__(self, part: Part) -> None:
        super().__init__(UnixGateway("/run/x.sock"), 1)
        self.asked = 0
        self._part = part

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Object:
        self.asked += 1
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
