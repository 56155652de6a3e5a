"""Debian's Chromium, driven as a person would use it, and what can be read off its screen.

Everything that the browser got to see besides pixels (addresses asked for, console lines, the pages' text and markup)
is written under the suite's output, where the search for secrets finds it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from playwright.async_api import Browser, BrowserContext, Error, Page, async_playwright

from tests.fakes.screens import Colour

EXECUTABLE = "/usr/bin/chromium"
_ARGUMENTS = (
    "--no-sandbox",  # the suite may run as root, for whom Chromium has no sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_NEAR = 6
"""How far a colour channel may be off: noVNC may get its rectangles as JPEG."""

_RECORD_STATES = """
globalThis.launchStates = [];
new MutationObserver(() => {
  const state = document.documentElement?.dataset.state;
  if (state && state !== launchStates.at(-1)) launchStates.push(state);
}).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"]});
"""
_RECORD_SENT = """
globalThis.sentMessages = [];
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (message) {
  sentMessages.push(new Uint8Array(message.buffer ?? message)[message.byteOffset ?? 0]);
  return send.call(this, message);
};
"""
_READ_PIXELS = """(points) => {
  const shown = (canvas) => canvas.width >= 640 && canvas.height >= 480 && canvas.getClientRects().length > 0;
  const canvas = [...document.querySelectorAll("canvas")].find(shown);
  if (!canvas) return null;
  const pen = canvas.getContext("2d");
  return points.map(([x, y]) => [...pen.getImageData(x, y, 1, 1).data].slice(0, 3));
}"""

_numbers = itertools.count(1)


class Shown(Protocol):
    """A picture that a screen is known to show."""

    @property
    def name(self) -> str: ...
    def probes(self) -> list[tuple[int, int, Colour]]:
        """Places, and the colour that each has."""
        ...


@asynccontextmanager
async def chromium(*arguments: str) -> AsyncIterator[Browser]:
    """One headless Chromium with a fresh profile."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=EXECUTABLE, args=[*_ARGUMENTS, *arguments], chromium_sandbox=False
        )
        try:
            yield browser
        finally:
            await browser.close()


class Profile:
    """A person's browser profile: its tabs share cookies, connections and Chromium's queue of WebSocket handshakes."""

    def __init__(self, browser: Browser, output: Path, **options: Any) -> None:
        """`options` are Playwright's for a context: size, colour scheme, permissions."""
        output.mkdir(parents=True, exist_ok=True)
        self._browser = browser
        self._options = options
        self.output = output
        self._context: BrowserContext | None = None
        self.tabs: list[Tab] = []

    async def tab(self) -> Tab:
        """A new, empty tab."""
        if self._context is None:
            self._context = await self._browser.new_context(**self._options)
        page = await self._context.new_page()
        await page.add_init_script(_RECORD_STATES)
        await page.add_init_script(_RECORD_SENT)
        self.tabs.append(Tab(page, self.output / f"tab-{next(_numbers)}"))
        return self.tabs[-1]

    async def open(self, url: str) -> Tab:
        """A new tab with this address; returns when its HTML is there, not when it shows a screen."""
        tab = await self.tab()
        await tab.open(url)
        return tab

    async def close(self) -> None:
        """Keep the records, close all tabs."""
        for tab in self.tabs:
            if not tab.page.is_closed():
                await tab.keep_record()
        if self._context is not None:
            await self._context.close()


class Tab:
    """One tab, with a record of what it got to see."""

    def __init__(self, page: Page, record: Path) -> None:
        self.page = page
        self._record = record
        self._lines: list[str] = []
        page.on("console", lambda message: self._lines.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: self._lines.append(f"error: {error}"))
        page.on("request", lambda request: self._lines.append(f"request: {request.method} {request.url}"))
        page.on("response", lambda response: self._lines.append(f"response: {response.status} {response.url}"))
        page.on("websocket", lambda socket: self._lines.append(f"websocket: {socket.url}"))

    async def open(self, url: str) -> None:
        """Go to this address."""
        await self.page.goto(url, wait_until="domcontentloaded")

    async def state(self) -> str | None:
        """The launch's state as the page shows it now: launching, connected, reconnecting, failed, disconnected."""
        state: str | None = await self.page.evaluate("document.documentElement.dataset.state")
        return state

    async def states(self) -> list[str]:
        """Every state that the page has shown since it was opened."""
        states: list[str] = await self.page.evaluate("launchStates")
        return states

    async def sent(self) -> list[int]:
        """The first byte of every WebSocket message that the page sent: RFB's message type, after the greeting."""
        sent: list[int] = await self.page.evaluate("sentMessages")
        return sent

    async def close(self) -> None:
        """Close the tab, as a person does."""
        await self.keep_record()
        await self.page.close()

    async def text(self) -> str:
        """The page's visible text."""
        return await self.page.inner_text("body")

    def said(self) -> list[str]:
        """The record's lines until now: console, errors, requests, WebSockets."""
        return list(self._lines)

    async def pixels(self, picture: Shown) -> list[list[int]] | None:
        """Red, green and blue at the picture's probes; None while no canvas of a screen's size is shown."""
        points = [(x, y) for x, y, _ in picture.probes()]
        colours: list[list[int]] | None = await self.page.evaluate(_READ_PIXELS, points)
        return colours

    async def shows(self, picture: Shown) -> bool:
        """Whether each probe has its colour."""
        colours = await self.pixels(picture)
        if colours is None:
            return False
        wanted = [colour for _, _, colour in picture.probes()]
        return all(_is_near(seen, colour) for seen, colour in zip(colours, wanted, strict=True))

    async def until_shows(self, picture: Shown, seconds: float = 20.0) -> None:
        """Wait for the picture. Raises AssertionError, with what is to be seen instead."""
        await self._until(lambda: self.shows(picture), seconds, f"the picture {picture.name}")

    async def until_state(self, *states: str, seconds: float = 20.0) -> None:
        """Wait for one of these states. Raises AssertionError, with what is to be seen instead."""

        async def reached() -> bool:
            return await self.state() in states

        await self._until(reached, seconds, f"the state {' or '.join(states)}")

    async def keep_record(self) -> None:
        """Write down what this tab got to see."""
        self._record.with_suffix(".log").write_text("\n".join(self._lines) + "\n")
        try:
            self._record.with_suffix(".html").write_text(await self.page.content())
        except Error as error:
            self._record.with_suffix(".html").write_text(f"no page: {error}")

    async def _until(self, met: Callable[[], Awaitable[bool]], seconds: float, what: str) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not await met():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            await self.page.screenshot(path=self._record.with_suffix(".png"))
            raise AssertionError(f"{what} did not come in {seconds} s; {await self._account()}") from None

    async def _account(self) -> str:
        account: dict[str, Any] = {
            "states": await self.states(),
            "text": await self.text(),
            "record": self._lines[-25:],
        }
        return "\n".join(f"{name}: {value}" for name, value in account.items())


def _is_near(seen: Sequence[int], wanted: Sequence[int]) -> bool:
    return all(abs(one - other) <= _NEAR for one, other in zip(seen, wanted, strict=True))
