from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from launcher.errors import ConfigError, NotFoundError
from launcher.web.static import REQUIRED, StaticFiles, static_route

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "static"
    for name in REQUIRED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"/* {name} */", encoding="utf-8")
    (root / "icon.svg").write_text("<svg/>", encoding="utf-8")
    (root / "novnc/package.json").write_text("{}", encoding="utf-8")
    return root


@pytest.fixture
def files(folder: Path) -> StaticFiles:
    return StaticFiles.load(folder)


@pytest.fixture
async def client(files: StaticFiles) -> AsyncIterator[Client]:
    @web.middleware
    async def not_found(request: web.Request, handler: object) -> web.StreamResponse:
        try:
            return await handler(request)  # type: ignore[operator, no-any-return]  # aiohttp types handlers loosely
        except NotFoundError as error:
            return web.Response(status=404, text=str(error))

    app = web.Application(middlewares=[not_found])
    app.add_routes([static_route(files)])
    async with TestClient(TestServer(app)) as client:
        yield client


def test_a_file_is_found_by_exactly_its_name(files: StaticFiles) -> None:
    found = files.get("novnc/core/rfb.js")
    assert found is not None
    assert found.content == b"/* novnc/core/rfb.js */"
    assert found.content_type == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "novnc",
        "novnc/",
        "novnc/core",
        "/app.css",
        "./app.css",
        "novnc/../app.css",
        "../static/app.css",
        "app.css\0",
        "APP.CSS",
        "novnc\\core\\rfb.js",
        "novnc//core/rfb.js",
    ],
)
def test_nothing_else_names_a_file(files: StaticFiles, path: str) -> None:
    assert files.get(path) is None


def test_only_what_the_page_needs_is_served(files: StaticFiles) -> None:
    assert files.get("novnc/package.json") is None
    svg = files.get("icon.svg")
    assert svg is not None
    assert svg.content_type == "image/svg+xml"


def test_a_symbolic_link_is_left_out(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.js").write_text("outside", encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "deep.js").write_text("outside", encoding="utf-8")
    (folder / "linked.js").symlink_to(tmp_path / "outside.js")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    files = StaticFiles.load(folder)
    assert files.get("linked.js") is None
    assert files.get("linked/deep.js") is None


def test_the_hash_changes_with_any_byte_and_any_name(folder: Path) -> None:
    before = StaticFiles.load(folder).hash
    assert StaticFiles.load(folder).hash == before
    (folder / "console.js").write_text("other", encoding="utf-8")
    changed = StaticFiles.load(folder).hash
    (folder / "icon.svg").rename(folder / "icon2.svg")
    renamed = StaticFiles.load(folder).hash
    assert len({before, changed, renamed}) == 3


def test_a_missing_novnc_says_how_to_get_it(folder: Path) -> None:
    (folder / "novnc/core/rfb.js").unlink()
    with pytest.raises(ConfigError, match=r"noVNC is missing: .*pip install \."):
        StaticFiles.load(folder)


def test_a_missing_page_file_names_itself(folder: Path) -> None:
    (folder / "app.css").unlink()
    with pytest.raises(ConfigError, match=r"app\.css: a file of the page is missing"):
        StaticFiles.load(folder)


def test_an_address_is_given_only_for_a_file_that_is_there(files: StaticFiles) -> None:
    assert files.url("app.css") == f"/static/{files.hash}/app.css"
    assert files.hash in repr(files)
    with pytest.raises(KeyError):
        files.url("gone.css")


async def test_a_file_may_be_kept_for_ever(client: Client, files: StaticFiles) -> None:
    reply = await client.get(files.url("novnc/core/rfb.js"))
    assert reply.status == 200
    assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert reply.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert await reply.read() == b"/* novnc/core/rfb.js */"


@pytest.mark.parametrize(
    "tail",
    [
        "",
        "novnc/",
        "../app.css",
        "%2e%2e%2fapp.css",
        "..%2f..%2fpages.py",
        "app.css%00",
        "novnc%5Ccore%5Crfb.js",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "novnc/core/",
        "app.css/",
    ],
)
async def test_no_path_leaves_the_manifest(client: Client, files: StaticFiles, tail: str) -> None:
    reply = await client.session.get(URL(f"{client.make_url('/').origin()}/static/{files.hash}/{tail}", encoded=True))
    assert reply.status == 404
    assert "passwd" not in await reply.text()


async def test_yesterdays_hash_is_not_served_todays_file(client: Client) -> None:
    reply = await client.get("/static/0123456789/app.css")
    assert reply.status == 404
    assert await reply.text() == "There is no such file here; reload the page."


def test_the_real_tree_holds_novnc_and_its_licence() -> None:
    files = StaticFiles.load(Path(__file__).parents[3] / "launcher" / "web" / "static")
    assert files.get("novnc/LICENSE.txt") is not None
    assert files.get("novnc/vendor/pako/lib/zlib/inflate.js") is not None
