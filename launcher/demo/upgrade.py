"""Upgrade requests as Nova's console proxy reads them: where the console token stands, which page may ask. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs, urlsplit

from multidict import CIMultiDict

HEAD_LIMIT: Final = 16 * 1024


class UpgradeError(Exception):
    """The request is answered with this status instead of a 101."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What a client asks for."""

    token: str | None = field(repr=False)
    origin_fits: bool
    headers: Mapping[str, str] = field(repr=False)
    """For the handshake itself, which is the WebSocket engine's."""


def parse_upgrade(head: bytes) -> Upgrade:
    """A request's head, up to its empty line. Raises UpgradeError."""
    request_line, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method = request_line.partition(" ")[0]
    fields = (line.partition(":") for line in lines)
    headers = CIMultiDict((name.strip(), value.strip()) for name, _, value in fields)
    if method != "GET":
        raise UpgradeError(405, "Only GET is answered here.")
    if headers.get("Upgrade", "").lower() != "websocket":
        raise UpgradeError(404, "This is a console proxy: open the server's bookmark at the gateway instead.")
    # Split at its commas only, as websockify does it: a space before `binary` makes another word of it.
    if "binary" not in headers.get("Sec-WebSocket-Protocol", "binary").split(","):
        raise UpgradeError(400, "Invalid protocol selected")
    return Upgrade(token_of(request_line, headers.get("Cookie", "")), _origin_fits(headers), headers)


def token_of(request_line: str, cookie: str = "") -> str | None:
    """The last `token` of the query, on any path; else the cookie's."""
    target = request_line.partition(" ")[2].rpartition(" ")[0]
    try:
        tokens = parse_qs(urlsplit(target).query, keep_blank_values=True).get("token")
        if tokens:
            return tokens[-1]
        found = SimpleCookie(cookie).get("token")
    except (ValueError, CookieError):
        return None
    return found.value if found else None


def _origin_fits(headers: Mapping[str, str]) -> bool:
    """Programs send no Origin; a page's must name our own host, and the scheme of the console URL."""
    origin = headers.get("Origin")
    if origin is None:
        return True
    try:
        parts, host = urlsplit(origin), urlsplit(f"//{headers.get('Host', '')}").hostname
    except ValueError:
        return False
    scheme = headers.get("X-Forwarded-Proto", parts.scheme)
    return parts.hostname is not None and parts.hostname == host and scheme == "http"
