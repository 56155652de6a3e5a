"""Which name a bookmark calls a server by."""

from __future__ import annotations

import pytest

from launcher.model import Server
from launcher.web.bookmarks import Bookmarks, alias_path, bookmarks_of, lasting_reference, page_path

ID = "0f0e0d0c-0b0a-4908-8706-050403020100"


@pytest.mark.parametrize("name", ["web-01", "a/b", "<img src=x>", "ü\u202e𝕏", "50%", "...a", "0f0e0d0c"])
def test_a_name_of_one_server_is_its_bookmark(name: str) -> None:
    assert lasting_reference(Server("prod", ID, name, "ACTIVE"), shared=False) == name


@pytest.mark.parametrize("name", ["", ".", "..", "bad\ufffdname", ID, ID.upper(), ID.replace("0", "9")])
def test_a_name_that_leads_elsewhere_or_nowhere_gives_way_to_the_uuid(name: str) -> None:
    assert lasting_reference(Server("prod", ID, name, "ACTIVE"), shared=False) == ID


def test_a_name_that_servers_share_gives_way_to_the_uuid() -> None:
    assert lasting_reference(Server("prod", ID, "web-01", "ACTIVE"), shared=True) == ID


def test_a_server_has_a_bookmark_by_its_name_and_one_by_its_uuid() -> None:
    server = Server("prod", ID, "a/b", "ACTIVE")
    alone, shared = (bookmarks_of(server, shared=shared) for shared in (False, True))
    assert alone == Bookmarks("/c/prod/a%2Fb", f"/c/prod/{ID}")
    assert alone.path == "/c/prod/a%2Fb"
    assert shared == Bookmarks(None, f"/c/prod/{ID}")
    assert shared.path == f"/c/prod/{ID}"


@pytest.mark.parametrize("name", [".", "..", ID, "bad\ufffdname"])
def test_a_name_that_cannot_be_a_bookmark_is_none(name: str) -> None:
    assert bookmarks_of(Server("prod", ID, name, "ACTIVE"), shared=False).by_name is None


def test_paths_are_percent_encoded() -> None:
    assert page_path("prod", "a/b ü?#") == "/c/prod/a%2Fb%20%C3%BC%3F%23"
    assert alias_path("db") == "/c/db"
