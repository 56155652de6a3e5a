"""A server's side of the WebSocket, as websockify behaves: upgrade requests and frames of clients read. Pure."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs, urlsplit

from launcher.relay.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, Fault, Stop, parse_close, read_header, xor

HEAD_LIMIT: Final = 16 * 1024
MESSAGE_LIMIT: Final = 512 * 1024
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class UpgradeError(Exception):
    """The request is answered with this status instead of a 101."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What a client asks for; `answer` is the whole 101."""

    token: str | None = field(repr=False)
    origin_fits: bool
    answer: bytes = field(repr=False)


def parse_upgrade(head: bytes) -> Upgrade:
    """A request's head, up to its empty line. Raises UpgradeError."""
    request_line, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, _, rest = request_line.partition(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if method != "GET":
        raise UpgradeError(405, "Only GET is answered here.")
    if headers.get("upgrade", "").lower() != "websocket" or not headers.get("sec-websocket-key"):
        raise UpgradeError(404, "This is a console proxy: open the server's bookmark at the gateway instead.")
    protocol = _protocol(headers.get("sec-websocket-protocol"))
    answer = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {_accept(headers['sec-websocket-key'])}\r\n{protocol}\r\n"
    )
    token = _token(rest.rpartition(" ")[0], headers.get("cookie", ""))
    return Upgrade(token, _origin_fits(headers), answer.encode("latin-1"))


def _protocol(offered: str | None) -> str:
    """The header that chooses `binary`; the list is split at its commas only, as websockify does it."""
    if offered is None:
        return ""
    if "binary" not in offered.split(","):
        raise UpgradeError(400, "Invalid protocol selected")
    return "Sec-WebSocket-Protocol: binary\r\n"


def _accept(key: str) -> str:
    digest = hashlib.sha1(key.encode("latin-1") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def _token(target: str, cookie: str) -> str | None:
    """The last `token` of the query, on any path; else the cookie's."""
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
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        parts, host = urlsplit(origin), urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return False
    scheme = headers.get("x-forwarded-proto", parts.scheme)
    return parts.hostname is not None and parts.hostname == host and scheme == "http"


@dataclass(frozen=True, slots=True)
class Message:
    """A whole binary message."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Ping:
    payload: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """The client's close frame; `answer` is its echo."""

    answer: bytes


@dataclass(frozen=True, slots=True)
class Broken:
    """The client broke the protocol: close with this."""

    code: int
    reason: str


Incoming = Message | Ping | Closed | Broken


class Frames:
    """Takes bytes of a client as they come; after Closed or Broken nothing more is read."""

    def __init__(self) -> None:
        self._buffer = b""
        self._parts: list[bytes] = []
        self._over = False

    def feed(self, chunk: bytes) -> Iterator[Incoming]:
        """What the client said, as far as it is whole."""
        self._buffer += chunk
        while not self._over:
            header = read_header(self._buffer, 0, MESSAGE_LIMIT, masked=True)
            if isinstance(header, Fault):
                yield self._broken(1009 if header.stop is Stop.TOO_LARGE else 1002, header.why)
                return
            if header is None or len(self._buffer) < header.start + header.length:
                return
            end = header.start + header.length
            payload = xor(self._buffer[header.start : end], self._buffer[header.start - 4 : header.start])
            self._buffer = self._buffer[end:]
            incoming = self._frame(header.opcode, header.fin, payload)
            if incoming is not None:
                yield incoming

    def _frame(self, opcode: int, fin: bool, payload: bytes) -> Incoming | None:
        if opcode == CLOSE:
            return self._closed(payload)
        if opcode == PING:
            return Ping(payload)
        if opcode == PONG:
            return None
        if opcode not in (BINARY, CONTINUATION):
            return self._broken(1003, "Text frames are not taken here")
        if (opcode == CONTINUATION) is not bool(self._parts):
            return self._broken(1002, "A continuation was not expected, or a new message before the end of one")
        self._parts.append(payload)
        if sum(map(len, self._parts)) + len(self._parts) > MESSAGE_LIMIT:
            return self._broken(1009, "The message is too large")
        return self._message() if fin else None

    def _message(self) -> Message:
        whole = b"".join(self._parts)
        self._parts.clear()
        return Message(whole)

    def _closed(self, payload: bytes) -> Incoming:
        try:
            parse_close(payload)
        except ValueError:
            return self._broken(1002, "The close frame makes no sense")
        self._over = True
        return Closed(frame(payload, CLOSE))

    def _broken(self, code: int, reason: str) -> Broken:
        self._over = True
        return Broken(code, reason)


def frame(payload: bytes, opcode: int = BINARY) -> bytes:
    """One whole frame of a server."""
    size = len(payload)
    if size < 126:
        return struct.pack(">BB", 0x80 | opcode, size) + payload
    if size < 1 << 16:
        return struct.pack(">BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack(">BBQ", 0x80 | opcode, 127, size) + payload


def close_frame(code: int, reason: str) -> bytes:
    return frame(struct.pack(">H", code) + reason.encode(), CLOSE)
