"""What the list of many servers costs: CPU milliseconds of a search, KiB for each server, seconds until all are listed.

    python -m tests.benchmarks.directory [--servers 10000] [--page-size 1000]

The servers are spread over five simulated clouds, which run in a process of their own. A search goes the API's whole
way, from the request to the JSON, but for HTTP itself; it is made again and again, and the table has the median and the
worst, which may hold one of Python's own collections of garbage (some 50 ms, whoever is asking). Memory is what the
listings hold in Python's own count (tracemalloc), not what the process takes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from multiprocessing.connection import Connection
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from launcher.config.models import Config
from launcher.daemon import Gateway, open_gateway
from launcher.model import Actor
from launcher.web.guard import ACTOR
from tests.fakes.compute import FakeCompute

CLOUDS = ("ams", "fra", "lon", "nyc", "sin")
ROLES = ("web", "db-master", "cache", "ci-runner", "kubernetes-worker", "мониторинг")
SEARCHES = (
    ("", 100),
    ("", 1000),
    ("web", 100),
    ("web", 1000),
    ("0199", 100),
    ("worker active lon", 100),
    ("WEB-00 shutoff", 1000),
    ("no server is called so", 100),
)
ROUNDS = 50


def serve_clouds(pipe: Connection, servers: int, page_size: int) -> None:
    """In the other process: the clouds, until the pipe is closed."""
    asyncio.run(_serve_clouds(pipe, servers, page_size))


async def _serve_clouds(pipe: Connection, servers: int, page_size: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        clouds = {
            name: await stack.enter_async_context(FakeCompute(max_version="2.96", page_size=page_size))
            for name in CLOUDS
        }
        for number in range(servers):
            cloud = clouds[CLOUDS[number % len(CLOUDS)]]
            cloud.add_server(f"{ROLES[number % len(ROLES)]}-{number:05}", "SHUTOFF" if number % 7 == 0 else "ACTIVE")
        pipe.send({name: cloud.endpoint for name, cloud in clouds.items()})
        with contextlib.suppress(EOFError):
            await asyncio.to_thread(pipe.recv)


@contextlib.contextmanager
def running_clouds(servers: int, page_size: int) -> Iterator[dict[str, str]]:
    """Each cloud's endpoint."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve_clouds, args=(theirs, servers, page_size))
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        ours.close()
        process.join(10)
        process.kill()


@contextlib.asynccontextmanager
async def gateway_of(endpoints: dict[str, str]) -> AsyncIterator[Gateway]:
    clouds = {name: {"provider": "none", "endpoint": endpoint} for name, endpoint in endpoints.items()}
    config = Config.model_validate({"listen": ("127.0.0.1:0",), "clouds": clouds})
    async with open_gateway(config) as gateway:
        gc.freeze()  # as `serve` does
        yield gateway


async def ask(gateway: Gateway, **query: object) -> web.Response:
    """What the API answers to `GET /api/v1/servers`."""
    request = make_mocked_request("GET", f"/api/v1/servers?{urlencode(query)}")
    request[ACTOR] = Actor(os.getuid(), "bench", "tcp")
    response = await gateway.parts.api.servers(request)
    assert isinstance(response, web.Response)
    return response


async def listed(gateway: Gateway) -> int:
    """How many servers there are in all parts of the list, each counted once."""
    seen: set[tuple[str, str]] = set()
    marker = None
    while True:
        query = {"wait": 60, "limit": 1000} | ({"marker": marker} if marker else {})
        body = json.loads((await ask(gateway, **query)).text or "")
        assert not body["errors"], body["errors"]
        seen |= {(server["cloud"], server["id"]) for server in body["servers"]}
        marker = body["next_marker"]
        if marker is None:
            return len(seen)


async def search(gateway: Gateway, query: str, limit: int) -> str:
    """One line of the table."""
    found = len(json.loads((await ask(gateway, q=query, limit=limit)).text or "")["servers"])
    spent = []
    for _ in range(ROUNDS):
        before = time.process_time()
        await ask(gateway, q=query, limit=limit)
        spent.append((time.process_time() - before) * 1000)
    return f'| "{query}" | {limit} | {found} | {statistics.median(spent):.2f} | {max(spent):.2f} |'


async def kib_per_server(endpoints: dict[str, str], servers: int) -> float:
    tracemalloc.start()
    async with gateway_of(endpoints) as gateway:
        await ask(gateway, cloud=CLOUDS[0], limit=1)  # what only the first request costs
        for part in gateway.parts.clouds.values():
            await part.source.egress()
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        await ask(gateway, wait=60, limit=1)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / 1024 / (servers * (len(CLOUDS) - 1) / len(CLOUDS))


async def measure(endpoints: dict[str, str], servers: int) -> None:
    async with gateway_of(endpoints) as gateway:
        began, cpu = time.perf_counter(), time.process_time()
        await ask(gateway, wait=60, limit=1)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        assert await listed(gateway) == servers, "the list is not complete"
        lines = [await search(gateway, query, limit) for query, limit in SEARCHES]
    memory = await kib_per_server(endpoints, servers)
    print("| search | limit | found | CPU ms, median | worst |\n|---|--:|--:|--:|--:|")
    print("\n".join(lines))
    print(f"\n| {servers:,} servers in {len(CLOUDS)} clouds | |\n|---|--:|")
    print(f"| seconds until all are listed | {took:.2f} |\n| CPU seconds of the gateway for that | {cpu:.2f} |")
    print(f"| KiB a server | {memory:.2f} |\n\nPython {platform.python_version()}, {os.cpu_count()} cores.")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.directory", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--servers", type=int, default=10_000, help="in all clouds together (default %(default)s)")
    parser.add_argument("--page-size", type=int, default=1000, help="of the clouds' lists (default %(default)s)")
    asked = parser.parse_args()
    with running_clouds(asked.servers, asked.page_size) as endpoints:
        asyncio.run(measure(endpoints, asked.servers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
