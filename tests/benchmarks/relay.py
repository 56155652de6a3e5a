"""What relaying costs: CPU seconds per GB, MB/s and KiB per idle session of this gateway, nginx and stock websockify.

    python -m tests.benchmarks.relay [--quick] [--json]

Same source, same sink, same run; the proxies take turns in every round, and figures are medians over the rounds.
CPU is that of the proxy's whole process tree between the moment an open, greeted session asks for its stream and the
moment the stream's last byte is at the viewer: launching and closing are not in it. Memory is the growth of the tree's
PSS over open, greeted, silent sessions, in a fresh process that has served one session before.

Behind gateway and nginx stands a WebSocket console proxy that sends frames of the given size; behind websockify a
plain TCP server that sends the same payload. Both write 256 KiB of payload at a time, so websockify, which makes
frames of its own from what it reads (up to 64 KiB), does the same work at every frame size: that is its best case.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import platform
import resource
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from tests.benchmarks.figures import Drain, Idle, markdown, rows_of, size_name
from tests.benchmarks.processes import (
    BenchmarkError,
    Partner,
    cpu_ns,
    cpu_seconds_between,
    last_words,
    partner,
    pss_kib,
)
from tests.benchmarks.proxies import PROXIES, Proxy, Upstreams, nginx_version, websockify_version

FRAMES = (256, 1024, 16 * 1024)
WRITE = 256 * 1024
_SETTLE = 1.0
_STEP = 100
_LEAST_FILES = 4096


class Bench:
    """Source and sink, and what can be measured with them."""

    def __init__(self, source: Partner, sink: Partner, upstreams: Upstreams, folder: Path) -> None:
        self._source = source
        self._sink = sink
        self._upstreams = upstreams
        self._folder = folder

    async def drains(self, names: Sequence[str], rounds: int, megabytes: int) -> list[Drain]:
        """`rounds` streams of each frame size through each proxy, by turns; one round more, for warmth, is dropped."""
        found: list[Drain] = []
        async with AsyncExitStack() as stack:
            proxies = {name: await stack.enter_async_context(self._start(name)) for name in names}
            await self._round(proxies, max(1, megabytes // 8) * 10**6)
            for number in range(1, rounds + 1):
                found += await self._round(_rotated(proxies, number), megabytes * 10**6)
                _say(f"streams: round {number} of {rounds} done")
        return found

    async def _round(self, proxies: dict[str, Proxy], size: int) -> list[Drain]:
        return [await self._drain(name, proxy, frame, size) for frame in FRAMES for name, proxy in proxies.items()]

    async def _drain(self, name: str, proxy: Proxy, frame: int, size: int) -> Drain:
        with _telling(f"{name}, {size_name(frame)} frames", proxy.log):
            payload = (await self._source.ask(frame=frame, write=WRITE, bytes=size))["payload"]
            await self._open(proxy, 1)
            before = cpu_ns(proxy.pid)
            drained = await self._sink.ask(do="drain")
            spent = cpu_seconds_between(before, cpu_ns(proxy.pid))
            await self._sink.ask(do="close")
        return Drain(name, frame, payload, drained["wire"], spent, drained["seconds"])

    async def idles(self, sessions: dict[str, int], rounds: int) -> list[Idle]:
        """Memory of each proxy's idle sessions, `rounds` times by turns."""
        return [await self._idle(name, count) for _ in range(rounds) for name, count in sessions.items()]

    async def _idle(self, name: str, sessions: int) -> Idle:
        """Memory of sessions that are past the greeting and silent, in a fresh process."""
        async with self._start(name) as proxy:
            with _telling(f"{name}, {sessions} idle sessions", proxy.log):
                await self._open(proxy, 1)
                await self._sink.ask(do="close")
                await asyncio.sleep(_SETTLE)
                before = pss_kib(proxy.pid)
                await self._open(proxy, sessions)
                await asyncio.sleep(_SETTLE)
                after = pss_kib(proxy.pid)
                await self._sink.ask(do="close")
        _say(f"idle: {sessions} sessions of {name} done")
        return Idle(name, sessions, before, after)

    async def _open(self, proxy: Proxy, count: int) -> None:
        """In steps, so that the time limit on an answer does not depend on how many there are."""
        for done in range(0, count, _STEP):
            await self._sink.ask(do="open", port=proxy.port, path=proxy.path, count=min(_STEP, count - done))

    @contextlib.asynccontextmanager
    async def _start(self, name: str) -> AsyncIterator[Proxy]:
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder))
        async with PROXIES[name](self._upstreams, folder) as proxy:
            yield proxy


def _rotated(proxies: dict[str, Proxy], by: int) -> dict[str, Proxy]:
    """Another one begins in every round."""
    names = list(proxies)
    first = by % len(names)
    return {name: proxies[name] for name in names[first:] + names[:first]}


