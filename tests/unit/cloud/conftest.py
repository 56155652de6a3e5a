from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest


@pytest.fixture
async def tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """Stands for the daemon's own: attempts to list a cloud that are still under way end with the test."""
    async with asyncio.TaskGroup() as group:
        yield group
        for task in asyncio.all_tasks():
            if task.get_name().startswith("list "):
                task.cancel()
