"""The gateway, as `console-launcher serve` runs it, with an observer in its event loop.

`python -m tests.soak.gateway --config FILE` is the command's own `run` with the daemon's own `serve`; beside it, in the
same loop, two tasks of the observer's. One sleeps 10 ms again and again and notes by how much each sleep was too long:
so long had anything that was due at that moment to wait for its turn (up to 1 ms of it is epoll's, which rounds up).
The other takes orders:

- `{"do": "delays"}`: what was noted since the last such order, and for how long each garbage collection held the loop
- `{"do": "count", "cloud": PORT}`: tasks and descriptors, but those of connections to that port, which the HTTP client
  keeps open for a while
- `{"do": "collect"}`: objects that are still there after a garbage collection; without this order the daemon has only
  those that it makes itself

SIGTERM ends it as it ends the daemon; so does the end of its stdin, for then the run is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import socket
import stat
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from launcher import daemon
from launcher.audit.log import LogJournal
from launcher.cli import serve as command
from launcher.config.models import Config
from tests.soak.figures import percentiles
from tests.soak.orders import Answer, Order, obey, say

PERIOD = 0.01
_LEFT_OVER = ("Session", "Launch", "Pump", "UpstreamEnd", "WebSocketViewer", "ViewerEngine", "StallWatch")


class Observer:
    """What is seen from inside."""

    def __init__(self) -> None:
        self._delays: list[float] = []
        self._collections: list[float] = []
        self._collecting_since = 0.0
        gc.callbacks.append(self._collects)

    async def watch(self) -> None:
        """For ever. A stall also held up all that was due in the course of it, so it counts for each 10 ms of it."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PERIOD
            await asyncio.sleep(PERIOD)
            delay = loop.time() - due
            while delay > 0:
                self._delays.append(delay)
                delay -= PERIOD

    def _collects(self, phase: str, _about: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since = time.monotonic()
        else:
            self._collections.append(time.monotonic() - self._collecting_since)

    async def obey(self, order: Order) -> Answer:
        """Carry out one order."""
        match order["do"]:
            case "delays":
                delays, self._delays = self._delays, []
                collections, self._collections = self._collections, []
                return {"delays": percentiles(delays), "collections": percentiles(collections)}
            case "count":
                descriptors = os.listdir("/proc/self/fd")
                return {
                    "descriptors": sum(1 for name in descriptors if not _leads_to(int(name), order["cloud"])),
                    "tasks": len(asyncio.all_tasks()),
                }
            case "collect":
                gc.collect()
                kinds = Counter(type(found).__name__ for found in gc.get_objects())
                return {name: kinds[name] for name in _LEFT_OVER}
            case other:
                raise ValueError(f"no such order: {other}")


def _leads_to(descriptor: int, port: int) -> bool:
    """Whether it is a TCP connection to a port of this machine."""
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return False
        with socket.socket(fileno=os.dup(descriptor)) as sock:
            return sock.family == socket.AF_INET and bool(sock.getpeername()[1] == port)
    except OSError:  # not connected, or closed meanwhile, as that by which the directory was listed
        return False


async def _serve(
    config: Config,
    *,
    read: Callable[[], Config] | None = None,
    ready: Callable[[Sequence[str]], None] | None = None,
    journal: LogJournal | None = None,
) -> None:
    observer = Observer()

    async def take_orders() -> None:
        await obey(observer.obey)
        os.kill(os.getpid(), signal.SIGTERM)

    async with asyncio.TaskGroup() as tasks:
        own = [tasks.create_task(observer.watch()), tasks.create_task(take_orders())]
        await daemon.serve(config, read=read, ready=lambda where: say({"listening": list(where)}), journal=journal)
        for task in own:
            task.cancel()


def main() -> int:
    """The command's exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.gateway")
    parser.add_argument("--config", type=Path, required=True)
    parser.set_defaults(log_level=None)
    return command.run(parser.parse_args(), serve=_serve)


if __name__ == "__main__":
    sys.exit(main())
