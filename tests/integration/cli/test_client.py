"""The command line's client before gateways that behave, and things that do not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import pytest

from launcher.cli import client as client_module
from launcher.cli.answers import Object
from launcher.cli.client import Client, server_path
from launcher.cli.failure import Failure
from launcher.cli.gateway import TcpGateway, UnixGateway
from launcher.cli.servers import listed
from tests.fakes.console_proxy import free_port
from tests.fakes.scripted_gateway import HANG, ScriptedGateway, http
from tests.integration.conftest import Running

T = TypeVar("T")


async def aside(work: Callable[[], T]) -> T:
    """The client blocks, and what it asks lives in this loop."""
    return await asyncio.get_running_loop().run_in_executor(None, work)


async def ask(gateway: ScriptedGateway, timeout: float = 10) -> Object:
    return await aside(lambda: Client(UnixGateway(str(gateway.socket_path)), timeout).get("/api/v1/clouds"))


async def test_it_asks_a_real_gateway_by_name_and_address(running: Running) -> None:
    for host in ("127.0.0.1", "jump.localhost"):
        asked = Client(TcpGateway(host, running.port), 10)
        body = await aside(partial(asked.get, "/api/v1/servers", {"q": "web"}))
        assert [server["name"] for server in body["servers"]] == ["web-01"]


async def test_a_refusal_is_told_with_its_hint(running: Running) -> None:
    asked = Client(TcpGateway("127.0.0.1", running.port), 10)
    with pytest.raises(Failure) as failure:
        await aside(partial(asked.delete, "/api/v1/sessions/nobody"))
    assert (failure.value.code, failure.value.advice) == (1, ("Check the address.",))
    assert failure.value.sentence == 'There is no session "nobody".'


async def test_it_says_what_it_must_and_no_origin() -> None:
    async with ScriptedGateway(http("{}")) as gateway:
        assert await ask(gateway) == {}
    [request] = gateway.requests
    assert request.startswith("GET /api/v1/clouds HTTP/1.1\r\n")
    assert "\r\nHost: localhost\r\n" in request
    assert "origin" not in request.lower()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "is no console-launcher"),
        (b"\x00\x01\x02", "is no console-launcher"),
        (http("<h1>It works!</h1>", content_type="text/html"), "is no console-launcher"),
        (http("{}", status="302 Found"), "is no console-launcher"),
        (http("{}", length=50), "is no console-launcher"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "is no console-launcher"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "is no console-launcher"),
        (b"", "hung up without an answer"),
    ],
)
async def test_what_is_no_gateway_is_said(answer: bytes, sentence: str) -> None:
    async with ScriptedGateway(answer) as gateway:
        with pytest.raises(Failure) as failure:
            await ask(gateway)
    assert sentence in failure.value.sentence
    assert failure.value.code == 69


async def test_an_answer_beyond_all_measure_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "LIMIT", 100)
    for answer in (
        http(json.dumps({"x": 200 * "x"})),
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + 255 * b" ",
    ):
        async with ScriptedGateway(answer) as gateway:
            with pytest.raises(Failure, match="no console-launcher"):
                await ask(gateway)


@pytest.mark.parametrize(("answer", "drip"), [(HANG, b""), (b"", http("{}" + " " * 10_000))])
async def test_a_gateway_that_hangs_or_drips_is_given_up(answer: bytes | None, drip: bytes) -> None:
    async with ScriptedGateway(answer, then_drip=drip) as gateway:
        with pytest.raises(Failure, match=r"did not answer within 0\.2 s") as failure:
            await ask(gateway, 0.2)
    assert failure.value.code == 69
    assert "--timeout" in failure.value.advice[0]


@pytest.mark.parametrize(
    ("gateway", "sentence"),
    [
        (UnixGateway("/nowhere/web.sock"), "no gateway runs at unix:/nowhere/web.sock: nothing listens there."),
        (TcpGateway("127.0.0.1", free_port()), "nothing listens there."),
        (UnixGateway("/" + 200 * "x"), "cannot be reached: AF_UNIX path too long."),
        (TcpGateway("no-such-host.invalid", 80), "http://no-such-host.invalid cannot be reached: "),
    ],
)
async def test_where_nobody_is_the_ways_out_are_told(gateway: UnixGateway | TcpGateway, sentence: str) -> None:
    with pytest.raises(Failure) as failure:
        Client(gateway, 10).get("/api/v1/clouds")
    assert sentence in failure.value.sentence
    assert failure.value.code == 69
    assert any("console-launcher demo" in line for line in failure.value.advice)


async def test_all_parts_of_a_list_are_one_and_a_cloud_s_error_stands_in_it_once() -> None:
    def part(number: int, marker: str | None) -> bytes:
        server = {"cloud": "prod", "id": str(number), "name": "a", "status": "ACTIVE", "page": "http://x", "path": "/c"}
        problem = {"cloud": "dark", "detail": "dark is silent."}
        return http(json.dumps({"servers": [server], "next_marker": marker, "errors": [problem]}))

    async with ScriptedGateway(part(1, "m/1 ü"), part(2, "m2"), part(3, None)) as gateway:
        asked = Client(UnixGateway(str(gateway.socket_path)), 10)
        whole = await aside(lambda: listed(asked, query="a b"))
    assert [server["id"] for server in whole["servers"]] == ["1", "2", "3"]
    assert (whole["next_marker"], whole["errors"]) == (None, [{"cloud": "dark", "detail": "dark is silent."}])
    assert [request.split()[1] for request in gateway.requests] == [
        "/api/v1/servers?q=a+b&limit=1000&wait=8.000&max_age=15",
        "/api/v1/servers?q=a+b&limit=1000&marker=m%2F1+%C3%BC&wait=8.000&max_age=15",
        "/api/v1/servers?q=a+b&limit=1000&marker=m2&wait=8.000&max_age=15",
    ]
    async with ScriptedGateway(part(1, "m1"), part(2, "m2")) as gateway:
        asked = Client(UnixGateway(str(gateway.socket_path)), 10)
        some = await aside(lambda: listed(asked, limit=2))
    assert (len(some["servers"]), some["next_marker"]) == (2, "m2")
    assert gateway.requests[1].split()[1] == "/api/v1/servers?limit=1&marker=m1&wait=8.000&max_age=15"


def test_a_reference_is_one_segment_or_two() -> None:
    assert server_path("db") == "/api/v1/servers/db"
    assert server_path("prod/a/b ü") == "/api/v1/servers/prod/a%2Fb%20%C3%BC"
    with pytest.raises(Failure, match="no text in UTF-8"):
        server_path("prod/\udcff")


@pytest.mark.parametrize("reference", ["", "/", "prod/", "/web-01"])
def test_half_a_reference_is_no_reference(reference: str) -> None:
    with pytest.raises(Failure) as failure:
        server_path(reference)
    assert failure.value.code == 2
    assert failure.value.sentence.startswith(f'"{reference}" names no server')


@pytest.mark.parametrize("head", [b"", b"Content-Length: 10000\r\n", b"Transfer-Encoding: chunked\r\n"])
async def test_the_time_limit_holds_for_a_body_that_drips_as_well(head: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + head + b"\r\n"
    async with ScriptedGateway(answer, then_drip=b"2000\r\n" + 10_000 * b" ") as it:
        with pytest.raises(Failure, match=r"did not answer within 0\.4 s"):
            await ask(it, 0.4)


def test_whoever_may_not_open_the_socket_is_told_the_group_and_the_way_into_it() -> None:
    failure = client_module._why(UnixGateway("/run/x.sock"), PermissionError())
    assert failure.code == 77
    assert "may not open /run/x.sock" in failure.sentence
    assert failure.advice[0].startswith("Ask root of this machine for:  usermod -aG console-operators ")
