"""Every page, as everybody may meet it: any width, light or dark, by keyboard, with names that mean harm."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from tests.fakes.compute import fault_reply
from tests.fakes.console_proxy import Fault, FaultyProxy, SilentProxy, free_port
from tests.fakes.screens import Screen
from tests.process.axe import barriers
from tests.process.browser import Profile, Tab
from tests.process.daemon import Daemon
from tests.process.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZES = {"phone": (360, 740), "desktop": (1280, 800), "4K": (3840, 2160)}
HOSTILE = {
    "<img src=x onerror=alert(1)>": "<img src=x onerror=alert(1)>",
    "../../etc": "../../etc",
    "\u202egnirts": r"\u202egnirts",
    "𝕏" * 255: "𝕏" * 255,
    "line\nbreak": r"line\u000abreak",
    "\x1b[31mred\x1b[0m": r"\u001b[31mred\u001b[0m",
    "'\"&amp;{{7*7}}": "'\"&amp;{{7*7}}",
    "a/b?c#d%2F": "a/b?c#d%2F",
}
"""A server's name, and how it is shown."""


def open_profile(browser: Browser, profile: Profile, size: str, scheme: str) -> Profile:
    width, height = SIZES[size]
    return Profile(
        browser,
        profile.output,
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        has_touch=size == "phone",
    )


def asked(tab: Tab) -> int:
    """How often a page has asked the API."""
    return sum(line.startswith("request:") and "/api/" in line for line in tab.said())


@pytest_asyncio.fixture(loop_scope="module")
async def silent(site: Site, screen: Screen) -> AsyncIterator[None]:
    """Servers: web-01 with a screen, stuck with a launch that does not end."""
    site.add_server("web-01", screen)
    async with SilentProxy() as proxy:
        site.add_server_with("stuck", proxy.url)
        yield


def two_clouds(site: Site) -> Daemon:
    """A daemon with the site's cloud and one that does not answer."""
    return site.daemon(others={"gone": {"provider": "none", "endpoint": f"http://127.0.0.1:{free_port()}/v2.1"}})


async def answer_503(request: web.Request) -> web.StreamResponse:
    return fault_reply(503, "serviceUnavailable", "Down for a moment.")


async def follow_a_link(page: Page, to: str) -> None:
    """From a page of another site."""
    wiki = "http://wiki.localhost/"
    body = f"<!doctype html><title>wiki</title><a href='{to}'>the server</a>"
    await page.route(f"{wiki}**", lambda route: route.fulfill(body=body, content_type="text/html"))
    await page.goto(wiki)
    await page.click("a")
    await page.wait_for_selector("#open:enabled")


async def open_by_a_wrong_name(page: Page, daemon: Daemon) -> None:
    """What the daemon answers to a name that is not its own."""
    headers = {"Host": "evil.example", "Accept": "text/html"}
    async with aiohttp.ClientSession() as http, http.get(daemon.url, headers=headers) as reply:
        assert reply.status == 421
        body, policy = await reply.text(), reply.headers["Content-Security-Policy"]
    kept = {"Content-Type": "text/html", "Content-Security-Policy": policy}
    await page.route("http://evil.example/**", lambda route: route.fulfill(status=421, body=body, headers=kept))
    await page.goto("http://evil.example/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop", "4K"])
