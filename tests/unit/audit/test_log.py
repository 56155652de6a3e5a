from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from launcher.audit.events import LaunchEvent, RevealEvent, SessionEvent, fields
from launcher.audit.log import LogJournal, describe, set_up_logging
from launcher.model import Kind
from tests.fakes.clock import FakeClock
from tests.fakes.issued import issue

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


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    set_up_logging(FakeClock(), stream=stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    logging.getLogger("launcher").setLevel(logging.NOTSET)


def test_an_event_is_one_line_of_json_with_all_its_fields(stream: io.StringIO) -> None:
    LogJournal().record(LAUNCH)
    LogJournal().record(END)
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["event"] == "launch"
    assert second["event"] == "session-end"
    assert {"time", "level", *fields(END)} == set(second)


def test_a_server_name_can_neither_forge_a_line_nor_turn_the_text_around(stream: io.StringIO) -> None:
    LogJournal().record(LAUNCH)
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().isascii()


def test_of_an_exception_only_type_and_place_are_logged(stream: io.StringIO) -> None:
    secret = issue()
    try:
        raise RuntimeError(secret)
    except RuntimeError:
        logging.getLogger("launcher.test").exception("it failed")
    assert secret not in stream.getvalue()
    assert "builtins.RuntimeError at test_of_an_exception" in json.loads(stream.getvalue())["exception"]


def test_libraries_speak_up_only_from_warnings_on(stream: io.StringIO) -> None:
    logging.getLogger("keystoneauth.session").info("headers and all")
    logging.getLogger("launcher.daemon").info("ready")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["ready"]


def test_a_group_of_exceptions_is_opened() -> None:
    secret = issue()
    text = describe(ExceptionGroup("several", [ValueError(secret), KeyError(secret)]))
    assert "builtins.ValueError" in text
    assert "builtins.KeyError" in text
    assert secret not in text


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    """A person's, who wants colours; logging is afterwards as before, as it is for `stream`."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return _Terminal()


def test_a_person_at_a_terminal_reads_plain_lines(terminal: _Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    set_up_logging(FakeClock(), stream=terminal)
    LogJournal().record(LAUNCH)
    logging.getLogger("launcher").warning("look\x1b[2J")
    time = f"{FakeClock().now().astimezone():%H:%M:%S}"
    assert terminal.getvalue().splitlines() == [
        f"{time} info    launch by alice: prod/web-01\\x0a\\u202eforged: ServerNotFoundError (none), 3 ms",
        f"{time} warning look\\x1b[2J",
    ]


def test_on_a_terminal_what_needs_attention_is_coloured_and_nothing_else(terminal: _Terminal) -> None:
    set_up_logging(FakeClock(), stream=terminal)
    logger = logging.getLogger("launcher.test")
    for say in (logger.info, logger.warning, logger.error):
        say("\x1b[2J")
    info, warning, error = terminal.getvalue().splitlines()
    assert "\x1b" not in info
    assert " \x1b[33mwarning\x1b[0m \\x1b[2J" in warning
    assert " \x1b[31merror  \x1b[0m \\x1b[2J" in error


def test_on_a_terminal_too_an_exception_is_its_type_and_place(terminal: _Terminal) -> None:
    set_up_logging(FakeClock(), stream=terminal)
    secret = issue()
    try:
        raise RuntimeError(secret)
    except RuntimeError:
        logging.getLogger("launcher.test").exception("it failed")
    assert "it failed [builtins.RuntimeError at test_on_a_terminal" in terminal.getvalue()
    assert secret not in terminal.getvalue()
    assert terminal.getvalue().count("\n") == 1
