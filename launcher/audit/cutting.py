"""Cuts what strangers wrote to the length of a log line: a server's name may have 60 kB.

A cut is marked by `…`. What finds a line again is never cut in two: ids stay whole where they are fields of their own,
a cut through a word goes before it, and ids that stand behind the cut of a sentence are put after its mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

MARK: Final = "…"
FIELD_LIMIT: Final = 200
"""Characters of a name, a path or the like."""
SENTENCE_LIMIT: Final = 1000
"""Characters of a reason or of one argument of a message."""
MESSAGE_LIMIT: Final = 2000
LINE_LIMIT: Final = 8 * 1024
"""Bytes of a whole line, or of an entry of the journal."""

_SENTENCES = frozenset({"reason", "why"})
_SHRINKING = (1, 2, 4, 8, 16)
"""What the limits are divided by, one after the other, until the line fits: escaped, one character takes 12 bytes."""
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_LONGEST_WORD = 64
_WORD_SIGNS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
_UUID = re.compile(r"\b(?:req-)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_SOUGHT, _KEPT = 4096, 2
"""Characters at a text's end in which ids are looked for, and how many of these are kept."""
_IDS = frozenset({"launch", "session", "server", "request_id"})


def cut(text: str, most: int) -> str:
    """The text, or its first `most` characters with the mark, and then the last ids of what is left out."""
    if len(text) <= most:
        return text
    head, left_out = text[: most - 1], text[most - 1 :]
    if left_out[0] in _WORD_SIGNS:
        head = _without_half_a_word(head)
    ids = _UUID.findall((text[len(head) :])[-_SOUGHT:])[-_KEPT:]
    return " ".join([head + MARK, *ids])


def _without_half_a_word(head: str) -> str:
    """Words that are too long for an id stay as far as they go."""
    whole = head[-_LONGEST_WORD:].rstrip(_WORD_SIGNS)
    return head[: len(whole) - _LONGEST_WORD] if whole and len(head) > _LONGEST_WORD else head


def cut_fields(fields: Mapping[str, object], share: int = 1) -> dict[str, object]:
    """An event's fields; the limits are divided by `share`."""
    short = FIELD_LIMIT // share
    return {
        name: value if isinstance(value, str) and len(value) <= short else _cut_field(name, value, share)
        for name, value in fields.items()
    }


def cut_arguments(arguments: Iterable[object], share: int = 1) -> tuple[object, ...]:
    """What a message is filled with: numbers as they are, all else as texts that are not too long."""
    return tuple(
        one if one is None or isinstance(one, int | float) else cut(str(one), SENTENCE_LIMIT // share)
        for one in arguments
    )


def fitted(render: Callable[[int], bytes]) -> bytes:
    """What `render` gives for the smallest division of the limits with which that is at most LINE_LIMIT bytes long.

    It is given the number to divide by, and must keep each field within the limits of this module.
    """
    found = b""
    for share in _SHRINKING:
        found = render(share)
        if len(found) <= LINE_LIMIT:
            break
    return found


def _cut_field(name: str, value: object, share: int) -> object:
    if not isinstance(value, str) or (name in _IDS and _ID.fullmatch(value)):
        return value
    return cut(value, (SENTENCE_LIMIT if name in _SENTENCES else FIELD_LIMIT) // share)
