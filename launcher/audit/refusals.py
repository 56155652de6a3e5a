"""Decides which refusals get a line of their own: the first of its kind and account at once, the others once a minute.

What is counted meanwhile is told by `due`, also where nothing more comes. The table is bounded: where too many accounts
are refused at a time, those that have no place share one.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final

from launcher.audit.events import RefusalEvent, RefusalKind

INTERVAL: Final = 60.0
CLAIM_INTERVAL: Final = 3600.0
"""A proxy that adds headers does so with every request, and is no stranger."""
ACCOUNTS_AT_MOST: Final = 200

_Key = tuple[RefusalKind, int | str | None]


@dataclass(slots=True)
class _Row:
    event: RefusalEvent
    """The latest of them."""
    until: float
    """When the next line is due."""
    untold: int = 0


class Refusals:
    """What was refused lately. `now` are seconds that never run backwards."""

    def __init__(self, rows: int = ACCOUNTS_AT_MOST) -> None:
        self._most = rows
        self._rows: dict[_Key, _Row] = {}

    def seen(self, event: RefusalEvent, now: float, *, has_room: bool = True) -> RefusalEvent | None:
        """The line that is to be written at once, if one is; without room in the log it is told later, by `due`."""
        key = self._key(event)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = _Row(event, now)
        row.event = event
        row.untold += 1
        return self._told(row, now) if has_room and row.until <= now else None

    def due(self, now: float) -> list[RefusalEvent]:
        """The lines whose time has come; what has nothing more to say is forgotten."""
        over = {key: row for key, row in self._rows.items() if row.until <= now}
        for key in [key for key, row in over.items() if not row.untold]:
            del self._rows[key], over[key]
        return [self._told(row, now) for row in over.values()]

    def rest(self) -> list[RefusalEvent]:
        """The lines of all that is untold, at the end."""
        return [self._told(row, row.until) for row in self._rows.values() if row.untold]

    def __len__(self) -> int:
        return len(self._rows)

    def _told(self, row: _Row, now: float) -> RefusalEvent:
        told = dataclasses.replace(row.event, more=row.untold - 1)
        row.untold = 0
        row.until = now + (CLAIM_INTERVAL if row.event.kind is RefusalKind.CLAIM else INTERVAL)
        return told

    def _key(self, event: RefusalEvent) -> _Key:
        key = event.kind, event.uid
        return key if key in self._rows or len(self._rows) < self._most else (event.kind, "others")
