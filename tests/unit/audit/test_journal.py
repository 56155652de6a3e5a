"""Entries for the journal, byte by byte, and over a real socket."""

from __future__ import annotations

import dataclasses
import logging
import socket
import struct
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from launcher.audit.events import RefusalEvent, RefusalKind, fields
from launcher.audit.formats import JsonLines
from launcher.audit.journal import entry, event_fields, loss_sentence, priority, sentence, visible
from launcher.audit.log import Log, LogJournal
from launcher.audit.outputs import JournalOutput, TextOutput
from launcher.audit.queues import Limits, Line
from tests.fakes.clock import FakeClock
from tests.fakes.issued import issue
from tests.fakes.logs import as_before
from tests.unit.audit.test_log import END, LAUNCH, REVEAL


def parsed(data: bytes) -> dict[str, str]:
    """An entry as journald reads it (systemd: server_process_native_message)."""
    found: dict[str, str] = {}
    while data:
        line, _, rest = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (size,) = struct.unpack_from("<Q", rest)
            value, data = rest[8 : 8 + size], rest[8 + size + 1 :]
            assert rest[8 + size : 8 + size + 1] == b"\n"
        else:
            data = rest
        assert name.decode() not in found
        found[name.decode()] = value.decode()
    return found


def test_a_plain_field_is_a_line() -> None:
    assert entry({"MESSAGE": "hello", "PRIORITY": "6"}) == b"MESSAGE=hello\nPRIORITY=6\n"


def test_a_value_with_a_newline_has_its_length_before_it() -> None:
    assert entry({"A": "x\ny", "B": ""}) == b"A\n\x03\0\0\0\0\0\0\0x\ny\nB=\n"


@pytest.mark.parametrize("value", ["a\n_UID=0", "\n", "a=b", "\nMESSAGE=forged\n", "ü\n𝕏", "\0"])
def test_no_value_begins_another_field(value: str) -> None:
    assert parsed(entry({"LAUNCHER_NAME": value, "PRIORITY": "6"})) == {"LAUNCHER_NAME": value, "PRIORITY": "6"}


def test_a_long_value_is_cut_between_characters() -> None:
    cut = parsed(entry({"A": "x" + "ü" * 20_000}))["A"]
    assert cut == "x" + "ü" * 8191


def test_a_lone_surrogate_is_no_error() -> None:
    assert parsed(entry({"A": "\ud800"})) == {"A": "\\ud800"}


def test_levels_have_the_priorities_of_syslog() -> None:
    levels = (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG, -1)
    assert [priority(level) for level in levels] == [3, 3, 4, 6, 7, 7]


@pytest.mark.parametrize(
    "char", ["\x1b", "\x9b", "\x7f", "\n", "\u2028", "\u2029", "\u202e", "\u2066", "\u061c", "\U000e0001"]
)
def test_what_could_deceive_a_reader_is_escaped(char: str) -> None:
    shown = visible(f"web{char}01")
    assert shown.isprintable()
    assert shown.encode().decode("unicode_escape") == f"web{char}01"


def test_other_alphabets_stay_as_they_are() -> None:
    assert visible("вэб-01 日本 𝕏 é") == "вэб-01 日本 𝕏 é"


def test_an_events_fields_have_names_of_their_own_and_nothing_unknown() -> None:
    found = event_fields(fields(LAUNCH))
    assert found["LAUNCHER_EVENT"] == "launch"
    assert found["LAUNCHER_NAME"] == "web-01\n\u202eforged"
    assert found["LAUNCHER_STALE"] == "false"
    assert "LAUNCHER_SERVER" not in found
    assert event_fields(fields(END))["LAUNCHER_SERVER"] == "u-u-i-d"


def test_events_are_sentences() -> None:
    assert sentence(fields(END)) == "session of alice: prod/web-01: viewer closed, after 0.0 s"
    ended = fields(END) | {"end_reason": "ended by an operator", "ended_by": "root"}
    assert sentence(ended) == "session of alice: prod/web-01: ended by an operator (root), after 0.0 s"
    assert visible(sentence(fields(LAUNCH))) == (
        "launch by alice: prod/web-01\\x0a\\u202eforged: ServerNotFoundError (none), 3 ms"
    )
    assert sentence(fields(dataclasses.replace(LAUNCH, request_id="req-1"))).endswith("(none), 3 ms, req-1")
    assert sentence(fields(REVEAL)) == "console URL (novnc) revealed to alice: prod/web-01"
    assert sentence({"event": "other", "actor": "bob", "cloud": "prod", "name": "x"}) == "other: bob: prod/x"


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "journal"))
        sock.settimeout(5)
        yield sock


@pytest.fixture
def spare() -> StringIO:
    return StringIO()


@pytest.fixture
def log(tmp_path: Path, spare: StringIO) -> Iterator[Log]:
    """A log that goes to `journald`, and to `spare` where that is not there."""
    output = JournalOutput(_Spare(spare), str(tmp_path / "journal"))
    limits = Limits(event_lines=5, chatter_lines=5)
    found = Log(output, JsonLines(FakeClock()), to_journal=True, limits=limits)
    found.writer.start()
    yield found
    found.writer.stop(0)


