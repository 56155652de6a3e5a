"""Whoever held the gateway's port before keeps nothing of it: in a real Chromium, by a real other account.

Each test: the gateway is down, another account takes its port, a person opens their bookmark and gets that account's
page. Then the gateway is back, and the person opens the bookmark again, in the same profile.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from launcher.web.static import StaticFiles
from tests.fakes.screens import Screen
from tests.fakes.squatter import squatting
from tests.fakes.sshd import need_root
from tests.process.axe import barriers
from tests.process.browser import Profile, Tab
from tests.process.daemon import ROOT, Daemon
from tests.process.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOOKMARK = "/c/lab/web-01"
TREE = StaticFiles.load(ROOT / "launcher/web/static").hash
"""What every installation of this release has in common."""
_STOLEN = "document.documentElement.dataset.stolen"
_REGISTRATIONS = "navigator.serviceWorker.getRegistrations().then((found) => found.length)"


@pytest_asyncio.fixture(loop_scope="module")
async def daemon(site: Site, screen: Screen) -> AsyncIterator[Daemon]:
    """A daemon that may be stopped, and started again on its port; one server has a screen."""
    need_root()
    site.add_server("web-01", screen)
    async with site.daemon() as daemon:
        yield daemon


async def left_behind(daemon: Daemon, profile: Profile, squatter: AbstractAsyncContextManager[None], of: str) -> Tab:
    """A tab that was with the other account; the gateway is back. `of` is a selector for what the tab had."""
    await daemon.stop()
    tab = await profile.tab()
    async with squatter:
        await tab.open(f"{daemon.url}{BOOKMARK}")
        assert "Type your password here." in await tab.text()
        await tab.page.wait_for_selector(of)
    await daemon.start()
    return tab


async def until_the_gateways_own(tab: Tab) -> None:
    """The page of the bookmark, on its own or after it has been loaded anew."""
    await tab.page.wait_for_selector("#console", timeout=20_000)
    await tab.until_state("connected")


@pytest.mark.parametrize(
    "worker",
    ["/worker.js", "//worker.js", "/api/v1/worker.js?v=1", "/static/x/worker.js", "/c/lab/worker", "/healthz"],
)
async def test_a_service_worker_of_theirs_is_gone_and_the_gateways_page_shows(
    daemon: Daemon, profile: Profile, worker: str
) -> None:
    tab = await left_behind(daemon, profile, squatting(daemon.port, worker=worker), "[data-worker]")
    await tab.open(f"{daemon.url}{BOOKMARK}")
    await until_the_gateways_own(tab)
    assert await tab.page.evaluate(_REGISTRATIONS) == 0
    assert "had left a worker in this browser" in await tab.text()
    await tab.open(f"{daemon.url}{BOOKMARK}")
    await until_the_gateways_own(tab)
    assert await tab.page.evaluate("navigator.serviceWorker.controller") is None


@pytest.mark.parametrize("scope", ["/", "/elsewhere/"])
async def test_a_page_throws_out_a_worker_that_let_it_through_and_says_so(
    daemon: Daemon, profile: Profile, scope: str
) -> None:
    squatter = squatting(daemon.port, worker="/worker.js", scope=scope, answers=False)
    tab = await left_behind(daemon, profile, squatter, "[data-worker]" if scope == "/" else "body")
    await tab.open(f"{daemon.url}{BOOKMARK}")
    await tab.page.get_by_text("had left a worker in this browser").wait_for()
    await until_the_gateways_own(tab)
    assert await tab.page.evaluate(_REGISTRATIONS) == 0


async def test_a_cached_file_of_theirs_does_not_run_in_the_gateways_page(daemon: Daemon, profile: Profile) -> None:
    squatter = squatting(daemon.port, cached=f"/static/{TREE}/console.js")
    tab = await left_behind(daemon, profile, squatter, "[data-stolen]")
    await tab.open(f"{daemon.url}{BOOKMARK}")
    assert await tab.page.evaluate(_STOLEN) is None
    await until_the_gateways_own(tab)
    assert await tab.page.evaluate(_STOLEN) is None


async def test_a_file_of_one_who_knows_the_path_does_not_run_either_and_the_page_says_what_to_do(
    daemon: Daemon, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    await daemon.stop()
    await daemon.start()
    async with aiohttp.ClientSession() as client, client.get(f"{daemon.url}{BOOKMARK}") as page:
        [path] = re.findall(r'src="(/static/[^"]+/console\.js)"', await page.text())
    tab = await left_behind(daemon, profile, squatting(daemon.port, cached=path), "[data-stolen]")
    await tab.open(f"{daemon.url}{BOOKMARK}")
    await tab.page.get_by_text("not all of its parts came whole").wait_for()
    assert await tab.page.evaluate(_STOLEN) is None
    assert await barriers(tab.page) == []
    developer = await tab.page.context.new_cdp_session(tab.page)
    await developer.send("Page.reload", {"ignoreCache": True})  # as a person does with Shift
    await until_the_gateways_own(tab)
    assert await tab.page.evaluate(_STOLEN) is None


async def test_a_page_that_is_open_over_a_restart_gets_its_files(
    daemon: Daemon, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    await daemon.stop()
    await daemon.start()
    tab = await profile.open(f"{daemon.url}{BOOKMARK}")
    await until_the_gateways_own(tab)
    await daemon.stop()
    await daemon.start()
    fetched = await tab.page.evaluate(
        "fetch(document.querySelector('script').src, {cache: 'reload'}).then((reply) => reply.status)"
    )
    assert fetched == 200
