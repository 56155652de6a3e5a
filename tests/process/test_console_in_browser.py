"""The main job as a person sees it: TigerVNC screens behind the stock `websockify`, through the daemon, in Chromium."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from tests.fakes.compute import fault_reply
from tests.fakes.console_proxy import SilentProxy
from tests.fakes.screens import Screen
from tests.fakes.xvp_proxy import OPENED, XENSERVER, Host, XvpProxy
from tests.process.browser import Profile, Tab
from tests.process.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_bookmark_shows_the_screen(site: Site, screen: Screen, profile: Profile) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_shows(screen.picture)
        assert await tab.states() == ["launching", "connected"]
        await screen.show("another picture")
        await tab.until_shows(screen.picture)
    assert site.console_requests() == 1


async def test_a_bookmark_may_name_the_server_by_its_uuid(site: Site, screen: Screen, profile: Profile) -> None:
    server_id = site.add_server("web-01", screen)
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/{server_id}")
        await tab.until_shows(screen.picture)


async def test_keys_typed_in_the_browser_reach_the_server(site: Site, screen: Screen, profile: Profile) -> None:
    site.add_server("web-01", screen)
    before = len(screen.keys())
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_shows(screen.picture)
        await tab.page.keyboard.type("Hi!")
        await tab.page.keyboard.press("Enter")
        await tab.page.keyboard.press("F2")
        await screen.until_keys("Shift_L", "H", "i", "Shift_L", "exclam", "Return", "F2", since=before)


async def test_a_bookmark_works_again_after_its_console_token_has_expired(
    site: Site, screen: Screen, profile: Profile
) -> None:
    site.add_server("web-01", screen)
    async with site.daemon(console_ttl="2s") as daemon:
        bookmark = f"{daemon.url}/c/lab/web-01"
        first = await profile.open(bookmark)
        await first.until_shows(screen.picture)
        await first.close()
        await asyncio.sleep(2.1)  # the clock that counts here is the daemon's own
        site.proxy.expire_all()
        again = await profile.open(bookmark)
        await again.until_shows(screen.picture)
        assert await again.states() == ["launching", "connected"]
        launches = daemon.log_events("launch")
    assert site.console_requests() == 2
    assert [(launch["cached"], launch["stale"]) for launch in launches] == [(False, False), (False, False)]


async def test_within_its_life_a_console_is_used_again(site: Site, screen: Screen, profile: Profile) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon:
        for _ in range(3):
            tab = await profile.open(f"{daemon.url}/c/lab/web-01")
            await tab.until_shows(screen.picture)
            await tab.close()
    assert site.console_requests() == 1


async def test_a_console_whose_token_died_early_is_replaced_without_the_person_noticing(
    site: Site, screen: Screen, profile: Profile
) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon:
        bookmark = f"{daemon.url}/c/lab/web-01"
        first = await profile.open(bookmark)
        await first.until_shows(screen.picture)
        await first.close()
        site.proxy.expire_all()
        again = await profile.open(bookmark)
        await again.until_shows(screen.picture)
        assert await again.states() == ["launching", "connected"]
        assert sum(line.startswith("websocket:") for line in again.said()) == 1
        launches = daemon.log_events("launch")
    assert site.console_requests() == 2
    assert [launch["stale"] for launch in launches] == [False, True]


async def test_a_restart_of_the_console_proxy_brings_the_picture_back_in_the_same_tab(
    site: Site, screen: Screen, profile: Profile
) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_shows(screen.picture)
        await site.proxy.kill()
        await tab.until_state("reconnecting")
        await screen.show("painted while nobody looked")
        await site.proxy.restart()
        await tab.until_shows(screen.picture, seconds=40)
        assert await tab.state() == "connected"
        assert "failed" not in await tab.states()


async def test_a_restart_of_the_gateway_brings_the_picture_back_in_the_same_tab(
    site: Site, screen: Screen, profile: Profile
) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_shows(screen.picture)
        await daemon.stop()
        await tab.until_state("reconnecting")
        await screen.show("painted while the gateway was away")
        await daemon.start()
        await tab.until_shows(screen.picture, seconds=40)
        assert "failed" not in await tab.states()


async def test_a_silent_console_proxy_holds_up_no_other_console(
    site: Site, screens: list[Screen], profile: Profile
) -> None:
    names = [f"web-{number:02}" for number in range(1, 10)]
    for name, screen in zip(names, screens[1:], strict=True):
        site.add_server(name, screen)
    async with SilentProxy() as silent, site.daemon() as daemon:
        site.add_server_with("silent", silent.url)
        stuck = await profile.open(f"{daemon.url}/c/lab/silent")
        await _until_connected(silent)
        async with asyncio.TaskGroup() as people:
            for name, screen in zip(names, screens[1:], strict=True):
                people.create_task(_look(profile, f"{daemon.url}/c/lab/{name}", screen))
        assert await stuck.states() == ["launching"]
        assert silent.connections == 1


async def test_an_unknown_server_is_said_in_words(site: Site, screen: Screen, profile: Profile) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/no-such-server")
        await tab.until_state("failed")
        text = await tab.text()
    assert "no-such-server" in text
    assert "no server" in text.lower()
    assert site.console_requests() == 0


async def test_a_refused_console_is_said_in_words(site: Site, screen: Screen, profile: Profile) -> None:
    async def refuse(request: web.Request) -> web.Response | None:
        if request.method != "POST":
            return None
        return fault_reply(409, "conflictingRequest", "Instance is not ready")

    site.add_server("web-01", screen)
    site.compute.fault = refuse
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_state("failed")
        asked = zip(site.compute.requests, site.compute.request_ids, strict=True)
        await _assert_says(tab, "web-01", [said for (method, _), said in asked if method == "POST"][-1])
        site.compute.fault = None
        await tab.page.reload(wait_until="domcontentloaded")
        await tab.until_shows(screen.picture)


async def test_a_console_proxy_that_is_gone_is_said_in_words(site: Site, screen: Screen, profile: Profile) -> None:
    site.add_server("web-01", screen)
    await site.proxy.kill()
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_state("failed", "reconnecting")
        await _assert_says(tab, "console proxy")


async def _look(profile: Profile, bookmark: str, screen: Screen) -> None:
    tab = await profile.open(bookmark)
    await tab.until_shows(screen.picture)


async def _until_connected(proxy: SilentProxy) -> None:
    async with asyncio.timeout(15):
        while not proxy.requests:
            await asyncio.sleep(0.02)


async def _assert_says(tab: Tab, *words: str) -> None:
    text = await tab.text()
    missing = [word for word in words if word not in text]
    assert not missing, f"{missing} not said on the page:\n{text}"


async def test_an_xvpvnc_console_shows_what_a_novnc_one_shows(site: Site, screen: Screen, profile: Profile) -> None:
    before = len(screen.keys())
    async with Host(answer=OPENED, screen=screen.port) as xenserver, XvpProxy() as proxy, site.daemon() as daemon:
        site.add_server("web-01", screen)
        site.add_server_with("xen-01", lambda: proxy.url(xenserver.port, XENSERVER))
        one = await profile.open(f"{daemon.url}/c/lab/web-01")
        await one.until_shows(screen.picture)
        site.compute.kinds = {"xvpvnc"}
        other = await profile.open(f"{daemon.url}/c/lab/xen-01")
        await other.until_shows(screen.picture)
        assert await other.states() == ["launching", "connected"]
        await screen.show("yet another picture")
        await one.until_shows(screen.picture)
        await other.until_shows(screen.picture)
        await other.page.keyboard.type("xvp")
        await screen.until_keys("x", "v", "p", since=before)
        launches = daemon.log_events("launch")
    assert [(launch["name"], launch["kind"]) for launch in launches] == [("web-01", "novnc"), ("xen-01", "xvpvnc")]
