"""What a viewer and its screen say to each other, so that each knows what must come next.

After RFB's greeting (`tests.benchmarks.wire`), whose last message names the server and the screen, the screen sends
*updates*, each with its screen's number, its own number and bytes that follow from both; the viewer answers each with a
*request* of ten bytes, as noVNC does, which has a number of its own and repeats the moment when the update was sent. A
request may ask for an update, and for the session to end in a certain way behind it. Whoever resets the connection does
so when the other has seen everything: what is under way then may be lost.
"""

from __future__ import annotations

import enum
import random
import struct
import time
from dataclasses import dataclass, field

from tests.benchmarks import wire

_INIT = struct.Struct(">I")
_UPDATE = struct.Struct(">BxHIIQ")
_REQUEST = struct.Struct(">BBII")
_UPDATE_TYPE, _REQUEST_TYPE = 0, 3

SIZES = (200, 400, 900, 1800, 3500, 7000)
"""Bytes of the updates' contents, by turns: a cursor that blinks, a line of text, a window that scrolls."""
_PERIOD = 4096
_NOISE = random.Random(6080).randbytes(_PERIOD + max(SIZES))

BINARY, CLOSE, PING, PONG = 0x2, 0x8, 0x9, 0xA
NO_CODE = 1005


class Way(enum.IntEnum):
    """What a request asks for: nothing, or an update and this end of the session behind it."""

    NONE = 0
    VIEWER_CLOSES = 1
    VIEWER_RESETS = 2
    SCREEN_CLOSES = 3
    SCREEN_RESETS = 4
    STALE = 5
    """The console token is refused at first; then the viewer closes."""


SHORT_WAYS = tuple(way for way in Way if way is not Way.NONE)


class ConversationError(Exception):
    """The other end, or somebody between the two, did not keep to the conversation."""


@dataclass(frozen=True, slots=True)
class Update:
    """One update, as it came."""

    screen: int
    number: int
    sent_at: int
    """Nanoseconds of the clock that all processes of this machine share."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as it came."""

    way: Way
    number: int
    sent_at: int
    """The update's, the lower 32 bits of its microseconds."""


def server_init(server: str, screen: int) -> bytes:
    """The end of the greeting; the desktop's name is the server's name and the screen's number."""
    name = f"{server} {screen}".encode()
    return wire.SERVER_INIT[:20] + _INIT.pack(len(name)) + name


def parse_server_init(message: bytes) -> tuple[str, int]:
    """Server and screen. Raises ConversationError."""
    server, _, screen = message[24:].decode(errors="replace").partition(" ")
    if message[:20] != wire.SERVER_INIT[:20] or not screen.isdecimal():
        raise ConversationError(f"the greeting ended with {message[:60]!r}")
    return server, int(screen)


def update(screen: int, number: int) -> bytes:
    """A screen's next update."""
    head = _UPDATE.pack(_UPDATE_TYPE, 0, screen, number, time.monotonic_ns())
    return head + _contents(screen, number)


def parse_update(message: bytes, screen: int, number: int) -> Update:
    """The update that must come now, every byte of it checked. Raises ConversationError."""
    if len(message) < _UPDATE.size:
        raise ConversationError(f"update {number} has {len(message)} bytes")
    _, _, *found, sent_at = _UPDATE.unpack_from(message)
    if found != [screen, number]:
        raise ConversationError(f"update {found[1]} of screen {found[0]} came where {number} of {screen} was expected")
    if message[_UPDATE.size :] != _contents(screen, number):
        raise ConversationError(f"update {number} of screen {screen} has other bytes than were sent")
    return Update(screen, number, sent_at)


def _contents(screen: int, number: int) -> bytes:
    mixed = screen * 7 + number
    begin = (mixed * 31) % _PERIOD
    return _NOISE[begin : begin + SIZES[mixed % len(SIZES)]]


def request(way: Way, number: int, sent_at: int) -> bytes:
    """What a viewer sends: FramebufferUpdateRequest's type and length (RFC 6143 §7.5.3)."""
    return _REQUEST.pack(_REQUEST_TYPE, way, number & 0xFFFFFFFF, sent_at // 1000 & 0xFFFFFFFF)


def parse_request(message: bytes, number: int) -> Request:
    """The request that must come now. Raises ConversationError."""
    if len(message) != _REQUEST.size:
        raise ConversationError(f"request {number} has {len(message)} bytes")
    _, way, found, sent_at = _REQUEST.unpack(message)
    if found != number:
        raise ConversationError(f"request {found} came where {number} was expected")
    return Request(Way(way), found, sent_at)


def microseconds_since(sent_at: int) -> int:
    """Since the moment that a request repeats."""
    return (time.monotonic_ns() // 1000 - sent_at) & 0xFFFFFFFF


class Frames:
    """Cuts a stream into WebSocket frames; messages come unfragmented here."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def feed(self, chunk: bytes) -> list[tuple[int, bytes]]:
        """Opcode and payload of each frame that is whole by now. Raises ConversationError."""
        stream = self._held + chunk if self._held else chunk
        found, at = [], 0
        while (frame := _frame(stream, at)) is not None:
            opcode, payload, at = frame
            found.append((opcode, payload))
        self._held = stream[at:]
        return found


def _frame(stream: bytes, at: int) -> tuple[int, bytes, int] | None:
    """Opcode, payload and end of the frame at `at`. Raises ConversationError."""
    if len(stream) < at + 2:
        return None
    first, size = stream[at], stream[at + 1] & 0x7F
    masked = stream[at + 1] >> 7
    if first & 0xF0 != 0x80 or size == 127:
        raise ConversationError(f"a frame begins with {stream[at : at + 2].hex()}")
    begin = at + 2
    if size == 126:
        size, begin = int.from_bytes(stream[begin : begin + 2]), begin + 2
    end = begin + 4 * masked + size
    if len(stream) < end:
        return None
    payload = stream[end - size : end]
    return first & 0x0F, _xor(payload, stream[begin : begin + 4]) if masked else payload, end


def _xor(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    masks = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(masks)).to_bytes(size)


def close_code(payload: bytes) -> int:
    """Of a close frame."""
    return int.from_bytes(payload[:2]) if len(payload) >= 2 else NO_CODE


@dataclass(slots=True)
class Faults:
    """What went wrong: how often, and the first few in words."""

    count: int = 0
    told: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        self.count += 1
        if len(self.told) < 10:
            self.told.append(what)
