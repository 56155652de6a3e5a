"""One side's part in a dialogue of fixed turns, as a generator that reads like the protocol. Pure.

A part yields how many bytes it wants to hear next, and is sent these; or yields bytes, which are to be said. It ends by
returning, or by raising Failure.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Final, TypeVar

HUNG_UP: Final = "hung up before the sign-in was over."

Outcome = TypeVar("Outcome")
Piece = Generator[int | bytes, bytes, Outcome]
"""A piece of a part, which returns something to it."""
Part = Piece[None]


class FailedError(Exception):
    """The dialogue has come to nothing; its text says why."""


class HungUpError(Exception):
    """Raised in a part that waits for more when there is no more."""


class Dialogue:
    """Plays a part: fed with what the other side says, it tells what to say."""

    __slots__ = ("_heard", "_part", "_step", "done", "failure")

    def __init__(self, part: Part) -> None:
        self.done = False
        """The part is over, and all went well."""
        self.failure: str | None = None
        """Why it has come to nothing."""
        self._part = part
        self._heard = b""
        self._step: int | bytes = next(part)

    @property
    def over(self) -> bool:
        """Whether nothing more is said, for better or worse."""
        return self.done or self.failure is not None

    @property
    def leftover(self) -> bytes:
        """What the other side said beyond the dialogue, once it is `done`."""
        return self._heard if self.done else b""

    def feed(self, chunk: bytes) -> bytes:
        """The one thing to say next, if any: to be sent as a piece of its own. Feed b"" for the next."""
        self._heard += chunk
        while not self.done and self.failure is None:
            step = self._step
            if isinstance(step, bytes):
                self._go_on(partial(self._part.send, b""))
                return step
            if len(self._heard) < step:
                break
            heard, self._heard = self._heard[:step], self._heard[step:]
            self._go_on(partial(self._part.send, heard))
        return b""

    def answer(self, chunk: bytes) -> bytes:
        """All there is to say next, for a peer that may be told several things at once."""
        said = []
        while reply := self.feed(chunk):
            said.append(reply)
            chunk = b""
        return b"".join(said)

    def hang_up(self) -> None:
        """The other side says no more: unless it is `done`, that is a failure."""
        if not self.done and self.failure is None:
            self._go_on(partial(self._part.throw, HungUpError()))

    def _go_on(self, go: Callable[[], int | bytes]) -> None:
        try:
            self._step = go()
        except StopIteration:
            self.done = True
        except HungUpError:
            self.failure = HUNG_UP
        except FailedError as failed:
            self.failure = str(failed)
