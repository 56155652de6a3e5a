"""The daemon as a process of its own, with a configuration in a folder of its own."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import yaml

from tests.fakes.console_proxy import free_port, until_gone

ROOT = Path(__file__).parents[2]
ACCOUNT = pwd.getpwuid(os.getuid()).pw_name
"""The account that the suite runs as: the actor of everything it asks over loopback."""


def start(config: Path, log: Path) -> subprocess.Popen[bytes]:
    """`console-launcher serve` with this configuration, both its streams into `log`."""
    return start_within((), config, log)


def start_within(within: Sequence[str], config: Path, log: Path) -> subprocess.Popen[bytes]:
    """The same by another program, whose last words these are: `("unshare", "--mount")`; it must exec."""
    command = [*within, sys.executable, "-m", "launcher", "serve", "--config", str(config)]
    with log.open("ab") as stream:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, cwd=ROOT)


class Daemon:
    """A running daemon: `async with Daemon(output, clouds) as daemon`; it must end with exit code 0.

    `clouds` is the configuration's own mapping; `settings` are its other top-level keys. It listens on a loopback port
    (`url`) and on a Unix socket (`socket_path`, in a folder of its own: such paths are at most 107 bytes). `trusting`
    is for one whose settings have `tls`: who vouches for its certificate.
    """

    def __init__(
        self, output: Path, clouds: Mapping[str, Any], *, trusting: ssl.SSLContext | None = None, **settings: Any
    ) -> None:
        output.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="gateway-"))
        self.folder.chmod(0o755)  # another account must reach the socket, to be refused by the daemon itself
        self.socket_path = self.folder / "web.sock"
        self.log_path = output / f"{self.folder.name}.log"
        self.port = 0
        self._clouds = clouds
        self._settings = settings
        self._trusting = trusting
        self.process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        self.port = free_port()
        self.write_config()
        try:
            await self.start()
        except BaseException:
            shutil.rmtree(self.folder)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """Its loopback address, without a slash at the end."""
        return f"http{'s' if self._trusting else ''}://127.0.0.1:{self.port}"

    def write_config(self) -> None:
        """Write its configuration file."""
        config = {
            "listen": [f"127.0.0.1:{self.port}", f"unix:{self.socket_path}"],
            "public_urls": [f"http{'s' if self._trusting else ''}://jump.localhost:{self.port}"],
            "clouds": dict(self._clouds),
            **self._settings,
        }
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    def log(self) -> str:
        """All that it has written until now, both streams."""
        return self.log_path.read_text()

    def log_lines(self) -> list[dict[str, Any]]:
        """The log's lines, each of which must be one JSON object."""
        return [json.loads(line) for line in self.log().splitlines()]

    def log_events(self, event: str) -> list[dict[str, Any]]:
        """The log's lines of one kind of event."""
        return [line for line in self.log_lines() if line.get("event") == event]

    async def start(self) -> None:
        """Start it (again, after `stop`) on its port; returns when it answers."""
        self.process = start(self.folder / "config.yaml", self.log_path)
        try:
            await self._until_it_answers(20)
        except BaseException:
            self.process.kill()
            await until_gone(self.process, 5)
            raise

    async def stop(self) -> int:
        """SIGTERM, and wait; the exit code, which must be 0. Safe to call twice."""
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(signal.SIGTERM)
        try:
            code = await until_gone(process, 10)
        except TimeoutError:
            process.kill()
            await until_gone(process, 5)
            raise AssertionError(f"the daemon did not end within 10 s of SIGTERM:\n{self.log()}") from None
        assert code == 0, f"the daemon ended with {code}:\n{self.log()}"
        return code

    async def _until_it_answers(self, seconds: float) -> None:
        assert self.process is not None
        async with asyncio.timeout(seconds), aiohttp.ClientSession() as client:
            while True:
                if self.process.poll() is not None:
                    raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.log()}")
                try:
                    async with client.get(f"{self.url}/healthz", ssl=self._trusting or True) as reply:
                        if reply.status == 200:
                            return
                except aiohttp.ClientConnectionError:
                    pass
                await asyncio.sleep(0.05)
