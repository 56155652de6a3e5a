"""Transcripts of a console proxy's wire (`xvp/README` tells how they are written)."""

from __future__ import annotations

import codecs
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Self

FOLDER = Path(__file__).parent / "xvp"
_END = "(end)"


class Way(enum.StrEnum):
    """Who says it to whom."""

    TO_PROXY = ">"
    FROM_PROXY = "<"
    TO_HOST = ">>"
    FROM_HOST = "<<"


@dataclass(frozen=True, slots=True)
class Said:
    """What is said one way, until another speaks; None is the last word, that there is no more."""

    way: Way
    raw: bytes | None


@dataclass
class Transcript:
    """One conversation."""

    things: dict[str, str] = field(default_factory=dict)
    """How things stand: `token`, `host`, `front`."""
    verdict: str = ""
    """What it is to us, if we ever say such things."""
    said: list[Said] = field(default_factory=list)
    heard: bytes = b""
    """All from the proxy, until the verdict."""
    ended: bool = False
    """Whether the proxy had said its last word then."""

    @property
    def asked(self) -> bytes:
        """What is said to the proxy first."""
        return self.said[0].raw or b""

    @classmethod
    def read(cls, name: str, **words: str) -> Self:
        """The transcript of this name, its placeholders filled with these words."""
        found, spoken = cls(), list[tuple[Way, bytes | None]]()
        for line in (FOLDER / f"{name}.txt").read_text().splitlines():
            sign, _, rest = line.partition(" ")
            if sign == "@":
                key, _, found.things[key] = rest.partition(" ")
            elif sign == "=":
                found.verdict = rest
                found.heard = b"".join(raw or b"" for way, raw in spoken if way is Way.FROM_PROXY)
                found.ended = (Way.FROM_PROXY, None) in spoken
            elif sign != "#":
                spoken.append((Way(sign), _bytes(rest, words)))
        for (way, last), run in groupby(spoken, key=lambda one: (one[0], one[1] is None)):
            found.said.append(Said(way, None if last else b"".join(raw or b"" for _, raw in run)))
        return found


def _bytes(text: str, words: Mapping[str, str]) -> bytes | None:
    if text == _END:
        return None
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", word)
    return codecs.decode(text, "unicode_escape").encode("latin-1")


NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))
