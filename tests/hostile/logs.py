"""Leaves the log unread while servers have names of 60 kB, strangers are refused by the thousand and all is logged."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp

from tests.fakes.issued import put_out
from tests.hostile.outcome import Outcome
from tests.hostile.world import CLOUD, World
from tests.process.daemon import ROOT, Daemon

NAME = "logs"
REFUSALS = 3000
LAUNCHES = 60
_SMALL = 4096
"""Bytes that the pipe holds."""


class PipedDaemon(Daemon):
    """A daemon whose two streams are a small pipe, which is read when `read_on` says so."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._pipe = -1
        self._read = b""

    async def start(self) -> None:
        """Start it; nobody reads what it writes."""
        ours, theirs = os.pipe()
        fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, _SMALL)
        command = [sys.executable, "-m", "launcher", "serve", "--config", str(self.folder / "config.yaml")]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, cwd=ROOT)
        os.close(theirs)
        self._pipe = ours
        os.set_blocking(ours, False)
        await self._until_it_answers(20)

    async def stop(self) -> int:
        """SIGTERM, with whatever is still unread; the exit code, which must be 0."""
        code = await super().stop()
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        return code

    async def read_on(self, seconds: float = 1.0) -> None:
        """Read until nothing has come for so long."""
        silent = 0.0
        while silent < seconds:
            try:
                self._read += os.read(self._pipe, 65536)
                silent = 0.0
                await asyncio.sleep(0)
            except BlockingIOError:
                silent += 0.02
                await asyncio.sleep(0.02)

    def log(self) -> str:
        """All that has been read until now."""
        return put_out(self._read.decode())


def piped(world: World, **settings: Any) -> PipedDaemon:
    """A daemon of this world's whose log nobody reads."""
    mine = {"access": {"local_users": [world.admitted.pw_name]}, "log_level": "debug", **settings}
    return PipedDaemon(Path(world.folder), {CLOUD: world.entry()}, **mine)


async def launched(daemon: Daemon, server_id: str, client: aiohttp.ClientSession) -> None:
    """Open a console of this server, and leave it when its screen is there. Raises AssertionError, TimeoutError."""
    async with client.ws_connect(f"{daemon.url}/ws/{CLOUD}/{server_id}", protocols=("binary",)) as viewer:
        first = await viewer.receive(timeout=20)
        assert bytes(first.data).startswith(b"RFB "), first


async def refused(daemon: Daemon, client: aiohttp.ClientSession, count: int) -> int:
    """Ask under a foreign name so many times; how often that was refused."""
    found = 0
    for number in range(count):
        headers = {"Host": f"evil-{number}.example", "X-Remote-User": "admin"}
        async with client.get(f"{daemon.url}/c/{'x' * 6000}", headers=headers) as reply:
            found += reply.status == 421
    return found


async def run(world: World) -> Outcome:
    """Everything at once before a pipe that nobody reads; then the pipe is read."""
    server_id = world.compute.add_server("n" * 60_000)
    async with piped(world) as daemon:
        async with world.bystander(daemon) as bystander, aiohttp.ClientSession() as client:
            await bystander.opens(3)
            count = await refused(daemon, client, REFUSALS)
            for _ in range(LAUNCHES):
                await launched(daemon, server_id, client)
            assert daemon.process is not None
            daemon.process.send_signal(signal.SIGHUP)
            await bystander.opens(3)
            delays = bystander.report()
        await daemon.read_on()
    return Outcome(delays, {"refused": count, **counted(daemon, server_id)})


def counted(daemon: PipedDaemon, server_id: str) -> dict[str, int]:
    """What stands in the log, once it has been read."""
    lines = daemon.log_lines()
    return {
        "refusal lines": len(daemon.log_events("refusal")),
        "launch lines": sum(line["server"] == server_id for line in daemon.log_events("launch")),
        "session-end lines": sum(line["server"] == server_id for line in daemon.log_events("session-end")),
        "longest line": max(len(json.dumps(line)) for line in lines),
        "reloads": sum("reloaded" in str(line.get("message")) for line in lines),
    }
