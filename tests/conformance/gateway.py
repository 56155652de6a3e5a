"""One running gateway for all rows, whose cloud is each row's own: what it asks, and what comes of it.

Between two rows the gateway is told that its clouds have changed, as a reload does: nothing of the row before is left
to it. Time passes by itself while the gateway waits, and every pause is noted among what it asks.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import urllib.parse
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from launcher.audit.events import LaunchEvent
from launcher.config.models import Config
from launcher.daemon import Gateway, open_gateway
from launcher.parts import Gathered, gather
from tests.conformance.shapes import (
    BARE,
    NEW,
    NOVA,
    NOVNC_TOKEN,
    NOW,
    OLD,
    PROJECT,
    RAX,
    SERVER_ID,
    XVP_TOKEN,
    Act,
    Answer,
    Granted,
    Site,
    console,
    fault,
)
from tests.fakes.clock import HastyClock
from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import FaultyProxy
from tests.fakes.identity import FakeIdentity
from tests.fakes.issued import note, put_out
from tests.fakes.keystone_in_loop import KeystoneInLoop
from tests.fakes.viewer import Viewer
from tests.fakes.xvp_proxy import Host, XvpProxy, either_kind

Asked = tuple[str, str, str] | float
"""Method, the last word of the path and the kind of a console; or the seconds of a pause."""
SIGN_IN: Asked = ("POST", "tokens", "")
VERSIONS: Asked = ("GET", "versions", "")
STATE: Asked = ("GET", SERVER_ID, "")
LOOK_UP: Asked = ("GET", "detail", "")
_OTHER_KIND = {"novnc": "xvpvnc", "xvpvnc": "novnc"}
_LAUNCH = "launch-of-the-row-{:04}"


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What a viewer saw of its launch, and what stands in the log."""

    code: int | None
    """Of the close frame; None: it got its screen."""
    reason: str
    launch: dict[str, Any]
    """As the page reads it, once it was over."""
    logged: LaunchEvent


class AnyCloud:
    """The gateway; `asked` is all that it asked in the present row."""

    def __init__(
        self,
        gateway: Gateway,
        fake: FakeCompute,
        clock: HastyClock,
        sites: Mapping[Site, Gathered],
        asked: list[Asked],
    ) -> None:
        self.asked = asked
        self._gateway = gateway
        self._fake = fake
        self._clock = clock
        self._sites = sites
        self._port = int(gateway.where[0].rsplit(":", 1)[1])
        self._count = 0

    def become(self, row: Answer | Granted) -> None:
        """A new cloud that gives the row's answer, and has been asked nothing."""
        gathered = self._sites[row.site]
        self._gateway.replace(dataclasses.replace(gathered, clouds=()))  # one that only changes keeps its patience
        self._gateway.replace(dataclasses.replace(gathered, digests={row.site.cloud: os.urandom(8)}))
        self._clock.restart()
        self._fake.max_version = row.site.max_version
        self._fake.servers.clear()
        self._fake.add_server("web-01", id=SERVER_ID)
        self._fake.fault = _Answers(self._fake, row, self.asked)
        self.asked.clear()

    async def post(self, row: Answer | Granted) -> tuple[int, dict[str, Any]]:
        """Ask for a console of the row's kind."""
        path = f"http://127.0.0.1:{self._port}/api/v1/servers/{row.site.cloud}/web-01/console"
        async with aiohttp.ClientSession() as http, http.post(path, json={"kind": row.kind}) as reply:
            put_out(await reply.text())
            return reply.status, await reply.json(content_type=None)

    async def view(self, row: Answer | Granted) -> Seen:
        """Open the server's console, until the screen is there or the viewer is told why not."""
        self._count += 1
        launch = _LAUNCH.format(self._count)
        with _launches_logged() as logged:
            async with Viewer(self._port, f"/ws/{row.site.cloud}/web-01?launch={launch}") as viewer:
                code, reason = await viewer.first_word()
                told = await self._launch(launch)
        return Seen(code, reason, told, logged[0])

    async def _launch(self, launch: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self._port}/api/v1/launches/{launch}"
        async with aiohttp.ClientSession() as http, http.get(url) as reply:
            put_out(await reply.text())
            told: dict[str, Any] = await reply.json()
            return told


class _Answers:
    """The row's cloud, which notes what it is asked."""

    def __init__(self, fake: FakeCompute, row: Answer | Granted, asked: list[Asked]) -> None:
        self._fake = fake
        self._row = row
        self._asked = asked
        self._shows = list(row.shows) if isinstance(row, Answer) else ["ACTIVE"]
        self._given = 0

    async def __call__(self, request: web.Request) -> web.Response | None:
        word = request.path.rstrip("/").rpartition("/")[2]
        kind = await _kind(request)
        self._asked.append((request.method, "versions" if word.startswith("v2") else word, kind))
        if request.method == "POST":
            return self._console(kind)
        return self._show() if word == SERVER_ID else None

    def _console(self, kind: str) -> web.Response:
        row = self._row
        if kind != row.kind and row.kind == "xvpvnc":
            return _reply(400, fault("badRequest", 400, "Unavailable console type vnc."))
        self._given += 1
        if isinstance(row, Answer) and row.once and self._given > 1:
            return _reply(200, console(kind, self._fake.mint(SERVER_ID, kind)))
        return web.Response(status=row.status, headers=row.headers, body=row.body)

    def _show(self) -> web.Response | None:
        status, _, task = (self._shows.pop(0) if len(self._shows) > 1 else self._shows[0]).partition("/")
        self._fake.servers.clear()
        if not status:
            return _reply(404, fault("itemNotFound", 404, f"Instance {SERVER_ID} could not be found."))
        self._fake.add_server("web-01", status, SERVER_ID, task_state=task or None)
        return None


