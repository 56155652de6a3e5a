"""Letters as strokes: one monoline typeface of our own, drawn at any size. Pure.

A glyph is a few pen strokes on a grid of half units: x from 0 to 6, y from 0 (top of capitals) over 4 (top of small
letters) and 12 (`c`, the baseline) to 16 (`g`, the end of descenders). A stroke is written as its points, two digits
each (the second in base 36), where `(` rounds the corner. At scale 1 a half unit is a pixel: then the straight strokes
lie exactly on pixels and are crisp; curves and diagonals are smoothed.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy
from numpy.typing import NDArray

Point = tuple[float, float]
Coverage = NDArray[numpy.float32]
"""Rows × columns, each from 0 (nothing) to 1 (ink)."""

ADVANCE: Final = 10
"""Half units from one letter to the next."""
ABOVE: Final = 6
"""Half units above the capitals, for accents."""
HEIGHT: Final = 24
"""Half units of a whole line: accents above, descenders below."""
_LEFT: Final = 2
_SMALL: Final = 4.0
_BASELINE: Final = 12.0
_RADIUS: Final = 3.0
_CURVE_STEPS: Final = 6

_BOX: Final = "00 60 6c 0c 00"
_STROKES: Final[dict[str, str]] = {
    " ": "",
    "A": "0c 30 6c;18 58",
    "B": "06 00 (50 (56 06 (66 (6c 0c 06",
    "C": "63 (60 (00 (0c (6c 69",
    "D": "0c 00 (60 (6c 0c",
    "E": "60 00 0c 6c;06 56",
    "F": "60 00 0c;06 56",
    "G": "63 (60 (00 (0c (6c 67 37",
    "H": "00 0c;60 6c;06 66",
    "I": "10 50;1c 5c;30 3c",
    "J": "60 (6c (0c 09",
    "K": "00 0c;60 07;25 6c",
    "L": "00 0c 6c",
    "M": "0c 00 36 60 6c",
    "N": "0c 00 6c 60",
    "O": "03 (00 (60 (6c (0c 03",
    "P": "0c 00 (60 (67 07",
    "Q": "03 (00 (60 (6c (0c 03;49 6d",
    "R": "0c 00 (60 (67 07;37 6c",
    "S": "63 (60 (00 (06 (66 (6c (0c 09",
    "T": "00 60;30 3c",
    "U": "00 (0c (6c 60",
    "V": "00 3c 60",
    "W": "00 1c 33 5c 60",
    "X": "00 6c;60 0c",
    "Y": "00 36 60;36 3c",
    "Z": "00 60 0c 6c",
    "0": "03 (00 (60 (6c (0c 03;35 37",
    "1": "12 30 3c;1c 5c",
    "2": "03 (00 (60 (65 0c 6c",
    "3": "03 (00 (60 (66 26;26 (66 (6c (0c 09",
    "4": "4c 40 09 69",
    "5": "60 00 05 (65 (6c (0c 0a",
    "6": "63 (60 (00 (0c (6c (65 (05 08",
    "7": "00 60 2c",
    "8": "03 (00 (60 (66 (06 03;09 (06 (66 (6c (0c 09",
    "9": "64 (67 (07 (00 (60 (6c (0c 09",
    "a": "14 (64 6c (0c (08 68",
    "b": "00 0c (6c (64 04",
    "c": "66 (64 (04 (0c (6c 6a",
    "d": "60 6c (0c (04 64",
    "e": "08 68 (64 (04 (0c 5c",
    "f": "50 (20 2c;04 54",
    "g": "6c (0c (04 64 (6g 1g",
    "h": "00 0c;04 (64 6c",
    "i": "14 34 3c;1c 5c;30 30",
    "j": "24 44 (4g 0g;40 40",
    "k": "00 0c;64 09;27 6c",
    "l": "10 30 (3c 6c",
    "m": "0c 04 (34 3c;34 (64 6c",
    "n": "0c 04 (64 6c",
    "o": "08 (04 (64 (6c (0c 08",
    "p": "0g 04 (64 (6c 0c",
    "q": "6g 64 (04 (0c 6c",
    "r": "0c 04 (64 66",
    "s": "64 (04 (08 (68 (6c 0c",
    "t": "20 (2c 5c;04 54",
    "u": "04 (0c 6c 64",
    "v": "04 3c 64",
    "w": "04 1c 36 5c 64",
    "x": "04 6c;64 0c",
    "y": "04 (0c 6c;64 (6g 1g",
    "z": "04 64 0c 6c",
    "!": "30 38;3c 3c",
    '"': "20 23;40 43",
    "#": "20 2c;40 4c;04 64;08 68",
    "$": "62 (61 (01 (06 (66 (6b (0b 0a;30 3c",
    "%": "60 0c;00 20 22 02 00;4a 6a 6c 4c 4a",
    "&": "6c 13 (10 (40 (43 08 (0c (4c 68",
    "'": "30 33",
    "(": "40 22 2a 4c",
    ")": "20 42 4a 2c",
    "*": "33 39;14 58;54 18",
    "+": "34 3a;07 67",
    ",": "3b 3c 2e",
    "-": "17 57",
    ".": "3c 3c",
    "/": "60 0c",
    ":": "35 35;3b 3b",
    ";": "35 35;3b 3c 2e",
    "<": "52 17 5c",
    "=": "15 55;19 59",
    ">": "12 57 1c",
    "?": "03 (00 (60 (66 36 38;3c 3c",
    "@": "5c (0c (00 (60 68 38 34 64",
    "[": "50 20 2c 5c",
    "\\": "00 6c",
    "]": "10 40 4c 1c",
    "^": "04 30 64",
    "_": "0e 6e",
    "`": "20 32",
    "{": "50 (30 36 17 38 (3c 5c",
    "|": "30 3e",
    "}": "10 (30 36 57 38 (3c 1c",
    "~": "08 (06 (36 (38 (68 66",
    "·": "37 37",
    "•": "26 46 48 28 26",
    "…": "0c 0c;3c 3c;6c 6c",
    "–": "07 67",
    "—": "07 67",
    "‘": "30 33",
    "’": "30 33",
    "“": "20 23;40 43",
    "”": "20 23;40 43",
    "°": "20 40 43 23 20",
    "€": "63 (60 (10 (1c (6c 69;05 45;08 48",
    "£": "63 (60 (20 2c;0c 6c;06 46",
    "ß": "0c (00 (50 (55 25;25 (65 (6c 3c",
    "ø": "08 (04 (64 (6c (0c 08;64 0c",
    "Ø": "03 (00 (60 (6c (0c 03;60 0c",
    "æ": "04 34 3c 0c 08 68 64 34;3c 6c",
    "¿": "69 (6c (0c (06 36 34;30 30",
    "¡": "34 3c;30 30",
    "«": "34 18 3c;64 48 6c",
    "»": "04 28 0c;34 58 3c",
    "→": "08 68;45 68 4b",
    "ı": "14 34 3c;1c 5c",
    "Б": "60 00 0c (6c (66 06",
    "У": "00 (07 67;60 (6c 0c",
}
_CYRILLIC: Final[dict[str, str]] = {
    "б": "60 (00 (0c (6c (64 04",
    "в": "08 04 (54 (58 08 (68 (6c 0c 08",
    "г": "64 04 0c",
    "ґ": "62 64 04 0c",
    "д": "0e 0c 6c 6e;1c (14 54 5c",
    "ж": "34 3c;04 38 6c;64 38 0c",
    "з": "04 (64 (68 28;28 (68 (6c 0c",
    "и": "04 0c 64 6c",
    "к": "04 0c;64 08;28 6c",
    "л": "0c (14 64 6c",
    "м": "0c 04 39 64 6c",
    "н": "04 0c;64 6c;08 68",
    "п": "0c 04 64 6c",
    "т": "04 64;34 3c",
    "ф": "08 (05 (65 (6b (0b 08;31 3f",
    "ц": "04 0c 6c 6f;54 5c",
    "ч": "04 (08 68;64 6c",
    "ш": "04 0c 6c 64;34 3c",
    "щ": "04 0c 6c 6f;34 3c;64 6c",
    "ъ": "04 14 1c (6c (67 17",
    "ы": "04 0c (4c (47 07;64 6c",
    "ь": "04 0c (6c (67 07",
    "э": "04 (64 (6c 0c;28 68",
    "є": "64 (04 (0c 6c;08 48",
    "ю": "04 0c;08 28;28 (24 (64 (6c (2c 28",
    "я": "6c 64 (04 (08 68;38 0c",
}
"""Small letters; the capitals are the same, as high as capitals are."""
_ALIKE: Final = str.maketrans("аеорсухіјѕАВЕКМНОРСТХІЈЅ", "aeopcyxijsABEKMHOPCTXIJS")
"""Cyrillic letters that are written as Latin ones."""
_MARKS: Final[dict[str, str]] = {
    "\u0300": "20 32",
    "\u0301": "40 32",
    "\u0302": "12 30 52",
    "\u0303": "02 (00 (30 (32 (62 60",
    "\u0306": "10 (12 (52 50",
    "\u0308": "11 11;51 51",
    "\u030a": "20 40 42 22 20",
    "\u030c": "10 32 50",
    "\u0327": "3c 3f 2f",
}
"""Accents, as they stand over a small letter."""


def strokes_of(char: str) -> tuple[tuple[Point, ...], ...]:
    """The strokes of a character, in half units; a box for one that the typeface does not have."""
    base, *marks = list(unicodedata.normalize("NFD", char)) if char not in _STROKES else [char]
    latin = base.translate(_ALIKE)
    letter = _letter("ı" if marks and latin == "i" else latin)
    if letter is None or any(mark not in _MARKS for mark in marks):
        return tuple(_parse(_BOX))
    lift = 4.0 if base.isupper() else 0.0
    accents = [stroke for mark in marks for stroke in _parse(_MARKS[mark], 0.0 if mark == "\u0327" else lift)]
    return (*letter, *accents)


def _letter(char: str) -> tuple[tuple[Point, ...], ...] | None:
    """The strokes of a character without accents; None for one that the typeface does not have."""
    if char in _STROKES:
        return tuple(_parse(_STROKES[char]))
    small = tuple(_parse(_CYRILLIC.get(char.lower(), "")))
    if not small:
        return None
    return small if char in _CYRILLIC else tuple(tuple(_stretched(point) for point in stroke) for stroke in small)


def _stretched(point: Point) -> Point:
    """A place of a small letter where it is in the capital."""
    x, y = point
    return x, y if y > _BASELINE else max(0.0, (y - _SMALL) * _BASELINE / (_BASELINE - _SMALL))


@lru_cache(maxsize=2048)
def glyph(char: str, scale: int, weight: float) -> Coverage:
    """The ink of one character: HEIGHT × ADVANCE half units of `scale` pixels; strokes are `weight` half units wide."""
    height, width = HEIGHT * scale, ADVANCE * scale
    rows, columns = numpy.mgrid[0:height, 0:width].astype(numpy.float32) + 0.5
    x, y = columns / scale - _LEFT, rows / scale - ABOVE
    distance = numpy.full((height, width), 1e9, numpy.float32)
    for stroke in strokes_of(char):
        for start, end in pairwise(stroke):
            numpy.minimum(distance, _distance(x, y, start, end), out=distance)
    ink: Coverage = numpy.clip((weight / 2 - distance) * scale + 0.5, 0.0, 1.0).astype(numpy.float32)
    ink.flags.writeable = False
    return ink


def _distance(x: Coverage, y: Coverage, start: Point, end: Point) -> Coverage:
    """How far each place is from a line."""
    (ax, ay), (bx, by) = start, end
    dx, dy = bx - ax, by - ay
    length = dx * dx + dy * dy
    along = numpy.clip(((x - ax) * dx + (y - ay) * dy) / length, 0.0, 1.0) if length else numpy.zeros_like(x)
    return numpy.hypot(x - ax - along * dx, y - ay - along * dy).astype(numpy.float32)


def _parse(text: str, lift: float = 0.0) -> Iterator[tuple[Point, ...]]:
    for stroke in filter(None, text.split(";")):
        corners = [(word.startswith("("), *_place(word.lstrip("("), lift)) for word in stroke.split()]
        yield tuple(_rounded(corners))


def _place(word: str, lift: float) -> Point:
    return float(int(word[0:1], 36)), int(word[1:2], 36) - lift


def _rounded(corners: list[tuple[bool, float, float]]) -> Iterator[Point]:
    """The points of a stroke, with a curve in the place of each round corner."""
    for place, (is_round, x, y) in enumerate(corners):
        if not is_round:
            yield x, y
            continue
        before, after = corners[place - 1][1:], corners[place + 1][1:]
        start, end = _towards((x, y), before), _towards((x, y), after)
        for step in range(_CURVE_STEPS + 1):
            yield _on_curve(start, (x, y), end, step / _CURVE_STEPS)


def _towards(corner: Point, other: Point) -> Point:
    """Where the curve begins: a radius away from the corner, or half way."""
    length = math.dist(corner, other)
    part = min(_RADIUS, length / 2) / length
    return corner[0] + (other[0] - corner[0]) * part, corner[1] + (other[1] - corner[1]) * part


def _on_curve(start: Point, corner: Point, end: Point, t: float) -> Point:
    """A quadratic curve, pulled a little further into the corner than a circle is."""
    a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
    return a * start[0] + b * corner[0] + c * end[0], a * start[1] + b * corner[1] + c * end[1]
