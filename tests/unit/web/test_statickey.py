"""The key of the static files' path, in real directories."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest

from launcher.web.statickey import FILE, static_key
from tests.fakes.sshd import need_root


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    key = static_key(tmp_path)
    assert len(key) == 32
    assert (tmp_path / FILE).read_bytes() == key
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert static_key(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_without_a_state_directory_each_run_has_its_own(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "launcher.web.statickey")
    assert static_key(None) != static_key(None)
    assert [record.levelname for record in caplog.records if "no state directory" in record.message] == ["DEBUG"] * 2


def _readable(path: Path) -> None:
    path.write_bytes(bytes(32))
    path.chmod(0o640)


def _link(path: Path) -> None:
    path.with_name("elsewhere").write_bytes(bytes(32))
    path.with_name("elsewhere").chmod(0o600)
    path.symlink_to(path.with_name("elsewhere"))


def _short(path: Path) -> None:
    path.write_bytes(bytes(31))
    path.chmod(0o600)


def _long(path: Path) -> None:
    path.write_bytes(bytes(33))
    path.chmod(0o600)


def _pipe(path: Path) -> None:
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize("make", [_readable, _link, _short, _long, _pipe, Path.mkdir])
def test_a_file_that_is_not_the_gateways_own_is_not_used_and_said(
    tmp_path: Path, make: object, caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path / FILE)  # type: ignore[operator]  # one of the functions above
    assert bytes(32) != static_key(tmp_path) != static_key(tmp_path)
    assert str(tmp_path / FILE) in caplog.text
    assert "Remove the file" in caplog.text


def test_a_file_of_another_account_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    need_root()
    key = static_key(tmp_path)
    os.chown(tmp_path / FILE, 12345, 12345)
    assert static_key(tmp_path) != key
    assert "must belong to the account that the gateway runs as" in caplog.text


def test_a_directory_that_is_gone_keeps_no_gateway_from_starting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(static_key(tmp_path / "gone")) == 32
    assert "No such file or directory" in caplog.text
