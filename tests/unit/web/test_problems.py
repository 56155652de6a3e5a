from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from launcher import errors
from launcher.errors import LauncherError
from launcher.model import Kind, Server
from launcher.web.problems import TABLE, answer_to, farewell, problem_of, problem_of_launch, problems
from tests.fakes.issued import issue

_ROOTS = {LauncherError, errors.RequestError, errors.CloudError, errors.UpstreamError}
"""Never raised themselves: they only gather the others."""


def tree(root: type[LauncherError]) -> Iterator[type[LauncherError]]:
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from tree(child)


def test_every_error_that_can_be_raised_stands_in_the_table() -> None:
    assert set(TABLE) == set(tree(LauncherError)) - _ROOTS


def test_slugs_are_stable_names_of_one_error_each() -> None:
    slugs = [answer.slug for answer in TABLE.values()]
    assert len(set(slugs)) == len(slugs)
    assert all(answer.title and answer.hint and 400 <= answer.status < 600 for answer in TABLE.values())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ForbiddenError("no"), 4403),
        (errors.ServerNotFoundError("no"), 4404),
        (errors.ConsoleRefusedError("no", cloud="prod", state="BUILD"), 4409),
        (errors.TooManySessionsError("no"), 4429),
        (errors.GatewayStoppingError("no"), 1012),
        (errors.CloudReplyError("no", cloud="prod"), 4502),
        (errors.UpstreamStaleError("no"), 4502),
        (errors.CloudBusyError("no", cloud="prod"), 4503),
        (errors.UpstreamUnreachableError("no"), 4504),
    ],
)
def test_a_viewer_is_told_4000_and_the_status(error: LauncherError, code: int) -> None:
    assert farewell(error) == (code, "no")


def test_a_close_reason_is_cut_between_two_characters() -> None:
    _, reason = farewell(errors.ForbiddenError("é" * 100))
    assert reason == "é" * 61


def test_an_error_that_nobody_listed_is_a_fault() -> None:
    class OddError(LauncherError):
        pass

    assert answer_to(OddError()).status == 500


def test_a_problem_names_cloud_request_id_patience_and_candidates() -> None:
    busy = problem_of(errors.CloudBusyError("wait", cloud="rax-dfw", request_id="req-1", retry_after=41))
    assert (busy["cloud"], busy["request_id"], busy["retry_after"]) == ("rax-dfw", "req-1", 41)
    twin = Server("prod", "a", "twin/1", "ACTIVE")
    several = problem_of(errors.AmbiguousServerError("two", [twin, twin]), "http://jump.localhost:6080/")
    expected = {"cloud": "prod", "id": "a", "name": "twin/1", "status": "ACTIVE", "path": "/c/prod/a"}
    assert several["candidates"] == [{**expected, "page": "http://jump.localhost:6080/c/prod/a"}] * 2


def test_a_missing_server_names_the_request_that_missed_it_if_a_cloud_was_asked() -> None:
    assert problem_of(errors.ServerNotFoundError("gone", request_id="req-1"))["request_id"] == "req-1"
    assert "request_id" not in problem_of(errors.ServerNotFoundError("gone"))


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (errors.CloudReplyError("no", cloud="prod", request_id="req-1", status=500), "Give the request id to"),
        (errors.CloudReplyError("no", cloud="prod", status=500), "Look at this cloud's entry"),
        (errors.CloudReplyError("no", cloud="prod", request_id="req-1", status=502), "Try again in a minute; if it"),
        (errors.CloudReplyError("no", cloud="prod", status=504), "Try again in a minute; if it"),
        (errors.HostSilentError("no", cloud="prod", request_id="req-1", status=500), "Give the request id to"),
        (errors.CloudBusyError("no", cloud="prod"), "Try again in a moment."),
        (errors.CloudBusyError("no", cloud="prod", retry_after=2400), "Try again when this time is over"),
    ],
)
def test_the_hint_follows_from_what_the_cloud_said(error: LauncherError, hint: str) -> None:
    assert str(problem_of(error)["hint"]).startswith(hint)


SECRET = issue()


async def answer(request: web.Request) -> web.Response:
    match request.match_info["what"]:
        case "known":
            raise errors.CloudBusyError("Wait.", cloud="prod", retry_after=2.6)
        case "fault":
            raise RuntimeError(SECRET)
        case "away":
            raise web.HTTPFound("/elsewhere")
        case _:
            return web.Response(text="fine")


@pytest.fixture
async def client() -> TestClient[web.Request, web.Application]:
    app = web.Application(middlewares=[problems(lambda problem: f"<p>{problem['title']}")])
    app.router.add_get("/{what}", answer)
    return TestClient(TestServer(app))


async def test_errors_become_problem_json(client: TestClient[web.Request, web.Application]) -> None:
    async with client:
        response = await client.get("/known")
        assert (response.status, response.content_type) == (503, "application/problem+json")
        assert response.headers["Retry-After"] == "3"
        assert (await response.json())["type"] == "cloud-busy"
        assert (await client.get("/fine")).status == 200
        assert (await client.get("/away", allow_redirects=False)).status == 302


async def test_who_reads_html_gets_a_page(client: TestClient[web.Request, web.Application]) -> None:
    async with client:
        response = await client.get("/known", headers={"Accept": "text/html,*/*"})
        assert (response.status, response.content_type) == (503, "text/html")
        assert "patience" in await response.text()


async def test_paths_and_methods_that_are_not_there_are_problems_too(
    client: TestClient[web.Request, web.Application],
) -> None:
    async with client:
        missing = await client.get("/no/where")
        assert (missing.status, (await missing.json())["type"]) == (404, "not-found")
        method = await client.post("/fine")
        assert (method.status, (await method.json())["type"]) == (405, "method-not-allowed")
        assert method.headers["Allow"] == "GET,HEAD"


async def test_the_text_of_a_fault_stays_inside(
    client: TestClient[web.Request, web.Application], caplog: pytest.LogCaptureFixture
) -> None:
    async with client:
        response = await client.get("/fault")
        text = await response.text()
    assert response.status == 500
    assert SECRET not in text
    assert json.loads(text)["instance"] in caplog.text
    assert SECRET not in caplog.text
    assert caplog.records[-1].levelno == logging.ERROR


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (errors.UpstreamStaleError("It hung up."), "SHUTOFF", "web-01 is off (SHUTOFF)"),
        (errors.ConsoleRefusedError("Not ready.", cloud="prod"), "ERROR", "web-01 is in error (ERROR)"),
        (errors.ConsoleRefusedError("Not ready.", cloud="prod"), "ACTIVE", "The server has no console now"),
        (errors.CloudBusyError("Wait.", cloud="prod"), "SHUTOFF", "The cloud asks for patience"),
    ],
)
def test_a_launch_that_fails_is_explained_by_the_state_of_its_server(
    error: errors.LauncherError, status: str, title: str
) -> None:
    server = Server("prod", "9168b536-cd40-4630-b43f-b259807c6e87", "web-01", status)
    assert problem_of_launch(error, server)["title"] == title
    assert problem_of_launch(error, None) == problem_of(error)


def test_where_no_console_proxy_is_in_between_none_is_blamed() -> None:
    server = Server("rack7", "id", "kvm-a", "ACTIVE")
    for error in (errors.UpstreamUnreachableError("Away."), errors.UpstreamProtocolError("Its password is another.")):
        direct, proxied = problem_of_launch(error, server, kind=Kind.VNC), problem_of_launch(error, server)
        assert "VNC server" in str(direct["title"])
        assert "console proxy" in str(proxied["title"])
        assert "console" not in str(direct["hint"])
