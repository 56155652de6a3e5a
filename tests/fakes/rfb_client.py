"""The other end of an RFB screen: follows its updates on a picture of its own, as a VNC viewer does."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

import numpy
from numpy.typing import NDArray

TIGHT, EXTENDED_CLIPBOARD = 7, -1063131698


def set_encodings(*encodings: int) -> bytes:
    return struct.pack(f">BxH{len(encodings)}i", 2, len(encodings), *encodings)


def set_format(bits: int, depth: int, maxima: tuple[int, int, int], shifts: tuple[int, int, int]) -> bytes:
    return struct.pack(">B3xBBBBHHHBBB3x", 0, bits, depth, 0, 1, *maxima, *shifts)


def update_request(width: int, height: int, *, incremental: bool = False) -> bytes:
    return struct.pack(">BBHHHH", 3, incremental, 0, 0, width, height)


def key(keysym: int, *, down: bool = True) -> bytes:
    return struct.pack(">BBxxI", 4, down, keysym)


def typed(text: str) -> bytes:
    """Each character pressed and let go; a newline is Enter."""
    keysyms = [0xFF0D if char == "\n" else ord(char) for char in text]
    return b"".join(key(keysym) + key(keysym, down=False) for keysym in keysyms)


def pointer(x: int, y: int, buttons: int = 0) -> bytes:
    return struct.pack(">BBHH", 5, buttons, x, y)


def cut_text(text: str) -> bytes:
    raw = text.encode("latin-1")
    return struct.pack(">B3xI", 6, len(raw)) + raw


def extended(flags: int, body: bytes = b"") -> bytes:
    return struct.pack(">B3xiI", 6, -(4 + len(body)), flags) + body


@dataclass
class Follower:
    """Reads what a screen sends after SecurityResult; the pixel format is the 32-bit one that it offers."""

    width: int = 0
    height: int = 0
    name: str = ""
    pixels: NDArray[numpy.uint8] = field(default_factory=lambda: numpy.zeros((0, 0, 3), numpy.uint8))
    clipboards: list[str] = field(default_factory=list)
    extended: list[tuple[int, bytes]] = field(default_factory=list)
    """Flags and body of extended clipboard messages."""
    updates: int = 0
    rectangles: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Those of the last update: x, y, width, height."""
    _buffer: bytes = b""
    _begun: bool = False
    _inflate: zlib._Decompress = field(default_factory=zlib.decompressobj)

    def feed(self, chunk: bytes) -> None:
        """What came; a message that is not whole waits for the rest."""
        self._buffer += chunk
        while self._buffer and (taken := self._take()):
            self._buffer = self._buffer[taken:]

    def _take(self) -> int:
        """Bytes of the message that begins the buffer; 0 while it is not whole."""
        if not self._begun:
            return self._init()
        if self._buffer[0] == 0:
            return self._update()
        assert self._buffer[0] == 3, self._buffer[:8]
        return self._clipboard()

    def _init(self) -> int:
        if len(self._buffer) < 24:
            return 0
        self.width, self.height = struct.unpack(">HH", self._buffer[:4])
        size = int.from_bytes(self._buffer[20:24], "big")
        if len(self._buffer) < 24 + size:
            return 0
        self.name = self._buffer[24 : 24 + size].decode()
        self.pixels = numpy.zeros((self.height, self.width, 3), numpy.uint8)
        self._begun = True
        return 24 + size

    def _clipboard(self) -> int:
        if len(self._buffer) < 8:
            return 0
        size = int.from_bytes(self._buffer[4:8], "big", signed=True)
        end = 8 + abs(size)
        if len(self._buffer) < end:
            return 0
        if size >= 0:
            self.clipboards.append(self._buffer[8:end].decode("latin-1"))
        else:
            self.extended.append((int.from_bytes(self._buffer[8:12], "big"), self._buffer[12:end]))
        return end

    def _update(self) -> int:
        """An update is looked at only when all of it is there: its stream cannot be unpacked twice."""
        if len(self._buffer) < 4:
            return 0
        count, at = int.from_bytes(self._buffer[2:4], "big"), 4
        places = []
        for _ in range(count):
            found = self._place(at)
            if found is None:
                return 0
            places.append(found)
            at = found[1] + found[2]
        self.rectangles = []
        for head, start, size in places:
            self._paint(head, self._buffer[start : start + size])
        self.updates += 1
        return at

    def _place(self, at: int) -> tuple[tuple[int, int, int, int, int], int, int] | None:
        """A rectangle's head, where its pixels begin (the Tight control byte among them) and their length."""
        if len(self._buffer) < at + 12:
            return None
        head = struct.unpack(">HHHHi", self._buffer[at : at + 12])
        size = self._size(head, at + 12)
        if size is None or len(self._buffer) < at + 12 + size:
            return None
        return head, at + 12, size

    def _size(self, head: tuple[int, int, int, int, int], at: int) -> int | None:
        _, _, width, height, encoding = head
        if encoding == 0:
            return width * height * 4
        assert encoding == TIGHT
        if len(self._buffer) < at + 4:
            return None
        if self._buffer[at] == 0x80:
            return 4
        if width * height * 3 < 12:
            return 1 + width * height * 3
        length, used = read_compact(self._buffer[at + 1 : at + 4])
        return 1 + used + length

    def _paint(self, head: tuple[int, int, int, int, int], raw: bytes) -> None:
        x, y, width, height, encoding = head
        self.rectangles.append((x, y, width, height))
        part = self.pixels[y : y + height, x : x + width]
        if encoding == 0:
            bgr = numpy.frombuffer(raw, numpy.uint8).reshape(height, width, 4)
            part[:] = bgr[..., 2::-1]
        elif raw[0] == 0x80:
            part[:] = tuple(raw[1:4])
        else:
            part[:] = numpy.frombuffer(self._unpacked(raw[1:], width * height * 3), numpy.uint8).reshape(part.shape)

    def _unpacked(self, raw: bytes, size: int) -> bytes:
        if size < 12:
            return raw
        _, used = read_compact(raw[:3])
        return self._inflate.decompress(raw[used:])


def read_compact(raw: bytes) -> tuple[int, int]:
    """Tight's length of one to three bytes, and how many it took."""
    value = 0
    for place, byte in enumerate(raw[:3]):
        value |= (byte & (0x7F if place < 2 else 0xFF)) << 7 * place
        if place == 2 or byte < 0x80:
            return value, place + 1
    raise AssertionError("a compact length that is not whole")
