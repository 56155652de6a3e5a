"""What was measured, and the medians of it. No I/O."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

BATCHED, FRAMES = "batched", "frame by frame"
DIRECT = "direct"
"""Stands among the proxies for none at all."""
MODES = (BATCHED, FRAMES)
"""How the source writes: 256 KiB at once, or one frame at a time."""


@dataclass(frozen=True, slots=True)
class Drain:
    """One stream through one proxy."""

    proxy: str
    mode: str
    frame: int
    payload: int
    """Bytes of payload; frame headers are not counted, because a proxy with a raw upstream makes frames of its own."""
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
class Trips:
    """Round trips of one session, in microseconds; `busy`: beside other sessions that are."""

    proxy: str
    busy: bool
    count: int
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Launches:
    """Sessions opened one after another, from the connection to the first bytes; closing them is not in it."""

    proxy: str
    count: int
    cpu_seconds: float

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds of the proxy for each."""
        return self.cpu_seconds * 1000 / self.count


@dataclass(slots=True)
class Figures:
    """All of one run. What was not measured has no median: None."""

    drains: list[Drain] = field(default_factory=list)
    idles: list[Idle] = field(default_factory=list)
    trips: list[Trips] = field(default_factory=list)
    launches: list[Launches] = field(default_factory=list)
    tls: dict[str, str] = field(default_factory=dict)
    """What each proxy with TLS agreed on: version and cipher."""

    def sizes(self) -> list[int]:
        """Of frames, in bytes."""
        return sorted({drain.frame for drain in self.drains})

    def cpu(self, proxy: str, mode: str, frame: int) -> float | None:
        """CPU seconds per GB."""
        return _median(drain.cpu_per_gb for drain in self._drains(proxy, mode, frame))

    def speed(self, proxy: str, mode: str, frame: int) -> float | None:
        """MB a second."""
        return _median(drain.mb_per_second for drain in self._drains(proxy, mode, frame))

    def _drains(self, proxy: str, mode: str, frame: int) -> Sequence[Drain]:
        return [drain for drain in self.drains if (drain.proxy, drain.mode, drain.frame) == (proxy, mode, frame)]

    def idle(self, proxy: str) -> float | None:
        """KiB a session."""
        return _median(idle.kib_per_session for idle in self.idles if idle.proxy == proxy)

    def p50(self, proxy: str, *, busy: bool) -> float | None:
        """Microseconds of the median round trip."""
        return _median(trips.p50 for trips in self.trips if (trips.proxy, trips.busy) == (proxy, busy))

    def p99(self, proxy: str, *, busy: bool) -> float | None:
        """Microseconds that 99 of 100 round trips do not exceed."""
        return _median(trips.p99 for trips in self.trips if (trips.proxy, trips.busy) == (proxy, busy))

    def launch(self, proxy: str) -> float | None:
        """CPU milliseconds a launch."""
        return _median(launches.cpu_ms for launches in self.launches if launches.proxy == proxy)


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.median(found) if found else None


def size_name(size: int) -> str:
    """256 -> `256 B`, 16384 -> `16 KiB`."""
    return f"{size // 1024} KiB" if size % 1024 == 0 else f"{size} B"


def number(value: float | None) -> str:
    """Three digits that mean something, whatever the size."""
    if value is None:
        return "-"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def ratio_name(ratio: float | None) -> str:
    """0.64 -> `0.64`, 0.004 -> `1/250`."""
    if ratio is None:
        return "-"
    return f"1/{1 / ratio:,.0f}" if 0 < ratio < 0.02 else f"{ratio:.2f}"
