"""Writes events and everything else that is logged: to the journal in its own fields, plainly to a terminal, else as
JSON lines.

JSON in ASCII escapes control and bidi characters, and the journal's protocol keeps values apart: a server's name can
neither forge a second line nor colour a terminal.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, TextIO

from launcher.audit.events import Event, fields
from launcher.audit.journal import IDENTIFIER, entry, event_fields, loss_fields, priority, sentence, visible
from launcher.clock import Clock
from launcher.config.environment import wants_colour
from launcher.systemd import stderr_is_journal

JOURNAL: Final = "/run/systemd/journal/socket"

_TONES = ((logging.ERROR, "31"), (logging.WARNING, "33"))
"""What is coloured, from the highest level on, and its ANSI code (ECMA-48 §8.3.117)."""
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


class PlainLines(logging.Formatter):
    """The same for a person at a terminal: local time, level, sentence; nothing in it can move the cursor."""

    def __init__(self, clock: Clock, *, colour: bool) -> None:
        super().__init__()
        self._clock = clock
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        known = getattr(record, "fields", None)
        line = visible(sentence(known) if isinstance(known, dict) else record.getMessage())
        if record.exc_info and record.exc_info[1] is not None:
            line += f" [{visible(describe(record.exc_info[1]))}]"
        return f"{self._clock.now().astimezone():%H:%M:%S} {self._level(record)} {line}"

    def _level(self, record: logging.LogRecord) -> str:
        level = f"{record.levelname.lower():<7}"
        tone = next((tone for least, tone in _TONES if record.levelno >= least), "")
        return f"\x1b[{tone}m{level}\x1b[0m" if self._colour and tone else level


class JournalHandler(logging.StreamHandler[TextIO]):
    """One record, one entry of the journal with fields of its own; where there is no journal, a line as formatted.

    It never waits: what a journal that does not read has no room for is lost, and counted, and the next entry that it
    takes says how much that was. The socket is not connected: a journal that is restarted is found again.
    """

    def __init__(self, stream: TextIO, address: str = JOURNAL) -> None:
        super().__init__(stream)
        self._address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._say_what_is_lost()
            self._send(_journal_fields(record))
        except BlockingIOError:  # standard error leads to the same journal, and would wait for it
            self._lost += 1
        except OSError:
            super().emit(record)
        except Exception:  # noqa: BLE001 -- logging's own way with a record that cannot be written
            self.handleError(record)

    def close(self) -> None:
        with suppress(OSError):
            self._say_what_is_lost()
        self._socket.close()
        super().close()

    def _say_what_is_lost(self) -> None:
        if self._lost:
            self._send(loss_fields(self._lost))
            self._lost = 0

    def _send(self, found: Mapping[str, str]) -> None:
        """Raises BlockingIOError where there is no room, OSError where there is no journal."""
        self._socket.sendto(entry(found), self._address)


def _journal_fields(record: logging.LogRecord) -> dict[str, str]:
    event = getattr(record, "fields", None)
    known = event if isinstance(event, dict) else None
    message = sentence(known) if known else record.getMessage()
    found = {
        "MESSAGE": visible(message),
        "PRIORITY": str(priority(record.levelno)),
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        **(event_fields(known) if known else {"LAUNCHER_LOGGER": record.name}),
    }
    if record.exc_info and record.exc_info[1] is not None:
        exception = describe(record.exc_info[1])
        found |= {"MESSAGE": f"{found['MESSAGE']} [{visible(exception)}]", "LAUNCHER_EXCEPTION": exception}
    return found


def describe(error: BaseException) -> str:
    """An exception without its text: type, and the places it passed, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " > ".join(f"{frame.name}:{frame.lineno}" for frame in frames[-6:])
    inner = ""
    if isinstance(error, BaseExceptionGroup):
        inner = f" ({'; '.join(describe(one) for one in error.exceptions[:3])})"
    return f"{type(error).__module__}.{type(error).__qualname__} at {places}{inner}"


def set_up_logging(clock: Clock, level: str = "info", stream: TextIO | None = None) -> None:
    """Everything goes to the journal, or to `stream` (standard error unless given): in JSON, or plainly on a terminal.

    Libraries speak up from warnings on, and never of what they send.
    """
    output = JournalHandler(sys.stderr) if stream is None and stderr_is_journal() else logging.StreamHandler(stream)
    written = stream or sys.stderr
    output.setFormatter(PlainLines(clock, colour=wants_colour(written)) if written.isatty() else JsonLines(clock))
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(logging.WARNING)
    set_level(level)
    for noisy in ("keystoneauth", "keystoneauth1", "openstack", "stevedore", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    # What it has to say is of requests that are no HTTP; faults of our own routes never reach it.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)


def set_level(level: str) -> None:
    """The least that our own rooms log: `debug`, `info`, `warning` or `error`."""
    logging.getLogger("launcher").setLevel(level.upper())
