"""Pictures of every page, on the demo, in desktop and phone width, light and dark:

    python -m tests.screenshots FOLDER

The list, its menu of bookmarks, the servers of one name, a name that nobody has, the page that asks before another
site's link opens, a console, a launch that waits, servers that are off, in error or not there, a session about to end,
the sheets of the console's tools, and an error page. Look at them after every change of a page.
`list-desktop-light.png` and `console-desktop-dark.png` are the README's.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, Page, Route

from launcher.demo.listener import Pace
from launcher.errors import AmbiguousServerError
from launcher.model import Server
from launcher.web.problems import problem_of
from tests.process.browser import chromium
from tests.process.demo import demo_in_process

SIZES: Final = {"desktop": (1280, 800), "phone": (390, 844)}
SCHEMES: Final = ("light", "dark")
Shoot = Callable[[str], Awaitable[None]]


async def several(route: Route) -> None:
    """What the API says of a name that several servers have; the demo has none."""
    names = {"prod": "web-01", "rax": "web-01", "stage": "web-01"}
    states = ("ACTIVE", "SHUTOFF", "BUILD")
    servers = [
        Server(cloud, str(uuid.uuid5(uuid.NAMESPACE_DNS, cloud)), name, state)
        for (cloud, name), state in zip(names.items(), states, strict=True)
    ]
    problem = problem_of(AmbiguousServerError('3 servers answer to "web-01".', servers))
    await route.fulfill(status=409, json=problem, content_type="application/problem+json")


async def linked(page: Page, to: str) -> None:
    """Follow a link of another site."""
    wiki = "http://wiki.localhost/"
    body = f"<!doctype html><title>wiki</title><a href='{to}'>the server</a>"
    await page.route(f"{wiki}**", lambda route: route.fulfill(body=body, content_type="text/html"))
    await page.goto(wiki)
    await page.click("a")
    await page.wait_for_selector("#open:enabled")


async def soon_over(route: Route) -> None:
    """A launch whose session is about to end by its limits; the demo's have none."""
    reply = await route.fetch()
    await route.fulfill(
        response=reply, json={**await reply.json(), "ends": {"seconds": 47.2, "why": "idle", "limit": 900}}
    )


async def take(page: Page, url: str, slow: str, shoot: Shoot) -> None:
    """Every page once. `slow` is a demo whose screens take their time."""
    await page.goto(url)
    await page.wait_for_selector("html[data-state=ready]")
    await shoot("list")
    await page.locator("#servers .bookmark").nth(3).click()
    await shoot("bookmark")
    await page.keyboard.press("Escape")
    await page.route("**/api/v1/servers/shared", several)
    await page.goto(f"{url}/c/shared")
    await page.wait_for_selector(".candidates a")
    await shoot("candidates")
    await page.goto(f"{url}/c/wbe-01")
    await page.wait_for_selector("html[data-state=failed]")
    await asyncio.sleep(0.5)
    await shoot("near")
    await linked(page, f"{url}/c/prod/web-01")
    await shoot("link")
    await page.goto(f"{url}/c/prod/web-01")
    await page.wait_for_selector("html[data-state=connected]")
    await asyncio.sleep(1)
    await page.locator("#screen canvas").focus()
    await page.keyboard.type("\nclear\nhelp\necho a bookmark that lasts")
    width, height = page.viewport_size["width"], page.viewport_size["height"]  # type: ignore[index]  # it was set
    await page.mouse.move(width * 0.4, height * 0.75)
    await asyncio.sleep(1)
    await shoot("console")
    for tool in ("keys", "clipboard"):
        await page.click(f"#{tool}")
        await shoot(tool)
        await page.keyboard.press("Escape")
    await page.route("**/api/v1/launches/*", soon_over)
    await page.goto(f"{url}/c/prod/web-01")
    await page.wait_for_selector("#ends:not([hidden])")
    await shoot("ending")
    await page.unroute("**/api/v1/launches/*")
    await page.goto(f"{slow}/c/prod/web-01")
    await page.wait_for_selector("#steps li[data-state=doing]")
    await asyncio.sleep(1.5)
    await shoot("waiting")
    for name, server in (("off", "db-replica-01"), ("error", "backup-01"), ("failed", "nobody")):
        await page.goto(f"{url}/c/prod/{server}")
        await page.wait_for_selector(f"html[data-state={'failed' if name == 'failed' else 'waiting'}]")
        await asyncio.sleep(0.5)
        await shoot(name)
    await page.goto(f"{url}/c/nowhere/web-01")
    await shoot("problem")


async def take_all(browser: Browser, folder: Path, url: str, slow: str) -> None:
    for size, (width, height) in SIZES.items():
        for scheme in SCHEMES:
            context = await browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
                has_touch=size == "phone",
                is_mobile=size == "phone",
                device_scale_factor=1.5,
            )
            page = await context.new_page()
            suffix = f"{size}-{scheme}"

            async def shoot(name: str, page: Page = page, suffix: str = suffix) -> None:
                await page.screenshot(path=folder / f"{name}-{suffix}.png")

            await take(page, url, slow, shoot)
            await context.close()


async def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        demo = await stack.enter_async_context(demo_in_process(place / "demo"))
        slow = await stack.enter_async_context(demo_in_process(place / "slow", pace=Pace(greet=20.0)))
        await take_all(await stack.enter_async_context(chromium()), folder, demo.url, slow.url)
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description="Pictures of every page.")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    asyncio.run(main(parser.parse_args(sys.argv[1:]).folder))
