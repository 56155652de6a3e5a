"""Our side of the upgrade to a console proxy (RFC 6455 §4.1): the request built, the response read.

The request holds the console token, so nothing of it is ever repeated in an error. Errors are the end of a sentence
that begins with the console proxy's name.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from http import HTTPStatus

from launcher import __version__
from launcher.errors import UpstreamProtocolError
from launcher.model import Secret

SIZE_LIMIT = 16 * 1024
HEADER_LIMIT = 100
SUBPROTOCOL = "binary"

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_END = b"\r\n\r\n"
_HTTP = b"HTTP/"
_STATUS_LINE = re.compile(r"HTTP/(\d\.\d) (\d{3})(?: ([^\x00-\x1f\x7f]*))?")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_GREETING = re.compile(r"[A-Za-z0-9 ._-]{1,16}")


@dataclass(frozen=True, slots=True)
class Response:
    """A `101` that keeps to the protocol."""

    status: int
    reason: str
    """The console proxy's own words: not for display."""
    protocol: str | None
    """The subprotocol chosen: `binary` or none."""
    leftover: bytes = field(repr=False)
    """What came behind the response: the first bytes of frames."""


def request(host: str, path: Secret, key: bytes) -> bytes:
    """The upgrade request. `host`: as in the Host header, with the port unless it is the scheme's own; `path`: path and
    query; `key`: 16 bytes of chance. It carries no Origin, as programs do. Raises UpstreamProtocolError.
    """
    target = path.reveal()
    if not target.startswith("/") or "#" in target or not _VISIBLE.fullmatch(target):
        raise UpstreamProtocolError("has a console URL whose path holds characters that must not be in one.")
    if not _VISIBLE.fullmatch(host):
        raise UpstreamProtocolError("has a console URL whose host is not a name.")
    lines = (
        f"GET {target} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(key).decode()}",
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
        f"User-Agent: console-launcher/{__version__}",
    )
    return "\r\n".join(lines).encode() + _END


def accept_for(key: bytes) -> str:
    """The `Sec-WebSocket-Accept` that answers a key (RFC 6455 §4.2.2)."""
    return base64.b64encode(hashlib.sha1(base64.b64encode(key) + _GUID, usedforsecurity=False).digest()).decode()


class ResponseReader:
    """Reads the response to `request`: at most SIZE_LIMIT bytes and HEADER_LIMIT headers of it."""

    __slots__ = ("_buffer", "_key")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Response | None:
        """The response, once it is whole. Raises UpstreamProtocolError; then, and after the response, feed no more."""
        seen = max(0, len(self._buffer) - len(_END) + 1)
        self._buffer += chunk
        if not self._buffer.startswith(_HTTP[: len(self._buffer)]):
            raise UpstreamProtocolError(f"does not speak HTTP{_greeting(self._buffer)}.")
        end = self._buffer.find(_END, seen)
        if end > SIZE_LIMIT or (end < 0 and len(self._buffer) > SIZE_LIMIT):
            raise UpstreamProtocolError(f"answered the WebSocket handshake with more than {SIZE_LIMIT} bytes.")
        if end < 0:
            return None
        head, leftover = self._buffer[:end].decode("latin-1"), bytes(self._buffer[end + len(_END) :])
        return self._response(head.split("\r\n"), leftover)

    def _response(self, lines: list[str], leftover: bytes) -> Response:
        version, status, reason = _status(lines[0])
        if status != HTTPStatus.SWITCHING_PROTOCOLS:
            raise UpstreamProtocolError(f"answered {_shown(status)} instead of a WebSocket.")
        if version != "1.1":
            raise UpstreamProtocolError(f"answered the WebSocket handshake in HTTP/{version} instead of HTTP/1.1.")
        headers = _headers(lines[1:])
        self._check(headers)
        return Response(status, reason, headers.get("sec-websocket-protocol"), leftover)

    def _check(self, headers: dict[str, str]) -> None:
        """Whether the headers of the `101` are what RFC 6455 §4.1 demands. Raises UpstreamProtocolError."""
        if headers.get("upgrade", "").lower() != "websocket":
            raise UpstreamProtocolError("answered 101 without `Upgrade: websocket`.")
        if "upgrade" not in (token.strip() for token in headers.get("connection", "").lower().split(",")):
            raise UpstreamProtocolError("answered 101 without `Connection: Upgrade`.")
        if headers.get("sec-websocket-accept") != accept_for(self._key):
            raise UpstreamProtocolError("answered 101, but its Sec-WebSocket-Accept is wrong.")
        if headers.get("sec-websocket-extensions"):
            raise UpstreamProtocolError("answered 101 with a WebSocket extension that was not asked for.")
        if headers.get("sec-websocket-protocol", SUBPROTOCOL) != SUBPROTOCOL:
            raise UpstreamProtocolError("answered 101 with a subprotocol that was not asked for.")


def _status(line: str) -> tuple[str, int, str]:
    """Version, status and reason of a status line. Raises UpstreamProtocolError."""
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        raise UpstreamProtocolError("answered the WebSocket handshake with a malformed status line.")
    return found[1], int(found[2]), found[3] or ""


def _headers(lines: list[str]) -> dict[str, str]:
    """Headers by their names in lower case; repeated ones are joined. Raises UpstreamProtocolError."""
    if len(lines) > HEADER_LIMIT:
        raise UpstreamProtocolError(f"answered the WebSocket handshake with more than {HEADER_LIMIT} headers.")
    headers: dict[str, str] = {}
    for line in lines:
        found = _HEADER.fullmatch(line)
        if found is None:
            raise UpstreamProtocolError("answered the WebSocket handshake with a malformed header.")
        name, value = found[1].lower(), found[2].rstrip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _shown(status: int) -> str:
    """A status as people read it, in the standard's words: a peer's own words may repeat the request."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _greeting(buffer: bytearray) -> str:
    """How a peer that does not speak HTTP began, as far as that can be shown: an echo of the request cannot."""
    found = _GREETING.match(buffer[:64].decode("latin-1"))
    if found is None or buffer.startswith(b"GET"):
        return ""
    return f' (greeted with "{found[0].rstrip()}")'
