"""Puts the simulated cloud together and runs it on loopback, as long as a context lasts."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from launcher.clock import Clock, SystemClock
from launcher.demo import compute, identity, nova
from launcher.demo.consoles import CONSOLE_TTL, ConsoleTokens, console_url
from launcher.demo.fleet import SITE, Fleet, Machine, State
from launcher.demo.listener import Pace
from launcher.demo.proxy import ConsoleProxy
from launcher.demo.screens import Screen, Screens
from launcher.demo.xvp import XvpProxy
from launcher.model import Kind

_BODY_LIMIT: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class DemoCloud:
    """A simulated cloud that runs."""

    base: str
    """Where its APIs listen: `http://127.0.0.1:PORT`."""
    proxy_base: str
    """Where its console proxy for novnc consoles listens."""
    xvp_base: str
    """Where that for xvpvnc consoles listens."""
    credentials: identity.Credentials = field(repr=False)
    fleet: Fleet
    consoles: ConsoleTokens
    api_tokens: Mapping[str, identity.Scope] = field(repr=False)
    """What each API token that was given is good for."""
    screens: Screens
    proxy: ConsoleProxy
    xvp: XvpProxy

    @property
    def keystone_url(self) -> str:
        return f"{self.base}/identity/v3"

    @property
    def rackspace_url(self) -> str:
        return f"{self.base}/rackspace/v2.0"

    def screen(self, name: str) -> Screen:
        """The screen of the first server of this name: what it shows, and what it received. Raises KeyError."""
        return self.screens.of(self.fleet.named(name))


@asynccontextmanager
async def open_cloud(
    *,
    clock: Clock | None = None,
    machines: Iterable[tuple[Machine, State]] = SITE,
    console_ttl: float = CONSOLE_TTL,
    pace: Pace | None = None,
    page_size: int = nova.PAGE_SIZE,
) -> AsyncIterator[DemoCloud]:
    """APIs, console proxy and screens, on ports of 127.0.0.1 that the kernel picks."""
    clock = clock or SystemClock()
    fleet = Fleet(machines, clock.monotonic())
    consoles, screens = ConsoleTokens(clock, console_ttl), Screens(fleet, clock)
    proxy, xvp = ConsoleProxy(consoles, screens, pace), XvpProxy(consoles, screens, pace)
    credentials, api_tokens = identity.Credentials(), dict[str, identity.Scope]()
    proxy_base, xvp_base = await proxy.start(), await xvp.start()

    def mint(machine: Machine) -> str:
        base = xvp_base if machine.kind is Kind.XVPVNC else proxy_base
        return console_url(base, consoles.mint(machine.id), machine.kind)

    def services(base: str) -> list[web.RouteDef]:
        who = identity.Identity(base, clock, credentials, api_tokens)
        nova_api = compute.Compute(base, fleet, who, mint, clock, page_size=page_size)
        return [*who.routes(), *nova_api.routes()]

    try:
        async with _served(services) as base:
            yield DemoCloud(base, proxy_base, xvp_base, credentials, fleet, consoles, api_tokens, screens, proxy, xvp)
    finally:
        screens.close()
        await proxy.stop()
        await xvp.stop()


@asynccontextmanager
async def _served(services: Callable[[str], list[web.RouteDef]]) -> AsyncIterator[str]:
    """The APIs on one port, which they must know before their routes are made."""
    app = web.Application(client_max_size=_BODY_LIMIT)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    with _free_socket() as sock:
        base = f"http://127.0.0.1:{sock.getsockname()[1]}"
        app.add_routes(services(base))
        app.router.add_route("*", "/identity/{path:.*}", identity.no_such_path)
        app.router.add_route("*", "/{path:.*}", compute.no_such_path)
        await runner.setup()
        try:
            await web.SockSite(runner, sock).start()
            yield base
        finally:
            await runner.cleanup()


def _free_socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.bind(("127.0.0.1", 0))
    return sock
