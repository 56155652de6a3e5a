"""What Autobahn reports, judged: this gateway must do as well as aiohttp, or a rule must say why not. Pure.

The rules look at what went over the wire, never at a case's number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_GOODNESS = {"OK": 3, "INFORMATIONAL": 3, "NON-STRICT": 2, "UNIMPLEMENTED": 1}
"""Of Autobahn's own verdicts; all others are failures."""

NO_TEXT = "it sends a text message: closed with 1003, by design"
NOT_LOOKED_INTO = "it sends what is no UTF-8: the relay never looks into a message (aiohttp closes with 1007)"

LATER = "a message stands right before a breach: its echo has the way to the upstream to go, and the close comes first"


@dataclass(frozen=True, slots=True)
class Report:
    """One case at one end."""

    behavior: str
    behavior_close: str
    remote_close: int | None
    """The code that the end closed with."""

    @staticmethod
    def of(found: Mapping[str, Any]) -> Report:
        """From an entry of Autobahn's `index.json`."""
        return Report(found["behavior"], found["behaviorClose"], found["remoteCloseCode"])

    @property
    def goodness(self) -> tuple[int, int]:
        return _GOODNESS.get(self.behavior, 0), _GOODNESS.get(self.behavior_close, 0)

    def as_good_as(self, other: Report) -> bool:
        """In what was said, and in how it was closed."""
        return all(mine >= theirs for mine, theirs in zip(self.goodness, other.goodness, strict=True))

    def __str__(self) -> str:
        return f"{self.behavior}, close {self.behavior_close} ({self.remote_close})"


Reports = Mapping[str, Report]
"""By a case's id."""


def excuse(ours: Report, reference: Report) -> str | None:
    """Why this gateway need not do as well here as aiohttp; None if no rule says so."""
    if ours.remote_close == 1003:
        return NO_TEXT
    if reference.remote_close == 1007:  # a client that hears its own broken text again hangs up, as it should
        return NOT_LOOKED_INTO
    if ours.behavior == "NON-STRICT" and ours.behavior_close == "OK" and ours.remote_close == reference.remote_close:
        return LATER
    return None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of one end against the reference, by cases' ids."""

    excused: Mapping[str, str]
    worse: tuple[str, ...]
    better: tuple[str, ...]


def judge(ours: Reports, reference: Reports) -> Judgement:
    """Each case that the reference was asked, this end must have been asked, too."""
    excused: dict[str, str] = {}
    worse, better = [], []
    for case, theirs in reference.items():
        mine = ours.get(case)
        if mine is None:
            worse.append(case)
        elif not mine.as_good_as(theirs):
            why = excuse(mine, theirs)
            if why is None:
                worse.append(case)
            else:
                excused[case] = why
        elif not theirs.as_good_as(mine):
            better.append(case)
    return Judgement(excused, tuple(worse), tuple(better))


def counts(reports: Reports) -> str:
    """How often each of Autobahn's verdicts was given."""
    found = Counter(report.behavior for report in reports.values())
    return ", ".join(f"{count} {verdict}" for verdict, count in found.most_common())
