"""What was measured, and the Markdown table made of it. No I/O."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

SUBJECT = "gateway"
PEERS = ("nginx", "websockify")


@dataclass(frozen=True, slots=True)
class Drain:
    """One stream through one proxy."""

    proxy: str
    frame: int
    payload: int
    """Bytes of payload; frame headers are not counted, because websockify makes frames of its own."""
    wire: int
    """Bytes that the sink read."""
    cpu_seconds: float
    seconds: float

    @property
    def cpu_per_gb(self) -> float:
        """CPU seconds of the proxy for 10^9 bytes of payload."""
        return self.cpu_seconds * 1e9 / self.payload

    @property
    def mb_per_second(self) -> float:
        """10^6 bytes of payload a second, from asking to the last byte."""
        return self.payload / 1e6 / self.seconds


@dataclass(frozen=True, slots=True)
class Idle:
    """Sessions that are open and say nothing."""

    proxy: str
    sessions: int
    kib_before: int
    kib_after: int

    @property
    def kib_per_session(self) -> float:
        """Growth of the process tree's PSS for each session; kernel memory is not in it."""
        return (self.kib_after - self.kib_before) / self.sessions


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a figure for each proxy that was measured."""

    title: str
    values: Mapping[str, float]


def size_name(size: int) -> str:
    """256 -> `256 B`, 16384 -> `16 KiB`."""
    return f"{size // 1024} KiB" if size % 1024 == 0 else f"{size} B"


def rows_of(drains: Sequence[Drain], idles: Iterable[Idle]) -> list[Row]:
    """CPU for each frame size, speed for each frame size, memory; medians over the rounds."""
    rows = []
    for title, figure in (("CPU s/GB", attrgetter("cpu_per_gb")), ("MB/s", attrgetter("mb_per_second"))):
        for frame in sorted({drain.frame for drain in drains}):
            figures = [(drain.proxy, figure(drain)) for drain in drains if drain.frame == frame]
            rows.append(Row(f"{title}, {size_name(frame)} frames", _medians(figures)))
    memory = _medians((idle.proxy, idle.kib_per_session) for idle in idles)
    return [*rows, Row("KiB per idle session", memory)]


def _medians(figures: Iterable[tuple[str, float]]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for proxy, figure in figures:
        found.setdefault(proxy, []).append(figure)
    return {proxy: statistics.median(values) for proxy, values in found.items()}


def markdown(rows: Iterable[Row]) -> str:
    """The table: the three figures, and ours as a multiple of each peer's."""
    lines = [
        f"| | {SUBJECT} | {' | '.join(PEERS)} | {' | '.join(f'{SUBJECT} / {peer}' for peer in PEERS)} |",
        "|---|" + "--:|" * (1 + 2 * len(PEERS)),
    ]
    for row in rows:
        cells = [_number(row.values.get(proxy)) for proxy in (SUBJECT, *PEERS)]
        cells += [_ratio(row, peer) for peer in PEERS]
        lines.append(f"| {row.title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    """Three digits that mean something, whatever the size."""
    if value is None:
        return "-"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def _ratio(row: Row, peer: str) -> str:
    ours, theirs = row.values.get(SUBJECT), row.values.get(peer)
    if ours is None or not theirs:
        return "-"
    ratio = ours / theirs
    return f"{ratio:.2f}" if ratio >= 0.1 else f"1/{1 / ratio:,.0f}" if ratio > 0 else "-"
