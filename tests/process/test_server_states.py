"""Bookmarks of servers that are not ready, in Chromium, on TigerVNC: the page waits, says for what, and opens."""

from __future__ import annotations

import asyncio
import re
import time
from email.utils import formatdate

import pytest
from aiohttp import web
from playwright.async_api import Browser, expect

from tests.fakes.compute import fault_reply
from tests.fakes.screens import Screen
from tests.process.browser import Profile, Tab
from tests.process.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


def turn(site: Site, server_id: str, status: str, task: str | None = None) -> None:
    """The server's state from now on."""
    site.compute.servers[server_id] |= {"status": status, "OS-EXT-STS:task_state": task}


async def test_a_server_that_is_being_built_appears_by_itself_once_it_runs(
    site: Site, screen: Screen, profile: Profile
) -> None:
    server_id = site.add_server("web-01", screen)
    turn(site, server_id, "BUILD", "spawning")
    await screen.stop()
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_state("waiting")
        assert await tab.page.inner_text("#headline") == "web-01 is being built (BUILD, spawning)"
        await expect(tab.page).to_have_title("web-01 · Waiting …")
        await asyncio.sleep(5)  # a real build takes its time: the page has looked more than once meanwhile
        assert await tab.state() == "waiting"
        assert sum(path.endswith(server_id) for _, path in site.compute.requests) >= 2
        assert site.console_requests() == 0
        await screen.restart()
        turn(site, server_id, "ACTIVE")
        await tab.until_shows(screen.picture, seconds=30)
        assert [state for state in await tab.states() if state != "launching"] == ["waiting", "connected"]
    assert site.console_requests() == 1


async def test_a_server_that_reboots_comes_back_and_one_that_is_deleted_ends_with_a_sentence(
    site: Site, screen: Screen, profile: Profile
) -> None:
    server_id = site.add_server("web-01", screen)
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_shows(screen.picture)
        turn(site, server_id, "REBOOT", "reboot_started")
        await screen.stop()
        await tab.until_state("waiting")
        assert await tab.page.inner_text("#headline") == "web-01 reboots (REBOOT, reboot_started)"
        await screen.restart()
        turn(site, server_id, "ACTIVE")
        await tab.until_shows(screen.picture, seconds=30)

        turn(site, server_id, "ACTIVE", "deleting")
        await screen.stop()
        await tab.until_state("failed")
        assert await tab.page.inner_text("#headline") == "web-01 is being deleted (ACTIVE, deleting)"
        del site.compute.servers[server_id]
        await tab.page.click("#again")
        gone = "web-01 is gone: it was deleted, or has another name by now."
        await expect(tab.page.locator("#headline")).to_have_text(gone)
        assert await tab.state() == "failed"
    await screen.restart()


async def test_a_server_that_is_deleted_while_it_is_waited_for_ends_with_a_sentence(
    site: Site, screen: Screen, profile: Profile
) -> None:
    server_id = site.add_server("web-01", screen)
    turn(site, server_id, "BUILD")
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_state("waiting")
        del site.compute.servers[server_id]
        await tab.until_state("failed")
        assert "web-01 is deleted" in await tab.page.inner_text("#panel")


async def test_a_server_that_is_off_costs_no_request_and_appears_once_somebody_has_started_it(
    site: Site, screen: Screen, profile: Profile
) -> None:
    server_id = site.add_server("web-01", screen)
    turn(site, server_id, "SHUTOFF")
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_state("waiting")
        assert await tab.page.inner_text("#headline") == "web-01 is off (SHUTOFF)"
        hint = "Start it, or leave this page open: it connects when it runs."
        assert await tab.page.inner_text("#hint") == hint
        assert await tab.page.locator("#detail").is_hidden()
        assert site.console_requests() == 0
        turn(site, server_id, "SHUTOFF", "powering-on")
        await tab.page.evaluate(
            "window.dispatchEvent(new Event('online'))"
        )  # looks at once, as when a tab is turned to
        await expect(tab.page.locator("#headline")).to_have_text("web-01 is being started (SHUTOFF, powering-on)")
        assert site.console_requests() == 0
        turn(site, server_id, "ACTIVE")
        await tab.until_shows(screen.picture, seconds=30)
    assert site.console_requests() == 1


async def test_whoever_wants_the_console_anyway_gets_what_there_is(
    site: Site, screen: Screen, profile: Profile
) -> None:
    turn(site, site.add_server("web-01", screen), "PAUSED")
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_state("waiting")
        await tab.page.click("#anyway")
        await tab.until_shows(screen.picture)


