from __future__ import annotations

from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from launcher.errors import AmbiguousServerError, LauncherError
from launcher.model import Server
from launcher.web import pages
from launcher.web.bookmarks import page_path
from launcher.web.pages import (
    PAGE_HEADERS,
    SECURITY_HEADERS,
    page_routes,
    problem_page,
    render_problem,
    shown,
)
from launcher.web.problems import problem_of
from launcher.web.static import REQUIRED, StaticFile, StaticFiles

Client = TestClient[web.Request, web.Application]

STATIC = StaticFiles({name: StaticFile(b"", "text/plain") for name in (*REQUIRED, "icon.svg")})
UUID = "9168b536-cd40-4630-b43f-b259807c6e87"
STRANGE_NAMES = [
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "../../etc",
    "a/b",
    "a%2Fb",
    "100%",
    "{braces}",
    "a?b#c",
    "a\\b",
    "line\nbreak\r\nSet-Cookie: x=1",
    "nul\0",
    "\u202egnirts",
    "javascript:alert(1)",
    "Zürich 🖥",
    "a+b c",
    "{{ 7*7 }}",
]


class FakeDirectory:
    """Two clouds and one alias; it knows no way to ask a cloud."""

    def canonical(self, alias: str) -> tuple[str, str] | None:
        return ("prod", "db-master-01") if alias == "db" else None

    def clouds(self) -> tuple[str, ...]:
        return ("prod", "rax-dfw")


@pytest.fixture
def directory() -> FakeDirectory:
    return FakeDirectory()


@pytest.fixture
async def client(directory: FakeDirectory) -> AsyncIterator[Client]:
    @web.middleware
    async def problems(request: web.Request, handler: object) -> web.StreamResponse:
        try:
            return await handler(request)  # type: ignore[operator, no-any-return]  # aiohttp types handlers loosely
        except LauncherError as error:
            return web.Response(status=404, text=type(error).__name__)

    app = web.Application(middlewares=[problems])
    app.add_routes(page_routes(lambda: directory, STATIC, 70))
    async with TestClient(TestServer(app)) as client:
        yield client


async def get(client: Client, path: str) -> ClientResponse:
    """GET without any change to the path on its way."""
    return await client.session.get(URL(f"{client.make_url('/').origin()}{path}", encoded=True), allow_redirects=False)


