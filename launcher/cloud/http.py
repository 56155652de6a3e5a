"""The HTTP clients that Compute APIs are asked with: guarded addresses, no redirects, nothing of the surroundings."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import aiohttp
from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import ResolveResult

from launcher.egress import Gate, Listeners, NoListeners


class RedirectRefusedError(aiohttp.ClientError):
    """A cloud answered with a redirect; `headers` are those of its reply."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(f"redirect {status} refused")
        self.status = status
        self.headers = headers


async def _refuse_redirects(request: aiohttp.ClientRequest, ask: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp would take X-Auth-Token along to another host; this holds even where `allow_redirects` is forgotten."""
    response = await ask(request)
    if 300 <= response.status < 400:
        response.close()
        raise RedirectRefusedError(response.status, response.headers)
    return response


class _GuardedResolver(aiohttp.ThreadedResolver):
    """Resolves names, and leaves out the addresses that must not be dialled."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises AddressRefusedError where no address is left."""
        found = await super().resolve(host, port, family)
        allowed = self._gate.allowed([one["host"] for one in found], port)
        return [one for one in found if one["host"] in allowed]


class CloudHttp:
    """The HTTP clients for all clouds: no redirects, no cookies, no proxies of the environment.

    Addresses are judged as they are dialled. Connections are shared by clouds that may dial the same: one for those
    that the operator has put on loopback, one for the others. They limit no number of requests: each cloud has
    limits of its own, so that none waits for another.
    """

    def __init__(self, own: Listeners) -> None:
        self._own = own
        self._clients: dict[bool, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        self._clients = {loopback: _client(Gate(loopback, self._own)) for loopback in (False, True)}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with AsyncExitStack() as stack:
            for client in self._clients.values():
                stack.push_async_callback(client.close)

    def client(self, *, loopback: bool) -> aiohttp.ClientSession:
        """For clouds that the operator has put on loopback, or for the others."""
        return self._clients[loopback]


def open_http(own: Listeners = NoListeners()) -> CloudHttp:  # noqa: B008 -- it has no state
    """To be entered, and so owned; `own` is where this process listens."""
    return CloudHttp(own)


def _client(gate: Gate) -> aiohttp.ClientSession:
    def judged(address: AddrInfoType) -> socket.socket:
        """The socket for an address that is about to be dialled: also literal ones, for which no resolver is asked."""
        gate.allowed([str(address[4][0])], int(address[4][1]))
        return socket.socket(address[0], address[1], address[2])

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0, limit_per_host=0, resolver=_GuardedResolver(gate), socket_factory=judged
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(_refuse_redirects,),
        trust_env=False,
        headers={"Accept": "application/json", "User-Agent": "console-launcher"},
    )
