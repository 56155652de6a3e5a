"""The shape of a console URL, for people who look for what is wrong with it: every secret of it is `***`. Pure.

Of what stands behind a `?` only the keys that console URLs have are shown, of a path only segments that look like
words. noVNC's key `path` holds a path with a query in turn, or a whole URL: these are opened up and masked inside.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, urlsplit

MASK = "***"

_DEPTH = 3
_LONGEST = 300
_PLAIN = re.compile(r"[\x21-\x7e]*")
_WORD = re.compile(r"[A-Za-z0-9_.~-]{0,40}")
_SECRET = re.compile(r"[0-9A-Fa-f-]{16,}|[0-9A-Za-z_-]{24,}")
_SCHEMES = ("http", "https", "ws", "wss")
_OTHER_SCHEME = re.compile("[a-z]{2,12}")
_URL = re.compile(r"(https?|wss?)://", re.IGNORECASE)
_KEYS = frozenset({
    "autoconnect", "encrypt", "host", "password", "path", "port", "ref", "resize", "session_id", "title", "token",
    "view_only",
})  # fmt: skip


def shape_of(url: str) -> str:
    """`scheme://host:port/path?token=***`; what it is instead, where the text is no URL."""
    if not _PLAIN.fullmatch(url):
        return "(a text with spaces, control characters or letters beyond ASCII, which no URL has)"
    shape = _shape(url, _DEPTH)
    return shape if len(shape) <= _LONGEST else f"{shape[: _LONGEST - 1]}…"


def _shape(url: str, depth: int) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "(no URL that can be read)"
    if parts.scheme and parts.scheme not in _SCHEMES:
        return f"{parts.scheme if _OTHER_SCHEME.fullmatch(parts.scheme) else MASK}:{MASK}"
    place = ""
    if parts.scheme or parts.netloc:
        name = f"[{host}]" if host and ":" in host else host or ""
        user = f"{MASK}@" if "@" in parts.netloc else ""
        place = f"{parts.scheme}://{user}{name}" + (f":{port}" if port is not None else "")
    return place + _path(parts.path) + _behind(parts, depth)


def _path(path: str) -> str:
    return "/".join(
        segment if _WORD.fullmatch(segment) and not _SECRET.search(segment) else MASK for segment in path.split("/")
    )


def _behind(parts: SplitResult, depth: int) -> str:
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = "&".join(_pair(key, value, depth) for key, value in pairs)
    return (f"?{query}" if query else "") + (f"#{MASK}" if parts.fragment else "")


def _pair(key: str, value: str, depth: int) -> str:
    if key not in _KEYS:
        return MASK
    if not value:
        return f"{key}="
    if key != "path" or depth <= 0 or not _PLAIN.fullmatch(value):
        return f"{key}={MASK}"
    inner = value if _URL.match(value) else "/" + value.lstrip("/")
    return f"path={_shape(inner, depth - 1)}"
