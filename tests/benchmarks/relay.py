"""What relaying costs: this gateway beside nginx, stock websockify and a plain relay of messages, in one run.

    python -m tests.benchmarks.relay [--quick] [--only NAMES] [--json]

Same source, same sink, same run; the proxies take turns in every round, and figures are medians over the rounds.
CPU is that of the proxy's whole process tree between the moment an open, greeted session asks for its stream and the
moment the stream's last byte is at the viewer: launching and closing are not in it. Memory is the growth of the tree's
PSS over open, greeted, silent sessions, in a fresh process that has served one session before. A round trip goes from
the viewer to the source and back, theirs and the source's own part included. The CPU of a launch is that from the
viewer's connection to the screen's greeting, one launch after another, on a console that is kept.

What is measured is listed in `proxies.py`, how the source writes in `source.py`, what it is to come to in `targets.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import platform
import resource
import signal
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.benchmarks.figures import Figures
from tests.benchmarks.measures import BUSY_BYTES, BUSY_EVERY, BUSY_SESSIONS, Bench, Partners
from tests.benchmarks.processes import BenchmarkError, partner
from tests.benchmarks.proxies import PROXIES, Stage, nginx_version, websockify_version
from tests.benchmarks.report import tables
from tests.benchmarks.targets import targets
from tests.fakes.certificates import Authority

FRAMES = (256, 1024, 16 * 1024, 64 * 1024)
PARTS = ("streams", "idle", "trips", "launches")
_LEAST_FILES = 4096
_FEWER_IDLE = 50


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What one run measures."""

    only: tuple[str, ...]
    parts: tuple[str, ...]
    rounds: int
    megabytes: int
    sessions: int
    idle_rounds: int
    trips: int
    launches: int

    def sessions_of(self, name: str) -> int:
        """websockify opens fewer: each is a process of several MiB."""
        return min(self.sessions, _FEWER_IDLE) if name.startswith("websockify") else self.sessions

    def of(self, *names: str) -> list[str]:
        """Those of some proxies that are asked for."""
        return [name for name in names if name in self.only]


