"""A viewer's words to a screen, from ClientInit on (RFC 6143 §7.3, §7.5): bytes → events. Pure.

What comes before (version, security) is the console proxy's affair: `security`. Every message has a limit, so a viewer
can make us keep no more than that.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from launcher.demo.canvas import Rect
from launcher.demo.clipboard import TEXT_LIMIT
from launcher.demo.pixels import OURS, PixelFormat, parse_format

SECURITY_OK: Final = b"\0\0\0\0"
ENCODINGS_LIMIT: Final = 1024
CUT_TEXT_LIMIT: Final = 4 * TEXT_LIMIT


@dataclass(frozen=True, slots=True)
class Init:
    """ClientInit: the viewer is ready for ServerInit."""


@dataclass(frozen=True, slots=True)
class SetFormat:
    format: PixelFormat


@dataclass(frozen=True, slots=True)
class SetEncodings:
    encodings: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    incremental: bool
    rect: Rect


@dataclass(frozen=True, slots=True)
class Key:
    keysym: int
    down: bool


@dataclass(frozen=True, slots=True)
class Pointer:
    x: int
    y: int
    buttons: int


@dataclass(frozen=True, slots=True)
class CutText:
    """The viewer's clipboard, in Latin-1."""

    text: str


@dataclass(frozen=True, slots=True)
class ExtendedCutText:
    payload: bytes


Event = Init | SetFormat | SetEncodings | UpdateRequest | Key | Pointer | CutText | ExtendedCutText


class RfbError(Exception):
    """The viewer broke the protocol; its text says how."""


def server_init(name: str, width: int, height: int) -> bytes:
    """ServerInit: size, our pixel format, name."""
    raw = name.encode("utf-8", "replace")
    return struct.pack(">HH", width, height) + OURS.packed() + struct.pack(">I", len(raw)) + raw


def update(rectangles: list[bytes]) -> bytes:
    """FramebufferUpdate with these rectangles."""
    return struct.pack(">BxH", 0, len(rectangles)) + b"".join(rectangles)


class Reader:
    """Takes bytes as they come, gives whole messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._greeted = False

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events of all messages that are whole now. Raises RfbError."""
        self._buffer += chunk
        if not self._greeted and self._buffer:
            self._greeted = True
            del self._buffer[0]
            yield Init()
        while self._buffer:
            size = self._size()
            if size is None or len(self._buffer) < size:
                return
            raw = bytes(self._buffer[:size])
            del self._buffer[:size]
            yield _parse(raw)

    def _size(self) -> int | None:
        """Bytes of the message that begins the buffer; None until that is known. Raises RfbError."""
        kind, buffer = self._buffer[0], self._buffer
        if kind in _FIXED:
            return _FIXED[kind]
        if kind == 2:
            return None if len(buffer) < 4 else 4 + 4 * _bounded(buffer[2] << 8 | buffer[3], ENCODINGS_LIMIT)
        if kind == 6:
            if len(buffer) < 8:
                return None
            return 8 + _bounded(abs(int.from_bytes(buffer[4:8], "big", signed=True)), CUT_TEXT_LIMIT)
        raise RfbError(f"a message of type {kind} was not expected")


_FIXED: Final = {0: 20, 3: 10, 4: 8, 5: 6}


def _bounded(value: int, limit: int) -> int:
    if value > limit:
        raise RfbError("a message is larger than it may be")
    return value


def _parse(raw: bytes) -> Event:
    return _PARSERS[raw[0]](raw)


def _format(raw: bytes) -> Event:
    try:
        return SetFormat(parse_format(raw[4:]))
    except ValueError as error:
        raise RfbError(str(error)) from error


def _encodings(raw: bytes) -> Event:
    return SetEncodings(struct.unpack(f">{(len(raw) - 4) // 4}i", raw[4:]))


def _update_request(raw: bytes) -> Event:
    incremental, *rect = struct.unpack(">xBHHHH", raw)
    return UpdateRequest(bool(incremental), Rect(*rect))


def _key(raw: bytes) -> Event:
    down, keysym = struct.unpack(">xB2xI", raw)
    return Key(keysym, bool(down))


def _pointer(raw: bytes) -> Event:
    buttons, x, y = struct.unpack(">xBHH", raw)
    return Pointer(x, y, buttons)


def _cut_text(raw: bytes) -> Event:
    if int.from_bytes(raw[4:8], "big", signed=True) < 0:
        return ExtendedCutText(raw[8:])
    return CutText(raw[8:].decode("latin-1"))


_PARSERS: Final[dict[int, Callable[[bytes], Event]]] = {
    0: _format,
    2: _encodings,
    3: _update_request,
    4: _key,
    5: _pointer,
    6: _cut_text,
}
