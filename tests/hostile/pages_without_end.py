"""Has clouds whose lists of servers never end: large names, many servers a page, a server a page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count

import aiohttp
from aiohttp import web

from tests.fakes.compute import FakeCompute
from tests.hostile.memory import peak
from tests.hostile.outcome import Outcome
from tests.hostile.world import World

NAME = "pages_without_end"
ROUNDS = 2
"""How often each list is asked for."""
SHAPES = {"long names": (1500, 2500), "full pages": (2000, 40), "thin pages": (1, 40)}
"""Clouds: how many servers a page has, and how many characters their names."""
_NEXT = [{"rel": "next", "href": "http://wrong.invalid/"}]
_PATIENCE = 120.0
_REST = 5.5
"""Seconds after which a list is asked for anew."""


def endless(servers: int, name: int) -> Callable[[web.Request], Awaitable[web.StreamResponse | None]]:
    """Pages with so many servers whose names have so many characters; each has a next one."""
    numbers = count()

    async def page(request: web.Request) -> web.StreamResponse | None:
        if not request.path.endswith("/servers/detail"):
            return None
        entries = [{"id": f"{next(numbers):032}", "name": "n" * name, "status": "ACTIVE"} for _ in range(servers)]
        return web.Response(body=json.dumps({"servers": entries, "servers_links": _NEXT}).encode())

    return page


async def listed(client: aiohttp.ClientSession, url: str, cloud: str) -> str:
    """Ask for a cloud's list as it is now; what is said of it besides its servers."""
    query = {"cloud": cloud, "limit": "1000", "wait": "60", "max_age": "1"}
    async with client.get(f"{url}/api/v1/servers", params=query) as reply:
        found = await reply.json()
    assert found.get("servers"), found
    return "; ".join(str(problem["detail"]) for problem in found["errors"])


async def run(world: World) -> Outcome:
    """All lists at once, again and again; somebody else opens consoles before, meanwhile and afterwards."""
    async with AsyncExitStack() as stack:
        clouds = {shape.replace(" ", "-"): await stack.enter_async_context(FakeCompute()) for shape in SHAPES}
        for cloud, (servers, name) in zip(clouds.values(), SHAPES.values(), strict=True):
            cloud.fault = endless(servers, name)
        others = {name: {**world.entry(), "endpoint": cloud.endpoint} for name, cloud in clouds.items()}
        daemon = await stack.enter_async_context(world.daemon(others=others))
        bystander = await stack.enter_async_context(world.bystander(daemon))
        client = await stack.enter_async_context(aiohttp.ClientSession())
        await bystander.opens(3)
        told: dict[str, str] = {}
        for number in range(ROUNDS):
            await asyncio.sleep(_REST if number else 0)
            async with asyncio.timeout(_PATIENCE):
                said = await asyncio.gather(*(listed(client, daemon.url, cloud) for cloud in clouds))
            told |= {f"is told of {name}": text for name, text in zip(clouds, said, strict=True)}
        await bystander.opens(3)
        pages = {f"pages of {name}": len(cloud.requests) for name, cloud in clouds.items()}
        return Outcome(bystander.report(), {**pages, **told, "MiB held at most": peak(daemon)})