async def test_a_page_counts_the_seconds_down_that_a_limited_cloud_asks_for(
    site: Site, screen: Screen, profile: Profile
) -> None:
    """Rackspace's limit, as Repose puts it: a moment, five seconds ahead, and a page of HTML."""
    until = 0

    async def limit(request: web.Request) -> web.StreamResponse | None:
        nonlocal until
        now = time.time()
        until = until or int(now) + 5
        if request.method != "POST" or now >= until:
            return None
        dates = {"Date": formatdate(now, usegmt=True), "Retry-After": formatdate(until, usegmt=True)}
        return web.Response(status=413, headers=dates, text="<html>Over Limit</html>", content_type="text/html")

    site.add_server("web-01", screen)
    site.compute.fault = limit
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_state("waiting")
        assert await tab.page.inner_text("#headline") == "Waiting for lab"
        seen: list[str] = []
        while await tab.state() == "waiting":
            seen += [await tab.page.locator("#countdown").text_content() or ""]
            await asyncio.sleep(0.1)
        await tab.until_shows(screen.picture)
    told = [int(found[1]) for text in seen if (found := re.match(r"Asks again in (\d+) s \(", text))]
    assert len(set(told)) >= 3
    assert told == sorted(told, reverse=True)
    assert site.console_requests() == 1


async def test_what_was_counted_down_is_not_left_standing_when_the_launch_fails(
    site: Site, screen: Screen, profile: Profile
) -> None:
    answers = [(413, "overLimit", {"retryAfter": 2}), (403, "forbidden", {})]

    async def answer(request: web.Request) -> web.StreamResponse | None:
        if request.method != "POST":
            return None
        status, fault, more = answers.pop(0)
        return fault_reply(status, fault, "No", **more)

    site.add_server("web-01", screen)
    site.compute.fault = answer
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-01")
        await expect(tab.page.locator("#countdown")).to_contain_text("Asks again in")
        await tab.until_state("failed")
        assert await tab.page.locator("#countdown").is_hidden()
        assert await tab.page.locator("#again").is_visible()


async def test_an_address_that_may_mean_several_servers_offers_each(
    site: Site, screen: Screen, profile: Profile
) -> None:
    ids = [site.add_server("twin", screen) for _ in range(2)]
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/twin?view=only")
        await tab.until_state("failed")
        assert await tab.page.inner_text("#headline") == "Several servers have this name"
        assert sorted(await tab.page.locator("#candidates code").all_text_contents()) == sorted(ids)
        assert site.console_requests() == 0
        await tab.page.locator("#candidates li", has_text=ids[1]).get_by_role("link", name="twin").click()
        await tab.until_shows(screen.picture)
        assert tab.page.url == f"{daemon.url}/c/lab/{ids[1]}?view=only"
    assert [asked.server_id for asked in site.compute.console_requests] == [ids[1]]


async def test_the_bookmark_of_a_console_can_be_copied_by_name_and_by_uuid(
    site: Site, screen: Screen, browser: Browser, profile: Profile
) -> None:
    server_id = site.add_server("web 01", screen)
    reader = Profile(browser, profile.output, permissions=["clipboard-read", "clipboard-write"])
    async with site.daemon() as daemon:
        tab = await reader.open(f"{daemon.url}/c/lab/web%2001")
        await tab.until_shows(screen.picture)
        copied = []
        for choice in ("Whoever bears this name", "This very server"):
            await tab.page.click("#bookmark")
            await tab.page.get_by_role("menuitem", name=choice).click()
            await expect(tab.page.locator("#toast")).to_have_text("Copied")
            copied.append(await tab.page.evaluate("navigator.clipboard.readText()"))
        assert copied == [f"{daemon.url}/c/lab/web%2001", f"{daemon.url}/c/lab/{server_id}"]
        await tab.open(copied[1])
        await expect(tab.page).to_have_title("web 01 · Connected")
    await reader.close()


async def announced(tab: Tab) -> int:
    """Seconds until the next attempt, as the page says behind one that has just ended."""
    countdown = tab.page.locator("#countdown")
    await expect(countdown).to_contain_text("Next attempt in", timeout=20_000)
    found = re.search(r"in (\d+) s", await countdown.text_content() or "")
    assert found
    return int(found[1])


async def hurry(tab: Tab) -> None:
    """As when a person turns to the tab: the rest of the pause is not waited for, and counts as if it were."""
    await tab.page.evaluate("window.dispatchEvent(new Event('online'))")


@pytest.mark.timeout(300)
async def test_a_screen_that_keeps_falling_is_tried_again_soon_and_one_that_is_gone_ever_more_seldom(
    site: Site, screen: Screen, profile: Profile
) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_shows(screen.picture)
        falls = []
        for _ in range(10):
            await screen.stop()
            falls.append(await announced(tab))
            assert max(falls) <= 13, falls
            await screen.restart()
            while await tab.state() != "connected":
                await hurry(tab)
                await asyncio.sleep(0.1)
            await tab.until_shows(screen.picture)
        await screen.stop()
        failures = []
        for _ in range(7):
            failures.append(await announced(tab))
            await hurry(tab)
            await expect(tab.page.locator("#countdown")).to_be_hidden()
        assert max(failures[:3]) <= 13, failures
        assert failures[-1] > 40, failures
    await screen.restart()
