"""What a person can do on the console page, in Chromium, on TigerVNC's screens."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from tests.fakes.compute import fault_reply
from tests.fakes.screens import Screen
from tests.process.browser import Profile, Tab
from tests.process.daemon import Daemon
from tests.process.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY, POINTER, CUT_TEXT, QEMU = 4, 5, 6, 255
"""Client messages that come from the person (RFC 6143 §7.5; QEMU's extended key event)."""


@pytest_asyncio.fixture(loop_scope="module")
async def daemon(site: Site, screen: Screen) -> AsyncIterator[Daemon]:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon:
        yield daemon


@pytest_asyncio.fixture(loop_scope="module")
async def tab(daemon: Daemon, screen: Screen, profile: Profile) -> Tab:
    tab = await profile.open(f"{daemon.url}/c/lab/web-01")
    await tab.until_shows(screen.picture)
    return tab


async def use_screen(page: Page) -> None:
    """Everything that a person may do to a screen with keyboard and mouse."""
    await page.mouse.click(640, 500)
    await page.keyboard.type("typed")
    await page.mouse.wheel(0, 100)


async def test_the_title_names_the_server_and_the_state(tab: Tab) -> None:
    await expect(tab.page).to_have_title("web-01 · Connected")
    assert await tab.page.inner_text("#state") == "Connected"


async def test_ctrl_alt_del_arrives(tab: Tab, screen: Screen) -> None:
    before = len(screen.keys())
    await tab.page.click("#keys")
    await tab.page.get_by_role("button", name="Ctrl-Alt-Del").click()
    await screen.until_keys("Control_L", "Alt_L", "Delete", since=before)
    await expect(tab.page.locator("#keys-menu")).to_be_hidden()
    await tab.page.keyboard.press("x")
    await screen.until_keys("Control_L", "Alt_L", "Delete", "x", since=before)


async def test_every_combination_of_the_menu_arrives_whole(tab: Tab, screen: Screen) -> None:
    names = await tab.page.locator("#combinations button").all_text_contents()
    assert len(names) >= 10
    for name in names:
        before = len(screen.keys())
        await tab.page.click("#keys")
        await tab.page.get_by_role("button", name=name, exact=True).click()
        async with asyncio.timeout(10):
            while len(screen.keys()) - before < len(name.removeprefix("Print ").split("-")):
                await asyncio.sleep(0.02)


async def test_a_modifier_is_held_down_until_it_is_let_go(tab: Tab, screen: Screen) -> None:
    before = len(screen.keys())
    control = tab.page.locator("#modifiers").get_by_role("button", name="Ctrl")
    await tab.page.click("#keys")
    await control.click()
    await expect(control).to_have_attribute("aria-pressed", "true")
    await tab.page.keyboard.press("Escape")  # closes the menu
    await tab.page.locator("#screen canvas").focus()
    await tab.page.keyboard.press("a")
    await screen.until_keys("Control_L", "a", since=before)
    assert "Control" in screen.held()
    await tab.page.click("#keys")
    await control.click()
    await tab.page.keyboard.press("Escape")
    await tab.page.locator("#screen canvas").focus()
    await tab.page.keyboard.press("b")
    await screen.until_keys("Control_L", "a", "b", since=before)
    assert "Control" not in screen.held()


async def test_what_is_held_down_is_shown_and_not_mixed_into_a_text(tab: Tab, screen: Screen) -> None:
    before = len(screen.keys())
    await tab.page.click("#keys")
    await tab.page.locator("#modifiers").get_by_role("button", name="Ctrl").click()
    await tab.page.keyboard.press("Escape")
    await expect(tab.page.locator("#keys")).to_have_text("Ctrl held")
    await tab.page.click("#clipboard")
    await tab.page.fill("#clipboard-text", "c")
    await tab.page.click("#clipboard-type")
    await screen.until_keys("Control_L", "c", since=before)
    assert screen.held() == []
    await expect(tab.page.locator("#keys")).to_have_text("Send keys")


async def test_the_keyboard_leaves_the_screen_by_ctrl_alt_shift_alone(tab: Tab, screen: Screen) -> None:
    before = len(screen.keys())
    for key in ("Control", "Alt", "Shift"):
        await tab.page.keyboard.down(key)
    for key in ("Shift", "Alt", "Control"):
        await tab.page.keyboard.up(key)
    await expect(tab.page.locator("#keys")).to_be_focused()
    await screen.until_keys("Control_L", "Alt_L", "Shift_L", since=before)
    await tab.page.locator("#screen canvas").focus()
    await tab.page.keyboard.press("q")  # in lower case and alone: nothing is held down on the server
    await screen.until_keys("Control_L", "Alt_L", "Shift_L", "q", since=before)


@pytest.mark.parametrize("text", ["plain words", "Zürich, 東京 🖥\nand a second line"])
async def test_what_is_sent_from_the_clipboard_can_be_pasted_on_the_server(tab: Tab, screen: Screen, text: str) -> None:
    await tab.page.click("#clipboard")
    await tab.page.fill("#clipboard-text", text)
    await tab.page.click("#clipboard-send")
    await screen.until_pasted(text)
    await expect(tab.page.locator("#toast")).to_have_text("Sent to the server: paste it there.")
    await expect(tab.page.locator("#screen canvas")).to_be_focused()


@pytest.mark.parametrize("text", ["copied words", "Grüße aus 東京\nline two"])
async def test_what_is_copied_on_the_server_can_be_copied_from_the_page(
    daemon: Daemon, screen: Screen, browser: Browser, profile: Profile, text: str
) -> None:
    reader = Profile(browser, profile.output, permissions=["clipboard-read", "clipboard-write"])
    tab = await reader.open(f"{daemon.url}/c/lab/web-01")
    await tab.until_shows(screen.picture)
    await screen.copy(text)
    await expect(tab.page.locator("#clipboard-text")).to_have_value(text)
    await tab.page.click("#clipboard")
    await tab.page.click("#clipboard-copy")
    await expect(tab.page.locator("#clipboard-said")).to_have_text("Copied.")
    assert await tab.page.evaluate("navigator.clipboard.readText()") == text
    await reader.close()


async def test_a_text_can_be_typed_where_there_is_no_clipboard(tab: Tab, screen: Screen) -> None:
    before = len(screen.keys())
    await tab.page.click("#clipboard")
    await tab.page.fill("#clipboard-text", "root\npw1")
    await tab.page.click("#clipboard-type")
    await screen.until_keys("r", "o", "o", "t", "Return", "p", "w", "1", since=before)


async def test_a_touch_keyboard_writes_on_the_screen(tab: Tab, screen: Screen) -> None:
    before = len(screen.keys())
    await tab.page.evaluate("document.getElementById('keyboard').click()")  # shown on touch screens only
    await expect(tab.page.locator("#touch")).to_be_focused()
    await tab.page.keyboard.insert_text("ab")
    await tab.page.keyboard.press("Backspace")
    await tab.page.keyboard.press("Enter")
    await screen.until_keys("a", "b", "BackSpace", "Return", since=before)


async def test_view_only_sends_nothing_that_the_person_does(tab: Tab, screen: Screen) -> None:
    await tab.page.click("#view-only")
    await tab.until_state("connected")  # anew: the gateway keeps it, not the page
    keys, sent = len(screen.keys()), len(await tab.sent())
    await use_screen(tab.page)
    for tool in ("#keys", "#clipboard", "#keyboard"):
        assert await tab.page.is_disabled(tool)
    await screen.show("seen while only watching")
    await tab.until_shows(screen.picture)
    assert not set((await tab.sent())[sent:]) & {KEY, POINTER, CUT_TEXT, QEMU}
    assert len(screen.keys()) == keys


async def test_view_only_outlives_a_reload_and_can_be_taken_back(tab: Tab, screen: Screen) -> None:
    await tab.page.click("#view-only")
    assert tab.page.url.endswith("/c/lab/web-01?view=only")
    await tab.page.reload(wait_until="domcontentloaded")
    await tab.until_shows(screen.picture)
    keys = len(screen.keys())
    await use_screen(tab.page)
    await tab.page.click("#view-only")
    assert tab.page.url.endswith("/c/lab/web-01")
    await tab.until_state("connected")
    await tab.page.keyboard.press("y")
    await screen.until_keys("y", since=keys)


async def test_full_screen_keeps_the_tools_within_reach(tab: Tab, screen: Screen) -> None:
    page = tab.page
    await page.click("#full-screen")
    await page.wait_for_function("document.fullscreenElement !== null")
    await expect(page.locator("#keys")).to_be_hidden()
    await page.click("#handle")
    await expect(page.locator("#keys")).to_be_visible()
    before = len(screen.keys())
    await page.keyboard.press("Escape")
    await page.click("#keys")
    await page.get_by_role("button", name="Ctrl-Alt-Del").click()
    await screen.until_keys("Control_L", "Alt_L", "Delete", since=before)
    await page.click("#full-screen")
    await page.wait_for_function("document.fullscreenElement === null")
    await tab.until_shows(screen.picture)


async def test_a_reload_brings_the_screen_back(tab: Tab, screen: Screen) -> None:
    await tab.page.reload(wait_until="domcontentloaded")
    await tab.until_shows(screen.picture)
    assert await tab.states() == ["launching", "connected"]


async def test_without_scaling_the_screen_has_its_own_size(tab: Tab) -> None:
    width = "document.querySelector('#screen canvas').getBoundingClientRect().width"
    assert await tab.page.evaluate(width) != 640
    await tab.page.click("#scale")
    assert await tab.page.evaluate(width) == 640


async def test_a_page_that_gets_no_answer_about_its_launch_reconnects_all_the_same(
    site: Site, tab: Tab, screen: Screen
) -> None:
    await tab.page.route("**/api/v1/**", lambda _: None)  # never answered
    await site.proxy.kill()
    await tab.until_state("reconnecting")
    await site.proxy.restart()
    await tab.until_shows(screen.picture, seconds=60)
    await tab.page.unroute_all()


async def test_a_cloud_that_asks_for_patience_is_given_it(site: Site, tab: Tab) -> None:
    async def busy(request: web.Request) -> web.StreamResponse | None:
        return fault_reply(413, "overLimit", "Slow down", retryAfter=300) if request.method == "POST" else None

    await site.proxy.kill()
    site.proxy.expire_all()
    site.compute.fault = busy
    await site.proxy.restart()
    await expect(tab.page.locator("#headline")).to_have_text("The cloud asks for patience", timeout=20_000)
    requests = site.console_requests()
    await expect(tab.page.locator("#countdown")).to_contain_text(re.compile(r"Next attempt in (4 min \d+|5 min 0) s"))
    await tab.page.evaluate("window.dispatchEvent(new Event('online'))")
    await expect(tab.page.locator("#countdown")).to_contain_text("Next attempt in 4 min")
    assert site.console_requests() == requests


async def test_the_last_picture_stays_in_grey_while_the_page_reconnects(site: Site, tab: Tab, screen: Screen) -> None:
    await site.proxy.kill()
    await tab.until_state("reconnecting")
    await expect(tab.page.locator("#last")).to_be_visible()
    assert "grayscale(1)" in await tab.page.locator("#last").evaluate("canvas => getComputedStyle(canvas).filter")
    await expect(tab.page.locator("#countdown")).to_contain_text("Next attempt in")
    await expect(tab.page).to_have_title("web-01 · Reconnecting …")
    await site.proxy.restart()
    await tab.until_shows(screen.picture, seconds=40)
    await expect(tab.page.locator("#last")).to_be_hidden()


async def test_a_session_that_nobody_uses_says_so_before_it_ends_and_a_key_keeps_it(
    site: Site, screen: Screen, profile: Profile
) -> None:
    site.add_server("web-02", screen)
    async with site.daemon(settings={"relay": {"idle_timeout": "6s"}}) as daemon:
        tab = await profile.open(f"{daemon.url}/c/lab/web-02")
        await tab.until_shows(screen.picture)
        warning = tab.page.locator("#ends")
        await expect(warning).to_contain_text("Any key or click keeps it.")
        shown = await warning.inner_text()
        await tab.page.keyboard.press("k")
        await expect(warning).not_to_have_text(shown, timeout=10_000)  # it looks every five seconds
        await tab.until_state("failed", seconds=25)
        await expect(warning).to_be_hidden()
        assert await tab.page.inner_text("#headline") == "Ended because nobody used it for 6 s (relay.idle_timeout)."
        await tab.page.click("#again")
        await tab.until_shows(screen.picture)
