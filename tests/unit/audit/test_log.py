from __future__ import annotations

import dataclasses
import io
import json
import logging
import sys
import threading
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from launcher.audit.cutting import LINE_LIMIT
from launcher.audit.events import LaunchEvent, RevealEvent, SessionEvent, fields
from launcher.audit.formats import journal_entry
from launcher.audit.log import Log, LogJournal, describe, logging_to
from launcher.model import Kind
from tests.fakes.clock import FakeClock
from tests.fakes.issued import issue
from tests.fakes.logs import as_before

LAUNCH = LaunchEvent(
    launch="L", session=None, actor="alice", uid=1000, via="unix", cloud="prod", server=None, kind=Kind.NOVNC,
    name="web-01\n\u202eforged", view_only=False, cached=None, stale=False, milliseconds=3,
    outcome="ServerNotFoundError", reason="none", request_id=None,
)  # fmt: skip
END = SessionEvent(
    session="S", launch="L", actor="alice", uid=1000, via="tcp", cloud="prod", server="u-u-i-d", name="web-01",
    kind=Kind.NOVNC, view_only=False, cached=True, milliseconds=9, bytes_up=1, bytes_down=2, end_reason="viewer closed",
    ended_by=None, request_id="req-1",
)  # fmt: skip
REVEAL = RevealEvent(
    actor="alice", uid=1000, via="unix", cloud="prod", server="u-u-i-d", name="web-01", kind=Kind.NOVNC,
    request_id="req-1",
)  # fmt: skip


class Stream(io.StringIO):
    """What is written; `getvalue` waits until all of it is."""

    log: Log | None = None

    def getvalue(self) -> str:
        assert self.log is not None
        assert self.log.writer.settle(5)
        return super().getvalue()


@contextmanager
def logged(stream: Stream) -> Iterator[Stream]:
    """Everything that is logged goes to the stream; logging is afterwards as before."""
    with as_before(), logging_to(FakeClock(), stream=stream) as stream.log:
        yield stream


@pytest.fixture
def stream() -> Iterator[Stream]:
    with logged(Stream()) as found:
        yield found


def test_an_event_is_one_line_of_json_with_all_its_fields(stream: Stream) -> None:
    LogJournal().record(LAUNCH)
    LogJournal().record(END)
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["event"] == "launch"
    assert second["event"] == "session-end"
    assert {"time", "level", *fields(END)} == set(second)


def test_a_server_name_can_neither_forge_a_line_nor_turn_the_text_around(stream: Stream) -> None:
    LogJournal().record(LAUNCH)
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().isascii()


def test_of_an_exception_only_type_and_place_are_logged(stream: Stream) -> None:
    secret = issue()
    try:
        raise RuntimeError(secret)
    except RuntimeError:
        logging.getLogger("launcher.test").exception("it failed")
    assert secret not in stream.getvalue()
    assert "builtins.RuntimeError at test_of_an_exception" in json.loads(stream.getvalue())["exception"]


def test_libraries_speak_up_only_from_warnings_on(stream: Stream) -> None:
    logging.getLogger("keystoneauth.session").info("headers and all")
    logging.getLogger("launcher.daemon").info("ready")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["ready"]


def test_a_group_of_exceptions_is_opened() -> None:
    secret = issue()
    text = describe(ExceptionGroup("several", [ValueError(secret), KeyError(secret)]))
    assert "builtins.ValueError" in text
    assert "builtins.KeyError" in text
    assert secret not in text


class _Terminal(Stream):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Terminal]:
    """A person's, who wants colours."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    found = _Terminal()
    with logged(found):
        yield found


def test_a_person_at_a_terminal_reads_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with logged(_Terminal()) as terminal:
        LogJournal().record(LAUNCH)
        logging.getLogger("launcher").warning("look\x1b[2J")
        said = terminal.getvalue().splitlines()
    time = f"{FakeClock().now().astimezone():%H:%M:%S}"
    assert said == [
        f"{time} info    launch by alice: prod/web-01\\x0a\\u202eforged: ServerNotFoundError (none), 3 ms",
        f"{time} warning look\\x1b[2J",
    ]


def test_on_a_terminal_what_needs_attention_is_coloured_and_nothing_else(terminal: _Terminal) -> None:
    logger = logging.getLogger("launcher.test")
    for say in (logger.info, logger.warning, logger.error):
        say("\x1b[2J")
    info, warning, error = terminal.getvalue().splitlines()
    assert "\x1b" not in info
    assert " \x1b[33mwarning\x1b[0m \\x1b[2J" in warning
    assert " \x1b[31merror  \x1b[0m \\x1b[2J" in error


def test_on_a_terminal_too_an_exception_is_its_type_and_place(terminal: _Terminal) -> None:
    secret = issue()
    try:
        raise RuntimeError(secret)
    except RuntimeError:
        logging.getLogger("launcher.test").exception("it failed")
    assert "it failed [builtins.RuntimeError at test_on_a_terminal" in terminal.getvalue()
    assert secret not in terminal.getvalue()
    assert terminal.getvalue().count("\n") == 1


def test_names_of_60_kb_make_lines_of_8_kib_with_every_id_whole(stream: Stream) -> None:
    server, request = str(uuid.uuid4()), f"req-{uuid.uuid4()}"
    for sign in ("x", "\U0001f600", "\x1b", " "):
        name = sign * 60_000
        event = dataclasses.replace(
            LAUNCH, name=name, actor=name, cloud=name, reason=name, server=server, request_id=request
        )
        LogJournal().record(event)
        logging.getLogger("launcher.test").warning("of %s: %d, %s", name, 7, request)
        logging.getLogger("launcher.test").warning(f"{name} {request}")
    for line in stream.getvalue().splitlines():
        assert len(line) < LINE_LIMIT
        found = json.loads(line)
        assert request in (found.get("message") or found["request_id"])
        assert found.get("server", server) == server
    assert stream.getvalue().count("\n") == 12


def test_the_same_holds_on_a_terminal_and_in_the_journal(terminal: _Terminal) -> None:
    for sign in ("x", "\U0001f600", "\x1b"):
        LogJournal().record(dataclasses.replace(LAUNCH, name=sign * 60_000, reason=sign * 60_000))
        record = logging.makeLogRecord({"levelno": 20, "fields": {"event": "launch", "name": sign * 60_000}})
        assert len(journal_entry(record)) <= LINE_LIMIT
    assert all(len(line.encode()) <= LINE_LIMIT for line in terminal.getvalue().splitlines())


def test_a_record_that_has_no_form_is_counted_and_nothing_of_it_is_shown(
    stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = issue()
    assert stream.log is not None
    stream.log.handle(
        logging.makeLogRecord({"name": "launcher.test", "levelname": "WARNING", "msg": "%d", "args": (secret,)})
    )
    logging.getLogger("launcher.test").warning("next")
    said = stream.getvalue()
    assert "1 entry of this log is lost, for want of room or form: 1 warning launcher.test" in said
    assert secret not in said + capsys.readouterr().err


def test_what_python_itself_would_write_to_standard_error_is_logged_without_its_text(
    stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = issue()

    def fail() -> None:
        raise RuntimeError(secret)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    sys.unraisablehook(
        SimpleNamespace(
            exc_type=ValueError, exc_value=ValueError(secret), exc_traceback=None, err_msg=None, object=None
        )
    )
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("look out", stacklevel=1)
    said = stream.getvalue()
    assert "a thread ended by an exception: builtins.RuntimeError at " in said
    assert "an exception where none can be raised: builtins.ValueError at " in said
    assert "look out" in said
    assert secret not in said + capsys.readouterr().err
