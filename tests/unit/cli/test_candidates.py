"""What the TAB key offers."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from launcher.cli.candidates import in_cloud, servers, unique
from launcher.cli.gateway import UnixGateway


def server(name: str, id: str = "0f0e", *, path: str | None = None, cloud: str = "prod") -> dict[str, Any]:  # noqa: A002 -- the API's own word
    return {"cloud": cloud, "id": id, "name": name, "status": "ACTIVE", "path": path or f"/c/{cloud}/{name}"}


def test_servers_of_a_cloud_are_offered_by_their_bookmarks() -> None:
    assert in_cloud([server("web-01"), server("twin", path="/c/prod/1f1e"), server("a/b", path="/c/prod/a%2Fb")]) == {
        "prod/web-01": "ACTIVE",
        "prod/1f1e": "ACTIVE",
        "prod/a/b": "ACTIVE",
    }


@pytest.mark.parametrize(
    "name", ["$(reboot)", "a b", "a\nb", "`id`", "x;y", "*", "a\\b", "~root", "a:b", "\x0b", "ü\u202e"]
)
def test_a_name_that_a_shell_would_read_is_offered_as_its_uuid(name: str) -> None:
    assert list(in_cloud([server(name, path="/c/prod/whatever%20" + "%24")])) == ["prod/0f0e"]
    assert unique([server(name)]) == {}


def test_a_plain_name_is_offered_where_one_server_has_it() -> None:
    listing = [
        server("web"),
        server("db"),
        server("db", cloud="stage"),
        server("odd", path="/c/prod/0f0e"),
        server("a/b"),
    ]
    assert unique(listing) == {"web": "prod, ACTIVE"}


def test_a_description_holds_nothing_that_a_completion_would_take_for_its_own() -> None:
    assert in_cloud([{**server("web"), "status": "A\t:$(x)\n"}]) == {"prod/web": "A???(x)?"}


def test_without_a_gateway_nothing_is_offered_and_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    asked = argparse.Namespace(gateway=UnixGateway("/nowhere/web.sock"))
    assert servers("w", asked) == servers("prod/", asked) == {}
    assert capsys.readouterr() == ("", "")