def _reply(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, headers=NOVA)


async def _kind(request: web.Request) -> str:
    """Of the console that is asked for, by either console API."""
    if request.method != "POST":
        return ""
    (argument,) = (await request.json()).values()
    return str(argument["type"])


def asks(site: Site, kind: str, act: Act) -> list[Asked]:
    """What the words of an act mean for a cloud of this kind."""
    api, other = ("action", "remote-consoles") if site.max_version in {"", "2.5"} else ("remote-consoles", "action")
    words: dict[str, Asked] = {
        "console": ("POST", api, kind),
        "other API": ("POST", other, kind),
        "other kind": ("POST", api, _OTHER_KIND[kind]),
        "state": STATE,
        "versions": VERSIONS,
        "sign in": SIGN_IN,
    }
    return [words[step] if isinstance(step, str) else step for step in act.asks]


def asks_once(act: Act) -> Act:
    """The part of an act that a `POST …/console` has: who asks by it says which kind, and waits for nothing."""
    steps = [step for step in act.asks if step != "other kind"]
    end = next((place for place, step in enumerate(steps) if step == "state" or isinstance(step, float)), len(steps))
    return dataclasses.replace(act, asks=tuple(steps[:end]))


def before(site: Site) -> list[Asked]:
    """What is asked of a new cloud before the first console is."""
    return [*([] if site is BARE else [SIGN_IN]), VERSIONS, LOOK_UP]


@asynccontextmanager
async def any_cloud(folder: Path) -> AsyncIterator[AnyCloud]:
    """The gateway, as long as the context lasts."""
    note(XVP_TOKEN)
    note(NOVNC_TOKEN)
    asked: list[Asked] = []
    clock = HastyClock(NOW, lambda seconds: asked.append(round(seconds, 3)))
    async with AsyncExitStack() as stack:
        fake = await stack.enter_async_context(FakeCompute(project=PROJECT))
        fake.gives_ids = False
        proxy = await stack.enter_async_context(FaultyProxy())
        host, xvp = await stack.enter_async_context(Host()), await stack.enter_async_context(XvpProxy())
        xvp.lead(XVP_TOKEN, host.port)
        proxies = await stack.enter_async_context(either_kind(novnc=proxy.port, xvpvnc=xvp.port))
        fake.mint = lambda *_: proxy.url()
        identity = await stack.enter_async_context(FakeIdentity({"DFW": _endpoint(fake, RAX)}))

        async def signed_in(_: web.Request) -> None:
            asked.append(SIGN_IN)

        identity.fault = signed_in
        keystone = KeystoneInLoop(_endpoint(fake, NEW), lambda: asked.append(SIGN_IN))
        await stack.enter_async_context(keystone)
        configs = _configs(folder, fake, proxies, identity, keystone)
        sites = {site: gather(config) for site, config in configs.items()}
        gateway = await stack.enter_async_context(open_gateway(configs[RAX], clock=clock))
        yield AnyCloud(gateway, fake, clock, sites, asked)


def _configs(
    folder: Path, fake: FakeCompute, proxies: str, identity: FakeIdentity, keystone: KeystoneInLoop
) -> dict[Site, Config]:
    """Each site's configuration; whatever console proxies the recorded console URLs name, ours stands in for them."""
    _write(folder / "secret", identity.api_key)
    _write(folder / "token", note("api-token-that-never-changes"))
    password = note("password-of-the-conformance-test")
    auth = {"auth_url": keystone.auth_url, "username": "ops", "password": password, "project_name": "ops"}
    auth |= {"user_domain_name": "Default", "project_domain_name": "Default"}
    _write(folder / "clouds.yaml", yaml.safe_dump({"clouds": {"prod": {"auth_type": "v3password", "auth": auth}}}))
    hosts = ("https://dfw.servers.console.rackspacecloud.com:443/", "http://127.0.0.1:6080/")
    rewrites = {"console_url": tuple({"from": host, "to": f"{proxies}/"} for host in hosts)}
    rackspace = {
        "provider": "rackspace",
        "username": "ops",
        "api_key": {"file": str(folder / "secret")},
        "regions": ("DFW",),
        "auth_url": identity.auth_url,
    }
    openstack = {"provider": "openstack", "cloud": "prod"}
    bare = {"provider": "none", "endpoint": _endpoint(fake, BARE), "api_token": {"file": str(folder / "token")}}
    entries: Sequence[tuple[Site, dict[str, Any]]] = (
        (RAX, rackspace),
        (OLD, openstack),
        (NEW, openstack),
        (BARE, bare),
    )
    return {
        site: Config.model_validate(
            {
                "listen": ("127.0.0.1:0",),
                "clouds_yaml": str(folder / "clouds.yaml"),
                "clouds": {site.cloud: {**entry, **rewrites}},
            }
        )
        for site, entry in entries
    }


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def _endpoint(fake: FakeCompute, site: Site) -> str:
    version = "v2.1" if site.max_version else "v2"
    return urllib.parse.urljoin(fake.endpoint, f"/{version}/{PROJECT}")


@contextmanager
def _launches_logged() -> Iterator[list[LaunchEvent]]:
    """The log's lines of launches that end meanwhile, as the values that they are made of."""
    found: list[LaunchEvent] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            fields = dict(record.__dict__["fields"])
            if fields.pop("event") == "launch":
                found.append(LaunchEvent(**fields))

    keeper, events = Keeper(), logging.getLogger("launcher.events")
    events.addHandler(keeper)
    try:
        yield found
    finally:
        events.removeHandler(keeper)
