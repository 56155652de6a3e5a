"""The Compute API of one cloud, over aiohttp: its servers, and consoles for them.

No redirect is followed and no link of a reply is dialled; every reply is bounded in size and time. A 401 has the API
token renewed once and the request repeated once. Nothing else is tried twice.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlencode, urlsplit

import aiohttp
from yarl import URL

from launcher.clock import Clock
from launcher.cloud import wire
from launcher.cloud.flight import Flight
from launcher.cloud.identity import ApiAccess
from launcher.config.models import Cloud
from launcher.errors import CloudReplyError, CloudUnreachableError, ServerNotFoundError
from launcher.model import Console, ConsoleKey, Kind, Server

_PAGES_AT_MOST: Final = 200
_CONNECT_TIMEOUT: Final = 10.0
_CHUNK: Final = 64 * 1024


class Identity(Protocol):
    """Where the API token comes from."""

    async def access(self) -> ApiAccess:
        """A token that is good for a while yet. Raises CloudError."""
        ...

    async def renew(self, refused: ApiAccess) -> ApiAccess:
        """Another than the one that a 401 refused. Raises CloudError."""
        ...


@dataclass(frozen=True, slots=True)
class Egress:
    """What the cloud's own endpoint says about where its console proxies may be."""

    loopback: bool
    plain: bool
    """`http`, not `https`."""


class RedirectRefusedError(aiohttp.ClientError):
    """A cloud answered with a redirect."""

    def __init__(self, status: int) -> None:
        super().__init__(f"redirect {status} refused")
        self.status = status


async def _refuse_redirects(request: aiohttp.ClientRequest, ask: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp would take X-Auth-Token along to another host; this holds even where `allow_redirects` is forgotten."""
    response = await ask(request)
    if 300 <= response.status < 400:
        response.close()
        raise RedirectRefusedError(response.status)
    return response


def open_http(connections: int = 100) -> aiohttp.ClientSession:
    """The HTTP client for all clouds: no redirects, no cookies, no proxies of the environment; its owner closes it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, limit_per_host=20),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(_refuse_redirects,),
        trust_env=False,
        headers={"Accept": "application/json", "User-Agent": "console-launcher"},
    )


