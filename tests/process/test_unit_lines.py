"""The lines of the service's unit that run as root on the service's own directory: they follow no link in it."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from tests.fakes.sshd import need_root
from tests.process.daemon import ROOT

_UNIT = ROOT / "systemd" / "console-launcher.service"
_ACCOUNT, _GROUP, _SECRET_GROUP = 54_001, 54_002, 54_003


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The service's directory, with its account's beside it, as after an earlier run of a service that was taken."""
    need_root()
    made = tmp_path / "console-launcher"
    made.mkdir()
    account = tmp_path / "console-launcher.account"
    account.mkdir()
    os.chown(account, _ACCOUNT, _ACCOUNT)
    return made


def run_lines(key: str, directory: Path) -> None:
    """Run every line of this key that names the directory, as systemd would."""
    for line in _UNIT.read_text().splitlines():
        if line.startswith(f"{key}=-+") and "/run/console-launcher" in line:
            words = shlex.split(line.partition("=-+")[2].replace("/run/console-launcher", str(directory)))
            program = shutil.which(Path(words[0]).name)
            assert program is not None
            subprocess.run([program, *words[1:]], check=False, timeout=20, capture_output=True)


def bind(path: Path, group: int) -> None:
    """A socket file of this group."""
    with socket.socket(socket.AF_UNIX) as sock:
        folder = os.open(path.parent, os.O_PATH)  # the path may be longer than a socket's may be
        sock.bind(f"/proc/self/fd/{folder}/{path.name}")
        os.close(folder)
    os.chown(path, -1, group)


def test_the_directory_is_the_services_and_its_group_the_sockets(directory: Path) -> None:
    bind(directory / "web.sock", _GROUP)
    run_lines("ExecStartPre", directory)
    found = directory.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (_ACCOUNT, _GROUP, 0o2755)


def test_a_link_in_the_sockets_place_gives_the_directory_no_group(directory: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("")
    os.chown(secret, -1, _SECRET_GROUP)
    (directory / "web.sock").symlink_to(secret)
    run_lines("ExecStartPre", directory)
    assert directory.stat().st_gid != _SECRET_GROUP


def test_nothing_but_the_socket_is_left_and_nothing_outside_is_touched(directory: Path, tmp_path: Path) -> None:
    bind(directory / "web.sock", _GROUP)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("")
    (directory / "lab").mkdir()
    (directory / "lab" / "way-out").symlink_to(outside)
    (directory / "way-out").symlink_to(outside)
    (directory / "file").write_text("")
    bind(directory / "other.sock", _GROUP)
    run_lines("ExecStopPost", directory)
    assert [path.name for path in directory.iterdir()] == ["web.sock"]
    assert (outside / "kept").exists()
    assert directory.stat().st_uid == 0
