"""Texts of strangers, fit for a terminal: nothing in them moves the cursor, changes colours or turns letters round."""

from __future__ import annotations

import unicodedata
from itertools import accumulate

_MARKS_AT_MOST = 4
"""Combining marks on one letter: more would be piled over the lines above it. Living scripts need three."""
_UNITS = ("KiB", "MiB", "GiB", "TiB")


def escaped(text: str) -> str:
    """The text with everything that is no visible character as Python writes it: `\\n`, `\\x1b`, `\\u202e`.

    So are combining marks that have no letter to stand on, or that are too many.
    """
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    room = 0  # for combining marks
    for char in text:
        mark = unicodedata.category(char) in ("Mn", "Me")
        seen = char.isprintable() and (not mark or room > 0)
        shown.append(char if seen else char.encode("unicode_escape").decode())
        room = room - 1 if mark else _MARKS_AT_MOST if seen and char != " " else 0
    return "".join(shown)


def width(text: str) -> int:
    """The columns of a terminal that an escaped text takes."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth  # 30 ms, which most lists can do without

    return max(0, wcswidth(text))


def cut(text: str, columns: int) -> str:
    """An escaped text in so many columns (at least one), with an ellipsis where something is missing."""
    if width(text) <= columns:
        return text
    if text.isascii():
        return f"{text[: columns - 1]}…"
    from wcwidth import iter_graphemes

    graphemes = list(iter_graphemes(text))
    ends = accumulate(width(grapheme) for grapheme in graphemes)
    fitting = sum(1 for end in ends if end < columns)
    return f"{''.join(graphemes[:fitting])}…"


def size(count: int) -> str:
    """A number of bytes for people: `512 B`, `1.5 MiB`."""
    shown, unit = float(count), "B"
    for larger in _UNITS:
        if shown < 1023.95:
            break
        shown, unit = shown / 1024, larger
    return f"{shown:.1f} {unit}" if unit != "B" else f"{count} B"
