"""Child processes: started in groups of their own, asked by JSON lines, metered, and ended whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
"""The repository: the children's working directory, so that they find `launcher` and `tests`."""

_ANSWER_TIMEOUT = 60.0
_START_TIMEOUT = 20.0
_END_TIMEOUT = 5.0


class BenchmarkError(Exception):
    """A sentence for the person at the terminal."""


@contextlib.asynccontextmanager
async def running(*command: str, log: Path, pipes: bool = False) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process, and the whole group that grows from it, for as long as the block runs."""
    pipe = asyncio.subprocess.PIPE if pipes else None
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            stdin=pipe or asyncio.subprocess.DEVNULL,
            stdout=pipe or output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """SIGTERM to the group, SIGKILL after a while; the first process is reaped before this returns."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_TIMEOUT):
                await process.wait()


class Partner:
    """A child that answers each JSON line with one JSON line."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log

    async def ask(self, **order: object) -> dict[str, Any]:
        """Its answer to an order. Raises BenchmarkError."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        """The next line it says. Raises BenchmarkError."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(_ANSWER_TIMEOUT):
                line = await self._process.stdout.readline()
        except TimeoutError as error:
            raise BenchmarkError(f"no answer within {_ANSWER_TIMEOUT:.0f} s") from error
        if not line:
            raise BenchmarkError(f"a process ended early: {last_words(self._log)}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise BenchmarkError(answer["error"])
        return answer


@contextlib.asynccontextmanager
async def partner(module: str, folder: Path) -> AsyncIterator[Partner]:
    """`python -m module` as a partner for as long as the block runs."""
    log = folder / f"{module}.log"
    async with running(sys.executable, "-m", module, log=log, pipes=True) as process:
        yield Partner(process, log)


def last_words(log: Path) -> str:
    """The end of a child's log."""
    return log.read_text(errors="replace").strip()[-2000:] or "it said nothing"


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def wait_until_listening(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    """Until the port takes a connection. Raises BenchmarkError when the process ends first, or after 20 s."""
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and process.returncode is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            await asyncio.sleep(0.05)
        else:
            return
    raise BenchmarkError(f"it does not listen on port {port}: {last_words(log)}")


def tree(pid: int) -> set[int]:
    """A process and all that descend from it, at this moment."""
    parents = {int(entry.name): _parent(entry) for entry in Path("/proc").iterdir() if entry.name.isdecimal()}
    found, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        grown = bool(more)
        found |= more
    return found


def _parent(entry: Path) -> int:
    """The fourth field of `stat`; the second, the name in brackets, may hold anything."""
    try:
        return int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def cpu_ns(pid: int) -> dict[int, int]:
    """CPU nanoseconds, user and system, of each live process of the tree: all its threads, ended ones included.

    Read from the kernel's CPU clock of each process (clock_getcpuclockid(3); the id is made as Linux makes it), because
    /proc/PID/stat counts in steps of 10 ms.
    """
    spent = {}
    for member in tree(pid):
        with contextlib.suppress(OSError):
            spent[member] = time.clock_gettime_ns((~member << 3) | 2)
    return spent


def cpu_seconds_between(before: dict[int, int], after: dict[int, int]) -> float:
    """What the processes that were there at both moments spent in between.

    The session is open at both moments, so the processes that serve it are among them (websockify forks one for each
    session); one that appeared or ended in between belongs to no session that was measured.
    """
    return sum(after[pid] - before[pid] for pid in before.keys() & after.keys()) / 1e9


def pss_kib(pid: int) -> int:
    """Proportional set size of the tree: what forked processes share is counted once."""
    return sum(_pss(member) for member in tree(pid))


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it ended a moment ago; a zombie has no memory either
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
