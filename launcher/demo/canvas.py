"""A picture that is drawn on: boxes, lines, letters. Pure.

Colours are red, green and blue from 0 to 255; places are pixels from the top left corner; what lies outside is cut off.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy
from numpy.typing import NDArray

from launcher.demo.font import ABOVE, ADVANCE, HEIGHT, glyph

Colour = tuple[int, int, int]
Pixels = NDArray[numpy.uint8]
"""Rows × columns × 3."""

THIN: Final = 1.45
"""Stroke of large letters, in half units."""
TEXT: Final = 2.0
"""Stroke of small letters: two whole pixels."""


class Rect(NamedTuple):
    """A part of the picture."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def cut(self, other: Rect) -> Rect:
        """What both have in common; its width or height may be 0."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        return Rect(x, y, max(0, right - x), max(0, bottom - y))

    def joined(self, other: Rect) -> Rect:
        """The smallest part that holds both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Rect(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)

    def grown(self, by: int) -> Rect:
        return Rect(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def __bool__(self) -> bool:
        return self.width > 0 and self.height > 0


def mixed(one: Colour, other: Colour, part: float) -> Colour:
    """A colour on the way from one to another; `part` 0 is the first."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue


class Canvas:
    """Draws on an array of pixels, in place."""

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels
        self.whole = Rect(0, 0, pixels.shape[1], pixels.shape[0])

    def fill(self, rect: Rect, colour: Colour) -> None:
        part = rect.cut(self.whole)
        self.pixels[part.y : part.bottom, part.x : part.right] = colour

    def ink(self, x: int, y: int, coverage: NDArray[numpy.float32], colour: Colour) -> None:
        """Lay colour on, as strongly as `coverage` (0 to 1) says for each pixel."""
        wanted = Rect(x, y, coverage.shape[1], coverage.shape[0])
        part = wanted.cut(self.whole)
        if not part:
            return
        covered = coverage[part.y - y : part.bottom - y, part.x - x : part.right - x, None]
        under = self.pixels[part.y : part.bottom, part.x : part.right]
        under[:] = (under + covered * (numpy.array(colour, numpy.float32) - under) + 0.5).astype(numpy.uint8)

    def box(self, rect: Rect, colour: Colour, *, radius: int = 8, border: Colour | None = None) -> None:
        """A box with round corners, and perhaps a border of one pixel."""
        rows, columns = numpy.mgrid[0 : rect.height, 0 : rect.width].astype(numpy.float32) + 0.5
        across = numpy.abs(columns - rect.width / 2) - (rect.width / 2 - radius)
        down = numpy.abs(rows - rect.height / 2) - (rect.height / 2 - radius)
        outside = numpy.hypot(numpy.maximum(across, 0), numpy.maximum(down, 0))
        distance = outside + numpy.minimum(numpy.maximum(across, down), 0) - radius
        cover = numpy.clip(0.5 - distance, 0, 1).astype(numpy.float32)
        if border is None:
            self.ink(rect.x, rect.y, cover, colour)
            return
        self.ink(rect.x, rect.y, cover, border)
        self.ink(rect.x, rect.y, numpy.clip(-0.5 - distance, 0, 1).astype(numpy.float32), colour)

    def dot(self, x: float, y: float, radius: float, colour: Colour) -> None:
        reach = int(radius) + 2
        left, top = int(x) - reach, int(y) - reach
        rows, columns = numpy.mgrid[0 : 2 * reach + 1, 0 : 2 * reach + 1].astype(numpy.float32) + 0.5
        distance = numpy.hypot(columns + left - x, rows + top - y)
        self.ink(left, top, numpy.clip(radius + 0.5 - distance, 0, 1).astype(numpy.float32), colour)

    def text(self, x: int, y: int, text: str, colour: Colour, *, scale: int = 1, weight: float = TEXT) -> None:
        """One line of text; `y` is the top of its capitals."""
        for place, char in enumerate(text):
            if char != " ":
                self.ink(x + place * ADVANCE * scale, y - ABOVE * scale, glyph(char, scale, weight), colour)


def text_width(text: str, scale: int = 1) -> int:
    """Pixels that a line of text takes."""
    return len(text) * ADVANCE * scale


def text_rect(x: int, y: int, text: str, scale: int = 1) -> Rect:
    """All that drawing a line of text may touch."""
    return Rect(x, y - ABOVE * scale, text_width(text, scale), HEIGHT * scale)


def fitted(text: str, columns: int) -> str:
    """The text, cut with an ellipsis where it is longer."""
    return text if len(text) <= columns else text[: max(0, columns - 1)] + "…"
