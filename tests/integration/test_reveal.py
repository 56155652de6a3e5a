"""A console URL as it is: who gets it, that no session depends on it, and what is recorded."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from launcher.audit.log import JsonLines
from launcher.config.models import Config, clouds_of
from launcher.consoles.broker import Obtained
from launcher.errors import ForbiddenError, KindNotOfferedError, LauncherError
from launcher.launches import Launches
from launcher.model import Action, Actor, ConsoleKey, Server
from launcher.relay.sessions import Sessions
from launcher.web.api import Api, api_routes
from launcher.web.guard import ACTOR
from launcher.web.problems import problems
from tests.fakes.clock import FakeClock
from tests.fakes.console_proxy import FaultyProxy
from tests.fakes.issued import put_out
from tests.integration.conftest import RunGateway, Running

PATH = "/api/v1/servers/prod/web-01/console"


@asynccontextmanager
async def by_socket(run_gateway: RunGateway, folder: Path, **settings: Any) -> AsyncIterator[tuple[Running, Path]]:
    """A gateway that listens on a Unix socket as well."""
    path = folder / "web.sock"
    async with run_gateway(listen=("127.0.0.1:0", f"unix:{path}"), **settings) as running:
        yield running, path


async def ask(socket: Path, body: object, **headers: str) -> tuple[int, Any]:
    """The answer to a POST through the Unix socket; it must not be kept by anybody on its way."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as http,
        http.post(f"http://localhost{PATH}", json=body, headers=headers) as response,
    ):
        assert response.headers["Cache-Control"] == "no-store"
        answer = json.loads(await response.text())
        put_out(json.dumps({key: value for key, value in answer.items() if key != "url"}))
        return response.status, answer


def revealed(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What was recorded of it, as the daemon's log has it."""
    lines = [json.loads(JsonLines(FakeClock()).format(record)) for record in caplog.records]
    return [line for line in lines if line.get("event") == "reveal"]


async def test_it_is_a_new_console_each_time_that_no_session_uses(
    run_gateway: RunGateway, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "launcher")
    urls, request_ids = list[str](), list[str]()

    def mint(*_: str) -> str:
        urls.append(proxy.url())
        return urls[-1]

    async with FaultyProxy() as proxy, by_socket(run_gateway, tmp_path, clock=FakeClock()) as (running, socket):
        running.compute.mint = mint
        _, kept = await ask(socket, {"kind": "novnc"})
        for shown in (1, 2):
            status, console = await ask(socket, {"kind": "novnc", "reveal": True})
            assert (status, console["url"], console["cached"]) == (200, urls[shown], False)
            assert console["expires_at"] == "2026-01-01T00:26:40Z"
            request_ids.append(running.compute.request_ids[-1])
        async with running.viewer() as viewer:
            await viewer.greeted()
        _, same = await ask(socket, {"kind": "novnc", "reveal": False})
        assert (same["cached"], same["expires_at"], "url" in same) == (True, kept["expires_at"], False)
        assert len(running.compute.console_requests) == 3
    dialled = "".join(proxy.requests)
    assert [url.rpartition("%3D")[2] in dialled for url in urls] == [True, False, False]
    first, second = revealed(caplog)
    assert (first["actor"], first["via"], first["kind"], first["name"]) == ("root", "unix", "novnc", "web-01")
    assert [first["request_id"], second["request_id"]] == request_ids


async def test_before_anybody_viewed_it_nothing_is_kept_of_a_revealed_console(
    run_gateway: RunGateway, tmp_path: Path
) -> None:
    async with FaultyProxy() as proxy, by_socket(run_gateway, tmp_path) as (running, socket):
        running.compute.mint = lambda *_: proxy.url()
        _, console = await ask(socket, {"reveal": True})
        async with running.viewer() as viewer:
            await viewer.greeted()
        assert len(running.compute.console_requests) == 2
    assert console["url"].rpartition("%3D")[2] not in proxy.requests[0]


async def test_where_a_session_ends_with_its_token_it_is_told_when_that_is(
    run_gateway: RunGateway, tmp_path: Path
) -> None:
    entry = {"session_ends_with_token": True, "console_ttl": "60s"}
    async with by_socket(run_gateway, tmp_path, entry=entry, clock=FakeClock()) as (running, socket):
        status, console = await ask(socket, {"kind": "xvpvnc", "reveal": True})
        assert (status, console["kind"], console["expires_at"]) == (200, "xvpvnc", "2026-01-01T00:17:40Z")
        assert [asked.kind for asked in running.compute.console_requests] == ["xvpvnc"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Mode": "cors"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"},
    ],
)
async def test_a_page_of_the_gateway_itself_gets_none_and_costs_none(
    run_gateway: RunGateway, tmp_path: Path, caplog: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    async with by_socket(run_gateway, tmp_path) as (running, socket):
        assert (await ask(socket, {"reveal": False}, **headers))[0] == 200, "as the page itself asks"
        status, problem = await ask(socket, {"reveal": True, "kind": "xvpvnc"}, **headers)
        assert (status, problem["type"], "never revealed to a browser" in problem["detail"]) == (403, "forbidden", True)
        assert len(running.compute.console_requests) == 1
    assert revealed(caplog) == []


async def test_over_tcp_the_sentence_names_the_unix_socket(running: Running) -> None:
    status, problem = await running.ask("POST", PATH, json={"reveal": True})
    assert (status, problem["type"]) == (403, "forbidden")
    assert "through the gateway's Unix socket alone" in problem["detail"]
    assert "--gateway unix:/path" in problem["hint"], "what can be done, not whom to ask"
    assert running.compute.console_requests == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"kind": "serial"}, 'Consoles of kind "serial" are not offered here; kinds: novnc, xvpvnc, vnc.'),
        (
            {"kind": "serial", "reveal": True},
            'Consoles of kind "serial" are not offered here; kinds: novnc, xvpvnc, vnc.',
        ),
        ({"kind": "x" * 9999}, f'Consoles of kind "{"x" * 40}" are not offered here; kinds: novnc, xvpvnc, vnc.'),
        ({"reveal": "yes"}, "reveal is true or false."),
        ({"reveal": 1}, "reveal is true or false."),
        ({"reveal": None}, "reveal is true or false."),
    ],
)
async def test_what_is_not_offered_here_is_said_with_what_is(
    run_gateway: RunGateway, tmp_path: Path, body: object, said: str
) -> None:
    async with by_socket(run_gateway, tmp_path) as (running, socket):
        status, problem = await ask(socket, body)
        assert (status, problem["detail"]) == (400, said)
        assert running.compute.console_requests == []