@contextlib.contextmanager
def _telling(what: str, log: Path) -> Iterator[None]:
    """Errors say what was being measured, and what the proxy said last."""
    try:
        yield
    except BenchmarkError as error:
        raise BenchmarkError(f"{what}: {error}\nThe end of its log: {last_words(log)}") from error


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What one run measures."""

    only: tuple[str, ...]
    rounds: int
    megabytes: int
    sessions: int
    websockify_sessions: int
    idle_rounds: int

    def sessions_of(self, name: str) -> int:
        """websockify opens fewer: each is a process of several MiB."""
        return min(self.sessions, self.websockify_sessions) if name == "websockify" else self.sessions


def parse_plan(arguments: Sequence[str] | None = None) -> tuple[Plan, bool]:
    """The command line; the second says whether JSON is wanted."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.relay", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--rounds", type=_positive, help="streams of each size through each proxy (default 5)")
    parser.add_argument("--megabytes", type=_positive, help="payload of each stream, in 10^6 bytes (default 256)")
    parser.add_argument("--sessions", type=_positive, help="idle sessions for gateway and nginx (default 1000)")
    parser.add_argument("--websockify-sessions", type=_positive, help="idle sessions for websockify (default 50)")
    parser.add_argument("--only", type=_names, default=tuple(PROXIES), help="some of them: gateway,nginx,websockify")
    parser.add_argument("--quick", action="store_true", help="defaults of 3 rounds, 48 MB, 200 and 20 sessions")
    parser.add_argument("--json", action="store_true", help="print every single figure as JSON instead of the table")
    asked = parser.parse_args(arguments)
    usual = (
        Plan(asked.only, 3, 48, 200, 20, idle_rounds=1)
        if asked.quick
        else Plan(asked.only, 5, 256, 1000, 50, idle_rounds=3)
    )
    chosen = {field: vars(asked)[field] for field in ("rounds", "megabytes", "sessions", "websockify_sessions")}
    return dataclasses.replace(usual, **{key: value for key, value in chosen.items() if value is not None}), asked.json


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a number above 0 is expected")
    return number


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not set(names) <= set(PROXIES):
        raise argparse.ArgumentTypeError(f"names of {', '.join(PROXIES)} are expected, with commas between them")
    return names


def raise_file_limit(sessions: int) -> None:
    """Two descriptors a session and some to spare; children inherit it. Raises BenchmarkError."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = max(_LEAST_FILES, 2 * sessions + 1000)
    if most != resource.RLIM_INFINITY and most < needed:
        raise BenchmarkError(f"{sessions} sessions need {needed} open files, and {most} are allowed: see `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))


async def measure(plan: Plan) -> tuple[list[Drain], list[Idle]]:
    """One run. Whatever happens, its processes have ended when this returns or raises."""
    with tempfile.TemporaryDirectory(prefix="relay-benchmark-") as name:
        folder = Path(name)
        async with (
            partner("tests.benchmarks.source", folder) as source,
            partner("tests.benchmarks.sink", folder) as sink,
        ):
            ports = await source.hear()
            bench = Bench(source, sink, Upstreams(ports["websocket"], ports["tcp"]), folder)
            drains = await bench.drains(plan.only, plan.rounds, plan.megabytes)
            idles = await bench.idles({name: plan.sessions_of(name) for name in plan.only}, plan.idle_rounds)
    return drains, idles


async def _measure_until_stopped(plan: Plan) -> tuple[list[Drain], list[Idle]]:
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


def report(plan: Plan, drains: list[Drain], idles: list[Idle]) -> str:
    """The table and what it was made on, in Markdown."""
    counts = ", ".join(f"{name} {plan.sessions_of(name):,}" for name in plan.only)
    facts = ", ".join(f"{key} {value}" for key, value in machine().items())
    how = f"Medians of {plan.rounds} interleaved rounds of {plan.megabytes} MB of payload, written "
    how += f"{WRITE // 1024} KiB at a time; idle sessions: {counts}, "
    how += f"in {plan.idle_rounds} fresh processes each. Machine: {facts}."
    return f"{markdown(rows_of(drains, idles))}\n\n{how}"


def as_json(plan: Plan, drains: list[Drain], idles: list[Idle]) -> str:
    """Every single figure."""
    found = {
        "plan": dataclasses.asdict(plan),
        "machine": machine(),
        "streams": [
            {**dataclasses.asdict(drain), "cpu_per_gb": drain.cpu_per_gb, "mb_per_second": drain.mb_per_second}
            for drain in drains
        ],
        "idle": [{**dataclasses.asdict(idle), "kib_per_session": idle.kib_per_session} for idle in idles],
    }
    return json.dumps(found, indent=2)


def main() -> int:
    """The command. 0, or 1 and a sentence on stderr."""
    plan, wants_json = parse_plan()
    try:
        raise_file_limit(plan.sessions)
        drains, idles = asyncio.run(_measure_until_stopped(plan))
    except BenchmarkError as error:
        _say(f"benchmark: {error}")
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        _say("benchmark: stopped")
        return 1
    print(as_json(plan, drains, idles) if wants_json else report(plan, drains, idles))
    return 0


if __name__ == "__main__":
    sys.exit(main())