def parse_plan(arguments: Sequence[str] | None = None) -> tuple[Plan, bool]:
    """The command line; the second says whether JSON is wanted."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.relay", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--rounds", type=_positive, help="of everything but idle sessions (default 5)")
    parser.add_argument("--megabytes", type=_positive, help="most payload of a stream, in 10^6 bytes (default 128)")
    parser.add_argument("--sessions", type=_positive, help=f"idle ones (default 1000; websockify {_FEWER_IDLE})")
    parser.add_argument("--trips", type=_positive, help="round trips of a round (default 2000)")
    parser.add_argument("--launches", type=_positive, help="launches of a round (default 300)")
    parser.add_argument("--only", type=_names(PROXIES), default=tuple(PROXIES), help=f"some of {','.join(PROXIES)}")
    parser.add_argument("--parts", type=_names(PARTS), default=PARTS, help=f"some of {','.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="3 rounds, 24 MB, 100 sessions, 500 trips, 100 launches")
    parser.add_argument("--json", action="store_true", help="print every single figure as JSON instead of the tables")
    asked = vars(parser.parse_args(arguments))
    usual = (3, 24, 100, 1, 500, 100) if asked["quick"] else (5, 128, 1000, 3, 2000, 300)
    plan = Plan(asked["only"], asked["parts"], *usual)
    given = {field.name: asked.get(field.name) for field in dataclasses.fields(Plan)}
    return dataclasses.replace(plan, **{name: value for name, value in given.items() if value}), asked["json"]


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a number above 0 is expected")
    return number


class _names:  # noqa: N801 -- argparse calls it as a function
    """A list of some names, with commas between them."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = tuple(known)

    def __call__(self, text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        if not set(names) <= set(self._known):
            raise argparse.ArgumentTypeError(f"some of {', '.join(self._known)} are expected, with commas between them")
        return names


def raise_file_limit(sessions: int) -> None:
    """Two descriptors a session and some to spare; children inherit it. Raises BenchmarkError."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = max(_LEAST_FILES, 2 * sessions + 1000)
    if most != resource.RLIM_INFINITY and most < needed:
        raise BenchmarkError(f"{sessions} sessions need {needed} open files, and {most} are allowed: see `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))


async def measure(plan: Plan) -> Figures:
    """One run. Whatever happens, its processes have ended when this returns or raises."""
    with tempfile.TemporaryDirectory(prefix="relay-benchmark-") as name:
        folder = Path(name)
        async with (
            partner("tests.benchmarks.source", folder) as source,
            partner("tests.benchmarks.sink", folder) as sink,
            partner("tests.benchmarks.sink", folder) as crowd,
        ):
            ports = await source.hear()
            stage = Stage(ports["websocket"], ports["tcp"], _certificate(folder / "authority"))
            bench = Bench(Partners(source, sink, crowd), stage, folder)
            await _measure_parts(bench, plan)
    return bench.figures


async def _measure_parts(bench: Bench, plan: Plan) -> None:
    """Launches come first and idle sessions last, so that no part finds what another has left."""
    if "launches" in plan.parts:
        await bench.launches(plan.of("gateway", "gateway-tls", "gateway-raw"), plan.rounds, plan.launches)
    if "streams" in plan.parts:
        await bench.drains(plan.only, FRAMES, plan.rounds, plan.megabytes * 10**6)
    if "trips" in plan.parts:
        await bench.trips(plan.only, plan.rounds, plan.trips)
    if "idle" in plan.parts:
        for _ in range(plan.idle_rounds):
            for name in plan.only:
                await bench.idle(name, plan.sessions_of(name))


def _certificate(folder: Path) -> Path:
    """A PEM file with a certificate for 127.0.0.1 and its key."""
    authority = Authority(folder, "benchmark")
    authority.context("127.0.0.1")
    return next(file for file in folder.glob("*.pem") if file != authority.pem)


async def _measure_until_stopped(plan: Plan) -> Figures:
    """SIGTERM ends the run as Ctrl-C does: in order."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await measure(plan)


def machine() -> dict[str, str]:
    """What the figures depend on beside the code."""
    found = {
        "cores": str(os.cpu_count()),
        "processor": _processor(),
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "nginx": nginx_version(),
        "websockify": websockify_version(),
    }
    return {key: value for key, value in found.items() if value}


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def report(plan: Plan, figures: Figures) -> str:
    """The tables and what they were made on, in Markdown."""
    facts = ", ".join(f"{key} {value}" for key, value in machine().items())
    spoken = ", ".join(sorted(set(figures.tls.values()))) or "none"
    how = f"Medians of {plan.rounds} interleaved rounds; streams of {plan.megabytes} MB or less; idle sessions: "
    how += (
        f"{plan.sessions:,} (websockify {plan.sessions_of('websockify')}) in {plan.idle_rounds} fresh processes each; "
    )
    how += f"{plan.trips:,} round trips a round, beside {BUSY_SESSIONS} sessions with {BUSY_BYTES // 1024} KiB every "
    how += f"{BUSY_EVERY * 1000:.0f} ms where others are busy; {plan.launches} launches a round. TLS: {spoken}. "
    return f"{tables(figures, plan.only)}\n\n{how}Machine: {facts}."


def as_json(plan: Plan, figures: Figures) -> str:
    """Every single figure, and the targets."""
    found = {
        "plan": dataclasses.asdict(plan),
        "machine": machine(),
        **dataclasses.asdict(figures),
        "targets": [{**dataclasses.asdict(target), "held": target.held} for target in targets(figures)],
    }
    return json.dumps(found, indent=2)


def main() -> int:
    """The command. 0, or 1 and a sentence on stderr."""
    plan, wants_json = parse_plan()
    try:
        raise_file_limit(plan.sessions)
        figures = asyncio.run(_measure_until_stopped(plan))
    except BenchmarkError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("benchmark: stopped", file=sys.stderr)
        return 1
    print(as_json(plan, figures) if wants_json else report(plan, figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
