"""`console-launcher demo`: as a process, and in the test's own loop, where its screens tell what they received."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from launcher.config.load import load
from launcher.daemon import Gateway, open_gateway
from launcher.demo.cloud import DemoCloud
from launcher.demo.screens import Screen
from launcher.demo.settings import write_settings
from tests.fakes.console_proxy import free_port, until_gone
from tests.fakes.demo import demo_cloud
from tests.fakes.screens import Colour
from tests.process.daemon import ROOT


class DemoProcess:
    """`async with DemoProcess(output) as demo:` has printed its link; it must end with exit code 0 and in time."""

    def __init__(self, output: Path, *arguments: str, port: int = 0, **environment: str) -> None:
        output.mkdir(parents=True, exist_ok=True)
        self.asked_port = port or free_port()
        self._arguments = arguments
        self._environment = environment
        self.out = output / f"demo-{self.asked_port}-{len(list(output.iterdir()))}.out"
        self.errors = self.out.with_suffix(".err")
        self.process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        command = [sys.executable, "-m", "launcher", "demo", "--port", str(self.asked_port), *self._arguments]
        environment = {name: value for name, value in os.environ.items() if name != "SSH_CONNECTION"}
        with self.out.open("wb") as out, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                cwd=ROOT,
                env={**environment, **self._environment},
            )
        async with asyncio.timeout(30):
            while "Ctrl-C ends" not in self.said():
                assert self.process.poll() is None, f"{self.process.returncode}: {self.complained()}"
                await asyncio.sleep(0.05)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            await self.stop()

    async def stop(self, number: signal.Signals = signal.SIGINT, seconds: float = 10) -> int:
        """Signal it, and wait; its exit code. Raises TimeoutError, after killing it."""
        assert self.process is not None
        self.process.send_signal(number)
        try:
            return await until_gone(self.process, seconds)
        except TimeoutError:
            self.process.kill()
            await until_gone(self.process, 5)
            raise

    @property
    def link(self) -> str:
        """The link that it prints, alone on its line."""
        return next(line.strip() for line in self.said().splitlines() if line.strip().startswith("http://"))

    def said(self) -> str:
        return self.out.read_text()

    def complained(self) -> str:
        return self.errors.read_text()


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo in the test's own loop."""

    cloud: DemoCloud
    gateway: Gateway
    url: str
    """The gateway's, without a slash at the end."""

    def picture(self, name: str) -> ScreenPicture:
        """What a server's screen shows now, for `Tab.until_shows`."""
        return ScreenPicture(name, self.cloud.screen(name))


@asynccontextmanager
async def demo_in_process(folder: Path, **settings: Any) -> AsyncIterator[Demo]:
    """The simulated cloud (`settings` are `open_cloud`'s) and the real gateway in front of it."""
    port = free_port()
    folder.mkdir(exist_ok=True)
    async with demo_cloud(**settings) as cloud, open_gateway(load(write_settings(folder, cloud, port))) as gateway:
        yield Demo(cloud, gateway, f"http://localhost:{port}")


@dataclass(frozen=True, slots=True)
class ScreenPicture:
    """A demo screen's living picture: its probes have the colours of the moment."""

    name: str
    screen: Screen

    def probes(self) -> list[tuple[int, int, Colour]]:
        """Places all over the screen."""
        pixels = self.screen.pixels
        places = [(x, y) for x in range(20, 1024, 21) for y in range(12, 640, 18)]
        return [(x, y, (int(pixels[y, x, 0]), int(pixels[y, x, 1]), int(pixels[y, x, 2]))) for x, y in places]
