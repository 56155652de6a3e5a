"""A configuration file as it was read: plain values, the line of every key, and the problems found so far."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from launcher.errors import ConfigProblem

KeyPath = tuple[str | int, ...]


class Unreadable:
    """Stands where a value was refused, so that its key does not count as missing as well."""


UNREADABLE: Final = Unreadable()

_SECRETIVE = re.compile(r"key|token|pass|secret|credential", re.IGNORECASE)


@dataclass(slots=True)
class Document:
    """What a file says, and where it says it."""

    file: str
    value: object = UNREADABLE
    """dict, tuple, str, int, float and bool only, with `UNREADABLE` where a problem was found."""
    lines: dict[KeyPath, int] = field(default_factory=dict)
    sources: dict[KeyPath, str] = field(default_factory=dict)
    """How a true, false or number was spelt."""
    unsure: set[KeyPath] = field(default_factory=set)
    """Where a problem of the YAML makes any further complaint about the value worthless."""
    problems: list[ConfigProblem] = field(default_factory=list)
    doubts: list[ConfigProblem] = field(default_factory=list)
    """Problems that a gateway can serve with."""

    def line(self, path: KeyPath) -> int | None:
        """The line of the key, or of the nearest one around it that stands in the file."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path)

    def problem(self, path: KeyPath, message: str, line: int | None = None) -> None:
        """Adds a problem; the line is the key's unless another is given."""
        self.problems.append(self._at(path, message, line))

    def doubt(self, path: KeyPath, message: str) -> None:
        """Adds a problem that a gateway can serve with."""
        self.doubts.append(self._at(path, message))

    def _at(self, path: KeyPath, message: str, line: int | None = None) -> ConfigProblem:
        return ConfigProblem(shown(self.file, 4096), line or self.line(path), dotted(path), shown(message, 2000))


def dotted(path: KeyPath) -> str:
    """`clouds.prod.console_url[0].to`: a key path as a person reads it."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{shown(part)}" for part in path)
    return text.removeprefix(".")


def shown(text: str, limit: int = 80) -> str:
    """The text, safe for a terminal: unprintable characters escaped, long ones cut."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def secretive(path: KeyPath) -> bool:
    """Whether a value at this place may be a secret, which no message may show."""
    return any(_SECRETIVE.search(part) for part in path if isinstance(part, str))
