"""What can be measured with a source and a sink: streams, idle sessions, round trips, launches."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.figures import BATCHED, DIRECT, MODES, Drain, Figures, Idle, Launches, Trips, size_name
from tests.benchmarks.processes import (
    BenchmarkError,
    Partner,
    cpu_ns,
    cpu_seconds_between,
    last_words,
    pss_kib,
)
from tests.benchmarks.proxies import PROXIES, Proxy, Stage, direct, of_messages

WRITE = 256 * 1024
_SETTLE = 1.0
_STEP = 100
_AT_ONCE = 16
_MOST_FRAMES = 65_536
"""In a stream that is sent frame by frame: the source itself needs some microseconds for each."""
_MOST_MESSAGES = 16_384
"""In a stream through a proxy that takes up every message."""
BUSY_SESSIONS, BUSY_FRAME, BUSY_BYTES, BUSY_EVERY = 8, 16 * 1024, 64 * 1024, 0.05
"""The others during round trips: so many sessions with so many bytes every so many seconds."""


@dataclass(frozen=True, slots=True)
class Partners:
    """The source, the sink, and a second sink for the sessions that are busy beside."""

    source: Partner
    sink: Partner
    crowd: Partner


class Bench:
    """Measures into `figures`."""

    def __init__(self, partners: Partners, stage: Stage, folder: Path) -> None:
        self.figures = Figures()
        self._source = partners.source
        self._sink = partners.sink
        self._crowd = partners.crowd
        self._stage = stage
        self._folder = folder

    async def drains(self, names: Sequence[str], sizes: Sequence[int], rounds: int, size: int) -> None:
        """Streams of `size` bytes or less through each proxy, by turns; a first, small round is dropped."""
        async with AsyncExitStack() as stack:
            proxies = {name: await stack.enter_async_context(self._start(name)) for name in names}
            await self._round(proxies, sizes, size // 16)
            self.figures.drains.clear()
            for number in range(1, rounds + 1):
                await self._round(_rotated(proxies, number), sizes, size)
                _say(f"streams: round {number} of {rounds} done")

    async def _round(self, proxies: dict[str, Proxy], sizes: Sequence[int], size: int) -> None:
        for mode in MODES:
            for frame in sizes:
                for name, proxy in proxies.items():
                    with _telling(f"{name}, {mode}, {size_name(frame)} frames", proxy.log):
                        drain = await self._drain(name, proxy, mode, frame, size)
                    self.figures.drains.append(drain)

    async def _drain(self, name: str, proxy: Proxy, mode: str, frame: int, size: int) -> Drain:
        size = min(size, frame * _most_frames(name, mode))
        write = WRITE if mode == BATCHED else frame
        payload = (await self._source.ask(frame=frame, write=write, bytes=size))["payload"]
        await self._open(name, proxy, 1)
        before = cpu_ns(proxy.pid)
        drained = await self._sink.ask(do="drain")
        spent = cpu_seconds_between(before, cpu_ns(proxy.pid))
        await self._sink.ask(do="close")
        return Drain(name, mode, frame, payload, drained["wire"], spent, drained["seconds"])

    async def idle(self, name: str, sessions: int) -> None:
        """Memory of sessions that are past the greeting and silent, in a fresh process."""
        async with self._start(name) as proxy:
            with _telling(f"{name}, {sessions} idle sessions", proxy.log):
                await self._open(name, proxy, 1)
                await self._sink.ask(do="close")
                await asyncio.sleep(_SETTLE)
                before = pss_kib(proxy.pid)
                await self._open(name, proxy, sessions)
                await asyncio.sleep(_SETTLE)
                after = pss_kib(proxy.pid)
                await self._sink.ask(do="close")
        self.figures.idles.append(Idle(name, sessions, before, after))
        _say(f"idle: {sessions} sessions of {name} done")

    async def trips(self, names: Sequence[str], rounds: int, count: int) -> None:
        """Round trips through each proxy and without one, by turns; a first, small round is dropped."""
        async with AsyncExitStack() as stack:
            proxies = {name: await stack.enter_async_context(self._start(name)) for name in names}
            proxies[DIRECT] = await stack.enter_async_context(direct(self._stage, self._folder))
            await self._trips_round(proxies, max(100, count // 16))
            self.figures.trips.clear()
            for number in range(1, rounds + 1):
                await self._trips_round(_rotated(proxies, number), count)
                _say(f"round trips: round {number} of {rounds} done")

    async def _trips_round(self, proxies: dict[str, Proxy], count: int) -> None:
        await self._source.ask(frame=BUSY_FRAME, write=BUSY_BYTES, bytes=BUSY_BYTES)
        for busy in (False, True):
            for name, proxy in proxies.items():
                with _telling(f"{name}, round trips", proxy.log):
                    async with self._crowded(proxy) if busy else contextlib.nullcontext():
                        await self._open(name, proxy, 1)
                        seen = await self._sink.ask(do="trips", count=count)
                        await self._sink.ask(do="close")
                self.figures.trips.append(Trips(name, busy, count, seen["p50"], seen["p99"]))

    @contextlib.asynccontextmanager
    async def _crowded(self, proxy: Proxy) -> AsyncIterator[None]:
        """Beside other sessions at work, until the block ends."""
        order = {"port": proxy.port, "path": proxy.path, "tls": proxy.tls}
        await self._crowd.ask(do="open", count=BUSY_SESSIONS, at_once=BUSY_SESSIONS, **order)
        await self._crowd.ask(do="busy", every=BUSY_EVERY)
        yield
        await self._crowd.ask(do="close")

    async def launches(self, names: Sequence[str], rounds: int, count: int) -> None:
        """One after another, on a console that the first of all has brought; by turns."""
        async with AsyncExitStack() as stack:
            proxies = {name: await stack.enter_async_context(self._start(name)) for name in names}
            for name, proxy in proxies.items():
                await self._open(name, proxy, 20, at_once=1)
                await self._sink.ask(do="close")
            for number in range(1, rounds + 1):
                for name, proxy in _rotated(proxies, number).items():
                    await self._launches(name, proxy, count)
        _say("launches done")

    async def _launches(self, name: str, proxy: Proxy, count: int) -> None:
        with _telling(f"{name}, launches", proxy.log):
            before = cpu_ns(proxy.pid)
            await self._open(name, proxy, count, at_once=1)
            spent = cpu_seconds_between(before, cpu_ns(proxy.pid))
            await self._sink.ask(do="close")
        self.figures.launches.append(Launches(name, count, spent))

    async def _open(self, name: str, proxy: Proxy, count: int, at_once: int = _AT_ONCE) -> None:
        """In steps, so that the time limit on an answer does not depend on how many there are."""
        order = {"do": "open", "port": proxy.port, "path": proxy.path, "tls": proxy.tls, "at_once": at_once}
        for done in range(0, count, _STEP):
            opened = await self._sink.ask(count=min(_STEP, count - done), **order)
            if opened["tls"]:
                self.figures.tls[name] = opened["tls"]

    @contextlib.asynccontextmanager
    async def _start(self, name: str) -> AsyncIterator[Proxy]:
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder))
        async with PROXIES[name](self._stage, folder) as proxy:
            yield proxy


def _most_frames(name: str, mode: str) -> int:
    if of_messages(name):
        return _MOST_MESSAGES
    return _MOST_FRAMES * (16 if mode == BATCHED else 1)


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
        said = f"\nThe end of its log: {last_words(log)}" if log.is_file() else ""
        raise BenchmarkError(f"{what}: {error}{said}") from error


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
