"""Writes events and everything else that is logged: to the journal in its own fields, plainly to a terminal, else as
JSON lines.

A record gets its form, and its time, where it is logged; what writes it is a thread (`launcher.audit.writer`), so that
a log that nobody reads holds up nobody. JSON in ASCII escapes control and bidi characters, and the journal's protocol
keeps values apart: a server's name can neither forge a second line nor colour a terminal.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from launcher.audit.events import Event, RefusalEvent, fields
from launcher.audit.formats import JsonLines, PlainLines, describe, journal_entry, loss_record
from launcher.audit.outputs import DescriptorOutput, JournalOutput, Output, TextOutput
from launcher.audit.queues import Backlog, Limits, Line
from launcher.audit.writer import LogWriter
from launcher.clock import Clock
from launcher.config.environment import wants_colour
from launcher.systemd import stderr_is_journal

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["JsonLines", "Log", "LogJournal", "describe", "logging_to", "set_level"]

_EVENTS = logging.getLogger("launcher.events")
_LOG = logging.getLogger(__name__)
_NOISY = ("keystoneauth", "keystoneauth1", "openstack", "stevedore", "urllib3")


class HasRoom(Protocol):
    def has_room(self) -> bool: ...


class LogJournal:
    """Records events as log lines; `log` is where they wait, and without one there is always room."""

    def __init__(self, log: HasRoom | None = None) -> None:
        self._log = log

    def record(self, event: Event, *, owed: bool = True) -> None:
        """Put the event on record. One that is not `owed` is counted and left out where there is no room."""
        level = logging.WARNING if isinstance(event, RefusalEvent) else logging.INFO
        _EVENTS.log(level, event.EVENT, extra={"fields": fields(event), "owed": owed})

    def has_room(self) -> bool:
        """Whether something may begin that has to be put on record."""
        return self._log is None or self._log.has_room()


class Log(logging.Handler):
    """Takes every record of `logging`, gives it its form, and hands it to the writer. It never waits."""

    def __init__(self, output: Output, form: logging.Formatter, *, to_journal: bool, limits: Limits | None) -> None:
        super().__init__()
        self.setFormatter(form)
        self._to_journal = to_journal
        self.writer = LogWriter(output, Backlog(limits), lambda counts: self._line(loss_record(counts)))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record's line for the writer; one that cannot be made is counted as lost."""
        try:
            line = self._line(record)
        except Exception:  # noqa: BLE001 -- `handleError` would write to standard error, arguments and all
            self.writer.lose(_kind(record))
        else:
            self.writer.put(line, owed=getattr(record, "owed", False))

    def say(self, text: str) -> None:
        """A line for the person before a terminal, as it is."""
        data = f"{text}\n".encode(errors="backslashreplace")
        self.writer.put(Line(data, "sentence", spare=data))

    def has_room(self) -> bool:
        """Whether something may begin that has to be put on record."""
        return self.writer.has_room()

    def _line(self, record: logging.LogRecord) -> Line:
        is_event = hasattr(record, "fields")
        written = f"{self.format(record)}\n".encode()
        if self._to_journal:
            return Line(journal_entry(record), _kind(record), is_event, spare=written)
        return Line(written, _kind(record), is_event)


@contextmanager
def logging_to(
    clock: Clock, level: str = "info", stream: TextIO | None = None, *, limits: Limits | None = None
) -> Iterator[Log]:
    """Everything that is logged, warned of or raised where nobody catches it goes to the log, as long as this lasts.

    That is the journal, or `stream` (standard error unless given): in JSON, or plainly on a terminal. Libraries speak
    up from warnings on, and never of what they send.
    """
    log = _log(clock, stream, limits)
    root = logging.getLogger()
    root.handlers[:] = [log]
    root.setLevel(logging.WARNING)
    set_level(level)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.ERROR)
    # What it has to say is of requests that are no HTTP; faults of our own routes never reach it.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    log.writer.start()
    try:
        with _strays_logged():
            yield log
    finally:
        log.writer.stop()  # the handler stays: without any, `logging` itself would write to standard error


def set_level(level: str) -> None:
    """The least that our own rooms log: `debug`, `info`, `warning` or `error`."""
    logging.getLogger("launcher").setLevel(level.upper())


def _log(clock: Clock, stream: TextIO | None, limits: Limits | None) -> Log:
    to_journal = stream is None and stderr_is_journal()
    written = stream or sys.stderr
    form = PlainLines(clock, colour=wants_colour(written)) if written.isatty() else JsonLines(clock)
    return Log(_output(written, to_journal=to_journal), form, to_journal=to_journal, limits=limits)


def _output(stream: TextIO, *, to_journal: bool) -> Output:
    try:
        descriptor = stream.fileno()
    except (OSError, io.UnsupportedOperation):
        return TextOutput(stream)
    if to_journal:
        return JournalOutput(DescriptorOutput(descriptor, spare=True))
    return DescriptorOutput(descriptor)


def _kind(record: logging.LogRecord) -> str:
    event = getattr(record, "fields", None)
    return str(event.get("event")) if isinstance(event, dict) else f"{record.levelname.lower()} {record.name}"


@contextmanager
def _strays_logged() -> Iterator[None]:
    """What Python itself would write to standard error goes to the log, and no exception's text with it."""
    in_finalizer, in_thread = sys.unraisablehook, threading.excepthook
    sys.unraisablehook = _on_unraisable
    threading.excepthook = _on_thread_end
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        sys.unraisablehook, threading.excepthook = in_finalizer, in_thread


def _on_unraisable(found: sys.UnraisableHookArgs) -> None:
    _tell_stray("an exception where none can be raised", found.exc_value, found.exc_traceback)


def _on_thread_end(found: threading.ExceptHookArgs) -> None:
    _tell_stray("a thread ended by an exception", found.exc_value, found.exc_traceback)


def _tell_stray(what: str, error: BaseException | None, trace: TracebackType | None) -> None:
    told = "unknown" if error is None else describe(error.with_traceback(trace))
    _LOG.error("%s: %s", what, told)
