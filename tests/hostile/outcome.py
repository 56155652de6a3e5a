"""What came of a load, and the table of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.hostile.bystander import WAYS, Delays


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one load was answered with, and what it did to everybody else."""

    delays: Mapping[str, Delays]
    """`Bystander.report()`."""
    counts: Mapping[str, int | float | str] = field(default_factory=dict)
    """What was refused, closed and kept, by a few words each: `{"connections refused": 312}`."""


def table(outcomes: Mapping[str, Outcome]) -> str:
    """One line a load and way in, in Markdown; what was refused, closed and kept stands below it."""
    lines = ["| load | way in | opened | failed | p50 ms | p99 ms | worst ms |", "|---|---|--:|--:|--:|--:|--:|"]
    for name, outcome in outcomes.items():
        lines += [_line(name, way, outcome.delays[way]) for way in WAYS if way in outcome.delays]
    for name, outcome in outcomes.items():
        lines += ["", f"{name}: {_counted(outcome)}", *_reasons(outcome)]
    return "\n".join(lines)


def _line(name: str, way: str, found: Delays) -> str:
    return (
        f"| {name} | {way} | {found.opened} | {found.failed} | {found.p50:.1f} | {found.p99:.1f} | {found.worst:.1f} |"
    )


def _counted(outcome: Outcome) -> str:
    return ", ".join(f"{value} {words}" for words, value in outcome.counts.items()) or "nothing was counted"


def _reasons(outcome: Outcome) -> Sequence[str]:
    return [f"  {way} failed: {why}" for way, found in outcome.delays.items() for why in found.reasons]
