"""Writes events and everything else that is logged as JSON lines on standard error.

JSON in ASCII escapes control and bidi characters: a server's name can neither forge a second line nor colour a
terminal.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from typing import TextIO

from launcher.audit.events import Event, fields
from launcher.clock import Clock

_EVENTS = logging.getLogger("launcher.events")


class LogJournal:
    """Records events as log lines."""

    def record(self, event: Event) -> None:
        _EVENTS.info(event.EVENT, extra={"fields": fields(event)})


class JsonLines(logging.Formatter):
    """One record, one line. Of an exception only its type and place: its text may hold what must not be logged."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": self._clock.now().isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        known = getattr(record, "fields", None)
        if isinstance(known, dict):
            line |= known
        else:
            line |= {"logger": record.name, "message": record.getMessage()}
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = describe(record.exc_info[1])
        return json.dumps(line, default=str)


def describe(error: BaseException) -> str:
    """An exception without its text: type, and the places it passed, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " > ".join(f"{frame.name}:{frame.lineno}" for frame in frames[-6:])
    inner = ""
    if isinstance(error, BaseExceptionGroup):
        inner = f" ({'; '.join(describe(one) for one in error.exceptions[:3])})"
    return f"{type(error).__module__}.{type(error).__qualname__} at {places}{inner}"


def set_up_logging(clock: Clock, level: str = "info", stream: TextIO | None = None) -> None:
    """Everything goes to one stream; libraries speak up from warnings on, and never of what they send."""
    output = logging.StreamHandler(stream or sys.stderr)
    output.setFormatter(JsonLines(clock))
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(logging.WARNING)
    logging.getLogger("launcher").setLevel(level.upper())
    for noisy in ("keystoneauth", "keystoneauth1", "openstack", "stevedore", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    # What it has to say is of requests that are no HTTP; faults of our own routes never reach it.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
