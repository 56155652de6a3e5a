"""Pixels as a viewer wants them: its pixel format, and Tight or raw rectangles (RFC 6143 §7.4, §7.7.1). Pure."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

import numpy
from numpy.typing import NDArray

from launcher.demo.canvas import Pixels, Rect

RAW, TIGHT = 0, 7

_FORMAT = struct.Struct(">BBBBHHHBBB3x")
_HEAD = struct.Struct(">HHHHi")
_TYPES: Final = {8: "u1", 16: "u2", 32: "u4"}
_SHORTEST: Final = 12
"""Bytes from which on Tight compresses."""
_FILL: Final = 0x80
_LEVEL: Final = 4
_STRIP: Final = 2048
"""Pixels that a Tight rectangle may be wide."""


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How a viewer wants its pixels; true colour only."""

    bits: int
    depth: int
    big_endian: bool
    maxima: tuple[int, int, int]
    shifts: tuple[int, int, int]

    @property
    def is_packed(self) -> bool:
        """Whether Tight sends three bytes a pixel, red first (its TPIXEL)."""
        return self.bits == 32 and self.depth == 24 and self.maxima == (255, 255, 255)

    def packed(self) -> bytes:
        """As it stands in ServerInit and SetPixelFormat."""
        return _FORMAT.pack(self.bits, self.depth, self.big_endian, 1, *self.maxima, *self.shifts)

    def pixels(self, part: Pixels) -> bytes:
        """These pixels, row by row."""
        values: NDArray[numpy.uint32] = numpy.zeros(part.shape[:2], numpy.uint32)
        for channel, (most, shift) in enumerate(zip(self.maxima, self.shifts, strict=True)):
            scaled = (part[..., channel].astype(numpy.uint32) * most + 127) // 255
            values |= scaled << numpy.uint32(shift)
        return values.astype((">" if self.big_endian else "<") + _TYPES[self.bits]).tobytes()


OURS: Final = PixelFormat(32, 24, False, (255, 255, 255), (16, 8, 0))
"""What ServerInit offers."""


def parse_format(raw: bytes) -> PixelFormat:
    """The 16 bytes of SetPixelFormat. Raises ValueError for colour maps, and for what cannot be."""
    bits, depth, big_endian, true_colour, *rest = _FORMAT.unpack(raw)
    maxima, shifts = tuple(rest[:3]), tuple(rest[3:])
    if bits not in _TYPES or not true_colour:
        raise ValueError("a pixel format of 8, 16 or 32 bits in true colour is expected")
    for most, shift in zip(maxima, shifts, strict=True):
        if not most or most & (most + 1) or shift + most.bit_length() > bits:
            raise ValueError("a colour of the pixel format does not fit")
    return PixelFormat(bits, depth, bool(big_endian), maxima, shifts)


class Encoder:
    """Rectangles for one viewer, in its format; Tight keeps one zlib stream for all of them."""

    def __init__(self) -> None:
        self.format = OURS
        self.tight = False
        self._stream = zlib.compressobj(_LEVEL)

    def rectangle(self, rect: Rect, part: Pixels) -> bytes:
        """Head and pixels of one rectangle."""
        encoding = TIGHT if self.tight and rect.width <= _STRIP else RAW
        head = _HEAD.pack(*rect, encoding)
        return head + (self._tight(part) if encoding == TIGHT else self.format.pixels(part))

    def _tight(self, part: Pixels) -> bytes:
        if (part == part[0, 0]).all():
            return bytes([_FILL]) + self._tight_pixels(part[:1, :1])
        plain = self._tight_pixels(part)
        if len(plain) < _SHORTEST:
            return b"\0" + plain
        packed = self._stream.compress(plain) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        return b"\0" + compact(len(packed)) + packed

    def _tight_pixels(self, part: Pixels) -> bytes:
        return part.tobytes() if self.format.is_packed else self.format.pixels(part)


def compact(length: int) -> bytes:
    """A length in one to three bytes, seven bits each."""
    if length < 1 << 7:
        return bytes([length])
    if length < 1 << 14:
        return bytes([length & 0x7F | 0x80, length >> 7])
    return bytes([length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14])
