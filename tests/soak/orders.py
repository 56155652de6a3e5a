"""A partner's end of the run's questions: JSON lines on stdin, each answered by one JSON line on stdout."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

Order = dict[str, Any]
Answer = dict[str, Any]


def say(answer: Answer) -> None:
    """One line to the run."""
    print(json.dumps(answer), flush=True)


async def obey(carry_out: Callable[[Order], Awaitable[Answer]]) -> None:
    """Until stdin ends: with it the run has ended. What an order raises is its answer."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while line := await reader.readline():
            try:
                say(await carry_out(json.loads(line)))
            except Exception as error:  # noqa: BLE001 -- the run tells it to the person
                say({"error": f"{type(error).__name__}: {error}"})
    finally:
        transport.close()
