"""Tells where a browser's request comes from: the gateway's own page, the person, another site's link, or its page.

Browsers say it in headers that no script can set (W3C Fetch Metadata). Programs send none of them, and neither do
browsers over plain http beyond loopback: what is missing refuses nobody. What Chromium 156 sends (tried):

- `Sec-Fetch-Site: cross-site` or `same-site` for requests that another site's page causes, also when the person
  reloads what its link opened, and for another port of the same name; `none` for the address bar, bookmarks, mail;
- `Sec-Fetch-Mode: navigate` for what becomes a page, with `Sec-Fetch-Dest: document` for a tab, `iframe` for a frame;
- `Referer` with the linking page's origin, but none from an https page to an http address, 127.0.0.1 and localhost
  included, unless the page says `Referrer-Policy: origin`.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from typing import Final

OTHER_SITES: Final = frozenset({"cross-site", "same-site"})
"""Values of Sec-Fetch-Site (W3C Fetch Metadata §2.4) that say: a page of another origin asks."""
_TAB: Final = frozenset({"", "document"})
"""Values of Sec-Fetch-Dest for a page in a tab of its own; browsers of 2019 send the mode without it."""


class Provenance(enum.Enum):
    """Where a request comes from."""

    OWN = "own"
    """A page of the gateway itself, the person (address bar, bookmark), or a program."""
    LINK = "link"
    """Another site's link or script opens an address of the gateway as a page, in a tab."""
    FOREIGN_PAGE = "foreign page"
    """A page of another site loads it as a picture, a script, a frame or the like, or fetches it."""


def provenance(site: Sequence[str], mode: str, dest: str) -> Provenance:
    """Where a request with these Fetch Metadata headers comes from.

    `site` are all values of Sec-Fetch-Site, `mode` and `dest` those of their headers, empty where they are missing.
    """
    if not OTHER_SITES.intersection(site):
        return Provenance.OWN
    if mode == "navigate" and dest in _TAB:
        return Provenance.LINK
    return Provenance.FOREIGN_PAGE


def fetched_ahead(headers: Mapping[str, str]) -> bool:
    """Whether a browser loads a page before the person has asked for it (prefetch, prerender, link previews)."""
    return any("prefetch" in headers.get(name, "").lower() for name in ("Sec-Purpose", "Purpose", "X-Moz"))


def origin_of(referer: str) -> str:
    """Scheme, host and port of a `Referer` header's URL, as browsers write them; empty where it has none."""
    scheme, separator, rest = referer.partition("://")
    host = rest.partition("/")[0]
    return f"{scheme}://{host}" if separator and host else ""


def linked_from(referer: str, sites: Collection[str]) -> bool:
    """Whether the page of a `Referer` header belongs to one of these origins, compared whole."""
    origin = origin_of(referer)
    return origin != "" and origin in sites
