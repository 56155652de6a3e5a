"""What upstreams are read into: one buffer for all of an event loop's, as each read is passed on before the next.

A read costs the same Python whatever it brings, so a large buffer makes a stream cheap: at 1 MiB a gigabyte costs two
thirds of what it does at 256 KiB. One for all costs no session any memory, and its pages stay in the processor's cache.
"""

from __future__ import annotations

import threading

SMALL = 64 * 1024
"""Bytes of the first read; fewer are copied, so that they may be kept."""
MIDDLE = 256 * 1024
"""Bytes of the largest read that is copied on its way; the allocator is slow with larger ones."""
LARGE = 1024 * 1024
"""Bytes of the largest that passes as it is."""
_STEP = 4


class Basin:
    """The buffer of one thread, and so of one event loop."""

    __slots__ = ("view",)

    def __init__(self) -> None:
        self.view = memoryview(bytearray(LARGE))

    def renew(self) -> None:
        """Somebody has kept a part of it: it is theirs now."""
        self.view = memoryview(bytearray(LARGE))


class _Basins(threading.local):
    def __init__(self) -> None:
        self.basin = Basin()


_BASINS = _Basins()


def basin() -> Basin:
    """This thread's."""
    return _BASINS.basin


class Draught:
    """How much one upstream is read at a time: more after each full read that could be passed on, up to `most`.

    What a viewer does not take waits in memory, so after that it is little again: a slow viewer costs no more.
    """

    __slots__ = ("_most", "room")

    def __init__(self, most: int) -> None:
        self._most = most
        self.room = SMALL

    def drawn(self, size: int, *, passed_on: bool) -> None:
        """`size` bytes were read, and all have left or not."""
        if not passed_on:
            self.room = SMALL
        elif size == self.room:
            self.room = min(size * _STEP, self._most)


_TINY, _ENOUGH = 16 * 1024, 256 * 1024
_FLOOD = 16
_LULL = 0.005
REST = 0.001
"""Seconds that a flood of small reads is left to gather."""


class Pace:
    """Whether an upstream is to be left alone for a moment: it pours in small pieces, and nobody waits for an answer.

    A read costs the same whatever it brings, so sixteen small ones in a row, none of them more than 5 ms after the one
    before, are followed by one a millisecond, until a read brings a quarter of a megabyte or the viewer says something.
    """

    __slots__ = ("_last", "_small")

    def __init__(self) -> None:
        self._last = 0.0
        self._small = 0

    def rests(self, size: int, now: float) -> bool:
        """Whether to rest after a read of `size` bytes at `now` (seconds of a clock that never goes back)."""
        if now - self._last > _LULL or size >= _ENOUGH:
            self._small = 0
        if size < _TINY:
            self._small += 1
        self._last = now
        return self._small >= _FLOOD

    def spoken(self) -> None:
        """The viewer has said something, and waits for what comes of it."""
        self._small = 0
