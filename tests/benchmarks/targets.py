"""What the figures are to be, and whether they are. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.benchmarks.figures import BATCHED, FRAMES, MODES, Figures, number, ratio_name, size_name

_KIB_16 = 16 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """One bound. `seen` is the worst of what it is about; None where a part of it was not measured."""

    what: str
    bound: float
    seen: float | None
    unit: str
    """Empty for a ratio."""
    where: str = ""
    """The frame size that was worst."""

    @property
    def held(self) -> bool | None:
        """Whether the figure is within the bound."""
        return None if self.seen is None else self.seen <= self.bound


def targets(figures: Figures) -> list[Target]:
    """All of them, in the order of the tables."""
    return [*_streams(figures), *_sessions(figures)]


def _streams(figures: Figures) -> Iterator[Target]:
    sizes = figures.sizes()
    large = [size for size in sizes if size >= _KIB_16]
    yield _cpu(figures, "gateway", "nginx", BATCHED, sizes, 0.7)
    yield _cpu(figures, "gateway", "nginx-64k", BATCHED, large, 1.0)
    yield _cpu(figures, "gateway", "nginx", FRAMES, sizes, 2.0)
    yield _cpu(figures, "gateway", "nginx-64k", FRAMES, sizes, 2.0)
    for mode in MODES:
        yield _cpu(figures, "gateway-tls", "nginx-tls", mode, sizes, 1.2)
    for mode in MODES:
        yield _cpu(figures, "gateway", "aiohttp", mode, [size for size in sizes if size == 1024], 0.2)
    for mode in MODES:
        yield _cpu(figures, "gateway-raw", "websockify", mode, sizes, 1.0)


def _cpu(figures: Figures, ours: str, theirs: str, mode: str, sizes: Sequence[int], bound: float) -> Target:
    """The worst ratio of CPU per GB over some frame sizes."""
    ratios = [(_ratio(figures.cpu(ours, mode, size), figures.cpu(theirs, mode, size)), size) for size in sizes]
    found = [(ratio, size) for ratio, size in ratios if ratio is not None]
    what = f"CPU per GB, {mode}: {ours} / {theirs}"
    if not found or len(found) < len(ratios):
        return Target(what, bound, None, "")
    worst, size = max(found)
    return Target(what, bound, worst, "", size_name(size))


def _sessions(figures: Figures) -> Iterator[Target]:
    idle = figures.idle("gateway")
    yield Target("KiB per idle session: gateway / nginx", 1.0, _ratio(idle, figures.idle("nginx")), "")
    yield Target("KiB per idle session: gateway / websockify", 1 / 150, _ratio(idle, figures.idle("websockify")), "")
    yield Target("KiB per idle session: gateway-tls", 64, figures.idle("gateway-tls"), "KiB")
    for busy in (False, True):
        p99 = _ratio(figures.p99("gateway", busy=busy), figures.p99("nginx", busy=busy))
        yield Target(f"round trip p99{', others busy' * busy}: gateway / nginx", 1.5, p99, "")
    yield Target("CPU of a launch on a cached console", 2.0, figures.launch("gateway"), "ms")


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours is not None and theirs else None


def target_table(found: Sequence[Target]) -> str:
    """In Markdown."""
    lines = ["| target | at most | seen | |", "|---|--:|--:|---|"]
    for target in found:
        name = number if target.unit else ratio_name
        unit = f" {target.unit}" if target.unit else ""
        seen = "-" if target.seen is None else f"{name(target.seen)}{unit}"
        where = f" ({target.where})" if target.where else ""
        verdict = {True: "held", False: "**missed**", None: "not measured"}[target.held]
        lines.append(f"| {target.what} | {name(target.bound)}{unit} | {seen}{where} | {verdict} |")
    return "\n".join(lines)
