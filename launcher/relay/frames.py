"""WebSocket frames (RFC 6455 §5) without a connection: headers read, server frames walked, client frames made.

Server frames pass to the viewer verbatim. `FrameWalker` reads their headers only, so that the gateway always knows
whether it stands between two frames: there alone may it write a frame of its own.

A header costs time whatever its frame brings, and a mebibyte holds half a million of them: so no more than HEADERS are
read in one turn of the event loop, and a row of frames without payload is a breach.
"""

from __future__ import annotations

import enum
import struct
from typing import NamedTuple

import numpy

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN = 0x80
CONTROL_LIMIT = 125
"""Bytes that the payload of a control frame may have (RFC 6455 §5.5)."""
REASON_LIMIT = CONTROL_LIMIT - 2
OUR_PING = b"console-launcher"
"""The payload of the gateway's own pings to viewers: it tells their pongs from those that are meant for the server."""
NO_CODE = 1005
"""Stands for a close frame without a code; never on the wire (RFC 6455 §7.4.1)."""

EMPTY_ROW = 1000
"""Data frames without payload that may follow one another: nova-novncproxy sends single ones, Autobahn a thousand."""
HEADERS = 8192
"""Whole binary frames that are walked in one turn; that takes about a millisecond."""
COSTLY = 8
"""So many of them take the time of one frame of another kind."""
EMPTY_FRAMES = f"more than {EMPTY_ROW} empty frames came in a row"

_OPCODES = (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)
_MASKED = 0x80
_NUMPY_FROM = 1024
_SHORT_BINARY = (FIN | BINARY) << 8
_MEDIUM_BINARY = _SHORT_BINARY | 126
"""First two bytes of a whole binary frame of a server: with a length of 0 (more: up to 125), and of 16 bits."""
_MEDIUM_LIMIT = 0xFFFF
_two_halves = struct.Struct(">HH").unpack_from


class Stop(enum.Enum):
    """Why a stream of frames goes no further."""

    CLOSED = "closed"
    PROTOCOL = "protocol"
    TOO_LARGE = "too large"


class Fault(NamedTuple):
    """What is wrong with a frame, as far as its header tells."""

    stop: Stop
    why: str


class Header(NamedTuple):
    """A frame's header; its payload is `length` bytes from offset `start` of the stream on."""

    opcode: int
    fin: bool
    start: int
    length: int


def _first_byte_fault(first: int) -> Fault | None:
    """What FIN, the reserved bits and the opcode have wrong with each other (RFC 6455 §5.2, §5.5)."""
    if first & 0x70:
        return Fault(Stop.PROTOCOL, "a reserved bit is set though no extension was negotiated")
    if first & 0x0F not in _OPCODES:
        return Fault(Stop.PROTOCOL, f"opcode 0x{first & 0x0F:X} is reserved")
    if first & 0x08 and not first & FIN:
        return Fault(Stop.PROTOCOL, "a control frame is fragmented")
    return None


_FIRST_BYTE_FAULTS = tuple(_first_byte_fault(first) for first in range(256))
_NOT_MASKED = Fault(Stop.PROTOCOL, "a client's frame is not masked")
_IS_MASKED = Fault(Stop.PROTOCOL, "a server's frame is masked")
_LONG_CONTROL = Fault(Stop.PROTOCOL, f"a control frame is longer than {CONTROL_LIMIT} bytes")
_HIGHEST_BIT = Fault(Stop.PROTOCOL, "the highest bit of a frame's length is set")


def _second_byte_fault(first: int, second: int, masked: bool) -> Fault | None:
    """What the mask bit and the short length have wrong."""
    if (second >= _MASKED) is not masked:
        return _NOT_MASKED if masked else _IS_MASKED
    if first & 0x08 and second & 0x7F > CONTROL_LIMIT:
        return _LONG_CONTROL
    return None


