"""What an Identity service that answers without end costs: a typed error, a bounded memory, and no thread for ever."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache

import pytest

from launcher.clock import SystemClock
from launcher.cloud.identity import identity_of
from launcher.config.models import RackspaceEntry
from launcher.errors import CloudError, CloudUnreachableError
from launcher.model import Secret
from tests.fakes.issued import issue
from tests.integration.cloud.conftest import cloud_of

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
_MEBIBYTE = 1024**2
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@asynccontextmanager
async def identity(answer: Answer) -> AsyncIterator[str]:
    """A service that answers each connection so; its auth_url. Nobody waits for it at the end."""
    async with asyncio.TaskGroup() as tasks:
        asking: list[asyncio.Task[None]] = []

        async def serve(writer: asyncio.StreamWriter) -> None:
            try:
                with contextlib.suppress(ConnectionError):
                    await answer(writer)
            finally:
                writer.transport.abort()

        server = await asyncio.start_server(
            lambda _, writer: asking.append(tasks.create_task(serve(writer))), "127.0.0.1"
        )
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v2.0"
        server.close()
        for task in asking:
            task.cancel()


async def signing_in(auth_url: str, pool: ThreadPoolExecutor) -> CloudError:
    """What a sign-in there comes to."""
    entry = RackspaceEntry.model_construct(
        provider="rackspace", username="ops", api_key=Secret(issue()), auth_url=auth_url, regions=("DFW",)
    )
    with pytest.raises(CloudError) as caught:
        await identity_of(cloud_of(entry, region="DFW"), SystemClock(), pool).access()
    return caught.value


async def large(writer: asyncio.StreamWriter) -> None:
    """A JSON document of 100 MB."""
    writer.write(_HEAD + b'Content-Length: 100000012\r\n\r\n{"access": "')
    for _ in range(100):
        writer.write(b"x" * 1_000_000)
        await writer.drain()


@cache
def _packed() -> bytes:
    return gzip.compress(b'{"access": "' + b"x" * 100 * _MEBIBYTE)


async def bomb(writer: asyncio.StreamWriter) -> None:
    """The same, packed."""
    writer.write(_HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_packed()) + _packed())
    await writer.drain()


async def headers(writer: asyncio.StreamWriter) -> None:
    """Headers without end."""
    writer.write(_HEAD)
    for _ in range(64):
        writer.write((b"X-Endless: " + b"x" * 1000 + b"\r\n") * 1000)
        await writer.drain()


async def drip(writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever."""
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def dripping_body(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD + b"Content-Length: 1000000\r\n\r\n")
    await drip(writer)


async def dripping_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD + b"X-Endless: ")
    await drip(writer)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (large, "larger than 4 MiB"),
        (bomb, "larger than 4 MiB"),
        (headers, "cannot be reached"),
    ],
)
async def test_case_21_an_identity_service_that_answers_without_end_is_a_bounded_typed_error(
    pool: ThreadPoolExecutor, answer: Answer, why: str
) -> None:
    _packed()
    async with identity(answer) as auth_url:
        tracemalloc.start()
        try:
            error = await signing_in(auth_url, pool)
            held = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert isinstance(error, CloudUnreachableError)
    assert why in str(error)
    assert held < 64 * _MEBIBYTE


@pytest.mark.parametrize("answer", [dripping_body, dripping_headers])
async def test_case_21_a_reply_that_drips_for_ever_ends_and_its_thread_is_free_again(
    monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    monkeypatch.setattr("launcher.cloud.transport.LONGEST", 0.5)
    with ThreadPoolExecutor(1) as alone:
        async with identity(answer) as auth_url:
            error = await signing_in(auth_url, alone)
            async with asyncio.timeout(20):
                assert await asyncio.get_running_loop().run_in_executor(alone, lambda: "free") == "free"
    assert isinstance(error, CloudUnreachableError)
    assert str(error).endswith("no answer in time.")
