"""Where log lines go: a descriptor (pipe, terminal or file), the journal's socket, a text stream.

None of them waits: `take` says whether the line is out, and is called with the same line again until it is. `wait` is
for the thread that has nothing else to do. A descriptor takes a line in parts that are no longer than what it has room
for when poll(2) says so; a pipe then has room for 4,096 bytes (PIPE_BUF). A terminal promises less: in between, Ctrl-S
can hold a writer up all the same. So only the writer's own thread calls what stands here.
"""

from __future__ import annotations

import os
import select
import socket
import time
from typing import Final, Protocol, TextIO

from launcher.audit.queues import Line

JOURNAL: Final = "/run/systemd/journal/socket"
_PIPE_BUF = 4096
_TERMINAL_BUF = 256
"""WAKEUP_CHARS of Linux's n_tty.c."""
_JOURNAL_PAUSE = 0.05


class Output(Protocol):
    """Something that takes lines."""

    def take(self, line: Line) -> bool:
        """Write the line, or go on with it; False where there is no room just now. Raises OSError."""
        ...

    def wait(self, seconds: float) -> None:
        """Return when there may be room, at the latest after so many seconds."""
        ...

    def close(self) -> None: ...


class DescriptorOutput:
    """An open descriptor, which stays open; `spare` takes a line's other form."""

    def __init__(self, descriptor: int, *, spare: bool = False) -> None:
        self._descriptor = descriptor
        self._spare = spare
        self._part = _TERMINAL_BUF if os.isatty(descriptor) else _PIPE_BUF
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._line: Line | None = None
        self._rest = b""

    def take(self, line: Line) -> bool:
        """Raises OSError."""
        if line is not self._line:
            self._line, self._rest = line, line.spare if self._spare else line.data
        while self._rest:
            if not self._poll.poll(0):
                return False
            try:
                written = os.write(self._descriptor, self._rest[: self._part])
            except BlockingIOError:
                return False
            self._rest = self._rest[written:]
        return True

    def wait(self, seconds: float) -> None:
        """Return when the descriptor has room."""
        self._poll.poll(seconds * 1000)

    def close(self) -> None:
        """Leave the descriptor as it is."""


class JournalOutput:
    """The journal's socket, one datagram an entry; where there is no journal, `spare` takes the line.

    It is not connected: a journal that is restarted is found again.
    """

    def __init__(self, spare: Output, address: str = JOURNAL) -> None:
        self._spare = spare
        self._address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def take(self, line: Line) -> bool:
        """Raises OSError."""
        try:
            self._socket.sendto(line.data, self._address)
        except BlockingIOError:  # standard error leads to the same journal
            return False
        except OSError:
            return self._spare.take(line)
        return True

    def wait(self, seconds: float) -> None:
        """No call says when somebody else's datagram socket has room."""
        time.sleep(min(seconds, _JOURNAL_PAUSE))

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class TextOutput:
    """A stream without a descriptor, as tests and programs that embed the gateway have."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def take(self, line: Line) -> bool:
        """Write all of it. Raises OSError."""
        self._stream.write(line.data.decode())
        self._stream.flush()
        return True

    def wait(self, seconds: float) -> None:
        """There is always room."""

    def close(self) -> None:
        """Leave the stream as it is."""