def read_header(
    stream: bytes | bytearray | memoryview, at: int, limit: int, *, masked: bool = False
) -> Header | Fault | None:
    """The frame header at offset `at` of `stream`, what is wrong with it, or None until its length is there.

    `masked`: whether the frames are a client's. Their header ends with four bytes of mask, which may not be there yet.
    `limit` bounds the length of data frames; that of control frames is bounded by the protocol.
    """
    have = len(stream) - at
    if have < 2:
        return None
    first, second = stream[at], stream[at + 1]
    fault = _FIRST_BYTE_FAULTS[first] or _second_byte_fault(first, second, masked)
    if fault is not None:
        return fault
    head, length = 2, second & 0x7F
    if length > CONTROL_LIMIT:
        head = 4 if length == 126 else 10
        if have < head:
            return None
        length = int.from_bytes(stream[at + 2 : at + head], "big")
    if length > limit and not first & 0x08:
        return _length_fault(length, limit)
    return Header(first & 0x0F, first >= FIN, at + head + 4 * masked, length)


def _length_fault(length: int, limit: int) -> Fault:
    if length >> 63:
        return _HIGHEST_BIT
    return Fault(Stop.TOO_LARGE, f"a frame of {length} bytes is larger than frame_limit ({limit} bytes)")


def may_close_with(code: int) -> bool:
    """Whether a close frame may carry this code (RFC 6455 §7.4, and 1012 to 1014 of its IANA registry)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def parse_close(payload: bytes) -> tuple[int, str]:
    """Code and reason of a close frame's payload; 1005 and no reason when it is empty. Raises ValueError."""
    if not payload:
        return NO_CODE, ""
    if len(payload) == 1:
        raise ValueError("a close frame carries half a code")
    code = int.from_bytes(payload[:2], "big")
    if not may_close_with(code):
        raise ValueError(f"a close frame carries the code {code}, which must not be sent")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError as error:
        raise ValueError("the reason in a close frame is not UTF-8") from error