async def test_no_page_has_a_barrier(
    site: Site, silent: None, browser: Browser, profile: Profile, size: str, scheme: str
) -> None:
    person = open_profile(browser, profile, size, scheme)
    found: dict[str, list[str]] = {}
    for _ in range(2):
        site.compute.add_server("twin")
    async with two_clouds(site) as daemon:
        tab = await person.tab()
        page = tab.page

        async def look(name: str) -> None:
            found[name] = await barriers(page)
            width = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if width > 0:
                found[name].append(f"{width} pixels stand out at the side")

        await tab.open(daemon.url)
        await page.wait_for_selector("html[data-state=ready]")
        await look("list")
        await page.click("tr:has-text('web-01') .bookmark")
        await look("bookmarks")
        await page.keyboard.press("Escape")
        await page.fill("#q", "no such server")
        await look("empty list")
        await tab.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_state("connected")
        await look("console")
        for tool in ("keys", "clipboard"):
            await page.click(f"#{tool}")
            await look(tool)
            await page.keyboard.press("Escape")
        await tab.open(f"{daemon.url}/c/lab/stuck")
        await page.wait_for_selector("#steps li[data-state=doing]")
        await asyncio.sleep(0.8)  # the panel has faded in
        await look("waiting")
        await tab.open(f"{daemon.url}/c/gone/web-01")
        await tab.until_state("failed")
        await look("failed")
        await tab.open(f"{daemon.url}/c/nowhere/web-01")
        await look("no such cloud")
        await tab.open(f"{daemon.url}/c/twin")
        await page.wait_for_selector(".candidates a")
        await look("candidates")
        await tab.open(f"{daemon.url}/c/wbe-01")
        await tab.until_state("failed")
        await look("no such name")
        await follow_a_link(page, f"{daemon.url}/c/lab/{'x' * 200}")
        await look("link of another site")
        await tab.open(f"{daemon.url}/no/such/page")
        await look("404")
        await open_by_a_wrong_name(page, daemon)
        await look("421")
    await person.close()
    assert {name: barriers for name, barriers in found.items() if barriers} == {}
    assert len(found) == 14


async def test_a_barrier_would_be_found(profile: Profile) -> None:
    tab = await profile.tab()
    await tab.page.set_content("<html lang=en><title>t</title><main><h1>t</h1><img src='data:,'></main>")
    assert [line.split()[0] for line in await barriers(tab.page)] == ["image-alt"]


async def test_pages_ask_nobody_but_the_gateway_and_break_no_rule_of_their_own(
    site: Site, silent: None, profile: Profile
) -> None:
    async with two_clouds(site) as daemon:
        tab = await profile.open(daemon.url)
        await tab.page.wait_for_selector("html[data-state=ready]")
        await tab.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_state("connected")
        await tab.open(f"{daemon.url}/no/such/page")
        lines = tab.said()
    asked = [line.split()[-1] for line in lines if line.startswith(("request:", "websocket:"))]
    assert len(asked) > 10
    assert [url for url in asked if not re.match(rf"(http|ws)://127\.0\.0\.1:{daemon.port}/|data:", url)] == []
    wrong = [line for line in lines if line.startswith(("error:", "console error:", "console warning:"))]
    assert [line for line in wrong if "404 (Not Found)" not in line] == []


async def test_hostile_names_are_shown_literally_and_their_bookmarks_work(
    site: Site, screen: Screen, profile: Profile
) -> None:
    for name in HOSTILE:
        site.add_server(name, screen)
    dialogs: list[str] = []
    async with site.daemon() as daemon:
        tab = await profile.tab()
        tab.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        for name, shown in HOSTILE.items():
            await tab.open(daemon.url)
            link = tab.page.get_by_role("link", name=shown, exact=True)
            await link.click()
            await tab.until_state("connected")
            assert await tab.page.text_content("#name") == shown, name
            assert await tab.page.title() == f"{shown} · Connected"
            await tab.page.reload(wait_until="domcontentloaded")
            await tab.until_shows(screen.picture)
            await tab.open(f"{daemon.url}/c/lab/{quote(name + '?', safe='')}")  # there is no such server
            if ".." not in name:
                await tab.until_state("failed")
                assert await tab.page.text_content("#name") == f"{shown}?"[:300]
        await tab.open(f"{daemon.url}/c/nowhere/{quote('<img src=x onerror=alert(1)>', safe='')}")
    assert dialogs == []


