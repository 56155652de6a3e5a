"""`console-launcher vnc`: bytes both ways between a viewer and the gateway, each as fast as the other takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import TypeVar

from launcher.cli.vnc_door import Streams
from launcher.cli.vnc_gateway import GatewayEnd

Wanted = TypeVar("Wanted")


async def relay(viewer: Streams, end: GatewayEnd) -> None:
    """Until one side ends; of the gateway's end, `end.ending` tells."""
    await first_of(_to_the_gateway(viewer, end), _to_the_viewer(viewer, end))
    await viewer.close()


async def first_of(
    wanted: Coroutine[object, object, Wanted], *others: Coroutine[object, object, None]
) -> Wanted | None:
    """What is wanted; None where one of the others is over before. Raises what the first to end raises."""
    async with asyncio.TaskGroup() as tasks:
        works = [tasks.create_task(_outcome(work)) for work in (wanted, *others)]
        done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
        for work in works:
            work.cancel()
    value, error = next(work for work in works if work in done).result()
    if error is not None:
        raise error
    return value


async def _outcome(work: Coroutine[object, object, Wanted]) -> tuple[Wanted | None, Exception | None]:
    """An error as a value: a TaskGroup would wrap it."""
    try:
        return await work, None
    except Exception as error:  # noqa: BLE001 -- raised again by who waits
        return None, error


async def _to_the_gateway(viewer: Streams, end: GatewayEnd) -> None:
    """Ends with the viewer. Where the gateway takes no more, it has said why already: the other way is to find it."""
    with suppress(ConnectionError):
        while chunk := await viewer.read():
            try:
                await end.send(chunk)
            except ConnectionError:
                await asyncio.Event().wait()


async def _to_the_viewer(viewer: Streams, end: GatewayEnd) -> None:
    with suppress(ConnectionError):
        while chunk := await end.receive():
            await viewer.send(chunk)
