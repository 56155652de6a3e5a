"""Where a request comes from, by what browsers say of it."""

from __future__ import annotations

import pytest

from launcher.access.provenance import Provenance, fetched_ahead, linked_from, origin_of, provenance

OWN, LINK, FOREIGN = Provenance.OWN, Provenance.LINK, Provenance.FOREIGN_PAGE


@pytest.mark.parametrize(
    ("site", "mode", "dest", "found"),
    [
        ([], "", "", OWN),
        (["none"], "navigate", "document", OWN),
        (["same-origin"], "cors", "empty", OWN),
        (["same-origin"], "websocket", "websocket", OWN),
        (["cross-site"], "navigate", "document", LINK),
        (["same-site"], "navigate", "document", LINK),
        (["cross-site"], "navigate", "", LINK),
        (["cross-site"], "navigate", "iframe", FOREIGN),
        (["cross-site"], "navigate", "embed", FOREIGN),
        (["cross-site"], "no-cors", "image", FOREIGN),
        (["same-site"], "cors", "empty", FOREIGN),
        (["cross-site"], "", "", FOREIGN),
        (["same-origin", "cross-site"], "no-cors", "script", FOREIGN),
    ],
)
def test_the_headers_tell_links_from_pictures(site: list[str], mode: str, dest: str, found: Provenance) -> None:
    assert provenance(site, mode, dest) is found


@pytest.mark.parametrize(
    "headers", [{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}, {"X-Moz": "Prefetch"}]
)
def test_what_is_fetched_ahead_is_asked_for_by_nobody(headers: dict[str, str]) -> None:
    assert fetched_ahead(headers)
    assert not fetched_ahead({"Sec-Fetch-Site": "none"})


@pytest.mark.parametrize(
    ("referer", "origin"),
    [
        ("https://wiki.example.net/", "https://wiki.example.net"),
        ("https://wiki.example.net/a?b=https://x/", "https://wiki.example.net"),
        ("http://wiki.localhost:8080/", "http://wiki.localhost:8080"),
        ("", ""),
        ("about:blank", ""),
        ("https://", ""),
    ],
)
def test_a_referer_names_an_origin(referer: str, origin: str) -> None:
    assert origin_of(referer) == origin


def test_sites_are_compared_whole() -> None:
    sites = {"https://wiki.example.net"}
    assert linked_from("https://wiki.example.net/page", sites)
    for other in ("http://wiki.example.net/", "https://wiki.example.net.evil/", "https://wiki.example.net:444/", ""):
        assert not linked_from(other, sites)
    assert not linked_from("", {""})
