"""Screens that would cost the browser gigabytes, in Chromium: the sentence is shown, the canvas is not made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.fakes.sized_screen import SizedScreen
from tests.process.browser import Profile, Tab
from tests.process.daemon import Daemon

pytestmark = pytest.mark.asyncio(loop_scope="module")

HUGE = (16384, 16384)
SENTENCE = "The screen has 16384 x 16384 pixels: more than 70 million (relay.screen_limit of the gateway)."


@pytest_asyncio.fixture(loop_scope="module")
async def daemon(suite_output: Path) -> AsyncIterator[Daemon]:
    first, later = SizedScreen(HUGE), SizedScreen((640, 480), [HUGE])
    restless = SizedScreen((640, 480), [(640 + step, 480) for step in range(1000)])
    async with first, later, restless:
        named = {"first": first, "later": later, "restless": restless}
        servers = {name: {"vnc": f"tcp://127.0.0.1:{screen.port}"} for name, screen in named.items()}
        async with Daemon(
            suite_output / "screen-limit", {"rack": {"provider": "static", "servers": servers}}
        ) as daemon:
            yield daemon


async def pixels(tab: Tab) -> int:
    """Of the largest canvas that the page has."""
    found: int = await tab.page.evaluate(
        "Math.max(0, ...[...document.querySelectorAll('canvas')].map((one) => one.width * one.height))"
    )
    return found


@pytest.mark.parametrize(
    ("server", "sentence"),
    [("first", SENTENCE), ("later", SENTENCE), ("restless", "The screen changes its size without end")],
)
async def test_a_screen_that_is_too_large_or_restless_is_told_and_not_made(
    daemon: Daemon, profile: Profile, server: str, sentence: str
) -> None:
    tab = await profile.open(f"{daemon.url}/c/rack/{server}")
    await expect(tab.page.get_by_text(sentence)).to_be_visible()
    await expect(tab.page.locator("html")).to_have_attribute("data-state", "failed")
    assert await pixels(tab) < 1_000_000


async def test_novnc_has_the_hook_that_the_guard_hangs_on(daemon: Daemon, profile: Profile) -> None:
    tab = await profile.open(f"{daemon.url}/")
    page = tab.page
    source = await page.locator("script[type=module]").first.get_attribute("src")
    assert source
    found = await page.evaluate(
        "async (at) => { const { Screen } = await import(at); const above = Object.getPrototypeOf(Screen.prototype);"
        " return [typeof above._resize, above._resize.length]; }",
        source.rpartition("/")[0] + "/screen.js",
    )
    assert found == ["function", 2]
