"""Another account of the jump host takes the loopback address that browsers try first; the gateway leaves it none.

Browsers look for `localhost` and `*.localhost` at ::1 before 127.0.0.1. A page that is served there has an origin of
the gateway's own, so that the browser of somebody whom the gateway lets in would hand it that person's consoles.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Route

from launcher.cli.exits import Exit
from tests.fakes.console_proxy import free_port, until_gone
from tests.fakes.screens import Screen
from tests.fakes.stranger import PAGE, stranger_at
from tests.process.browser import Profile, chromium
from tests.process.daemon import start
from tests.process.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

_OPENED = """(address) => new Promise((resolve) => {
  const socket = new WebSocket(address, ["binary"]);
  socket.onopen = () => { socket.close(); resolve("open"); };
  socket.onerror = () => resolve("refused");
})"""


@pytest_asyncio.fixture(loop_scope="module")
async def unguarded(_chromium_is_there: None, suite_output: Path) -> AsyncIterator[Profile]:
    """A profile without the checks that keep pages from elsewhere from loopback: not every browser has them."""
    async with chromium("--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets") as browser:
        profile = Profile(browser, suite_output / "browser")
        yield profile
        await profile.close()


async def test_another_account_gets_no_address_at_which_browsers_look_for_the_gateway(
    site: Site, screen: Screen, profile: Profile
) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon, stranger_at(daemon.port) as said:
        for host in ("jump.localhost", "localhost"):
            tab = await profile.open(f"http://{host}:{daemon.port}/")
            loot = await tab.page.evaluate(_OPENED, f"ws://127.0.0.1:{daemon.port}/ws/lab/web-01")
            assert (PAGE in await tab.text(), loot) == (False, "refused"), host
    assert said == "Address already in use"
    assert site.console_requests() == 0


async def test_the_gateway_does_not_start_beside_an_account_that_has_the_other_address(
    site: Site, screen: Screen, profile: Profile
) -> None:
    site.add_server("web-01", screen)
    daemon = site.daemon()
    daemon.port = free_port()
    daemon.write_config()
    async with stranger_at(daemon.port) as said:
        assert said == "serving"
        process = start(daemon.folder / "config.yaml", daemon.log_path)
        code = await until_gone(process, 20)
        tab = await profile.open(f"http://jump.localhost:{daemon.port}/")
        assert PAGE in await tab.text()
        loot = await tab.page.evaluate(_OPENED, f"ws://127.0.0.1:{daemon.port}/ws/lab/web-01")
    assert (code, loot) == (Exit.CANNOT_LISTEN, "refused")
    assert f"[::1]:{daemon.port} is in use by another program" in daemon.log()
    assert site.console_requests() == 0


async def test_case_1_an_origin_of_the_gateways_is_good_under_its_own_name_only(
    site: Site, screen: Screen, unguarded: Profile
) -> None:
    """A page that is somehow served at the public URL, without our Content-Security-Policy."""
    site.add_server("web-01", screen)

    async def forged(route: Route) -> None:
        await route.fulfill(content_type="text/html", body="<!doctype html><title>forged</title><body>")

    async with site.daemon() as daemon:
        tab = await unguarded.tab()
        await tab.page.route(f"http://jump.localhost:{daemon.port}/forged", forged)
        await tab.open(f"http://jump.localhost:{daemon.port}/forged")
        opened = {
            host: await tab.page.evaluate(_OPENED, f"ws://{host}:{daemon.port}/ws/lab/web-01")
            for host in ("127.0.0.1", "localhost", "[::1]", "jump.localhost")
        }
    assert opened == {"127.0.0.1": "refused", "localhost": "refused", "[::1]": "refused", "jump.localhost": "open"}
    assert site.console_requests() <= 1
