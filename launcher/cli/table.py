"""Tables: aligned for a person, with a tab between cells for a program."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from launcher.cli.text import cut, escaped, width

_GAP = 2
NARROWEST = 8
"""Columns below which what is left of a text says nothing."""


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
Steps = Sequence[tuple[str, int]]
"""How a table becomes narrower, step by step: the title of a column, and the columns that it keeps then; 0: it is left
out where it would have less than NARROWEST."""


def tab_lines(titles: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """One line a row and one for the titles, whole cells with a tab between them."""
    return ["\t".join(titles), *("\t".join(escaped(cell.text) for cell in row) for row in rows)]


def aligned_lines(titles: Sequence[str], rows: Sequence[Row], *, columns: int, colour: bool, steps: Steps) -> list[str]:
    """The same for a terminal that is `columns` wide: narrower by as many `steps` as it takes."""
    whole = [tuple(Cell(title, Tone.TITLE) for title in titles), *(_escaped(row) for row in rows)]
    wanted = {title: max(width(row[place].text) for row in whole) for place, title in enumerate(titles)}
    widths = fitting(wanted, columns, steps)
    return [_line(row, list(widths.values()), colour=colour) for row in whole]


def fitting(wanted: Mapping[str, int], columns: int, steps: Steps) -> dict[str, int]:
    """Widths at most as wanted whose sum, with the gaps, fits if the steps allow it; 0: the column is left out."""
    widths = dict(wanted)
    for title, least in steps:
        over = _sum(widths.values()) - columns
        if over > 0:
            widths[title] = _narrowed(widths[title], over, least)
    return widths


def _narrowed(columns: int, over: int, least: int) -> int:
    left = columns - over
    if least:
        return min(columns, max(left, least))
    return left if left >= NARROWEST else 0


def _sum(widths: Iterable[int]) -> int:
    shown = [columns for columns in widths if columns]
    return sum(shown) + _GAP * (len(shown) - 1)


def _escaped(row: Row) -> tuple[Cell, ...]:
    return tuple(Cell(escaped(cell.text), cell.tone) for cell in row)


def _line(row: Row, widths: Sequence[int], *, colour: bool) -> str:
    """Nothing is padded behind the last cell: terminals would wrap it when they become narrower."""
    cells = []
    for cell, columns in zip(row, widths, strict=True):
        if not columns:
            continue
        text = cut(cell.text, columns)
        padding = " " * (columns - width(text))
        cells.append((f"\x1b[{cell.tone}m{text}\x1b[0m" if colour and cell.tone else text) + padding)
    return (" " * _GAP).join(cells).rstrip(" ")
