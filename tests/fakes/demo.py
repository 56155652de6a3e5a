"""The demo's own cloud in the test's loop, with its secrets noted for the search at the end of the suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from launcher.demo.cloud import DemoCloud, open_cloud
from launcher.demo.listener import Pace
from tests.fakes.issued import note

QUICK = Pace(refuse=0.02, greet=0.03)


@asynccontextmanager
async def demo_cloud(**settings: Any) -> AsyncIterator[DemoCloud]:
    """`open_cloud`, hurried unless told otherwise."""
    async with open_cloud(**{"pace": QUICK} | settings) as cloud:
        note(cloud.credentials.password)
        note(cloud.credentials.api_key)
        try:
            yield cloud
        finally:
            for token in (*cloud.consoles._tokens, *cloud.api_tokens):
                note(token)