async def test_an_address_that_would_do_harm_is_neither_shown_nor_recorded(
    run_gateway: RunGateway, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with FaultyProxy() as proxy, by_socket(run_gateway, tmp_path) as (running, socket):
        running.compute.mint = lambda *_: proxy.url() + "\x1b[2J"
        status, problem = await ask(socket, {"reveal": True})
        assert (status, problem["type"], problem["request_id"]) == (502, "cloud-reply", running.compute.request_ids[-1])
    assert revealed(caplog) == []


@dataclass
class Elsewhere:
    """What else than a gateway's own parts the API may stand on: a policy and a broker that say no."""

    forbidden: Action | None = None
    refusal: LauncherError | None = None
    recorded: int = 0
    room: bool = True

    def authorize(self, actor: Actor | None, action: Action, server: Server | None = None) -> None:
        if action is self.forbidden and server is not None:
            raise ForbiddenError(f"{server.name} is for others to control.")

    def canonical(self, alias_or_name: str) -> tuple[str, str] | None:
        raise AssertionError

    async def resolve(self, cloud: str, reference: str, *, by: Actor | None) -> Server:
        return Server(cloud, "u-u-i-d", reference, "ACTIVE")

    async def unique(self, name: str, *, by: Actor | None) -> Server:
        raise AssertionError

    def alone(self, server: Server) -> bool:
        raise AssertionError

    async def count(self, **_: object) -> Any:
        raise AssertionError

    async def list(self, **_: object) -> Any:
        raise AssertionError

    def keeps(self, cloud: str) -> bool:
        return True

    async def obtain(self, key: ConsoleKey, *, insist: bool = False) -> Obtained:
        raise AssertionError

    async def fresh(self, key: ConsoleKey) -> Obtained:
        assert self.refusal is not None, "nobody who may not control the server gets so far"
        raise self.refusal

    def record(self, event: object) -> None:
        self.recorded += 1

    def has_room(self) -> bool:
        return self.room


@asynccontextmanager
async def api_on(elsewhere: Elsewhere, folder: Path) -> AsyncIterator[Path]:
    clouds = clouds_of(
        Config.model_validate({"clouds": {"prod": {"provider": "none", "endpoint": "http://127.0.0.1:1"}}})
    )
    api = Api(
        clouds=clouds, directory=elsewhere, policy=elsewhere, broker=elsewhere, sessions=Sessions(1),
        launches=Launches(FakeClock()), journal=elsewhere, clock=FakeClock(), public_url="http://jump.localhost:6080",
    )  # fmt: skip

    @web.middleware
    async def as_alice(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[ACTOR] = Actor(1000, "alice", "unix")
        return await handler(request)

    app = web.Application(middlewares=[problems(str), as_alice])
    app.add_routes(api_routes(lambda: api))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(folder / "api.sock")).start()
    yield folder / "api.sock"
    await runner.cleanup()


async def test_whoever_may_only_look_at_the_server_gets_none(tmp_path: Path) -> None:
    elsewhere = Elsewhere(forbidden=Action.CONTROL)
    async with api_on(elsewhere, tmp_path) as socket:
        status, problem = await ask(socket, {"reveal": True})
    assert (status, problem["detail"], elsewhere.recorded) == (403, "web-01 is for others to control.", 0)


async def test_a_kind_that_the_cloud_does_not_offer_is_an_answer_of_its_own(tmp_path: Path) -> None:
    refusal = KindNotOfferedError("prod has no xvpvnc consoles.", cloud="prod", kind="xvpvnc", request_id="req-1")
    elsewhere = Elsewhere(refusal=refusal)
    async with api_on(elsewhere, tmp_path) as socket:
        status, problem = await ask(socket, {"reveal": True, "kind": "xvpvnc"})
    assert (status, problem["type"], elsewhere.recorded) == (501, "kind-not-offered", 0)
    assert problem["title"] == "This kind of console is not offered here"


async def test_without_room_in_the_log_nothing_is_revealed_and_no_cloud_is_asked(tmp_path: Path) -> None:
    elsewhere = Elsewhere(room=False)
    async with api_on(elsewhere, tmp_path) as socket:
        status, problem = await ask(socket, {"reveal": True})
    assert (status, problem["type"], elsewhere.recorded) == (503, "log-full", 0)
    assert problem["detail"] == "A console URL is revealed only on record, and nothing reads the gateway's log."
