"""What is said to systemd, and what it passes: over real sockets and descriptors."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.systemd import Notifier, stderr_is_journal, take_supervision

ME = 4711
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """The address of a listening systemd, and its end of it."""
    name = f"@launcher-{secrets.token_hex(8)}" if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        sock.settimeout(5)
        yield name, sock


def test_systemd_is_told_in_its_own_words(systemd: tuple[str, socket.socket]) -> None:
    address, end = systemd
    notifier = Notifier(address)
    assert notifier.listens
    notifier.ready("2 clouds")
    notifier.status("3 sessions, 2 clouds")
    notifier.reloading(12.000345)
    notifier.alive()
    notifier.stopping()
    assert [end.recv(4096) for _ in range(5)] == [
        b"READY=1\nSTATUS=2 clouds",
        b"STATUS=3 sessions, 2 clouds",
        b"RELOADING=1\nMONOTONIC_USEC=12000345",
        b"WATCHDOG=1",
        b"STOPPING=1\nSTATUS=stopping",
    ]


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\x0b", "\u2028", "\0"])
def test_a_status_can_begin_no_other_assignment(systemd: tuple[str, socket.socket], break_: str) -> None:
    address, end = systemd
    Notifier(address).status(f"web-01{break_}MAINPID=1")
    said = end.recv(4096).decode()
    assert said.startswith("STATUS=web-01 ")
    assert len(said.splitlines()) == 1


def test_a_long_status_is_cut(systemd: tuple[str, socket.socket]) -> None:
    address, end = systemd
    Notifier(address).status("ü" * 100_000)
    assert end.recv(100_000).decode() == "STATUS=" + "ü" * 500


def test_without_systemd_nobody_is_told() -> None:
    notifier = Notifier()
    assert not notifier.listens
    notifier.ready("")


def test_a_systemd_that_is_gone_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Notifier(str(tmp_path / "gone")).alive()
    assert "systemd could not be told WATCHDOG=1: No such file" in caplog.text


def test_a_systemd_that_does_not_read_holds_nobody_up_and_is_told_the_newest_of_each_later(
    systemd: tuple[str, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    address, end = systemd
    notifier = Notifier(address)
    room = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
    for _ in range(2 * room + 5):
        notifier.alive()
    notifier.ready("2 clouds")
    notifier.reloading(12)
    notifier.ready("3 clouds")
    notifier.settle()
    assert caplog.text == ""
    kept = _read(end)
    assert set(kept) == {b"WATCHDOG=1"}
    notifier.settle()
    assert _read(end) == [b"WATCHDOG=1\nRELOADING=1\nMONOTONIC_USEC=12000000\nREADY=1\nSTATUS=3 clouds"]
    tries = 2 * room + 5 - len(kept) + 5
    assert f"systemd did not listen for a while: it was told WATCHDOG=1 at try {tries}" in caplog.text
    notifier.settle()
    notifier.alive()
    assert _read(end) == [b"WATCHDOG=1"]


def _read(end: socket.socket) -> list[bytes]:
    """All that has been told."""
    end.setblocking(False)
    found = []
    while True:
        try:
            found.append(end.recv(4096))
        except BlockingIOError:
            return found


def test_what_systemd_gave_is_taken_out_of_the_environment(tmp_path: Path) -> None:
    environment = {
        "NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(ME),
        "LISTEN_PID": str(ME), "LISTEN_FDS": "0", "LISTEN_FDNAMES": "", "HOME": "/",
    }  # fmt: skip
    supervision = take_supervision(environment, ME)
    assert environment == {"HOME": "/"}
    assert supervision.notifier.listens
    assert supervision.watchdog == 30.0
    assert supervision.passed == ()


def test_without_systemd_nothing_was_given() -> None:
    supervision = take_supervision({}, ME)
    assert (supervision.notifier.listens, supervision.watchdog, supervision.passed) == (False, None, ())


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "soon", "1" * 30, "١"])
def test_a_watchdog_that_makes_no_sense_is_none(text: str) -> None:
    assert take_supervision({"WATCHDOG_USEC": text}, ME).watchdog is None


def test_what_is_another_processs_is_not_ours() -> None:
    environment = {
        "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1", "LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "web",
    }  # fmt: skip
    supervision = take_supervision(environment, ME)
    assert (supervision.watchdog, supervision.passed) == (None, ())


@pytest.mark.parametrize(
    ("text", "found"),
    [("/var/lib/x", Path("/var/lib/x")), ("/var/lib/x:/var/lib/y", Path("/var/lib/x")), ("x", None), ("", None)],
)
def test_the_state_directory_is_the_first_of_the_list(text: str, found: Path | None) -> None:
    environment = {"STATE_DIRECTORY": text}
    assert take_supervision(environment, ME).state == found
    assert environment == {}


@pytest.mark.parametrize("address", ["vsock:2:1", "notify"])
def test_an_address_of_another_kind_is_said(address: str, caplog: pytest.LogCaptureFixture) -> None:
    assert not take_supervision({"NOTIFY_SOCKET": address}, ME).notifier.listens
    assert "is no Unix socket" in caplog.text


@pytest.mark.parametrize("count", ["", "-1", "two", "99999999"])
def test_a_count_of_sockets_that_makes_no_sense_is_none(count: str) -> None:
    assert take_supervision({"LISTEN_PID": str(ME), "LISTEN_FDS": count}, ME).passed == ()


_CHILD = """
import os
from launcher.systemd import Passed, take_supervision
passed = take_supervision().passed
assert passed == (Passed("web", 3), Passed("unknown", 4)), passed
assert not any(os.get_inheritable(one.descriptor) for one in passed)
assert "LISTEN_FDS" not in os.environ
"""


def test_passed_sockets_have_their_names_and_no_child_gets_them() -> None:
    """In a process of its own, because descriptors 3 and 4 are the test runner's."""
    command = 'LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web exec "$0" -c "$1" 3</dev/null 4</dev/null'
    subprocess.run(["sh", "-c", command, sys.executable, _CHILD], check=True, timeout=60, cwd=ROOT)


def test_the_journal_is_known_by_device_and_inode(tmp_path: Path) -> None:
    with (tmp_path / "stream").open("w") as file:
        found = os.fstat(file.fileno())
        stream = f"{found.st_dev}:{found.st_ino}"
        assert stderr_is_journal({"JOURNAL_STREAM": stream}, file.fileno())
        for other in ("", "1", f"{stream}0", "a:b"):
            assert not stderr_is_journal({"JOURNAL_STREAM": other}, file.fileno())
    assert not stderr_is_journal({}, 2)
    assert not stderr_is_journal({"JOURNAL_STREAM": stream}, 9999)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("/var/lib/console-launcher", Path("/var/lib/console-launcher")),
        ("/var/lib/a:/var/lib/b", Path("/var/lib/a")),
        ("", None),
        ("relative", None),
        (":/var/lib/b", None),
    ],
)
def test_the_state_directory_is_the_first_that_systemd_names(said: str, found: Path | None) -> None:
    environment = {"STATE_DIRECTORY": said, "PATH": "/usr/bin"}
    assert take_supervision(environment).state == found
    assert environment == {"PATH": "/usr/bin"}


def test_without_systemd_there_is_no_state_directory() -> None:
    assert take_supervision({}).state is None