def xor(payload: bytes | bytearray, mask: bytes | bytearray) -> bytes:
    """`payload` masked, or unmasked, with the four bytes of `mask` (RFC 6455 §5.3).

    Up to about a kilobyte a big integer is two to four times as fast as numpy; at 64 KiB numpy is 20 times as fast.
    """
    length = len(payload)
    if length < _NUMPY_FROM:
        key = (mask * (length // 4 + 1))[:length]
        return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(length, "little")
    padded = payload + b"\0" * (-length % 4)
    words = numpy.frombuffer(padded, numpy.uint32) ^ numpy.frombuffer(mask, numpy.uint32)
    return words.tobytes()[:length]


def server_head(length: int) -> bytes:
    """The header of a whole binary frame as a server sends it; `length` bytes of payload follow."""
    if length <= CONTROL_LIMIT:
        return bytes((FIN | BINARY, length))
    if length < 1 << 16:
        return struct.pack(">BBH", FIN | BINARY, 126, length)
    return struct.pack(">BBQ", FIN | BINARY, 127, length)


def client_frame(opcode: int, payload: bytes, mask: bytes) -> bytes:
    """One whole frame as a client sends it. `mask`: four bytes of chance, new for each frame (RFC 6455 §5.3)."""
    length = len(payload)
    if length <= CONTROL_LIMIT:
        head = bytes((FIN | opcode, _MASKED | length))
    elif length < 1 << 16:
        head = struct.pack(">BBH", FIN | opcode, _MASKED | 126, length)
    else:
        head = struct.pack(">BBQ", FIN | opcode, _MASKED | 127, length)
    return head + mask + xor(payload, mask)


def _past_plain(chunk: bytes | memoryview, at: int, limit: int, most: int) -> tuple[int, int]:
    """The end of the whole binary frames below 64 KiB that begin at `at`, and how many more of `most` may be walked.

    These are nearly all there is, so they are done with haste: two header halves in one reading cost a third less than
    byte by byte. Empty ones end the row, and a limit below 64 KiB asks for care instead.
    """
    if limit < _MEDIUM_LIMIT:
        return at, most
    last = len(chunk) - 4
    for left in range(most, 0, -1):
        if at > last:
            return at, left
        head, length = _two_halves(chunk, at)
        if head == _MEDIUM_BINARY:
            at += 4 + length
        elif _SHORT_BINARY < head < _MEDIUM_BINARY:
            at += 2 + head - _SHORT_BINARY
        else:
            return at, left
    return at, 0


def kept(chunk: bytes | memoryview, at: int) -> memoryview:
    """What of `chunk` begins at `at`, to be kept: a copy, where the chunk is somebody's buffer."""
    view = memoryview(chunk)
    return view[at:] if view.readonly else memoryview(bytes(view[at:]))


def joined(held: bytes | memoryview, chunk: bytes | memoryview) -> bytes | memoryview:
    """What was held back, and what came behind it."""
    return bytes(held) + chunk if chunk else held


class FrameWalker:
    """Walks the headers of a server's frames while their bytes pass.

    What `walk` gives is to be forwarded as it is. It never ends within a header, nor within a close frame or a pong:
    these are held back until they are whole. So what was forwarded always ends between two frames (`at_boundary`) or
    inside the payload of one. After each `walk`, `boundary` is the offset in what it gave of the first place between
    two frames, or None; `controls` counts the control frames that passed; `more` says that the turn's share of headers
    is used up: the rest is kept, and `walk(b"")` in a later turn goes on with it. `stop`, once it is set, says that
    nothing more will be given, because

    - a close frame has come (`CLOSED`; it is the end of what was given, its code and reason are in `close`), or
    - a frame is faulty (`why` says how; the frame itself is not given, so that a close of ours may stand in its place).

    `ponged` is set once an empty pong has passed: such are the answers to the gateway's own pings.
    """

    __slots__ = ("_empty", "_held", "_left", "_limit", "boundary", "close", "controls", "more", "ponged", "stop", "why")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = 0
        self._empty = 0
        self._held: bytes | memoryview = b""
        self.controls = 0
        self.more = False
        self.ponged = False
        self.boundary: int | None = 0
        self.stop: Stop | None = None
        self.why = ""
        self.close: tuple[int, str] | None = None

    @property
    def at_boundary(self) -> bool:
        """Whether what was forwarded so far ends between two frames."""
        return self._left == 0

    def walk(self, chunk: bytes | memoryview) -> bytes | memoryview:
        """What may be forwarded now, of `chunk` and of what was held back before it."""
        self.controls, self.more = 0, False
        if self.stop is not None:
            self.boundary = 0
            return b""
        if self._held:
            chunk = joined(self._held, chunk)
            self._held = b""
        self.boundary = self._left if self._left <= len(chunk) else None
        return self._walked(chunk, self._left, len(chunk))

    def _walked(self, chunk: bytes | memoryview, at: int, end: int) -> bytes | memoryview:
        share = HEADERS
        while at < end:
            past, share = _past_plain(chunk, at, self._limit, share)
            if past != at:
                self._empty, at = 0, past
            if at >= end:
                break
            self.more = share <= 0
            after = at if self.more else self._step(chunk, at)
            if after == at or self.stop is not None:
                self._left = 0
                self._held = kept(chunk, at) if self.more else self._held
                return chunk[:after]
            at, share = after, share - COSTLY
        self._left = at - end
        return chunk

    def _step(self, chunk: bytes | memoryview, at: int) -> int:
        """Where the frame at `at` ends; `at` itself if it is faulty, or held back."""
        header = read_header(chunk, at, self._limit)
        if isinstance(header, Fault):
            self.stop, self.why = header
            return at
        if header is None:
            self._held = bytes(chunk[at:])
            return at
        if header.opcode in (CLOSE, PONG):
            return self._whole(chunk, at, header)
        if header.opcode > CLOSE:
            self.controls += 1
        elif self._is_one_too_many(header.length):
            self.stop, self.why = Stop.PROTOCOL, EMPTY_FRAMES
            return at
        return header.start + header.length

    def _is_one_too_many(self, length: int) -> bool:
        """Whether a data frame of this length makes the row of empty ones too long."""
        self._empty = 0 if length else self._empty + 1
        return self._empty > EMPTY_ROW

    def _whole(self, chunk: bytes | memoryview, at: int, header: Header) -> int:
        """The same for a close frame and for a pong, whose payloads are read."""
        end = header.start + header.length
        if end > len(chunk):
            self._held = bytes(chunk[at:])
            return at
        if header.opcode == PONG:
            self.controls += 1
            self.ponged = self.ponged or header.length == 0
            return end
        try:
            self.close = parse_close(bytes(chunk[header.start : end]))
        except ValueError as error:
            self.stop, self.why = Stop.PROTOCOL, str(error)
            return at
        self.stop = Stop.CLOSED
        return end
