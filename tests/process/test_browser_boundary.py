"""What a page of somebody else gets out of the gateway, in a real Chromium: nothing.

The attack is one script, run in pages of several origins. A page of the gateway's own runs it first: there it works.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Self

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Route

from tests.fakes.screens import Screen
from tests.process.browser import Profile, Tab, chromium
from tests.process.daemon import Daemon
from tests.process.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

_ATTACK = """async (gateway) => {
  const opened = (path) => new Promise((resolve) => {
    const socket = new WebSocket(gateway.replace("http", "ws") + path, ["binary"]);
    socket.onopen = () => { socket.close(); resolve("open"); };
    socket.onerror = () => resolve("refused");
  });
  const read = async (path, options) => {
    try {
      const reply = await fetch(gateway + path, options);
      return {status: reply.status, text: await reply.text()};
    } catch (error) {
      return {status: 0, text: ""};
    }
  };
  const json = {method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"};
  const blind = {method: "POST", mode: "no-cors", headers: {"Content-Type": "text/plain"}, body: "{}"};
  return {
    socket: await opened("/ws/lab/web-01"),
    servers: await read("/api/v1/servers"),
    blindServers: await read("/api/v1/servers", {mode: "no-cors", credentials: "include"}),
    console: await read("/api/v1/servers/lab/web-01/console", json),
    blindConsole: await read("/api/v1/servers/lab/web-01/console", blind),
    sessions: await read("/api/v1/sessions"),
    page: await read("/c/lab/web-01"),
  };
}"""
_FRAME = """async (address) => {
  const frame = document.createElement("iframe");
  frame.src = address;
  const loaded = new Promise((resolve) => { frame.onload = resolve; });
  document.body.append(frame);
  await loaded;
}"""
_EVIL = "evil.example"


class Wire:
    """What passes between Chromium and the servers: a page of another origin is not told how it was answered."""

    def __init__(self) -> None:
        self._methods: dict[str, str] = {}
        self._answers: dict[str, int] = {}

    @classmethod
    async def tapped(cls, tab: Tab) -> Self:
        """From now on."""
        wire = cls()
        session = await tab.page.context.new_cdp_session(tab.page)
        session.on("Network.requestWillBeSent", wire._sent)
        session.on("Network.responseReceivedExtraInfo", wire._answered)
        await session.send("Network.enable")
        return wire

    async def answers_to(self, method: str) -> set[int]:
        """The statuses that requests of this method were answered with; waits until there is one.

        Chromium itself keeps some back, after a preflight that got no leave; those have no answer.
        """
        async with asyncio.timeout(10):
            while True:
                answered = {self._answers.get(request) for request, used in self._methods.items() if used == method}
                if answered - {None}:
                    return {status for status in answered if status is not None}
                await asyncio.sleep(0.02)

    def _sent(self, event: dict[str, Any]) -> None:
        self._methods[event["requestId"]] = event["request"]["method"]

    def _answered(self, event: dict[str, Any]) -> None:
        """May come before the news that the request was sent: from another of Chromium's processes."""
        self._answers[event["requestId"]] = event["statusCode"]


@pytest_asyncio.fixture(loop_scope="module")
async def daemon(site: Site, screen: Screen) -> AsyncIterator[Daemon]:
    """A daemon with one server that has a screen."""
    site.add_server("web-01", screen)
    async with site.daemon() as daemon:
        yield daemon


@pytest_asyncio.fixture(loop_scope="module")
async def other_port() -> AsyncIterator[int]:
    """Another web server on loopback: whatever name Chromium calls it by, it serves an empty page.

    At `/sandboxed` the page has no origin: it says `null`.
    """

    async def empty(request: web.Request) -> web.Response:
        sandboxed = {"Content-Security-Policy": "sandbox allow-scripts"} if request.path == "/sandboxed" else {}
        text = "<!doctype html><title>elsewhere</title><body>"
        return web.Response(text=text, content_type="text/html", headers=sandboxed)

    app = web.Application()
    app.router.add_get("/{any:.*}", empty)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def misled_browser(_chromium_is_there: None) -> AsyncIterator[Browser]:
    """A Chromium whose name service says that evil.example is this machine.

    It is without the checks that keep a public page from loopback: not every browser has them.
    """
    unguarded = "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets"
    async with chromium(f"--host-resolver-rules=MAP {_EVIL} 127.0.0.1", unguarded) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def misled(misled_browser: Browser, suite_output: Any) -> AsyncIterator[Profile]:
    """A person's profile in that Chromium."""
    profile = Profile(misled_browser, suite_output / "browser")
    yield profile
    await profile.close()


async def test_the_attack_works_on_a_page_of_the_gateway_itself(site: Site, daemon: Daemon, profile: Profile) -> None:
    tab = await profile.open(f"{daemon.url}/")
    loot = await tab.page.evaluate(_ATTACK, daemon.url)
    assert loot["socket"] == "open"
    assert loot["console"]["status"] == 200
    assert "web-01" in loot["servers"]["text"]
    assert site.console_requests() == 1


async def test_a_page_on_another_loopback_port_gets_nothing(
    site: Site, daemon: Daemon, other_port: int, profile: Profile
) -> None:
    tab = await profile.open(f"http://127.0.0.1:{other_port}/")
    await _assert_nothing_is_got(site, tab, daemon.url, answer=403)


async def test_a_page_of_a_foreign_origin_gets_nothing(
    site: Site, daemon: Daemon, other_port: int, misled: Profile
) -> None:
    tab = await misled.open(f"http://{_EVIL}:{other_port}/")
    await _assert_nothing_is_got(site, tab, daemon.url, answer=403)


async def test_a_page_without_an_origin_gets_nothing(
    site: Site, daemon: Daemon, other_port: int, profile: Profile
) -> None:
    tab = await profile.open(f"http://127.0.0.1:{other_port}/sandboxed")
    assert await tab.page.evaluate("origin") == "null"
    await _assert_nothing_is_got(site, tab, daemon.url, answer=403)


async def test_a_rebound_name_gets_nothing(site: Site, daemon: Daemon, misled: Profile) -> None:
    """The page came from the name's first address; by now the name leads to the gateway, and all is one origin."""
    rebound = f"http://{_EVIL}:{daemon.port}"

    async def first_address(route: Route) -> None:
        await route.fulfill(content_type="text/html", body="<!doctype html><title>before</title><body>")

    tab = await misled.tab()
    await tab.page.route(f"{rebound}/bait", first_address)
    await tab.open(f"{rebound}/bait")
    await _assert_nothing_is_got(site, tab, rebound, answer=421)


@pytest.mark.parametrize("path", ["/", "/c/lab/web-01", "/api/v1/servers", "/healthz", "/no/such/path"])
async def test_under_a_rebound_name_the_gateway_says_one_sentence_and_nothing_of_itself(
    daemon: Daemon, misled: Profile, path: str
) -> None:
    tab = await misled.tab()
    reply = await tab.page.goto(f"http://{_EVIL}:{daemon.port}{path}")
    assert reply is not None
    assert reply.status == 421
    text = await tab.text()
    assert f"{_EVIL}:{daemon.port}" in text
    assert "lab" not in text
    assert "web-01" not in text


async def test_no_page_may_frame_a_console(site: Site, daemon: Daemon, other_port: int, profile: Profile) -> None:
    tab = await profile.open(f"http://127.0.0.1:{other_port}/")
    await tab.page.evaluate(_FRAME, f"{daemon.url}/c/lab/web-01")
    assert not [line for line in tab.said() if line.startswith("websocket:")]
    assert any("frame-ancestors" in line for line in tab.said())
    assert site.console_requests() == 0


async def _assert_nothing_is_got(site: Site, tab: Tab, gateway: str, *, answer: int) -> None:
    """A page of another origin cannot read even the refusals; a rebound one reads those, and nothing else."""
    wire = await Wire.tapped(tab)
    loot: dict[str, Any] = await tab.page.evaluate(_ATTACK, gateway)
    assert loot.pop("socket") == "refused"
    for what, reply in loot.items():
        assert reply["status"] == (answer if answer == 421 else 0), what
        assert "lab" not in reply["text"], what
        assert "web-01" not in reply["text"], what
    handshake = [line for line in tab.said() if "WebSocket" in line and f"Unexpected response code: {answer}" in line]
    assert handshake, tab.said()
    assert await wire.answers_to("POST") == {answer}
    assert site.console_requests() == 0


def _requests(site: Site) -> int:
    """How much the cloud was asked, for anything."""
    return len(site.compute.requests)


async def _follow(tab: Tab, wiki: str, to: str, *, referrer: str = "") -> None:
    """Open a page of another site, and click its only link."""
    await tab.open(f"{wiki}/page")
    await tab.page.evaluate(
        """([to, referrer]) => {
          const link = document.createElement("a");
          link.href = to;
          link.referrerPolicy = referrer;
          link.textContent = "the server";
          document.body.append(link);
        }""",
        [to, referrer],
    )
    await tab.page.click("a")
    await tab.page.wait_for_url(f"{to}*")


async def _asks(tab: Tab) -> bool:
    """Whether the page asks before it opens anything."""
    await tab.page.wait_for_load_state()
    return await tab.page.locator("#open").count() == 1


async def test_three_hundred_pictures_of_another_site_cost_the_cloud_no_request(
    site: Site, daemon: Daemon, other_port: int, profile: Profile
) -> None:
    tab = await profile.open(f"http://wiki.localhost:{other_port}/")
    answered = await tab.page.evaluate(
        """async (gateway) => {
          const load = (path) => new Promise((resolve) => {
            const picture = new Image();
            picture.onload = picture.onerror = () => resolve(path);
            picture.src = gateway + path;
          });
          const paths = Array.from({length: 300}, (_, count) => `/c/name-${count}`);
          paths.push("/api/v1/servers/lab/web-01", "/api/v1/servers", "/readyz?deep=1");
          return (await Promise.all(paths.map(load))).length;
        }""",
        daemon.url,
    )
    assert answered == 303
    assert _requests(site) == 0


@pytest.mark.parametrize("name", ["wiki.localhost", "127.0.0.1"])
async def test_a_wiki_s_link_asks_once_and_neither_reload_nor_back_asks_again(
    site: Site, daemon: Daemon, other_port: int, profile: Profile, screen: Screen, name: str
) -> None:
    wiki, console = f"http://{name}:{other_port}", f"{daemon.url}/c/lab/web-01"
    tab = await profile.tab()
    await _follow(tab, wiki, console)
    assert await _asks(tab)
    await tab.page.reload()
    assert await _asks(tab), "nobody has said yes"
    assert "Open lab/web-01" in await tab.text()
    assert f"A link on {wiki}" in await tab.text()
    assert _requests(site) == 0
    await tab.page.wait_for_selector("#open:focus:enabled")
    await tab.page.keyboard.press("Enter")
    await tab.page.wait_for_selector("html[data-state=connected]")
    await tab.until_shows(screen.picture)
    await tab.page.reload()
    await tab.until_shows(screen.picture)
    await tab.page.go_back()
    assert tab.page.url == f"{wiki}/page", "the page that asked is in no history"
    await tab.page.go_forward(wait_until="domcontentloaded")
    await tab.until_shows(screen.picture)


async def test_a_click_or_key_that_was_begun_elsewhere_opens_nothing(
    site: Site, daemon: Daemon, other_port: int, profile: Profile
) -> None:
    tab = await profile.tab()
    await tab.page.add_init_script("globalThis.held = []; globalThis.setTimeout = (act) => held.push(act);")
    await _follow(tab, f"http://wiki.localhost:{other_port}", f"{daemon.url}/c/lab/web-01")
    assert await _asks(tab)
    button = tab.page.locator("#open")
    await tab.page.keyboard.down("Enter")
    await button.click(force=True)
    assert await button.is_disabled()
    await tab.page.evaluate("held.splice(0).at(-1)()")
    assert await button.evaluate("(button) => button === document.activeElement && !button.disabled")
    await tab.page.keyboard.down("Enter")  # it was never let go of: a repetition
    await tab.page.evaluate("dispatchEvent(new Event('focus'))")
    assert await button.is_disabled(), "another window was in front until now"
    await button.click(force=True)
    assert await _asks(tab)
    assert _requests(site) == 0


async def test_a_window_that_another_site_opens_launches_nothing(
    site: Site, daemon: Daemon, other_port: int, profile: Profile
) -> None:
    tab = await profile.open(f"http://wiki.localhost:{other_port}/")
    for path, shown in (("/c/lab/web-01", "Open lab/web-01"), ("/c/web-01", "Open web-01"), ("/vnc.html?token=t", "t")):
        async with tab.page.context.expect_page() as opened:
            await tab.page.evaluate("(address) => { window.open(address); }", daemon.url + path)
        window = await opened.value
        await window.wait_for_load_state()
        assert shown in await window.inner_text("#open"), path
        await window.close()
    for path in ("/api/v1/servers/lab/web-01", "/readyz?deep=1"):
        async with tab.page.context.expect_page() as opened:
            await tab.page.evaluate("(address) => { window.open(address); }", daemon.url + path)
        window = await opened.value
        await window.wait_for_load_state()
        assert "may not link to this address" in await window.inner_text("body"), path
        await window.close()
    assert _requests(site) == 0


async def test_links_of_the_operator_s_sites_and_the_address_bar_open_at_once(
    site: Site, screen: Screen, other_port: int, profile: Profile
) -> None:
    site.add_server("web-01", screen)
    wiki = f"http://wiki.localhost:{other_port}"
    async with site.daemon(settings={"access": {"links_from": [wiki]}}) as daemon:
        tab = await profile.tab()
        await _follow(tab, wiki, f"{daemon.url}/c/lab/web-01?view=only")
        await tab.until_shows(screen.picture)
        await _follow(tab, f"http://tickets.localhost:{other_port}", f"{daemon.url}/c/lab/web-01")
        assert await _asks(tab)
        await _follow(tab, wiki, f"{daemon.url}/c/lab/web-01", referrer="no-referrer")
        assert await _asks(tab), "it does not say who it is"
        typed = await profile.open(f"{daemon.url}/c/web-01?view=only")
        await typed.page.wait_for_url(f"{daemon.url}/c/lab/web-01?view=only")
        await typed.page.wait_for_selector("html[data-state=connected]")
        await typed.until_shows(screen.picture)


async def test_a_noVNC_link_of_the_operator_s_sites_opens_at_once(  # noqa: N802 -- noVNC is spelled so
    site: Site, other_port: int, profile: Profile, tmp_path: Any
) -> None:
    (tmp_path / "tokens").write_text("kvm: 127.0.0.1:1\n")
    wiki = f"http://wiki.localhost:{other_port}"
    rack = {"rack7": {"provider": "static", "websockify_tokens": str(tmp_path / "tokens")}}
    async with site.daemon(settings={"access": {"links_from": [wiki]}}, others=rack) as daemon:
        tab = await profile.tab()
        for site_name, asks in ((wiki, False), (f"http://tickets.localhost:{other_port}", True)):
            await tab.open(f"{site_name}/")
            address = f"{daemon.url}/vnc.html?path=websockify?token=kvm"
            await tab.page.evaluate("(address) => { location.href = address; }", address)
            await tab.page.wait_for_url(f"{daemon.url}/**")
            assert await _asks(tab) is asks
        await tab.page.wait_for_selector("#open:focus:enabled")
        await tab.page.keyboard.press("Enter")
        await tab.page.wait_for_url(f"{daemon.url}/c/rack7/kvm")
        assert not await _asks(tab)


async def test_an_https_wiki_is_known_once_it_says_who_it_is(
    site: Site, screen: Screen, misled: Profile, tmp_path: Any
) -> None:
    """Chromium tells an http address nothing of an https page, 127.0.0.1 included, unless the page wants it to."""
    site.add_server("web-01", screen)
    wiki = "https://evil.example:8443"
    async with site.daemon(settings={"access": {"links_from": [wiki]}}) as daemon:
        tab = await misled.tab()
        await tab.page.route(f"{wiki}/**", lambda route: route.fulfill(content_type="text/html", body="<body>"))
        await _follow(tab, wiki, f"{daemon.url}/c/lab/web-01")
        assert await _asks(tab)
        await _follow(tab, wiki, f"{daemon.url}/c/lab/web-01", referrer="origin")
        await tab.until_shows(screen.picture)