class _Spare(TextOutput):
    def take(self, line: Line) -> bool:
        return super().take(Line(line.spare, line.kind))


@pytest.fixture
def logger(log: Log) -> Iterator[logging.Logger]:
    """A logger of the rooms' whose records go to `log`."""
    with as_before():
        logging.getLogger().handlers[:] = [log]
        logging.getLogger("launcher").setLevel(logging.INFO)
        yield logging.getLogger("launcher.test")


def test_an_event_is_one_entry_with_its_fields(journald: socket.socket, logger: logging.Logger) -> None:
    LogJournal().record(LAUNCH)
    found = parsed(journald.recv(65536))
    assert found["MESSAGE"].startswith("launch by alice: prod/web-01\\x0a")
    assert (found["PRIORITY"], found["SYSLOG_IDENTIFIER"]) == ("6", "console-launcher")
    assert (found["LAUNCHER_EVENT"], found["LAUNCHER_UID"]) == ("launch", "1000")


def test_of_an_exception_only_type_and_place_come_through(journald: socket.socket, logger: logging.Logger) -> None:
    secret = issue()
    try:
        raise RuntimeError(secret)
    except RuntimeError:
        logger.exception("it failed")
    found = parsed(journald.recv(65536))
    assert found["MESSAGE"].startswith("it failed [builtins.RuntimeError at ")
    assert (found["PRIORITY"], found["LAUNCHER_LOGGER"]) == ("3", "launcher.test")
    assert secret not in str(found)


def test_without_a_journal_a_line_is_written(log: Log, logger: logging.Logger, spare: StringIO) -> None:
    logger.warning("nobody listens")
    assert log.writer.settle(5)
    assert '"message": "nobody listens"' in spare.getvalue()


def taken(journald: socket.socket, log: Log) -> list[dict[str, str]]:
    """All that the journal is given until nothing is left to give."""
    journald.settimeout(0.02)
    found = []
    while True:
        try:
            found.append(parsed(journald.recv(65536)))
        except TimeoutError:
            if log.writer.settle(0):
                return found


def test_a_journal_that_does_not_read_holds_nobody_up_and_is_told_what_chatter_it_lost(
    journald: socket.socket, log: Log, logger: logging.Logger, spare: StringIO
) -> None:
    sent = 2 * int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text()) + 50
    for number in range(sent):
        logger.info("record %d", number)
    for _ in range(5):
        LogJournal(log).record(LAUNCH)
    assert not LogJournal(log).has_room()
    found = taken(journald, log)
    events = [entry for entry in found if "LAUNCHER_EVENT" in entry]
    told = [entry for entry in found if "LAUNCHER_LOST" in entry]
    kept = [entry for entry in found if entry["MESSAGE"].startswith("record ")]
    assert len(events) == 5
    assert len(kept) + sum(int(one["LAUNCHER_LOST"]) for one in told) == sent
    for one in told:
        assert one["MESSAGE"].endswith(f"for want of room or form: {one['LAUNCHER_LOST']} info launcher.test")
        assert one["PRIORITY"] == "4"
    assert spare.getvalue() == "", "standard error leads to the journal too"
    assert LogJournal(log).has_room()


def test_an_end_with_a_journal_that_still_does_not_read_is_an_end(
    journald: socket.socket, log: Log, logger: logging.Logger
) -> None:
    for number in range(2 * int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text()) + 50):
        logger.info("record %d", number)
    log.writer.stop(0)
    assert not [thread for thread in threading.enumerate() if thread.name == "log"]


def test_a_journal_that_is_restarted_is_found_again(
    journald: socket.socket, log: Log, logger: logging.Logger, spare: StringIO, tmp_path: Path
) -> None:
    (tmp_path / "journal").unlink()
    logger.info("while it is away")
    assert log.writer.settle(5)
    assert "while it is away" in spare.getvalue()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as again:
        again.bind(str(tmp_path / "journal"))
        again.settimeout(5)
        logger.info("back")
        assert parsed(again.recv(65536))["MESSAGE"] == "back"


def test_what_is_lost_is_counted_by_kind_the_most_frequent_first() -> None:
    assert loss_sentence({"info b": 1}) == "1 entry of this log is lost, for want of room or form: 1 info b"
    assert loss_sentence({"info b": 1, "debug a": 3}).endswith(
        "4 entries of this log are lost, for want of room or form: 3 debug a, 1 info b"
    )


def test_refusals_are_sentences() -> None:
    refusal = RefusalEvent(
        kind=RefusalKind.HOST, actor=None, uid=1001, via="tcp", method="GET", path="/", sent="evil.example",
        why="No.", more=512,
    )  # fmt: skip
    assert sentence(fields(refusal)) == (
        "host refused: user id 1001 by tcp: GET / (evil.example), and 512 more since the last such line: No."
    )
    claim = dataclasses.replace(refusal, kind=RefusalKind.CLAIM, actor="bob", sent="x-remote-user", more=0)
    assert sentence(fields(claim)) == "claim ignored: bob by tcp: GET / (x-remote-user): No."
    peer = dataclasses.replace(refusal, kind=RefusalKind.PEER, uid=None, sent=None, more=0)
    assert sentence(fields(peer)) == "peer refused: an unknown account by tcp: GET /: No."
