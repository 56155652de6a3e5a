"""The demo in the test's own loop, so that a test can look at what its screens received."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from launcher.config.load import load
from launcher.daemon import open_gateway
from launcher.demo.cloud import DemoCloud, open_cloud
from launcher.demo.proxy import Pace
from launcher.demo.settings import write_settings
from tests.fakes.console_proxy import free_port


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that runs."""

    url: str
    """Its gateway, without a slash at the end."""
    cloud: DemoCloud


@asynccontextmanager
async def running_demo(pace: Pace | None = None) -> AsyncIterator[Demo]:
    """A demo of its own; `pace` is its console proxy's."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_cloud(pace=pace) as cloud:
            port = free_port()
            async with open_gateway(load(write_settings(Path(folder), cloud, port))):
                yield Demo(f"http://localhost:{port}", cloud)
