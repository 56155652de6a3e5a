"""Gives a log record its form: JSON, a plain line for a person, or an entry of the journal.

Each is at most `LINE_LIMIT` bytes long, whatever is in the record. Of an exception only its type and the places it
passed are told: its text may hold what must not be logged.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from launcher.audit.cutting import MESSAGE_LIMIT, SENTENCE_LIMIT, cut, cut_arguments, cut_fields, fitted
from launcher.audit.journal import IDENTIFIER, entry, event_fields, loss_sentence, priority, sentence, visible
from launcher.clock import Clock

_TONES = ((logging.ERROR, "31"), (logging.WARNING, "33"))
"""What is coloured, from the highest level on, and its ANSI code (ECMA-48 §8.3.117)."""
LOST: Final = "lost"


@dataclass(frozen=True, slots=True)
class Parts:
    """What there is to say of a record, cut."""

    event: Mapping[str, object] | None
    message: str
    exception: str
    """Empty where there is none."""


def parts_of(record: logging.LogRecord, share: int = 1) -> Parts:
    """The record's parts; their limits are divided by `share`. Raises what its formatting raises."""
    known = getattr(record, "fields", None)
    event = cut_fields(known, share) if isinstance(known, dict) else None
    message = sentence(event) if event is not None else cut(_message(record, share), MESSAGE_LIMIT // share)
    error = record.exc_info[1] if record.exc_info else None
    return Parts(event, message, cut(describe(error), SENTENCE_LIMIT // share) if error is not None else "")


def _message(record: logging.LogRecord, share: int) -> str:
    if isinstance(record.args, tuple) and record.args:
        return str(record.msg) % cut_arguments(record.args, share)
    return record.getMessage()


class JsonLines(logging.Formatter):
    """One record, one line of JSON in ASCII: control and bidi characters are escapes in it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def format(self, record: logging.LogRecord) -> str:
        """Raises what the record's own formatting raises."""
        now = self._clock.now().isoformat(timespec="milliseconds")

        def render(share: int) -> bytes:
            found = parts_of(record, share)
            line: dict[str, object] = {"time": now, "level": record.levelname.lower()}
            line |= {"logger": record.name, "message": found.message} if found.event is None else found.event
            if found.exception:
                line["exception"] = found.exception
            return json.dumps(line, default=str).encode()

        return fitted(render).decode()


class PlainLines(logging.Formatter):
    """One record, one line for a person: local time, level, sentence; nothing in it can move the cursor."""

    def __init__(self, clock: Clock, *, colour: bool) -> None:
        super().__init__()
        self._clock = clock
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Raises what the record's own formatting raises."""
        now = f"{self._clock.now().astimezone():%H:%M:%S}"

        def render(share: int) -> bytes:
            found = parts_of(record, share)
            exception = f" [{visible(found.exception)}]" if found.exception else ""
            line = f"{now} {self._level(record)} {visible(found.message)}{exception}"
            return line.encode(errors="backslashreplace")

        return fitted(render).decode()

    def _level(self, record: logging.LogRecord) -> str:
        level = f"{record.levelname.lower():<7}"
        tone = next((tone for least, tone in _TONES if record.levelno >= least), "")
        return f"\x1b[{tone}m{level}\x1b[0m" if self._colour and tone else level


def journal_entry(record: logging.LogRecord) -> bytes:
    """The record as one datagram for the journal, with fields of its own."""
    return fitted(lambda share: entry(_journal_fields(record, share)))


def _journal_fields(record: logging.LogRecord, share: int) -> dict[str, str]:
    found = parts_of(record, share)
    fields = {
        "MESSAGE": visible(found.message),
        "PRIORITY": str(priority(record.levelno)),
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        **(event_fields(found.event) if found.event is not None else {"LAUNCHER_LOGGER": record.name}),
    }
    lost = getattr(record, LOST, None)
    if lost is not None:
        fields["LAUNCHER_LOST"] = str(lost)
    if found.exception:
        fields |= {
            "MESSAGE": f"{fields['MESSAGE']} [{visible(found.exception)}]",
            "LAUNCHER_EXCEPTION": found.exception,
        }
    return fields


def loss_record(counts: Mapping[str, int]) -> logging.LogRecord:
    """The record of what is missing in the log, by kind."""
    record = logging.LogRecord("launcher.audit", logging.WARNING, "", 0, loss_sentence(counts), None, None)
    setattr(record, LOST, sum(counts.values()))
    return record


def describe(error: BaseException) -> str:
    """An exception without its text: type, and the places it passed, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " > ".join(f"{frame.name}:{frame.lineno}" for frame in frames[-6:])
    inner = ""
    if isinstance(error, BaseExceptionGroup):
        inner = f" ({'; '.join(describe(one) for one in error.exceptions[:3])})"
    return f"{type(error).__module__}.{type(error).__qualname__} at {places}{inner}"
