"""The key of the static files' path, in a real folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.web import statickey
from launcher.web.statickey import FILE, LENGTH, static_key


def test_a_key_is_made_once_for_its_owner_alone_and_stays(tmp_path: Path) -> None:
    key = static_key(tmp_path)
    file = tmp_path / FILE
    assert len(key) == LENGTH
    assert file.read_bytes() == key
    assert file.stat().st_mode & 0o7777 == 0o600
    assert static_key(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == [FILE], "no draft is left"


def test_two_folders_have_two_keys(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert static_key(tmp_path / "a") != static_key(tmp_path / "b")


def test_without_a_folder_each_run_has_its_own(caplog: pytest.LogCaptureFixture) -> None:
    one, other = static_key(None), static_key(None)
    assert len(one) == len(other) == LENGTH
    assert one != other
    assert caplog.text == ""


def _link(file: Path) -> None:
    target = file.with_name("elsewhere")
    target.write_bytes(b"x" * LENGTH)
    target.chmod(0o600)
    file.symlink_to(target)


def _readable(file: Path) -> None:
    file.write_bytes(b"x" * LENGTH)
    file.chmod(0o640)


def _sized(length: int) -> Callable[[Path], None]:
    def make(file: Path) -> None:
        file.write_bytes(b"x" * length)
        file.chmod(0o600)

    return make


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (_link, "Too many levels of symbolic links"),
        (_readable, "only its owner may be able to read it (mode 0600)"),
        (_sized(0), "it must hold 32 bytes"),
        (_sized(31), "it must hold 32 bytes"),
        (_sized(33), "it must hold 32 bytes"),
        (lambda file: file.mkdir(), "it must be a plain file"),
        (lambda file: os.mkfifo(file, 0o600), "it must be a plain file"),
    ],
)
def test_a_file_that_is_not_the_gateway_s_own_is_named_and_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, made: Callable[[Path], None], words: str
) -> None:
    file = tmp_path / FILE
    made(file)
    before = sorted(path.name for path in tmp_path.iterdir())
    keys = {static_key(tmp_path) for _ in range(2)}
    assert len(keys) == 2, "one of this run alone"
    assert b"x" * LENGTH not in keys
    assert f"{file} cannot be used ({words}): " in caplog.text
    assert "If the file is removed" in caplog.text
    assert not any(key.hex() in caplog.text for key in keys)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a file away")
def test_a_file_of_another_account_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / FILE
    _sized(LENGTH)(file)
    os.chown(file, 12346, 12346)
    assert static_key(tmp_path) != b"x" * LENGTH
    assert "it must belong to the account that the gateway runs as" in caplog.text


def test_a_folder_that_is_gone_keeps_nobody_from_starting(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert len(static_key(tmp_path / "gone")) == LENGTH
    assert "No such file or directory" in caplog.text


def test_of_two_gateways_that_start_at_once_both_have_the_key_of_the_quicker_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quicker = b"q" * LENGTH
    write = statickey._write

    def slow(path: Path, key: bytes) -> None:
        write(path, quicker)
        write(path, key)

    monkeypatch.setattr(statickey, "_write", slow)
    assert static_key(tmp_path) == quicker
    assert (tmp_path / FILE).read_bytes() == quicker
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
