"""What a run found: figures, some with a target, as a table or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `held` is None where there is no target."""

    part: str
    what: str
    value: str
    target: str = ""
    held: bool | None = None


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p99 and max; all 0 where there are no values."""
    if not values:
        return {"p50": 0, "p99": 0, "max": 0}
    ordered = sorted(values)
    return {
        "p50": ordered[len(ordered) // 2],
        "p99": ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)],
        "max": ordered[-1],
    }


def exactly(part: str, what: str, found: int, wanted: int) -> Figure:
    """A count that must be right."""
    return Figure(part, what, f"{found:,}", f"{wanted:,}", found == wanted)


def at_most(part: str, what: str, found: float, most: float, unit: str = "") -> Figure:
    """A figure with an upper bound."""
    return Figure(part, what, f"{found:,.6g}{unit}", f"≤ {most:,.6g}{unit}", found <= most)


def milliseconds(part: str, what: str, found: dict[str, float], unit: float) -> Figure:
    """Percentiles; `unit` is that of the values, in milliseconds."""
    return Figure(part, what, " / ".join(f"{found[key] * unit:,.1f}" for key in ("p50", "p99", "max")) + " ms")


def markdown(figures: Sequence[Figure]) -> str:
    """The table."""
    lines = ["| part | what | found | target | |", "|---|---|--:|--:|---|"]
    verdicts = {None: "", True: "held", False: "**missed**"}
    for one in figures:
        lines.append(f"| {one.part} | {one.what} | {one.value} | {one.target} | {verdicts[one.held]} |")
    return "\n".join(lines)


def missed(figures: Sequence[Figure]) -> list[Figure]:
    """Those whose target was missed."""
    return [one for one in figures if one.held is False]
