"""A console URL → where to dial, with which console token.

What the API returns is the address of a *page*; the page's script makes the WebSocket's address of it. The shapes
(Nova's nova/objects/console_auth_token.py; noVNC's vnc_auto.html, vnc_lite.html and vnc.html):

- `…/vnc_lite.html?path=%3Ftoken%3D<uuid>` (Nova from 18.2.3, 19.0.3 and 20.0.0 on): dialled is `/` + the decoded path
- `…/vnc_lite.html?path=novnc%3Ftoken%3D<uuid>` (Nova from 31.0.0 on, a base URL with a path of its own)
- `…/vnc_auto.html?token=<uuid>`, `…/console?token=<uuid>`: the page dials `/websockify?token=<uuid>`
- `ws://…/?token=<uuid>`: the WebSocket's address itself

nova-novncproxy reads the query only; a load balancer before it may route by the path, which `console_url` can set.

A console URL of kind xvpvnc, `http(s)://…:port/console?token=<uuid>`, is no page's: path and query are asked for as
they are (nova-xvpvncproxy reads the query only, too).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, quote, urlencode, urlsplit, urlunsplit

from launcher.errors import CloudReplyError
from launcher.model import Carrier, Kind, Secret, Target

_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_XVP_SCHEMES = ("http", "https")
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")


class Rewrite(Protocol):
    """Mends console URLs that begin with `from_`; `path` sets the WebSocket's path."""

    @property
    def from_(self) -> str: ...
    @property
    def to(self) -> str: ...
    @property
    def path(self) -> str | None: ...


def target_of(
    url: Secret,
    *,
    cloud: str,
    kind: Kind = Kind.NOVNC,
    rewrites: Sequence[Rewrite] = (),
    hosts: Sequence[str] = (),
    plain: bool = False,
) -> Target:
    """Where a console URL of this kind is dialled: the WebSocket of its page, or an xvpvnc proxy.

    `hosts` are patterns (`*.example.net`) that the host must match one of, if there are any; `plain` allows http, ws,
    which a rewrite to such an address does as well.
    Raises CloudReplyError, whose text never holds the URL's path or query.
    """
    try:
        page = _parse(url.reveal(), rewrites)
        address, path = _as_it_is(page[0]) if kind is Kind.XVPVNC else _address_and_path(page[0])
        plain = plain or _is_named(_place(address), rewrites)
        target = _checked(address, page[1] or path, _token(path), hosts=hosts, plain=plain)
        return replace(target, carrier=Carrier.XVP) if kind is Kind.XVPVNC else target
    except ValueError as error:
        raise CloudReplyError(f"{cloud}: its console URL cannot be used: {error}", cloud=cloud) from None


def names(rewrites: Sequence[Rewrite], target: Target) -> bool:
    """Whether a rewrite leads to exactly this address: then it is the operator's own word."""
    secure = ("https", "wss") if target.tls else ("http", "ws")
    return any(_is_named((scheme, target.host, target.port), rewrites) for scheme in secure)


def _is_named(place: tuple[str, str | None, int | None], rewrites: Sequence[Rewrite]) -> bool:
    """Host, port and whether it is encrypted count; http and ws are the same here."""
    return any(_as_http(_place(urlsplit(rewrite.to))) == _as_http(place) for rewrite in rewrites)


def _as_http(place: tuple[str, str | None, int | None]) -> tuple[str, str | None, int | None]:
    return place[0].replace("ws", "http", 1), place[1], place[2]


def _parse(url: str, rewrites: Sequence[Rewrite]) -> tuple[SplitResult, str | None]:
    if _UNSAFE.search(url):
        raise ValueError("it holds spaces or control characters")
    parts = urlsplit(url)
    for rewrite in rewrites:
        mended = _rewritten(parts, rewrite)
        if mended is not None:
            return mended, rewrite.path
    return parts, None


def _rewritten(parts: SplitResult, rewrite: Rewrite) -> SplitResult | None:
    """The URL under its new base, or None where the rewrite is for others."""
    base, to = urlsplit(rewrite.from_), urlsplit(rewrite.to)
    prefix = base.path or "/"
    path = parts.path or "/"
    if _place(parts) != _place(base) or not path.startswith(prefix):
        return None
    rest = path[len(prefix) :].lstrip("/")
    return parts._replace(scheme=to.scheme, netloc=to.netloc, path=(to.path or "/").rstrip("/") + "/" + rest)


def _place(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _address_and_path(page: SplitResult) -> tuple[SplitResult, str]:
    """What the page's script dials: the address, and path with query."""
    if page.scheme in ("ws", "wss"):
        return page, urlunsplit(("", "", page.path or "/", page.query, ""))
    query = parse_qs(page.query, keep_blank_values=True)
    if "path" in query:
        inner = query["path"][-1]
        if inner.startswith(("ws://", "wss://")):
            return _address_and_path(urlsplit(inner))
        return page, "/" + _quoted(inner.lstrip("/"))
    return page, "/websockify?" + urlencode({"token": query.get("token", [""])[-1]})


def _as_it_is(url: SplitResult) -> tuple[SplitResult, str]:
    """The address of an xvpvnc proxy, and what it is asked for."""
    if url.scheme not in _XVP_SCHEMES:
        raise ValueError(f'its scheme "{url.scheme[:20]}" is not http or https')
    return url, urlunsplit(("", "", url.path or "/", url.query, ""))


def _quoted(path: str) -> str:
    """A decoded path made safe again for a request line, its query left as it is."""
    return quote(path, safe="/?&=%:@!$'()*+,;~-._[]")


def _token(path: str) -> str:
    tokens = parse_qs(urlsplit(path).query).get("token", [])
    if not tokens:
        raise ValueError("it holds no console token")
    return tokens[-1]


def _checked(address: SplitResult, path: str, token: str, *, hosts: Sequence[str], plain: bool) -> Target:
    if address.scheme not in _PORTS:
        raise ValueError(f'its scheme "{address.scheme[:20]}" is not http, https, ws or wss')
    if not address.hostname:
        raise ValueError("it names no host")
    if address.username is not None or address.password is not None:
        raise ValueError("it holds a user name")
    host = address.hostname
    if hosts and not any(fnmatchcase(host, pattern.lower()) for pattern in hosts):
        raise ValueError(f'its host "{host}" is not among this cloud\'s console_hosts')
    tls = address.scheme in ("https", "wss")
    if not tls and not plain:
        raise ValueError(
            f"it is unencrypted ({address.scheme}://{host}) while the cloud's API is not; "
            '"plain_console: true" allows it'
        )
    if "token=" not in path:
        path += ("&" if "?" in path else "?") + urlencode({"token": token})
    return Target(tls=tls, host=host, port=address.port or _PORTS[address.scheme], path=Secret(path))