class Compute:
    """One cloud's Compute API. Every method raises CloudError."""

    def __init__(
        self, cloud: Cloud, identity: Identity, http: aiohttp.ClientSession, clock: Clock, *, timeout: float = 40.0
    ) -> None:
        self.name = cloud.name
        self._console_ttl = cloud.entry.console_ttl
        self._identity = identity
        self._http = http
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=_CONNECT_TIMEOUT)
        self._discovered: dict[str, wire.Api] = {}
        self._discovery = Flight[wire.Api]()

    async def egress(self) -> Egress:
        """Whether the endpoint is on loopback, and whether it is plain http."""
        parts = urlsplit((await self._identity.access()).endpoint)
        return Egress(_is_loopback(parts.hostname or ""), parts.scheme == "http")

    async def servers(self) -> tuple[Server, ...]:
        """All servers of the account's project in this region."""
        return await self._all_pages(None)

    async def named(self, name: str) -> tuple[Server, ...]:
        """The servers of exactly this name."""
        return tuple(server for server in await self._all_pages(name) if server.name == name)

    async def glance(self) -> tuple[wire.Api, wire.Reply]:
        """What version discovery found, and the good reply to a listing of one server: whether the account may list."""
        api = await self._api()
        reply = await self._ask(wire.Request("GET", "/servers/detail", query={"limit": "1"}))
        wire.parse_page(self.name, reply)
        return api, reply

    async def server(self, server_id: str) -> Server:
        """The server as it is now. Raises ServerNotFoundError as well."""
        reply = await self._ask_about(server_id, wire.server_request(server_id))
        return wire.parse_server(self.name, reply)

    async def console(self, server_id: str, kind: Kind) -> Console:
        """A new console; its life counts from before the request. Raises ServerNotFoundError as well."""
        api = await self._api()
        reply = await self._ask_about(server_id, wire.console_request(api, server_id, kind))
        return Console(
            key=ConsoleKey(self.name, server_id, kind),
            url=wire.parse_console_url(self.name, reply),
            asked_at=reply.asked_at,
            expires_at=reply.asked_at + self._console_ttl,
            request_id=reply.request_id,
        )

    async def _all_pages(self, name: str | None) -> tuple[Server, ...]:
        found: dict[str, Server] = {}
        marker: str | None = None
        for _ in range(_PAGES_AT_MOST):
            page = wire.parse_page(self.name, await self._ask(wire.servers_request(marker, name)))
            before = len(found)
            found.update((server.id, server) for server in page.servers)
            marker = page.marker
            if marker is None or len(found) == before:  # an old cloud may give the same page for ever
                return tuple(found.values())
        message = f"{self.name} lists more than {_PAGES_AT_MOST * wire.PAGE_SIZE} servers, or never ends its list."
        raise CloudReplyError(message, cloud=self.name)

    async def _ask_about(self, server_id: str, request: wire.Request) -> wire.Reply:
        if not wire.is_server_id(server_id):
            raise ServerNotFoundError(f'{self.name} has no server "{wire.clean(server_id)}".')
        return await self._ask(request, server_id)

    async def _ask(self, request: wire.Request, server_id: str | None = None) -> wire.Reply:
        """The good reply to a request, after one renewal of the API token if need be."""
        prefix = (await self._api()).prefix
        access = await self._identity.access()
        reply = await self._exchange(access, access.endpoint + prefix + request.path, request)
        if reply.status == 401:
            access = await self._identity.renew(access)
            reply = await self._exchange(access, access.endpoint + prefix + request.path, request)
        if not reply.good:
            raise wire.fault_of(self.name, reply, self._clock.now(), server_id)
        return reply

    async def _api(self) -> wire.Api:
        endpoint = (await self._identity.access()).endpoint
        found = self._discovered.get(endpoint)
        return found if found is not None else await self._discovery.share(self._discover)

    async def _discover(self) -> wire.Api:
        """Version discovery; where it gives nothing, the action at the endpoint as given works on every cloud."""
        access = await self._identity.access()
        try:
            reply = await self._exchange(access, wire.version_root(access.endpoint), wire.Request("GET", ""))
        except CloudReplyError as error:
            api, lasting = wire.Api(), error.status is not None  # a redirect, or a body without end
        else:
            api, lasting = wire.parse_api(reply), reply.good or reply.status in {300, 403, 404}
        if lasting:
            self._discovered[access.endpoint] = api
        return api

    async def _exchange(self, access: ApiAccess, url: str, request: wire.Request) -> wire.Reply:
        """One request, one whole reply of whatever status."""
        headers = dict(request.headers)
        if access.token is not None:
            headers["X-Auth-Token"] = access.token.reveal()
        query = f"?{urlencode(request.query)}" if request.query else ""
        asked_at = self._clock.monotonic()
        try:
            async with self._http.request(
                request.method,
                URL(url + query, encoded=True),
                json=request.body,
                headers=headers,
                ssl=access.tls or True,
                allow_redirects=False,
                timeout=self._timeout,
            ) as response:
                body = await self._read(response)
        except RedirectRefusedError as error:
            message = (
                f"{self.name} answered with a redirect ({error.status}), which is never followed. Check its endpoint."
            )
            raise CloudReplyError(message, cloud=self.name, status=error.status) from error
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise self._unreachable(url, error) from error
        if access.token is not None and response.status >= 400:  # an error's text may repeat what was sent
            body = body.replace(access.token.reveal().encode(), b"***")
        return wire.Reply(response.status, {k.lower(): v for k, v in response.headers.items()}, body, asked_at)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > wire.REPLY_LIMIT:
                message = f"{self.name} answered with more than {wire.REPLY_LIMIT // 1024**2} MiB."
                raise CloudReplyError(message, cloud=self.name, status=response.status)
        return bytes(body)

    def _unreachable(self, url: str, error: Exception) -> CloudUnreachableError:
        """No answer; aiohttp's own texts may hold whole URLs and headers, so only chosen parts are said."""
        parts = urlsplit(url)
        match error:
            case TimeoutError():
                why = "no answer in time"
            case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
                why = "its TLS certificate or handshake cannot be trusted; name its CA in cacert"
            case aiohttp.ClientConnectorDNSError():
                why = "its name cannot be resolved"
            case aiohttp.ClientConnectorError() | OSError():
                why = os.strerror(error.errno) if error.errno else "no connection"
            case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError():
                why = "the connection broke off"
            case _:
                why = "its answer is not HTTP that can be read"
        place = f"{parts.scheme}://{parts.netloc}"
        return CloudUnreachableError(
            f"{self.name}: its Compute API at {place} cannot be reached: {why}.", cloud=self.name
        )


def _is_loopback(host: str) -> bool:
    """By literal address or the name localhost; other names are not asked for."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
