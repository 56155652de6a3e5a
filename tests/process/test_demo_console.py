"""The console page on the demo's own screens, as a newcomer meets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from launcher.demo.screens import Screen
from tests.process.browser import Profile, Tab
from tests.process.demo import Demo, demo_in_process

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    async with demo_in_process(tmp_path) as demo:
        yield demo


@pytest.fixture
def web_01(demo: Demo) -> Screen:
    return demo.cloud.screen("web-01")


@pytest_asyncio.fixture(loop_scope="module")
async def tab(demo: Demo, profile: Profile) -> Tab:
    tab = await profile.open(f"{demo.url}/c/prod/web-01")
    await tab.until_state("connected")
    return tab


async def until(met: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(10):
            while not met():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{what} did not come") from None


async def test_ctrl_alt_del_arrives(tab: Tab, web_01: Screen) -> None:
    await tab.page.click("#keys")
    await tab.page.get_by_role("button", name="Ctrl-Alt-Del").click()
    await until(lambda: web_01.received.ctrl_alt_dels == 1, "Ctrl-Alt-Del")


@pytest.mark.parametrize("text", ["plain words", "Zürich, 東京 🖥\nand a second line"])
async def test_the_clipboard_passes_both_ways(tab: Tab, web_01: Screen, text: str) -> None:
    await tab.page.click("#clipboard")
    await tab.page.fill("#clipboard-text", text)
    await tab.page.click("#clipboard-send")
    await until(lambda: list(web_01.received.clipboards)[-1:] == [text], "the clipboard")
    await tab.page.keyboard.type("copy from the server\n")
    await expect(tab.page.locator("#clipboard-text")).to_have_value("from the server")


async def test_view_only_sends_nothing_that_the_person_does(tab: Tab, web_01: Screen) -> None:
    await tab.page.mouse.click(500, 400)
    await tab.page.keyboard.type("x")
    await until(lambda: len(web_01.received.keys) == 2 and len(web_01.received.clicks) > 0, "a click and a key")
    await tab.page.click("#view-only")
    await tab.until_state("connected")  # anew: the gateway keeps it, not the page
    await asyncio.sleep(0.3)  # the first requests of the new session
    keys, clicks, sent = len(web_01.received.keys), len(web_01.received.clicks), len(await tab.sent())
    await tab.page.mouse.click(600, 500)
    await tab.page.keyboard.type("y")
    await asyncio.sleep(1.1)  # the clock on the screen ticks meanwhile, so that the page has something to answer
    assert set((await tab.sent())[sent:]) <= {3}, "requests for updates only"
    assert (len(web_01.received.keys), len(web_01.received.clicks)) == (keys, clicks)


async def test_a_key_that_is_down_when_view_only_begins_is_let_go(tab: Tab, web_01: Screen) -> None:
    await tab.page.keyboard.down("h")
    await until(lambda: [key.down for key in web_01.received.keys] == [True], "the key")
    await tab.page.click("#view-only")
    await until(lambda: [key.down for key in web_01.received.keys] == [True, False], "its release")


async def test_full_screen_and_a_reload_keep_the_screen(tab: Tab, web_01: Screen) -> None:
    await tab.page.click("#full-screen")
    await tab.page.wait_for_function("document.fullscreenElement !== null")
    await tab.page.keyboard.type("ab\n")
    await until(lambda: "ab" in web_01.received.commands, "what was typed in full screen")
    await tab.page.click("#handle")
    await tab.page.click("#full-screen")
    await tab.page.wait_for_function("document.fullscreenElement === null")
    await tab.page.reload(wait_until="domcontentloaded")
    await tab.until_state("connected")
    await tab.page.keyboard.type("cd\n")
    await until(lambda: "cd" in web_01.received.commands, "what was typed after the reload")


async def test_a_killed_and_restarted_console_proxy_is_back_in_the_same_tab(
    demo: Demo, tab: Tab, web_01: Screen
) -> None:
    await demo.cloud.proxy.stop()
    await tab.until_state("reconnecting")
    await demo.cloud.proxy.start()
    await tab.until_state("connected", seconds=40)
    assert "failed" not in await tab.states()
    await tab.page.keyboard.type("back\n")
    await until(lambda: "back" in web_01.received.commands, "what was typed afterwards")


async def test_a_server_that_reboots_comes_back_in_the_same_tab(tab: Tab, web_01: Screen) -> None:
    await tab.page.keyboard.type("reboot\n")
    await tab.until_state("reconnecting")
    await tab.until_state("connected", seconds=60)


async def test_a_server_of_xvpvnc_consoles_alone_is_opened_like_any_other(demo: Demo, profile: Profile) -> None:
    tab = await profile.open(f"{demo.url}/c/rax/shop-db-01")
    await tab.until_state("connected")
    await tab.page.keyboard.type("date\n")
    screen = demo.cloud.screen("shop-db-01")
    await until(lambda: len(screen.received.keys) == 10, "the keys")
    assert demo.cloud.xvp.connections == 1