async def test_the_list_is_used_by_keyboard_alone(site: Site, screen: Screen, profile: Profile) -> None:
    for name in ("web-10", "web-2", "db-1"):  # the list is sorted as people count
        site.add_server(name, screen)
    site.compute.add_server("off", "SHUTOFF")
    async with site.daemon() as daemon:
        tab = await profile.open(daemon.url)
        page = tab.page
        await page.wait_for_selector("html[data-state=ready]")
        names = page.locator("#servers tbody a")
        assert await names.all_text_contents() == ["db-1", "off", "web-2", "web-10"]
        await page.keyboard.press("ArrowDown")
        await expect(names.nth(0)).to_be_focused()
        await page.keyboard.press("/")
        await expect(page.locator("#q")).to_be_focused()
        await page.keyboard.type("w")
        await page.keyboard.press("Escape")
        assert await names.count() == 4
        await page.keyboard.press("ArrowDown")
        requests = asked(tab)
        await page.keyboard.type("WEB act")
        assert await names.all_text_contents() == ["web-2", "web-10"]
        assert await page.inner_text("#message") == "2 of 4 servers"
        assert page.url.endswith("/?q=WEB%20act")
        assert asked(tab) == requests, "a search asks nobody"
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowDown")
        await expect(names.nth(1)).to_be_focused()
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("ArrowUp")
        await expect(page.locator("#q")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/c/lab/web-2")
        await tab.until_shows(screen.picture)


async def test_whose_name_begins_with_one_of_the_words_stands_before_the_others(
    site: Site, screen: Screen, profile: Profile
) -> None:
    for name in ("shop-web-1", "web-2"):
        site.add_server(name, screen)
    async with site.daemon() as daemon:
        page = (await profile.open(daemon.url)).page
        await page.wait_for_selector("html[data-state=ready]")
        for query in ("web", "web act", "lab web"):
            await page.fill("#q", query)
            assert await page.locator("#servers tbody a").all_text_contents() == ["web-2", "shop-web-1"], query
        await page.fill("#q", "mail")
        assert await page.inner_text("#message") == "No match among 2 servers."


async def test_a_bookmark_is_copied_by_keyboard_or_pointer_whatever_the_server_is_called(
    site: Site, screen: Screen, browser: Browser, profile: Profile
) -> None:
    ids = {name: site.add_server(name, screen) for name in ("web-01", *HOSTILE)}
    person = Profile(browser, profile.output, permissions=["clipboard-read", "clipboard-write"])
    async with site.daemon() as daemon:
        tab = await person.open(daemon.url)
        page = tab.page
        await page.wait_for_selector("html[data-state=ready]")

        async def copied(choice: str) -> str:
            """What this choice of the open menu puts onto the clipboard."""
            await page.get_by_role("menuitem", name=choice).click()
            await expect(page.locator("#toast")).to_have_text("Copied")
            await page.evaluate("document.getElementById('toast').textContent = ''")
            text: str = await page.evaluate("navigator.clipboard.readText()")
            return text

        for name, server_id in ids.items():
            button = page.get_by_role("button", name=f"Copy bookmark of {HOSTILE.get(name, name)}", exact=True)
            for choice, reference in (
                ("Whoever bears this name", quote(name, safe="")),
                ("This very server", server_id),
            ):
                await button.click()
                assert await copied(choice) == f"{daemon.url}/c/lab/{reference}"
                await expect(button).to_be_focused()
        await page.get_by_role("link", name="web-01", exact=True).focus()
        for key in ("Tab", "Enter", "ArrowUp", "Enter"):  # the button, its menu, the last choice
            await page.keyboard.press(key)
        await expect(page.locator("#toast")).to_have_text("Copied")
        assert await page.evaluate("navigator.clipboard.readText()") == f"{daemon.url}/c/lab/{ids['web-01']}"
        await page.keyboard.press("Enter")
        await page.keyboard.press("Escape")
        await expect(page.locator("#bookmarks")).to_be_hidden()
        await page.keyboard.press("ArrowUp")
        await expect(page.locator("tr:has(a:focus)")).to_have_count(1)
    await person.close()


async def test_a_name_of_several_servers_is_no_bookmark_and_its_address_offers_each_of_them(
    site: Site, screen: Screen, profile: Profile
) -> None:
    ids = {site.add_server("twin", screen) for _ in range(2)}
    async with site.daemon() as daemon:
        tab = await profile.open(daemon.url)
        await tab.page.locator("#servers .bookmark").first.click()
        await expect(tab.page.get_by_role("menuitem")).to_have_count(1)
        await expect(tab.page.get_by_role("menuitem")).to_contain_text("This very server")
        await tab.open(f"{daemon.url}/c/twin")
        links = tab.page.get_by_role("link", name="twin", exact=True)
        paths = [await links.nth(number).get_attribute("href") for number in range(2)]
        assert set(paths) == {f"/c/lab/{server_id}" for server_id in ids}
        await links.first.click()
        await tab.until_shows(screen.picture)


async def test_a_name_that_nobody_has_offers_those_that_are_near(site: Site, profile: Profile) -> None:
    for name in ("web-01", "web-02", "mail-01", "db-master-01"):
        site.compute.add_server(name)
    async with site.daemon() as daemon:
        tab = await profile.tab()
        for asked, offered in {
            "wbe-01": ["web-01", "web-02"],
            "master": ["db-master-01"],
            "nothing-like-it": [],
        }.items():
            await tab.open(f"{daemon.url}/c/{asked}?view=only")
            await expect(tab.page.locator("#title")).to_have_text("No such server")
            await expect(tab.page.locator(".candidates a")).to_have_text(offered)
        await tab.open(f"{daemon.url}/c/wbe-01?view=only")
        await tab.page.click(".candidates a")
        assert tab.page.url == f"{daemon.url}/c/lab/web-01?view=only"


async def test_a_page_of_a_name_says_why_a_cloud_does_not_answer_and_asks_again(site: Site, profile: Profile) -> None:
    site.compute.add_server("web-01")
    async with site.daemon() as daemon:
        site.compute.fault = answer_503
        tab = await profile.open(f"{daemon.url}/c/web-01")
        await tab.until_state("failed")
        assert "lab" in await tab.page.inner_text("#detail")
        site.compute.fault = None
        await tab.page.click("#again")
        await tab.page.wait_for_url(f"{daemon.url}/c/lab/web-01")


async def test_servers_that_were_known_stay_beside_their_cloud_s_error_with_their_age(
    site: Site, profile: Profile
) -> None:
    site.compute.add_server("web-01")
    async with site.daemon() as daemon:
        async with aiohttp.ClientSession() as http, http.get(f"{daemon.url}/api/v1/servers") as response:
            known = await response.json()
        problem = {"title": "The cloud does not answer", "detail": "lab: no answer in time.", "cloud": "lab"}
        old = known | {"errors": [problem], "as_of": {"lab": "2020-02-03T14:03:00Z"}}
        tab = await profile.tab()
        await tab.page.route("**/api/v1/servers?*", lambda route: route.fulfill(json=old))
        await tab.open(daemon.url)
        await expect(tab.page.locator("#servers tbody a")).to_have_text(["web-01"])
        await expect(tab.page.locator("#problems li")).to_have_text(
            re.compile(r"^lab: no answer in time\. Its servers are shown as of .*2020.*\.$")
        )


async def test_enter_opens_the_server_whose_whole_name_was_typed(site: Site, screen: Screen, profile: Profile) -> None:
    site.compute.add_server("a-web-01")
    site.compute.add_server("web-010")
    site.add_server("web-01", screen)
    async with site.daemon() as daemon:
        tab = await profile.open(daemon.url)
        await tab.page.wait_for_selector("html[data-state=ready]")
        await tab.page.keyboard.type("web-01")
        assert await tab.page.locator("#servers tbody a").all_text_contents() == ["web-01", "web-010", "a-web-01"]
        await tab.page.keyboard.press("Enter")
        await tab.page.wait_for_url("**/c/lab/web-01")


async def test_the_name_of_a_cloud_leads_to_its_servers(site: Site, silent: None, profile: Profile) -> None:
    async with two_clouds(site) as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab")
        await expect(tab.page.locator("#servers tbody a")).to_have_text(["stuck", "web-01"])
        assert tab.page.url == f"{daemon.url}/?q=lab"


async def test_a_cloud_that_does_not_answer_is_a_line_and_hides_no_other(
    site: Site, silent: None, profile: Profile
) -> None:
    async with two_clouds(site) as daemon:
        tab = await profile.open(daemon.url)
        await expect(tab.page.locator("#problems li")).to_contain_text("gone: its Compute API")
        await expect(tab.page.locator("#servers tbody a")).to_have_text(["stuck", "web-01"])


async def test_a_cloud_that_hangs_holds_up_no_other(site: Site, silent: None, profile: Profile) -> None:
    async with FaultyProxy(Fault.SILENT_BEFORE_101) as hanging:
        others = {"slow": {"provider": "none", "endpoint": f"http://127.0.0.1:{hanging.port}/v2.1"}}
        async with site.daemon(others=others) as daemon:
            tab = await profile.open(daemon.url)
            await expect(tab.page.locator("#servers tbody a")).to_have_count(2)
            assert await tab.page.inner_text("#message") == "2 servers. Waiting for slow …"


async def test_a_long_list_is_shown_in_steps(site: Site, profile: Profile) -> None:
    for number in range(250):
        site.compute.add_server(f"node-{number}")
    async with site.daemon() as daemon:
        tab = await profile.tab()
        await tab.page.clock.install()
        await tab.open(daemon.url)
        names = tab.page.locator("#servers tbody a")
        await expect(names).to_have_count(200)
        await tab.page.click("#more")
        await expect(names).to_have_count(250)
        await expect(names.nth(200)).to_be_focused()
        assert await names.nth(249).text_content() == "node-249"
        async with tab.page.expect_response("**/api/v1/servers?*") as again:
            await tab.page.clock.fast_forward(31_000)
        assert (await again.value).status == 304, "a list that has not changed is not sent again"
        await expect(names).to_have_count(250)


async def test_the_list_shows_a_new_state_without_being_asked(site: Site, profile: Profile) -> None:
    server_id = site.compute.add_server("new", "BUILD")
    async with site.daemon() as daemon:
        tab = await profile.tab()
        await tab.page.clock.install()
        await tab.open(daemon.url)
        await expect(tab.page.locator("td.state")).to_have_text("BUILD · spawning")
        site.compute.servers[server_id] |= {"status": "ACTIVE", "OS-EXT-STS:task_state": None}
        await asyncio.sleep(5.1)  # the daemon's own list is as old
        await tab.page.clock.fast_forward(31_000)
        await expect(tab.page.locator("td.state")).to_have_text("ACTIVE")


async def test_the_list_recovers_from_an_answer_that_breaks_off(site: Site, profile: Profile) -> None:
    site.compute.add_server("web-01")
    async with site.daemon() as daemon:
        tab = await profile.tab()
        page = tab.page
        await page.clock.install()
        await page.route("**/api/v1/servers?*", lambda route: route.fulfill(status=200, body='{"servers": [{'))
        await tab.open(daemon.url)
        await expect(page.locator("#problems li")).to_contain_text("The gateway does not answer.")
        await page.unroute_all()
        await page.clock.fast_forward(31_000)
        await expect(page.locator("#servers tbody a")).to_have_count(1)
        await expect(page.locator("#problems")).to_be_hidden()


# ---- failures


_REFUSALS = {
    "not-ready": lambda: fault_reply(409, "conflictingRequest", "Instance is not ready"),
    "forbidden": lambda: fault_reply(403, "forbidden", "Policy doesn't allow os_compute_api:os-remote-consoles"),
    "limited": lambda: fault_reply(413, "overLimit", "This request was rate-limited.", retryAfter=41),
    "broken": lambda: fault_reply(500, "computeFault", "Unexpected API Error."),
    "overloaded": lambda: web.Response(status=503, text="<html>503</html>", content_type="text/html"),
    "no-json": lambda: web.json_response({"console": {"type": "novnc"}}),
}
_SAID = {
    "not-ready": ("The server has no console now", "not ready"),
    "forbidden": ("The cloud refuses the gateway's credentials", "role"),
    "broken": ("The cloud's answer cannot be used", "500"),
    "overloaded": ("The cloud asks for patience", "busy"),
    "no-json": ("The cloud's answer cannot be used", "console"),
    "stale": ("The console proxy hangs up", "console proxy"),
    "ssh": ("The console proxy cannot be understood", "RFB"),
    "refused": ("The console proxy shows no screen", "Connection refused"),
    "twin": ("Several servers have this name", "answer to"),
    "nobody": ("No such server", "nobody"),
    "limited": ("Waiting for lab", "41"),  # the last: from now on this cloud is left in peace
}


async def test_each_failure_of_a_launch_is_said_in_words_with_a_hint(site: Site, profile: Profile) -> None:
    async with FaultyProxy(Fault.HANG_UP_AFTER_101) as stale, FaultyProxy(Fault.SSH_GREETING) as ssh:
        ids = {site.add_server_with(name, stale.url): name for name in (*_REFUSALS, "stale")}
        site.add_server_with("ssh", ssh.url)
        site.add_server_with("refused", lambda: f"http://127.0.0.1:{free_port()}/vnc_lite.html?path=%3Ftoken%3Dx")
        for _ in range(2):
            site.compute.add_server("twin")

        async def refuse(request: web.Request) -> web.StreamResponse | None:
            name = ids.get(request.path.split("/")[-2]) if request.method == "POST" else None
            return _REFUSALS[name]() if name in _REFUSALS else None

        site.compute.fault = refuse
        async with site.daemon() as daemon:
            for name, (title, word) in _SAID.items():
                tab = await profile.open(f"{daemon.url}/c/lab/{name}")
                await tab.until_state("waiting" if name == "limited" else "failed")
                assert await tab.page.inner_text("#headline") == title, name
                assert word in await tab.page.inner_text("#panel"), name
                assert len(await tab.page.inner_text("#hint")) > 10, name
                state = "Waiting …" if name == "limited" else "Not connected"
                assert await tab.page.title() == f"{name} · {state}"
                if name in _REFUSALS and name != "limited":
                    assert "Request id: req-" in await tab.page.inner_text("#request-id"), name
                steps = tab.page.locator(f"#steps li[data-state={'doing' if name == 'limited' else 'failed'}]")
                assert await steps.count() >= 1, name
                await tab.close()


async def test_a_full_gateway_and_one_that_stops_are_said_in_words(
    site: Site, screen: Screen, profile: Profile
) -> None:
    site.add_server("web-01", screen)
    async with site.daemon(settings={"relay": {"sessions": 1}}) as daemon:
        first = await profile.open(f"{daemon.url}/c/lab/web-01")
        await first.until_shows(screen.picture)
        second = await profile.open(f"{daemon.url}/c/lab/web-01")
        await second.until_state("failed")
        assert await second.page.inner_text("#headline") == "Too many sessions"
        await second.close()
        await daemon.stop()
        await first.until_state("reconnecting")
        await expect(first.page.locator("#headline")).to_contain_text(
            re.compile("restarts or stops|does not answer|connection was lost")
        )
        await daemon.start()


async def test_what_strangers_say_is_shown_literally_in_steps_and_problems_too(site: Site, profile: Profile) -> None:
    name = "\u202egpj.exe"
    async with site.daemon() as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/{quote(name, safe='')}")
        await tab.until_state("failed")
        text = await tab.page.inner_text("#panel")
    assert "\u202e" not in text
    assert text.count(r"\u202egpj.exe") >= 2


async def test_the_details_of_a_failure_can_be_copied(site: Site, browser: Browser, profile: Profile) -> None:
    site.compute.add_server("web-01")

    async def refuse(request: web.Request) -> web.StreamResponse | None:
        return _REFUSALS["forbidden"]() if request.method == "POST" else None

    site.compute.fault = refuse
    reader = Profile(browser, profile.output, permissions=["clipboard-read", "clipboard-write"])
    async with site.daemon() as daemon:
        tab = await reader.open(f"{daemon.url}/c/lab/web-01")
        await tab.until_state("failed")
        await tab.page.click("#copy")
        await expect(tab.page.locator("#copied")).to_have_text("Copied.")
        text = await tab.page.evaluate("navigator.clipboard.readText()")
    await reader.close()
    assert text.startswith("web-01: The cloud refuses the gateway's credentials\n")
    assert f"Request id: {site.compute.request_ids[-1]}" in text
    assert f"Page: {daemon.url}/c/lab/web-01" in text
    assert "Time: 20" in text
