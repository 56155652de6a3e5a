"""Decides when a silent upstream is asked for a sign of life, and when it has missed the answer. Pure.

An upstream is looked at LOOKS times an interval (`relay.ping`). It is asked once it has been silent for a whole one, as
a websockify on non-blocking sockets dies of a ping that comes while its own sending is held up: what sends, or was held
up a moment ago, needs no ping either. Bytes of any kind are a sign of life, so that a slow line ends nobody's session.
An answer is missed only where this very upstream has answered before: websockify 0.6 answers no ping, and 0.8 only with
`--auto-pong`.
"""

from __future__ import annotations

import enum
import math
from typing import Final

LOOKS: Final = 4
"""Looks an interval: a ping comes between one interval and five quarters of one after the last byte."""
_SHORTEST_DEADLINE: Final = 5.0
"""Seconds that an answer may always take."""


def patience(interval: float) -> int:
    """Looks that an answer may take: those of an interval (in seconds), but of five seconds at the least."""
    return max(LOOKS, math.ceil(_SHORTEST_DEADLINE * LOOKS / interval))


class Act(enum.Enum):
    """What is to be done at a look."""

    REST = "rest"
    ASK = "ask"
    GIVE_UP = "give up"


class Silence:
    """One upstream's silence, counted in looks."""

    __slots__ = ("_asked", "_looks")

    def __init__(self) -> None:
        self._looks = 0
        self._asked = 0

    @property
    def lasts(self) -> bool:
        """Whether nothing has come for a whole interval."""
        return self._looks >= LOOKS

    def look(self, *, stirred: bool) -> None:
        """Count one look; `stirred`: something has come since the last, or could not come because it was held up."""
        self._looks = 0 if stirred else self._looks + 1
        self._asked = 0 if stirred else self._asked

    def act(self, *, answers: bool, patience: int) -> Act:
        """What is to be done now, where nothing waits between the two ends; `answers`: it has answered before."""
        since = self._looks - self._asked
        if self._asked and answers:
            return Act.GIVE_UP if since >= patience else Act.REST
        return Act.ASK if since >= LOOKS else Act.REST

    def asked(self) -> None:
        """It was asked at this look."""
        self._asked = self._looks
