"""The head of a console proxy's HTTP response: status line and headers, read as they come.

Errors are the end of a sentence that begins with the console proxy's name. They never hold the peer's own words: these
may repeat the request, and the request holds the console token.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus

from launcher.errors import UpstreamProtocolError
from launcher.model import Secret

SIZE_LIMIT = 16 * 1024
HEADER_LIMIT = 100

_END = b"\r\n\r\n"
_HTTP = b"HTTP/"
_STATUS_LINE = re.compile(r"HTTP/(\d\.\d) (\d{3})(?: ([^\x00-\x1f\x7f]*))?")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_GREETINGS = (
    (b"RFB ", "greets as a VNC server does"),
    (b"SSH-", "greets as an SSH server does"),
    (b"\x15\x03", "speaks TLS"),
)


@dataclass(frozen=True, slots=True)
class Head:
    """A whole head; of its headers nothing is known yet."""

    version: str
    """`1.0`, `1.1` …"""
    status: int
    reason: str
    """The console proxy's own words: not for display."""
    lines: tuple[str, ...] = field(repr=False)
    """The headers, a line each."""
    leftover: bytes = field(repr=False)
    """What came behind the empty line."""


class HeadReader:
    """Reads a head of at most SIZE_LIMIT bytes; `to` names in errors what it is the answer to."""

    __slots__ = ("_buffer", "_to")

    def __init__(self, to: str) -> None:
        self._to = to
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Head | None:
        """The head, once it is whole. Raises UpstreamProtocolError; then, and after the head, feed no more."""
        seen = max(0, len(self._buffer) - len(_END) + 1)
        self._buffer += chunk
        if not self._buffer.startswith(_HTTP[: len(self._buffer)]):
            raise UpstreamProtocolError(f"does not speak HTTP{_greeting(self._buffer)}.")
        end = self._buffer.find(_END, seen)
        if end > SIZE_LIMIT or (end < 0 and len(self._buffer) > SIZE_LIMIT):
            raise UpstreamProtocolError(f"answered {self._to} with more than {SIZE_LIMIT} bytes.")
        if end < 0:
            return None
        line, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        found = _STATUS_LINE.fullmatch(line)
        if found is None:
            raise UpstreamProtocolError(f"answered {self._to} with a malformed status line.")
        return Head(found[1], int(found[2]), found[3] or "", tuple(lines), bytes(self._buffer[end + len(_END) :]))

    def headers(self, head: Head) -> dict[str, str]:
        """Headers by their names in lower case; repeated ones are joined. Raises UpstreamProtocolError."""
        if len(head.lines) > HEADER_LIMIT:
            raise UpstreamProtocolError(f"answered {self._to} with more than {HEADER_LIMIT} headers.")
        headers: dict[str, str] = {}
        for line in head.lines:
            found = _HEADER.fullmatch(line)
            if found is None:
                raise UpstreamProtocolError(f"answered {self._to} with a malformed header.")
            name, value = found[1].lower(), found[2].rstrip(" \t")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return headers


def request_target(path: Secret) -> str:
    """Path and query as a request line may hold them. Raises UpstreamProtocolError."""
    target = path.reveal()
    if not target.startswith("/") or "#" in target or not is_visible(target):
        raise UpstreamProtocolError("has a console URL whose path holds characters that must not be in one.")
    return target


def is_visible(text: str) -> bool:
    """Whether it is one word of visible ASCII."""
    return _VISIBLE.fullmatch(text) is not None


def shown(status: int) -> str:
    """A status as people read it, in the standard's words."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _greeting(buffer: bytearray) -> str:
    """What a peer that does not speak HTTP seems to be."""
    return next((f" ({words})" for begin, words in _GREETINGS if buffer.startswith(begin)), "")
