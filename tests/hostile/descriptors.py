"""Takes every connection that can be had, as three accounts, from a daemon that may open few files."""

from __future__ import annotations

import asyncio
import json
import pwd
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests.fakes.sshd import second_account
from tests.hostile.outcome import Outcome
from tests.hostile.world import CLOUD, SERVER, World
from tests.process.daemon import ROOT, Daemon

NAME = "descriptors"
FILES: Final = 256
HELD: Final = 300
"""Connections that each crowd would like to hold: more than the daemon may open files."""
_PAUSE = 0.002
_PYTHON = "/usr/bin/python3"
_SOURCE = Path(__file__).with_name("crowd.py")
_PATIENCE = 30.0

SILENCE: Final = ""
HEALTH: Final = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
LIST: Final = "GET /api/v1/clouds HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class NarrowDaemon(Daemon):
    """A daemon that may open so many files, soft and hard limit alike."""

    def __init__(self, files: int, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._files = files

    async def start(self) -> None:
        """Start it under its limit."""
        command = ["prlimit", f"--nofile={self._files}:{self._files}", sys.executable, "-m", "launcher", "serve"]
        command += ["--config", str(self.folder / "config.yaml")]
        with self.log_path.open("ab") as stream:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, cwd=ROOT)
        await self._until_it_answers(20)
        self.socket_path.chmod(0o666)


@dataclass
class Crowd:
    """The connections of one account to one listener, and what was told of them last."""

    process: asyncio.subprocess.Process
    last: Mapping[str, Any] = field(default_factory=dict)
    reading: asyncio.Task[None] | None = None

    async def read(self) -> None:
        """Take in each line, to the program's end."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.last = json.loads(line)

    @property
    def held(self) -> int:
        return int(self.last.get("held", 0))

    def answers(self, status: int) -> int:
        """How often it was answered with this status."""
        return int(self.last.get("answered", {}).get(str(status), 0))

    def count(self, what: str) -> int:
        """How often that happened: `opened`, `closed`, `refused`."""
        return int(self.last.get(what, 0))

    async def meets(self, what: str, times: int) -> None:
        """Wait until that has happened so often. Raises TimeoutError."""
        async with asyncio.timeout(_PATIENCE):
            while self.count(what) < times:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def crowd(account: pwd.struct_passwd, where: str, request: str, held: int = HELD) -> AsyncIterator[Crowd]:
    """A crowd of this account's, for as long as the context lasts."""
    process = await asyncio.create_subprocess_exec(
        *(_PYTHON, "-I", "-c", _SOURCE.read_text(), where, request, str(held), str(_PAUSE)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        cwd="/",
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
    )
    made = Crowd(process)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(made.read())
        try:
            yield made
        finally:
            process.kill()
            await process.wait()


def narrow(world: World, files: int, others: Sequence[pwd.struct_passwd] = (), **settings: Any) -> NarrowDaemon:
    """A daemon of this world's that may open so many files, and lets `others` in too."""
    names = [account.pw_name for account in (world.admitted, *others)]
    mine = {"access": {"local_users": names}, **settings}
    return NarrowDaemon(files, Path(world.folder), {CLOUD: world.entry()}, **mine)


@asynccontextmanager
async def console(daemon: Daemon) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A console that stays open, of the suite's own account over TCP."""
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{daemon.url}/ws/{CLOUD}/{SERVER}", protocols=("binary",)) as viewer,
    ):
        first = await viewer.receive(timeout=20)
        assert bytes(first.data).startswith(b"RFB "), first
        yield viewer


async def run(world: World, files: int = FILES) -> Outcome:
    """One stranger says nothing, one asks again and again, and an admitted account holds all that it can get.

    Another account, which is not admitted, asks for the daemon's health meanwhile, as a monitor does.
    """
    async with AsyncExitStack() as stack:
        greedy, asking, monitor = (stack.enter_context(second_account()) for _ in range(3))
        daemon = await stack.enter_async_context(narrow(world, files, [greedy]))
        kept = await stack.enter_async_context(console(daemon))
        bystander = await stack.enter_async_context(world.bystander(daemon))
        await bystander.opens(3)
        port, path = str(daemon.port), str(daemon.socket_path)
        crowds = {
            "silent": await stack.enter_async_context(crowd(world.stranger, port, SILENCE)),
            "refused": await stack.enter_async_context(crowd(asking, port, LIST)),
            "silent on the Unix socket": await stack.enter_async_context(crowd(world.stranger, path, SILENCE)),
            "admitted and greedy": await stack.enter_async_context(crowd(greedy, port, LIST)),
        }
        looking = await stack.enter_async_context(crowd(monitor, port, HEALTH, held=1))
        for one in crowds.values():
            await one.meets("opened", HELD)
        await bystander.opens(10)
        for one in crowds.values():
            await one.meets("closed", HELD)
        await bystander.opens(5)
        await looking.meets("closed", 5)
        return Outcome(
            bystander.report(),
            {
                **{f"closed ({name})": one.count("closed") for name, one in crowds.items()},
                "told 503": sum(one.answers(503) for one in crowds.values()),
                "told 403": crowds["refused"].answers(403),
                "health answers": looking.answers(200),
                "held (strangers)": sum(one.held for name, one in crowds.items() if "greedy" not in name),
                "held (greedy)": crowds["admitted and greedy"].held,
                "answers (greedy)": crowds["admitted and greedy"].answers(200),
                "console kept": int(await is_alive(world, kept)),
                "log lines": len(daemon.log().splitlines()) - len(daemon.log_events("launch")) * 2,
            },
        )


async def is_alive(world: World, viewer: aiohttp.ClientWebSocketResponse) -> bool:
    """Whether what the viewer sends still comes to the console proxy."""
    mark = b"still here"
    await viewer.send_bytes(mark)
    async with asyncio.timeout(10):
        while mark not in world.proxy.received:
            await asyncio.sleep(0.02)
    return True
