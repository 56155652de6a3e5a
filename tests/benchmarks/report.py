"""The figures of a run as tables in Markdown. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tests.benchmarks.figures import DIRECT, MODES, Figures, number, size_name
from tests.benchmarks.targets import target_table, targets

_Figure = Callable[[str, str, int], float | None]


def tables(figures: Figures, names: Sequence[str]) -> str:
    """All tables, with their titles; those of which nothing was measured are left out."""
    plain = [name for name in names if not name.endswith("-tls")]
    tls = [name for name in names if name.endswith("-tls")]
    found = [
        ("CPU seconds per GB", _streams(figures, figures.cpu, plain)),
        ("MB per second", _streams(figures, figures.speed, plain)),
        ("CPU seconds per GB, TLS at the viewer's side", _streams(figures, figures.cpu, tls)),
        ("MB per second, TLS at the viewer's side", _streams(figures, figures.speed, tls)),
        ("KiB per idle session", _idles(figures, plain, tls)),
        ("Round trip, microseconds", _trips(figures, (*names, DIRECT))),
        ("CPU milliseconds per launch on a cached console", _launches(figures, names)),
        ("Targets", target_table(targets(figures))),
    ]
    return "\n\n".join(f"**{title}**\n\n{table}" for title, table in found if table)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Empty without rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join((f"| {' | '.join(head)} |", "|---|" + "--:|" * (len(head) - 1), *lines)) if lines else ""


def _streams(figures: Figures, figure: _Figure, names: Sequence[str]) -> str:
    """A row for each way of writing and frame size, a column for each proxy."""
    measured = {drain.proxy for drain in figures.drains}
    names = [name for name in names if name in measured]
    rows = [
        (f"{mode}, {size_name(size)}", *(number(figure(name, mode, size)) for name in names))
        for mode in MODES
        for size in figures.sizes()
    ]
    return _table(("", *names), rows if names else ())


def _idles(figures: Figures, plain: Sequence[str], tls: Sequence[str]) -> str:
    """A column for each proxy; a name of `tls` stands below the same one of `plain`."""
    if not figures.idles:
        return ""
    columns = list(dict.fromkeys((*plain, *(name.removesuffix("-tls") for name in tls))))
    rows = [
        (title, *(number(figures.idle(column + suffix)) for column in columns))
        for title, suffix in (("plain", ""), ("TLS", "-tls"))
    ]
    return _table(("", *columns), rows)


def _trips(figures: Figures, names: Sequence[str]) -> str:
    measured = {trips.proxy for trips in figures.trips}
    rows = [
        (name, *(number(figure(name, busy=busy)) for busy in (False, True) for figure in (figures.p50, figures.p99)))
        for name in names
        if name in measured
    ]
    return _table(("", "p50", "p99", "p50, others busy", "p99, others busy"), rows)


def _launches(figures: Figures, names: Sequence[str]) -> str:
    measured = {launches.proxy for launches in figures.launches}
    return _table(("", "ms"), [(name, number(figures.launch(name))) for name in names if name in measured])
