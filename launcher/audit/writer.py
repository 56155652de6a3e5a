"""Writes the log in a thread of its own, so that nobody who logs ever waits for what reads it.

`put` keeps a line and comes back; the thread takes the lines in their order and writes them as fast as the output
takes them. At the end it has a moment for what is left. Whatever an output refuses is counted as lost.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Mapping
from typing import Final

from launcher.audit.outputs import Output
from launcher.audit.queues import Backlog, Line, Loss

DRAIN: Final = 1.5
"""Seconds that the last lines have at the end."""
_LOOK_AGAIN = 0.2
"""Seconds after which an output without room is tried again."""
_PASSES = frozenset({errno.ENOSPC, errno.EDQUOT, errno.ENOBUFS, errno.ENOMEM})
"""What an output says that has no room, and may have some again."""


class LogWriter:
    """The writer: `start`, `put` from any thread, `stop`. `tell` makes a line of what is missing."""

    def __init__(self, output: Output, backlog: Backlog, tell: Callable[[Mapping[str, int]], Line]) -> None:
        self._output = output
        self._backlog = backlog
        self._tell = tell
        self._changed = threading.Condition()
        self._stopping = False
        self._given_up = False
        self._writing = False
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, line: Line, *, owed: bool = False) -> None:
        """Keep a line, or count it as lost: see `Backlog.put`."""
        with self._changed:
            self._backlog.put(line, owed=owed)
            self._changed.notify_all()

    def lose(self, kind: str) -> None:
        """Count a line that could not be made."""
        with self._changed:
            self._backlog.lose(kind)
            self._changed.notify_all()

    def has_room(self) -> bool:
        """Whether something may begin that will be put on record."""
        with self._changed:
            return self._backlog.has_room()

    def settle(self, seconds: float = DRAIN) -> bool:
        """Wait until everything is written, so many seconds at most; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._writing and not self._backlog, seconds)

    def stop(self, seconds: float = DRAIN) -> None:
        """Write what is left, as far as the output takes it within so many seconds; then come back in any case."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(seconds)
        self._given_up = True
        self._thread.join(2 * _LOOK_AGAIN)
        if not self._thread.is_alive():  # else a write holds it, which the end of the process ends
            self._output.close()

    def _write(self) -> None:
        """The thread."""
        while (one := self._next()) is not None:
            try:
                is_out = self._is_out(self._tell(one.counts) if isinstance(one, Loss) else one)
            except Exception:  # noqa: BLE001 -- without this thread no launch could begin any more
                is_out = False
            if not is_out:
                self._count(one)

    def _next(self) -> Line | Loss | None:
        with self._changed:
            self._writing = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._backlog or self._stopping)
            one = None if self._given_up else self._backlog.take()
            self._writing = one is not None
            return one

    def _is_out(self, line: Line) -> bool:
        while not self._given_up:
            try:
                if self._output.take(line):
                    return True
                self._output.wait(_LOOK_AGAIN)
            except OSError as error:
                if error.errno not in _PASSES:
                    return False
                self._pause()
        return False

    def _pause(self) -> None:
        """A full disk is ready to be written to at any time, and takes nothing."""
        with self._changed:
            self._changed.wait_for(lambda: self._given_up, _LOOK_AGAIN)

    def _count(self, one: Line | Loss) -> None:
        with self._changed:
            for kind, count in one.counts.items() if isinstance(one, Loss) else ((one.kind, 1),):
                self._backlog.lose(kind, count)
