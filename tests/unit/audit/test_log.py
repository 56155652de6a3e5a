from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from launcher.audit.events import LaunchEvent, SessionEvent, fields
from launcher.audit.log import LogJournal, describe, set_up_logging
from launcher.model import Kind
from tests.fakes.clock import FakeClock
from tests.fakes.issued import issue

LAUNCH = LaunchEvent(
    launch="L", session=None, actor="alice", uid=1000, via="unix", cloud="prod", server=None, kind=Kind.NOVNC,
    name="web-01\n\u202eforged", cached=None, stale=False, milliseconds=3, outcome="ServerNotFoundError",
    reason="none", request_id=None,
)  # fmt: skip
END = SessionEvent(
    session="S", launch="L", actor="alice", uid=1000, via="tcp", cloud="prod", server="u-u-i-d", name="web-01",
    kind=Kind.NOVNC, cached=True, milliseconds=9, bytes_up=1, bytes_down=2, end_reason="viewer closed",
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


def test_a_person_at_a_terminal_reads_plain_lines(stream: io.StringIO) -> None:
    terminal = _Terminal()
    set_up_logging(FakeClock(), stream=terminal)
    LogJournal().record(LAUNCH)
    logging.getLogger("launcher").warning("look\x1b[2J")
    first, second = terminal.getvalue().splitlines()
    assert "info    launch by alice: prod/web-01\\x0a\\u202eforged: ServerNotFoundError (none), 3 ms" in first
    assert second.endswith("warning look\\x1b[2J")
