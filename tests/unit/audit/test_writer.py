"""The writer's thread, over pipes, files and a terminal that nobody reads."""

from __future__ import annotations

import errno
import os
import pty
import select
import tempfile
import termios
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from launcher.audit.outputs import DescriptorOutput, Output
from launcher.audit.queues import Backlog, Limits, Line
from launcher.audit.writer import LogWriter


def told(counts: Mapping[str, int]) -> Line:
    return Line(f"lost {sum(counts.values())}\n".encode(), "lost")


@contextmanager
def writer_to(output: Output, limits: Limits | None = None) -> Iterator[LogWriter]:
    writer = LogWriter(output, Backlog(limits), told)
    writer.start()
    try:
        yield writer
    finally:
        writer.stop(0)
        assert "log" not in [thread.name for thread in threading.enumerate()]


def line(number: int, *, is_event: bool = False) -> Line:
    return Line(f"{number:06d} {'x' * 92}\n".encode(), "info a", is_event)


def all_lines(descriptor: int, writer: LogWriter) -> list[str]:
    """What a reader gets until nothing is left to be written."""
    found = b""
    while True:
        is_over = writer.settle(0)
        while select.select([descriptor], [], [], 0.02)[0]:
            found += os.read(descriptor, 65536)
        if is_over:
            return found.decode().replace("\r", "").splitlines()


def test_a_pipe_that_nobody_reads_holds_nobody_up_and_keeps_every_event() -> None:
    ours, theirs = os.pipe()
    limits = Limits(event_lines=100, chatter_lines=100)
    with writer_to(DescriptorOutput(theirs), limits) as writer:
        for number in range(5000):
            writer.put(line(number))
        for number in range(5000, 5100):
            writer.put(line(number, is_event=True))
        assert not writer.has_room()
        found = all_lines(ours, writer)
        events = [one[:6] for one in found if "005000" <= one[:6] < "005100"]
        assert events == [f"{number:06d}" for number in range(5000, 5100)]
        lost = [int(one.split()[1]) for one in found if one.startswith("lost ")]
        assert len(found) - len(lost) - 100 + sum(lost) == 5000
        assert writer.settle(5)
        assert writer.has_room()
    os.close(ours)
    os.close(theirs)


def test_a_pipe_whose_reader_has_gone_loses_lines_and_nothing_else() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with writer_to(DescriptorOutput(theirs)) as writer:
        for number in range(10):
            writer.put(line(number, is_event=True))
        assert writer.settle(5)
        assert writer.has_room()
    os.close(theirs)


class FullDisk(DescriptorOutput):
    full = True

    def take(self, line: Line) -> bool:
        if self.full:
            raise OSError(errno.ENOSPC, "full")
        return super().take(line)


def test_a_full_disk_is_written_to_when_there_is_room_again() -> None:
    with tempfile.TemporaryFile() as file:
        output = FullDisk(file.fileno())
        with writer_to(output) as writer:
            writer.put(line(1, is_event=True))
            assert not writer.settle(0.1)
            output.full = False
            assert writer.settle(5)
        file.seek(0)
        assert file.read().startswith(b"000001 ")


def test_a_terminal_that_is_stopped_holds_nobody_up_and_goes_on_afterwards() -> None:
    ours, theirs = pty.openpty()
    output = DescriptorOutput(theirs)
    termios.tcflow(theirs, termios.TCOOFF)  # what Ctrl-S does
    with writer_to(output, Limits(chatter_lines=10)) as writer:
        for number in range(500):
            writer.put(line(number))
        assert not writer.settle(0.1)
        termios.tcflow(theirs, termios.TCOON)
        found = all_lines(ours, writer)
        lost = [int(one.split()[1]) for one in found if one.startswith("lost ")]
        assert len(found) - len(lost) + sum(lost) == 500
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("blocking", [True, False])
def test_a_pipe_is_written_to_in_whole_lines_whatever_its_mode(blocking: bool) -> None:
    ours, theirs = os.pipe()
    os.set_blocking(theirs, blocking)
    with writer_to(DescriptorOutput(theirs)) as writer:
        for number in range(1500):
            writer.put(line(number))
        found = all_lines(ours, writer)
    assert [one[:6] for one in found] == [f"{number:06d}" for number in range(1500)]
    os.close(ours)
    os.close(theirs)
