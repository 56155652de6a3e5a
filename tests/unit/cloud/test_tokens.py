"""websockify's token files, read by its own reader."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from websockify.token_plugins import TokenFile

from launcher.cloud.tokens import FILE_LIMIT, read_tokens

GOOD = """\
# a comment

web-01: 10.7.0.11:5900
db 1/2:\tunix_socket:/run/db:1.vnc
six: ::1:5901
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens.cfg"
    path.write_text(GOOD)
    return path


def origins(path: Path) -> dict[str, str]:
    return {token: target.origin for token, target in read_tokens(path).targets.items()}


def test_a_file_is_read_as_websockify_reads_it(file: Path) -> None:
    assert origins(file) == {
        "web-01": "tcp://10.7.0.11:5900",
        "db 1/2": "unix:/run/db:1.vnc",
        "six": "tcp://[::1]:5901",
    }
    assert read_tokens(file).complaints == ()
    assert TokenFile(str(file)).lookup("web-01") == ["10.7.0.11", "5900"]


def test_a_later_line_goes_before_an_earlier_one(file: Path) -> None:
    file.write_text(GOOD + "web-01: h:5999\n")
    assert origins(file)["web-01"] == "tcp://h:5999"


def test_a_bad_line_is_named_and_hides_no_other(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.write_text("no line\n" + GOOD + "a: b: c\nportless: host\nport: h:0\nempty:\nevil\x1b: h:5900\n")
    assert len(origins(file)) == 3
    assert read_tokens(file).complaints == (
        f"{file}:1: a line like token: host:port is expected",
        f"{file}:7: a line like token: host:port is expected",
        f"{file}:10: a line like token: host:port is expected",
        f'{file}: token "portless": host:port or unix_socket:/path is expected',
        f'{file}: token "port": a port is a number from 1 to 65535',
        f'{file}: token "evil": a server\'s name holds no control characters and no line breaks',
    )
    assert caplog.records == [], "websockify would log each at every reading"


def test_what_websockify_logs_otherwise_is_let_through(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("websockify.token_plugins").error("something else")
    assert [record.getMessage() for record in caplog.records] == ["something else"]


def test_a_directory_is_read_file_by_file_and_a_bad_one_hides_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    folder.mkdir()
    (folder / "a").write_text("a: h:1\nbad\n")
    (folder / "b").write_bytes(b"\xff\xfe: h:1\n")
    (folder / "c").write_text("c: h:3\n")
    (folder / "sub").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "gone").symlink_to("/nowhere")
    with (folder / "large").open("wb") as large:
        large.truncate(FILE_LIMIT + 1)
    assert origins(folder) == {"a": "tcp://h:1", "c": "tcp://h:3"}
    assert read_tokens(folder).complaints == (
        f"{folder}/a:2: a line like token: host:port is expected",
        f"{folder}/b is not UTF-8 text: it is not read",
        f"{folder}/large is larger than 16 MiB: it is not read",
    )


def test_what_cannot_be_read_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        read_tokens(tmp_path / "no")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="neither a file nor a directory"):
        read_tokens(tmp_path / "pipe")


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a: h:1\n")
    (tmp_path / "b").symlink_to("/proc/self/mem")  # may be opened and not be read, by root as well
    found = read_tokens(tmp_path)
    assert list(found.targets) == ["a"]
    assert found.complaints == (f"{tmp_path}/b cannot be read: Input/output error",)
