"""The daemon with a log that nobody reads: it serves, stops in time, and the log has it all once it is read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
from pathlib import Path

import aiohttp

from launcher.audit.cutting import LINE_LIMIT
from tests.fakes.console_proxy import until_gone
from tests.hostile import logs
from tests.hostile.world import World
from tests.process.daemon import ROOT, Daemon


async def test_a_pipe_that_nobody_reads_holds_nobody_up_and_every_event_is_in_it(suite_output: Path) -> None:
    async with World(suite_output / "logs") as world:
        outcome = await logs.run(world)
    counts = outcome.counts
    assert all(delays.failed == 0 and delays.opened >= 6 for delays in outcome.delays.values())
    assert counts["refused"] == logs.REFUSALS
    assert counts["launch lines"] == counts["session-end lines"] == logs.LAUNCHES
    assert int(counts["refusal lines"]) <= 6
    assert int(counts["longest line"]) <= LINE_LIMIT
    assert counts["reloads"] == 1


async def test_sigterm_ends_it_in_time_though_nobody_reads_its_log(suite_output: Path) -> None:
    async with World(suite_output / "logs") as world, logs.piped(world) as daemon:
        server_id = world.compute.add_server("n" * 60_000)
        async with aiohttp.ClientSession() as client:
            for _ in range(30):
                await logs.launched(daemon, server_id, client)
        assert await daemon.stop() == 0


async def test_a_log_whose_reader_has_gone_ends_nothing(suite_output: Path) -> None:
    async with World(suite_output / "logs") as world, logs.piped(world) as daemon:
        os.close(daemon._pipe)
        daemon._pipe = -1
        async with aiohttp.ClientSession() as client:
            for _ in range(5):
                await logs.launched(daemon, world.compute.add_server("web-02"), client)
        assert await daemon.stop() == 0


class OnTerminal(Daemon):
    """A daemon on a terminal that is stopped, as by Ctrl-S, as soon as it has started."""

    terminal = -1
    _theirs = -1

    async def start(self) -> None:
        """Start it, and stop its terminal."""
        self.terminal, self._theirs = os.openpty()
        command = [sys.executable, "-m", "launcher", "serve", "--config", str(self.folder / "config.yaml")]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=self._theirs, cwd=ROOT)
        termios.tcflow(self._theirs, termios.TCOOFF)
        await self._until_it_answers(20)


async def test_a_terminal_that_is_stopped_holds_nobody_up(suite_output: Path) -> None:
    async with World(suite_output / "logs") as world:
        daemon = OnTerminal(world.folder, {"lab": world.entry()}, log_level="debug")
        async with daemon, aiohttp.ClientSession() as client:
            server_id = world.compute.add_server("n" * 60_000)
            for _ in range(30):
                await logs.launched(daemon, server_id, client)
            assert daemon.process is not None
            daemon.process.send_signal(signal.SIGTERM)
            assert await until_gone(daemon.process, 10) == 0
            daemon.process = None
        os.close(daemon.terminal)
        os.close(daemon._theirs)
