"""Keeps log lines until somebody takes them: events and chatter in a queue each, both bounded.

Chatter is everything that is logged but events. Where its queue is full the newest line is dropped, and counted by its
kind; the count stands in the log at the place of what is missing. Events have a queue that chatter cannot fill. What
is under way is always put on record: a launch that was let in, and its session's end. What has not begun yet asks
`has_room` before; so the queue of events holds at most its limit, and two lines for each session that there may be.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_KINDS_AT_MOST = 30
OTHER_KINDS: Final = "others"


@dataclass(frozen=True, slots=True)
class Line:
    """One line for the log."""

    data: bytes
    kind: str
    """What a loss is counted by: its level and logger, or the kind of event."""
    is_event: bool = False
    spare: bytes = b""
    """The same for the output that stands in where the first is not there."""


@dataclass(frozen=True, slots=True)
class Loss:
    """How many lines are missing here, by kind."""

    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait, in lines and bytes each."""

    event_lines: int = 1000
    event_bytes: int = 1024 * 1024
    chatter_lines: int = 2000
    chatter_bytes: int = 1024 * 1024


class _Queue:
    """First in, first out, up to a limit; whether there is room can be asked."""

    def __init__(self, lines: int, size: int) -> None:
        self._most_lines = lines
        self._most_bytes = size
        self._bytes = 0
        self._waiting: deque[tuple[int, Line | Loss]] = deque()

    def has_room(self) -> bool:
        return len(self._waiting) < self._most_lines and self._bytes < self._most_bytes

    def put(self, number: int, one: Line | Loss) -> None:
        self._waiting.append((number, one))
        self._bytes += _size(one)

    def first(self) -> int | None:
        """The number of what is next."""
        return self._waiting[0][0] if self._waiting else None

    def take(self) -> Line | Loss:
        _, one = self._waiting.popleft()
        self._bytes -= _size(one)
        return one

    def __len__(self) -> int:
        return len(self._waiting)


class Backlog:
    """All that waits to be written. Not for several threads at once."""

    def __init__(self, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self._events = _Queue(limits.event_lines, limits.event_bytes)
        self._chatter = _Queue(limits.chatter_lines, limits.chatter_bytes)
        self._missing: Counter[str] = Counter()
        self._is_told = True
        """Whether what is missing has been tried to be told since the last line came."""
        self._number = 0

    def has_room(self) -> bool:
        """Whether something may begin that will be put on record."""
        return self._events.has_room()

    def put(self, line: Line, *, owed: bool = False) -> bool:
        """Keep the line, or count it as lost; whether it is kept. `owed` is an event of what was let in before."""
        queue = self._events if line.is_event else self._chatter
        self._is_told = False
        if not owed and not queue.has_room():
            self.lose(line.kind)
            return False
        if not line.is_event:
            self._mark_loss()
        self._number += 1
        queue.put(self._number, line)
        return True

    def lose(self, kind: str, count: int = 1) -> None:
        """Count what is not in the log; it is told with the next line."""
        known = kind in self._missing or len(self._missing) < _KINDS_AT_MOST
        self._missing[kind if known else OTHER_KINDS] += count

    def take(self) -> Line | Loss | None:
        """The oldest line; after the last one what is missing, once; None where there is nothing to say."""
        event, chatter = self._events.first(), self._chatter.first()
        if event is not None and (chatter is None or event < chatter):
            return self._events.take()
        if chatter is not None:
            return self._chatter.take()
        return None if self._is_told else self._take_loss()

    def __len__(self) -> int:
        """What `take` will give."""
        return len(self._events) + len(self._chatter) + (bool(self._missing) and not self._is_told)

    def _mark_loss(self) -> None:
        loss = self._take_loss()
        if loss is not None:
            self._number += 1
            self._chatter.put(self._number, loss)

    def _take_loss(self) -> Loss | None:
        self._is_told = True
        if not self._missing:
            return None
        loss, self._missing = Loss(dict(self._missing)), Counter()
        return loss


def _size(one: Line | Loss) -> int:
    return len(one.data) + len(one.spare) if isinstance(one, Line) else 0
