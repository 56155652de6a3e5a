from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from launcher.errors import ConfigError, NotFoundError
from launcher.web.static import REQUIRED, StaticFiles, static_route

Client = TestClient[web.Request, web.Application]

KEY = b"k" * 32


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


def application(files: StaticFiles) -> web.Application:
    @web.middleware
    async def not_found(request: web.Request, handler: object) -> web.StreamResponse:
        try:
            return await handler(request)  # type: ignore[operator, no-any-return]  # aiohttp types handlers loosely
        except NotFoundError as error:
            return web.Response(status=404, text=str(error))

    app = web.Application(middlewares=[not_found])
    app.add_routes([static_route(files)])
    return app


@pytest.fixture
async def client(files: StaticFiles) -> AsyncIterator[Client]:
    async with TestClient(TestServer(application(files))) as client:
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
    assert files.url("app.css") == f"/static/{files.segment}/app.css"
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
    reply = await client.session.get(
        URL(f"{client.make_url('/').origin()}/static/{files.segment}/{tail}", encoded=True)
    )
    assert reply.status == 404
    assert "passwd" not in await reply.text()


def test_a_file_s_integrity_is_its_sha_256(files: StaticFiles) -> None:
    digest = hashlib.sha256(b"/* app.css */").digest()
    assert files.integrity("app.css") == f"sha256-{base64.b64encode(digest).decode()}"
    with pytest.raises(KeyError):
        files.integrity("gone.css")


def test_the_path_tells_nothing_of_the_key_and_is_another_with_another(folder: Path) -> None:
    one, again, other = (StaticFiles.load(folder, key) for key in (KEY, KEY, bytes(32)))
    assert one.hash == other.hash
    assert one.segment == again.segment != other.segment
    assert KEY.hex() not in one.segment + repr(one)


def test_without_a_key_each_run_has_a_path_of_its_own(folder: Path) -> None:
    one, other = StaticFiles.load(folder), StaticFiles.load(folder)
    assert one.segment != other.segment
    assert not one.knows(other.segment)


def test_paths_of_this_key_alone_are_known_whatever_their_tree(folder: Path) -> None:
    before = StaticFiles.load(folder, KEY)
    stranger = StaticFiles.load(folder, bytes(32))
    (folder / "console.js").write_text("of the next release", encoding="utf-8")
    now = StaticFiles.load(folder, KEY)
    assert now.segment != before.segment
    assert now.knows(now.segment)
    assert now.knows(before.segment)
    tree, _, proof = now.segment.partition("-")
    strange = [
        stranger.segment, tree, before.hash, f"{tree}-", f"{before.hash}-{proof}", f"{tree}-{proof[:-1]}",
        f"{tree}-{proof}0", f"{tree}{proof}", f"-{proof}", proof, "", "-", f"{tree}-{proof.upper()}é",
    ]  # fmt: skip
    assert [segment for segment in strange if now.knows(segment)] == []


async def test_an_earlier_path_of_this_key_goes_on_to_answer_and_is_not_kept(folder: Path) -> None:
    before = StaticFiles.load(folder, KEY)
    (folder / "console.js").write_text("of the next release", encoding="utf-8")
    async with TestClient(TestServer(application(StaticFiles.load(folder, KEY)))) as client:
        reply = await client.get(before.url("app.css"))
        assert (reply.status, await reply.text()) == (200, "/* app.css */")
        assert reply.headers["Cache-Control"] == "no-store"


async def test_a_path_that_a_stranger_may_know_is_not_answered(client: Client, files: StaticFiles) -> None:
    for segment in (files.hash, "0123456789", f"{files.hash}-{'0' * 32}"):
        reply = await client.get(f"/static/{segment}/app.css")
        assert reply.status == 404
        assert await reply.text() == "There is no such file here; reload the page."


def test_every_script_s_modules_are_there() -> None:
    files = StaticFiles.load(Path(__file__).parents[3] / "launcher" / "web" / "static")
    for script in ("console.js", "list.js", "named.js", "link.js"):
        assert "foreign.js" in files.modules(script), "it shows the page, and looks for foreign workers"
    assert "novnc/vendor/pako/lib/zlib/inflate.js" in files.modules("console.js")


def test_the_real_tree_holds_novnc_and_its_licence() -> None:
    files = StaticFiles.load(Path(__file__).parents[3] / "launcher" / "web" / "static")
    assert files.get("novnc/LICENSE.txt") is not None
    assert files.get("novnc/vendor/pako/lib/zlib/inflate.js") is not None
