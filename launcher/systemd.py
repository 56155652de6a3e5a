"""What a service and systemd say to each other: readiness, status, the watchdog, passed sockets, state, the journal.

The protocols are those of sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3) and systemd.exec(5). Outside systemd
none of their variables is set, and everything here does nothing.
"""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LOG = logging.getLogger(__name__)

FIRST_DESCRIPTOR: Final = 3
"""Passed sockets are the descriptors from here on (SD_LISTEN_FDS_START)."""
_STATUS_LIMIT = 500
_PASSED_AT_MOST = 1024


@dataclass(frozen=True, slots=True)
class Passed:
    """A descriptor that systemd opened for us."""

    name: str
    """FileDescriptorName= of its socket unit."""
    descriptor: int


class Notifier:
    """Tells systemd how the service does; without an address it tells nobody. Nothing is raised, nothing waits.

    What systemd has no room for is owed, the newest of each kind, and told with whatever comes next, or by `settle`.
    """

    def __init__(self, address: str | None = None) -> None:
        """A path, or `@name` in the abstract namespace, as $NOTIFY_SOCKET has it."""
        self._address = address
        self._owed: dict[str, str] = {}
        self._refused = 0

    @property
    def listens(self) -> bool:
        """Whether anybody is there to be told."""
        return self._address is not None

    def ready(self, status: str) -> None:
        """The start, or a reload, is over."""
        self._tell("READY=1", _status(status))

    def status(self, status: str) -> None:
        """One line for people, as `systemctl status` shows it."""
        self._tell(_status(status))

    def reloading(self, monotonic: float) -> None:
        """A reload began, at this moment of the monotonic clock (seconds); `ready` ends it."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={int(monotonic * 1_000_000)}")

    def stopping(self) -> None:
        self._tell("STOPPING=1", _status("stopping"))

    def alive(self) -> None:
        """The watchdog may wait another interval."""
        self._tell("WATCHDOG=1")

    def settle(self) -> None:
        """Tell what is owed, if anything is."""
        if self._address is None or not self._owed:
            return
        said, refused = list(self._owed.values()), self._refused
        try:
            _send(self._address, "\n".join(said).encode())
        except BlockingIOError:
            self._refused += 1
            return
        except OSError as error:  # the service goes on: systemd says itself what it missed
            _LOG.warning("systemd could not be told %s: %s", said[0], error.strerror or error)
        self._owed, self._refused = {}, 0
        if refused:
            _LOG.warning("systemd did not listen for a while: it was told %s at try %d", said[0], refused + 1)

    def _tell(self, *assignments: str) -> None:
        for assignment in assignments:
            name = assignment.partition("=")[0]
            self._owed.pop(name, None)  # the order counts: of READY, RELOADING and STOPPING systemd takes the last
            self._owed[name] = assignment
        self.settle()


def _send(address: str, message: bytes) -> None:
    """Raises BlockingIOError where systemd has no room for it, another OSError where there is no systemd."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.sendto(message, f"\0{address[1:]}" if address.startswith("@") else address)


@dataclass(frozen=True, slots=True)
class Supervision:
    """What systemd gave a service that it started."""

    notifier: Notifier
    watchdog: float | None = None
    """Seconds within which it wants to hear that the service is alive; None: never."""
    passed: tuple[Passed, ...] = ()
    state: Path | None = None
    """The first directory of StateDirectory=, which is the service's own and outlives it; None: there is none."""


def take_supervision(environment: MutableMapping[str, str] = os.environ, pid: int | None = None) -> Supervision:
    """What systemd says in the environment, which is then removed there: it is not for the children of the process.

    Passed descriptors are made non-inheritable. What is meant for another process (`pid` is ours) is left alone.
    """
    pid = os.getpid() if pid is None else pid
    taken = {name: environment.pop(name, "") for name in ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC")}
    listen = {name: environment.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")}
    passed = _passed(listen["LISTEN_FDS"], listen["LISTEN_FDNAMES"]) if listen["LISTEN_PID"] == str(pid) else ()
    for one in passed:
        os.set_inheritable(one.descriptor, False)
    ours = taken["WATCHDOG_PID"] in {"", str(pid)}
    return Supervision(
        Notifier(_address(taken["NOTIFY_SOCKET"])),
        _seconds(taken["WATCHDOG_USEC"]) if ours else None,
        passed,
        _directory(environment.pop("STATE_DIRECTORY", "")),
    )


def stderr_is_journal(environment: MutableMapping[str, str] = os.environ, descriptor: int = 2) -> bool:
    """Whether standard error leads to the journal ($JOURNAL_STREAM, systemd.exec(5)), and has not been redirected."""
    device, colon, inode = environment.get("JOURNAL_STREAM", "").partition(":")
    if not colon:
        return False
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return (device, inode) == (str(found.st_dev), str(found.st_ino))


def _address(text: str) -> str | None:
    if text and text[0] not in "/@":
        _LOG.warning("$NOTIFY_SOCKET is no Unix socket, so that systemd cannot be told anything")
    return text if text.startswith(("/", "@")) else None


def _directory(text: str) -> Path | None:
    """The first of a list with colons between; None where it is no absolute path."""
    first = text.partition(":")[0]
    return Path(first) if first.startswith("/") else None


def _passed(count: str, names: str) -> tuple[Passed, ...]:
    """Nameless ones are called `unknown`, as by systemd itself."""
    if not _is_number(count) or int(count) > _PASSED_AT_MOST:
        return ()
    called = names.split(":") if names else []
    return tuple(
        Passed(called[index] if index < len(called) else "unknown", FIRST_DESCRIPTOR + index)
        for index in range(int(count))
    )


def _seconds(microseconds: str) -> float | None:
    return int(microseconds) / 1_000_000 if _is_number(microseconds) and int(microseconds) else None


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,18}", text) is not None


def _status(text: str) -> str:
    """In one line: a newline in it would begin another assignment, MAINPID= for one."""
    line = "".join(char if char.isprintable() else " " for char in text)
    return f"STATUS={line[:_STATUS_LIMIT]}"
