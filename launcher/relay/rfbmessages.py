"""What a viewer says once its screen is open: where each message ends, and whether it is of a person's own doing.

Layouts: RFC 6143 §7.5; the community's rfbproto document for the rest (continuous updates 150, fence 248, xvp 250,
desktop size 251, gii 253, QEMU 255). What noVNC 1.7, TigerVNC up to 1.15 and gtk-vnc send is all here. Other types
cannot be delimited: their length is nobody's knowledge but their inventors'.

One length hangs on what went before: a PointerEvent whose button mask has bit 7 set has one byte more if viewer and
server agreed on the pseudo-encoding ExtendedMouseButtons (-316). The server agrees by a rectangle in an update, and
updates are not read here. They need not be: a viewer that knows the extension must keep bit 7 at 0 until the server has
agreed (noVNC and TigerVNC mask it away), so from one that ever listed -316 the bit always means the longer form; and
one that never listed it knows only the short form, where bit 7 is button 8. A viewer that lists -316 and sets bit 7 on
its own is in breach, and is read one byte too far for each such event. That puts us out of step with that viewer, never
the server with us: in a view-only session no pointer event passes at all, and of what passes the length is certain.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final, NamedTuple

ENCODINGS_LIMIT: Final = 1024
"""Encodings that one SetEncodings may list: it alone is read whole, so held whole. Viewers list some 40."""
EXTENDED_MOUSE_BUTTONS: Final = -316
RUN: Final = 64
"""Messages of one kind that are read at once; text that is typed by a program is thousands of keys."""


class Sort(enum.Enum):
    """What a message is about."""

    PIXEL_FORMAT = "pixel format"
    ENCODINGS = "encodings"
    UPDATE_REQUEST = "update request"
    CONTINUOUS_UPDATES = "continuous updates"
    FENCE = "fence"
    AUDIO = "audio"
    KEY = "key"
    POINTER = "pointer"
    CLIPBOARD = "clipboard"
    POWER = "power"
    RESIZE = "resize"
    DEVICE = "device"
    """gii: input devices of other makes."""
    UNKNOWN = "unknown"


INPUTS: Final = frozenset({Sort.KEY, Sort.POINTER, Sort.CLIPBOARD, Sort.POWER, Sort.RESIZE, Sort.DEVICE})
"""A person's own doing: what somebody who may only look does not do."""


class Head(NamedTuple):
    """What the first bytes of a message tell."""

    sort: Sort
    length: int
    """Of the whole message, its first byte included."""
    input: bool


UNKNOWN: Final = Head(Sort.UNKNOWN, 0, input=False)


def _head(sort: Sort, length: int) -> Head:
    return Head(sort, length, sort in INPUTS)


_SHORT_POINTER: Final = _head(Sort.POINTER, 6)
_LONG_POINTER: Final = _head(Sort.POINTER, 7)
_BIT_7: Final = 0x80
_QEMU_KEY: Final = _head(Sort.KEY, 12)
_QEMU_AUDIO: Final = {0: _head(Sort.AUDIO, 4), 1: _head(Sort.AUDIO, 4), 2: _head(Sort.AUDIO, 10)}
"""By operation: enable, disable, set the sample format."""

_FIXED: Final = {
    0: _head(Sort.PIXEL_FORMAT, 20),
    3: _head(Sort.UPDATE_REQUEST, 10),
    4: _head(Sort.KEY, 8),
    150: _head(Sort.CONTINUOUS_UPDATES, 10),
    250: _head(Sort.POWER, 4),
}


def read_head(stream: bytes, at: int, *, extended_buttons: bool) -> Head | None:
    """The head of the message at `at`, where at least one byte is; None while more bytes are needed to tell.

    `extended_buttons`: the viewer has listed EXTENDED_MOUSE_BUTTONS at some time. UNKNOWN: nobody can tell.
    """
    kind = stream[at]
    head = _FIXED.get(kind)
    if head is not None:
        return head
    if kind == _POINTER:
        return _pointer(stream, at) if extended_buttons else _SHORT_POINTER
    need, read = _VARYING.get(kind, _NOBODYS)
    return read(stream, at) if len(stream) - at >= need else None


def run_of(stream: bytes, at: int, head: Head) -> int:
    """How many messages of this very kind begin at `at` one behind the other: 1 to RUN; 1 where lengths vary."""
    kind = stream[at]
    if kind not in _FIXED:
        return 1
    kinds = stream[at : at + RUN * head.length : head.length]
    return len(kinds) - len(kinds.lstrip(bytes((kind,))))


def lists_extended_buttons(message: bytes) -> bool:
    """Whether a whole SetEncodings lists EXTENDED_MOUSE_BUTTONS."""
    wanted = EXTENDED_MOUSE_BUTTONS.to_bytes(4, "big", signed=True)
    return any(message[place : place + 4] == wanted for place in range(4, len(message), 4))


def _number(stream: bytes, start: int, size: int) -> int:
    return int.from_bytes(stream[start : start + size], "big")


def _encodings(stream: bytes, at: int) -> Head:
    count = _number(stream, at + 2, 2)
    return _head(Sort.ENCODINGS, 4 + 4 * count) if count <= ENCODINGS_LIMIT else UNKNOWN


def _pointer(stream: bytes, at: int) -> Head | None:
    if len(stream) - at < 2:
        return None
    return _LONG_POINTER if stream[at + 1] & _BIT_7 else _SHORT_POINTER


def _cut_text(stream: bytes, at: int) -> Head:
    """A negative length is the extended clipboard's."""
    return _head(Sort.CLIPBOARD, 8 + abs(int.from_bytes(stream[at + 4 : at + 8], "big", signed=True)))


def _fence(stream: bytes, at: int) -> Head:
    return _head(Sort.FENCE, 9 + stream[at + 8])


def _desktop_size(stream: bytes, at: int) -> Head:
    return _head(Sort.RESIZE, 8 + 16 * stream[at + 6])


def _gii(stream: bytes, at: int) -> Head:
    """Bit 7 of the subtype says in which order the bytes of the length come."""
    length = int.from_bytes(stream[at + 2 : at + 4], "big" if stream[at + 1] & _BIT_7 else "little")
    return _head(Sort.DEVICE, 4 + length)


def _qemu(stream: bytes, at: int) -> Head | None:
    if stream[at + 1] == 0:
        return _QEMU_KEY
    if stream[at + 1] != 1:
        return UNKNOWN
    return _QEMU_AUDIO.get(_number(stream, at + 2, 2), UNKNOWN) if len(stream) - at >= 4 else None


def _nobodys(_stream: bytes, _at: int) -> Head:
    return UNKNOWN


_POINTER: Final = 5
_Reader = Callable[[bytes, int], Head | None]
_NOBODYS: Final[tuple[int, _Reader]] = (1, _nobodys)
_VARYING: Final[dict[int, tuple[int, _Reader]]] = {
    2: (4, _encodings),
    6: (8, _cut_text),
    248: (9, _fence),
    251: (7, _desktop_size),
    253: (4, _gii),
    255: (2, _qemu),
}
"""By type: how many bytes are needed to read the head, and the reader of it."""
