"""Tables: aligned for a person, with a tab between cells for a program."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from launcher.cli.text import cut, escaped, width

_GAP = 2
_NARROWEST = 8
"""Columns that a cell keeps, however narrow the terminal is."""
_READABLE = 24
"""Columns by which names can be told apart."""


class Tone(enum.StrEnum):
    """Why a cell is coloured; the value is its ANSI code (ECMA-48 §8.3.117)."""

    PLAIN = ""
    TITLE = "1"
    GOOD = "32"
    BAD = "31"
    QUIET = "2"


@dataclass(frozen=True, slots=True)
class Cell:
    """A text as it came from wherever, and its tone."""

    text: str
    tone: Tone = Tone.PLAIN


Row = Sequence[Cell]


def tab_lines(titles: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """One line a row and one for the titles, whole cells with a tab between them."""
    return ["\t".join(titles), *("\t".join(escaped(cell.text) for cell in row) for row in rows)]


def aligned_lines(
    titles: Sequence[str],
    rows: Sequence[Row],
    *,
    columns: int,
    colour: bool,
    elastic: int = 0,
    spare: int | None = None,
) -> list[str]:
    """The same for a terminal that is `columns` wide: cells are cut until the table fits, first in column `elastic`.

    Where that would leave too little of it, the column `spare` goes first.
    """
    whole = [tuple(Cell(title, Tone.TITLE) for title in titles), *(_escaped(row) for row in rows)]
    wanted = [max(width(row[place].text) for row in whole) for place in range(len(titles))]
    if spare is not None and _left(wanted, columns, elastic) < min(wanted[elastic], _READABLE):
        whole = [(*row[:spare], *row[spare + 1 :]) for row in whole]
        del wanted[spare]
    widths = fitting(wanted, columns, elastic)
    return [_line(row, widths, colour=colour) for row in whole]


def fitting(wanted: Sequence[int], columns: int, elastic: int) -> list[int]:
    """Widths at most as wanted whose sum, with the gaps, fits: `elastic` gives way first, then the widest alike."""
    room = columns - _GAP * (len(wanted) - 1)
    widths = list(wanted)
    widths[elastic] = min(wanted[elastic], max(_left(wanted, columns, elastic), _NARROWEST))
    if sum(widths) <= room:
        return widths
    limits = range(max(widths), _NARROWEST, -1)
    limit = next((limit for limit in limits if sum(min(one, limit) for one in widths) <= room), _NARROWEST)
    return [min(one, limit) for one in widths]


def _left(wanted: Sequence[int], columns: int, elastic: int) -> int:
    """The columns that the others leave for `elastic`; it may be less than none."""
    return columns - _GAP * (len(wanted) - 1) - (sum(wanted) - wanted[elastic])


def _escaped(row: Row) -> tuple[Cell, ...]:
    return tuple(Cell(escaped(cell.text), cell.tone) for cell in row)


def _line(row: Row, widths: Sequence[int], *, colour: bool) -> str:
    """Nothing is padded behind the last cell: terminals would wrap it when they become narrower."""
    cells = []
    for cell, columns in zip(row, widths, strict=True):
        text = cut(cell.text, columns)
        padding = " " * (columns - width(text))
        cells.append((f"\x1b[{cell.tone}m{text}\x1b[0m" if colour and cell.tone else text) + padding)
    return (" " * _GAP).join(cells).rstrip(" ")