class Page(HTMLParser):
    """The attributes and texts of a page, as a browser would read them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for found, attributes in self.tags if found == tag]


def assert_plain(page: Page) -> None:
    """No script or style stands in the page, and nothing comes from elsewhere."""
    assert not page.named("style")
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("src", "href", "action"):
            assert attributes.get(name, "/").startswith("/")
            assert not attributes.get(name, "/").startswith("//")
    assert all(attributes.get("src") for attributes in page.named("script"))


@pytest.mark.parametrize("path", ["/", "/c/prod/web-01", "/c/db", "/c/web-01"])
async def test_every_page_carries_every_guard_and_is_kept_nowhere(client: Client, path: str) -> None:
    reply = await get(client, path)
    assert reply.status == 200
    assert reply.headers["Cache-Control"] == "no-store"
    for name, value in PAGE_HEADERS.items():
        assert reply.headers[name] == value
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert_plain(Page(await reply.text()))


def test_the_policy_allows_no_inline_script_and_no_stranger() -> None:
    policy = dict(part.split(" ", 1) for part in SECURITY_HEADERS["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert SECURITY_HEADERS["Referrer-Policy"] == "no-referrer"
    assert SECURITY_HEADERS["X-Content-Type-Options"] == "nosniff"
    assert SECURITY_HEADERS["Cross-Origin-Opener-Policy"] == "same-origin"
    assert SECURITY_HEADERS["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("name", STRANGE_NAMES)
async def test_a_strange_name_arrives_whole_and_is_only_text(client: Client, name: str) -> None:
    reply = await get(client, page_path("prod", name))
    assert reply.status == 200
    assert "Set-Cookie" not in reply.headers
    page = Page(await reply.text())
    assert_plain(page)
    console = next(attributes for attributes in page.named("main"))
    assert console["data-server"] == quote(name, safe="")
    assert console["data-cloud"] == "prod"
    assert not page.named("img")
    assert len(page.named("script")) == 1
    assert page.texts.count(shown(name)) == 2, "in the title and in the heading"


async def test_a_uuid_is_a_bookmark_too(client: Client) -> None:
    reply = await get(client, f"/c/prod/{UUID}?view=only")
    assert f'data-server="{UUID}"' in await reply.text()


async def test_a_very_long_name_is_shown_cut(client: Client) -> None:
    reply = await get(client, page_path("prod", "x" * 5000))
    text = await reply.text()
    assert "x" * 5000 in text, "whole in the address"
    assert f"<title>{'x' * 299}…</title>" in text


async def test_a_cloud_that_is_not_there_is_not_found(client: Client) -> None:
    reply = await get(client, "/c/nowhere/web-01")
    assert (reply.status, await reply.text()) == (404, "CloudNotFoundError")


@pytest.mark.parametrize("name", ["web-01", *STRANGE_NAMES])
async def test_the_page_of_a_bare_name_is_there_without_asking_and_leads_nowhere_by_itself(
    client: Client, name: str
) -> None:
    reply = await get(client, f"/c/{quote(name, safe='')}?view=only")
    assert reply.status == 200
    assert {"Location", "Set-Cookie"}.isdisjoint(reply.headers)
    page = Page(await reply.text())
    assert_plain(page)
    [main] = page.named("main")
    assert (main["data-name"], main["data-listed"]) == (quote(name, safe=""), "")
    assert page.texts.count(shown(name)) == 2, "in the title and in the heading"


async def test_the_page_of_a_cloud_s_name_knows_the_way_to_its_list(client: Client) -> None:
    [main] = Page(await (await get(client, "/c/rax-dfw")).text()).named("main")
    assert main["data-listed"] == "/?q=rax-dfw"


async def test_an_alias_is_a_bookmark_of_its_own(client: Client) -> None:
    reply = await get(client, "/c/db")
    text = await reply.text()
    assert 'data-cloud="prod" data-server="db-master-01"' in text
    assert "<title>db</title>" in text


async def test_the_pages_bring_their_own_files(client: Client) -> None:
    page = Page(await (await get(client, "/")).text())
    sources = [script["src"] for script in page.named("script")] + [link["href"] for link in page.named("link")]
    assert len(sources) == 3
    for source in sources:
        assert (await get(client, source)).status == 200


async def test_the_list_says_which_clouds_it_shows(client: Client) -> None:
    assert "Servers of prod, rax-dfw" in await (await get(client, "/")).text()


@pytest.mark.parametrize("path", ["/c", "/c/", "/c//x", "/c/prod/", "/c/prod/a/b"])
async def test_nothing_else_is_a_page(client: Client, path: str) -> None:
    assert (await get(client, path)).status == 404


PROBLEM = {
    "type": "cloud-busy",
    "title": "The cloud asks for patience.",
    "status": 503,
    "detail": "rax-dfw: <b>no more</b> consoles",
    "hint": "Wait 41 s.",
    "request_id": "req-9106",
    "instance": None,
}


def test_a_problem_is_said_in_words() -> None:
    text = render_problem(PROBLEM, STATIC)
    page = Page(text)
    assert_plain(page)
    assert not page.named("b")
    for words in ("The cloud asks for patience.", "503", "rax-dfw: <b>no more</b> consoles", "Wait 41 s.", "req-9106"):
        assert any(words in found for found in page.texts)
    assert STATIC.url("app.css") in text


def test_a_problem_alone_tells_nothing_of_the_gateway() -> None:
    page = Page(render_problem(PROBLEM))
    assert not [tag for tag, _ in page.tags if tag in {"link", "script", "a"}]


def test_a_wrong_name_learns_nothing_of_the_gateway() -> None:
    page = problem_page(STATIC)
    assert page(PROBLEM) == render_problem(PROBLEM, STATIC)
    assert page(PROBLEM | {"status": 421}) == render_problem(PROBLEM | {"status": 421})


def test_a_problem_with_a_title_only_is_enough() -> None:
    text = render_problem({"title": "Not found", "status": 404})
    assert "None" not in text
    assert "Request id" not in text


def test_an_ambiguous_name_offers_its_servers() -> None:
    servers = [Server("prod", UUID, name, "SHUTOFF") for name in STRANGE_NAMES]
    problem = problem_of(AmbiguousServerError("Many servers", servers), "http://jump.localhost:6080")
    page = Page(render_problem(problem, STATIC))
    assert_plain(page)
    assert not [tag for tag, _ in page.tags if tag in {"b", "i"}]
    assert [link["href"] for link in page.named("a")] == ["/", *[f"/c/prod/{UUID}"] * len(servers), "/"]
    texts = [text.strip() for text in page.texts]
    for name in STRANGE_NAMES:
        assert shown(name) in texts
    assert texts.count("prod") == texts.count("SHUTOFF") == texts.count(UUID) == len(servers)


@pytest.mark.parametrize("candidates", ["prod/x", {"prod": "x"}, [7, "prod/x"], None])
def test_what_are_no_candidates_is_no_list(candidates: object) -> None:
    page = Page(render_problem({"title": "Two servers", "status": 409, "candidates": candidates}, STATIC))
    assert [link["href"] for link in page.named("a")] == ["/", "/"]


def test_a_wrong_name_learns_of_no_server() -> None:
    problem = problem_of(AmbiguousServerError("Two servers", [Server("prod", UUID, "twin", "ACTIVE")]))
    assert UUID not in render_problem(problem)


def test_what_cannot_be_seen_is_shown_as_an_escape() -> None:
    assert shown("a\u202eb\nc\0") == "a\\u202eb\\u000ac\\u0000"
    assert shown("Zürich 🖥") == "Zürich 🖥"
    assert shown("abcdef", 4) == "abc…"


def test_every_template_is_in_use() -> None:
    folder = Path(pages.__file__).parent / "templates"
    assert {file.name for file in folder.iterdir()} == {
        "base.html",
        "console.html",
        "icons.html",
        "link.html",
        "list.html",
        "named.html",
        "problem.html",
    }


def test_a_problem_page_costs_no_reading_of_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    page = problem_page(STATIC)
    monkeypatch.setattr("launcher.web.pages.environment", None)
    assert "No such server" in page({"title": "No such server", "status": 404})
    assert "Misdirected" in page({"title": "Misdirected", "status": 421})
