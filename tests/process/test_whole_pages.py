"""A page runs whole and by its own files, or says so; an error page loads nothing: in a real Chromium."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route

from tests.fakes.screens import Screen
from tests.fakes.squatter import squatting
from tests.fakes.sshd import need_root
from tests.fakes.stranger import STRANGER
from tests.process.axe import barriers
from tests.process.browser import Profile, Tab
from tests.process.daemon import Daemon
from tests.process.site import Site
from tests.process.test_second_account import ask_as

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOOKMARK = "/c/lab/web-01"
STAYS = "not all of its parts came whole"

_NAMED = "[...document.querySelectorAll('[rel=modulepreload], script')].map((one) => one.src || one.href)"


@pytest_asyncio.fixture(loop_scope="module")
async def daemon(site: Site, screen: Screen) -> AsyncIterator[Daemon]:
    """A daemon with one server that has a screen."""
    site.add_server("web-01", screen)
    async with site.daemon() as daemon:
        yield daemon


def _asked_for(tab: Tab) -> list[str]:
    return [line.split()[-1] for line in tab.said() if line.startswith("request: ")]


async def test_a_page_asks_for_every_module_by_itself_and_for_no_other_later(daemon: Daemon, profile: Profile) -> None:
    tab = await profile.open(f"{daemon.url}{BOOKMARK}")
    await tab.until_state("connected")
    named: list[str] = await tab.page.evaluate(_NAMED)
    asked = [url for url in _asked_for(tab) if url.endswith(".js")]
    assert len(named) > 50
    assert sorted(asked) == sorted(named)
    assert not [line for line in tab.said() if "integrity" in line or "preload" in line]
    assert await tab.page.locator("#loading").is_hidden()


@pytest.mark.parametrize("name", ["words.js", "novnc/core/util/int.js"])
@pytest.mark.parametrize("fault", ["missing", "another's"])
async def test_a_page_that_lacks_a_part_says_so_and_shows_nothing_else(
    site: Site, daemon: Daemon, profile: Profile, name: str, fault: str
) -> None:
    async def spoil(route: Route) -> None:
        if fault == "missing":
            await route.abort()
            return
        reply = await route.fetch()
        await route.fulfill(response=reply, body=await reply.text() + "\ndocument.documentElement.dataset.stolen = 1;")

    tab = await profile.tab()
    await tab.page.route(f"**/{name}", spoil)
    await tab.open(f"{daemon.url}{BOOKMARK}")
    await tab.page.get_by_text(STAYS).wait_for()
    assert await tab.page.evaluate("getComputedStyle(document.getElementById('console')).visibility") == "hidden"
    assert await tab.page.evaluate("document.documentElement.dataset.stolen") is None
    assert await barriers(tab.page) == []
    assert site.console_requests() == 0


async def test_a_cached_file_of_one_who_knows_the_path_does_not_run(daemon: Daemon, profile: Profile) -> None:
    """As everybody does who has had a page: the same path may be answered by another account while the gateway is down.

    The page is the gateway's own, kept from before, as if its key had lasted.
    """
    need_root()
    html = await (await (await profile.tab()).page.request.get(f"{daemon.url}{BOOKMARK}")).text()
    path = html.partition('<script type="module" src="')[2].partition('"')[0]
    await daemon.stop()
    tab = await profile.tab()
    async with squatting(daemon.port, cached=path):
        await tab.open(f"{daemon.url}{BOOKMARK}")
        await tab.page.wait_for_selector("[data-stolen]")

        async def kept(route: Route) -> None:
            await route.fulfill(content_type="text/html", body=html)

        await tab.page.route(f"**{BOOKMARK}", kept)
        await tab.open(f"{daemon.url}{BOOKMARK}")
        await tab.page.get_by_text(STAYS).wait_for()
        assert await tab.page.evaluate("document.documentElement.dataset.stolen") is None
        assert [line for line in tab.said() if "integrity" in line]
    await daemon.start()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
async def test_an_error_page_loads_nothing_and_can_be_read_by_everybody(
    daemon: Daemon, browser: Browser, suite_output: Path, scheme: Literal["light", "dark"], width: int
) -> None:
    """The page of somebody who is not let in is the same, with other words."""
    profile = Profile(browser, suite_output / "browser", color_scheme=scheme, viewport={"width": width, "height": 640})
    tab = await profile.open(f"{daemon.url}/no/such/path")
    assert "There is nothing at this address." in await tab.text()
    assert _asked_for(tab) == [f"{daemon.url}/no/such/path"]
    assert not [line for line in tab.said() if line.startswith(("console", "error")) and "404" not in line]
    assert await tab.page.evaluate("getComputedStyle(document.body).marginTop") == "0px", "its style is allowed"
    assert await barriers(tab.page) == []
    await tab.page.screenshot(path=suite_output / f"error-page-{scheme}-{width}.png")
    await profile.close()


async def test_a_second_account_is_told_nothing_of_the_files(daemon: Daemon) -> None:
    daemon.socket_path.chmod(0o666)
    page = f"GET {BOOKMARK} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
    for where in (str(daemon.port), str(daemon.socket_path)):
        answer = await ask_as(STRANGER, where, page)
        assert " 403 " in answer.splitlines()[0]
        assert "style-src 'sha256-" in answer
        assert "/static/" not in answer
