"""The Compute API of one cloud, over aiohttp: its servers, and consoles for them.

No redirect is followed and no link of a reply is dialled; every reply is bounded in size and time. A number of
questions is under way at once, and beside them as many requests for consoles as their own owner lets through: hosts
that do not answer keep nobody from the cloud's servers, nor from another cloud. A 401 has the API token renewed once
and the request repeated once; where even the new token is refused, the next ones are renewed no sooner than after a
while. A cloud that turns out to have the other console API than version discovery said is asked by that one, once, and
remembered so. Nothing else is tried twice. A cloud that limits questions is asked none before its time; requests for
consoles have limits of their own, which their owner minds.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Final, Protocol
from urllib.parse import urlencode, urlsplit

import aiohttp
from yarl import URL

from launcher.clock import Clock
from launcher.cloud import faults, wire
from launcher.cloud.bounds import Gathering
from launcher.cloud.faults import About
from launcher.cloud.flight import Flight
from launcher.cloud.freshness import BELIEVED
from launcher.cloud.http import CloudHttp, RedirectRefusedError
from launcher.cloud.identity import ApiAccess
from launcher.cloud.tls_faults import distrust
from launcher.config.models import BareEntry, Cloud
from launcher.egress import AddressRefusedError, Egress, Refusal
from launcher.errors import CloudBusyError, CloudReplyError, CloudUnreachableError, ListingCutError, ServerNotFoundError
from launcher.model import Console, ConsoleKey, Kind, Server
from launcher.spans import span

_CONNECT_TIMEOUT: Final = 10.0
_CONSOLE_TIMEOUT: Final = 70.0
"""A cloud asks the server's host, and gives up after a minute (rpc_response_timeout of Nova): then it says why."""
_NO_RENEWAL: Final = 30.0
"""Seconds after a cloud has refused a new API token: many who are refused at once must not all sign in for nothing."""
_QUESTIONS: Final = 20
"""The most requests under way at once of those that are for no console."""
_CHUNK: Final = 64 * 1024


class Identity(Protocol):
    """Where the API token comes from."""

    async def access(self) -> ApiAccess:
        """A token that is good for a while yet. Raises CloudError."""
        ...

    async def renew(self, refused: ApiAccess) -> ApiAccess:
        """Another than the one that a 401 refused. Raises CloudError."""
        ...


class Compute:
    """One cloud's Compute API. Every method raises CloudError."""

    def __init__(
        self,
        cloud: Cloud,
        identity: Identity,
        http: CloudHttp,
        clock: Clock,
        *,
        timeout: float = 40.0,
        console_timeout: float = _CONSOLE_TIMEOUT,
    ) -> None:
        self.name = cloud.name
        self._provider = cloud.entry.provider
        self._tokenless = isinstance(cloud.entry, BareEntry) and cloud.entry.api_token is None
        self._console_ttl = cloud.entry.console_ttl
        self._identity = identity
        self._http = http
        self._clock = clock
        self._timeout = _limits(timeout)
        self._console_timeout = _limits(console_timeout)
        self._questions = asyncio.Semaphore(_QUESTIONS)
        self._questions_from = float("-inf")
        self._renews_from = float("-inf")
        self._discovered: dict[str, wire.Api] = {}
        self._discovery = Flight[wire.Api]()

    async def egress(self) -> Egress:
        """Whether the operator has put the cloud on loopback, and whether the endpoint is plain http."""
        access = await self._identity.access()
        return Egress(access.loopback, urlsplit(access.endpoint).scheme == "http")

    async def servers(self) -> tuple[Server, ...]:
        """All servers of the account's project in this region. Raises ListingCutError as well."""
        return await self._all_pages(None)

    async def named(self, name: str) -> tuple[Server, ...]:
        """The servers of exactly this name. Raises ListingCutError where none of those that fitted has it."""
        try:
            found = await self._all_pages(name)
        except ListingCutError as cut:
            matching = tuple(server for server in cut.servers if server.name == name)
            if not matching:
                raise
            return matching
        return tuple(server for server in found if server.name == name)

    async def glance(self) -> tuple[wire.Api, wire.Reply]:
        """What version discovery found, and the good reply to a listing of one server: whether the account may list."""
        api = await self._api()
        reply = await self._ask(wire.Request("GET", "/servers/detail", query={"limit": "1"}), self._about())
        wire.parse_page(self.name, reply)
        return api, reply

    async def server(self, server_id: str) -> Server:
        """The server as it is now. Raises ServerNotFoundError as well."""
        about = self._about(server_id)
        reply = await self._ask(wire.server_request(server_id), about)
        return wire.parse_server(self.name, reply)

    async def console(self, server_id: str, kind: Kind) -> Console:
        """A new console; its life counts from before the request. Raises ServerNotFoundError as well."""
        about = self._about(server_id, kind)
        api = await self._api()
        reply = await self._reply(api, wire.console_request(api, server_id, kind))
        if wire.misjudged(api, reply):
            other = await self._reconsidered(api)
            if other.remote_consoles is not api.remote_consoles:
                reply = await self._reply(other, wire.console_request(other, server_id, kind))
        reply = self._good(reply, about)
        return Console(
            key=ConsoleKey(self.name, server_id, kind),
            url=wire.parse_console_url(self.name, reply),
            asked_at=reply.asked_at,
            expires_at=reply.asked_at + self._console_ttl,
            request_id=reply.request_id,
        )

    async def _all_pages(self, name: str | None) -> tuple[Server, ...]:
        """All servers, or those of exactly this name. Raises ListingCutError, which has those that fitted."""
        gathering = Gathering(self.name, self._clock.monotonic())
        marker: str | None = None
        more = True
        while more:
            page = wire.parse_page(self.name, await self._ask(wire.servers_request(marker, name), self._about()))
            marker = page.marker
            now = self._clock.monotonic()
            more = gathering.add(page.servers, now, overfull=page.overfull, more=marker is not None)
        if gathering.cut is not None:
            raise ListingCutError(gathering.cut, cloud=self.name, servers=gathering.servers)
        return gathering.servers

    def _about(self, server_id: str | None = None, kind: Kind | None = None) -> About:
        """What a request is about. Raises ServerNotFoundError for an id that has no place in a path."""
        if server_id is not None and not wire.is_server_id(server_id):
            raise ServerNotFoundError(f'{self.name} has no server "{wire.clean(server_id)}".')
        return About(server_id or "", kind.value if kind else "", self._provider, self._tokenless)

    async def _ask(self, request: wire.Request, about: About) -> wire.Reply:
        """The good reply to a question. Raises CloudError, ServerNotFoundError."""
        left = self._questions_from - self._clock.monotonic()
        if left > 0:
            message = f"{self.name} asks for patience: it is asked nothing in the next {span(left)}."
            raise CloudBusyError(message, cloud=self.name, retry_after=left)
        reply = await self._reply(await self._api(), request)
        try:
            return self._good(reply, about)
        except CloudBusyError as error:
            until = self._clock.monotonic() + min(error.retry_after or 0.0, BELIEVED)
            self._questions_from = max(self._questions_from, until)  # a shorter time takes nothing from a longer one
            raise

    def _good(self, reply: wire.Reply, about: About) -> wire.Reply:
        """The reply, if it is a good one. Raises CloudError, ServerNotFoundError."""
        if not reply.good:
            raise faults.compute_fault(self.name, reply, self._clock.now(), about)
        return reply

    async def _reply(self, api: wire.Api, request: wire.Request) -> wire.Reply:
        """The reply to a request, after one renewal of the API token if need be."""
        path = api.prefix + request.path
        access = await self._identity.access()
        reply = await self._exchange(access, access.endpoint + path, request)
        if reply.status != 401 or self._clock.monotonic() < self._renews_from:
            return reply
        renewed = await self._identity.renew(access)
        if renewed.token == access.token:  # one that never changes: it would be refused again
            return reply
        reply = await self._exchange(renewed, renewed.endpoint + path, request)
        if reply.status == 401:
            self._renews_from = self._clock.monotonic() + _NO_RENEWAL
        return reply

    async def _api(self) -> wire.Api:
        endpoint = (await self._identity.access()).endpoint
        found = self._discovered.get(endpoint)
        return found if found is not None else await self._discovery.share(self._discover)

    async def _reconsidered(self, misjudged: wire.Api) -> wire.Api:
        """What is known of the endpoint now that it has not the console API that it was taken to have.

        `remote-consoles` gives way to the action; without the action, version discovery is asked anew, unless somebody
        has done so since.
        """
        endpoint = (await self._identity.access()).endpoint
        if self._discovered.get(endpoint, misjudged) is misjudged:
            if misjudged.remote_consoles:
                self._discovered[endpoint] = replace(misjudged, remote_consoles=False)
            else:
                self._discovered.pop(endpoint, None)
        return await self._api()

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
        console = request.method == "POST"
        limits = self._console_timeout if console else self._timeout
        asked_at = self._clock.monotonic()
        try:
            async with (
                asyncio.timeout(limits.total),
                nullcontext() if console else self._questions,
                self._http.client(loopback=access.loopback).request(
                    request.method,
                    URL(url + query, encoded=True),
                    json=request.body,
                    headers=headers,
                    ssl=access.tls or True,
                    allow_redirects=False,
                    timeout=limits,
                ) as response,
            ):
                body = await _read(response)
        except RedirectRefusedError as error:
            reply = _without_token(access, wire.Reply(error.status, _joined(error.headers), b"", asked_at))
            raise faults.redirected(self.name, reply) from error
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise self._unreachable(url, error) from error
        reply = _without_token(access, wire.Reply(response.status, _joined(response.headers), body, asked_at))
        if len(body) > wire.REPLY_LIMIT:
            raise faults.too_large(self.name, reply)
        return reply

    def _unreachable(self, url: str, error: Exception) -> CloudUnreachableError:
        """No answer; aiohttp's own texts may hold whole URLs and headers, so only chosen parts are said."""
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc}"
        refused = _refused(error)
        if refused is not None:
            return _not_dialled(self.name, place, refused)
        match error:
            case TimeoutError():
                why = "no answer in time"
            case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
                why = distrust(error)
            case aiohttp.ClientConnectorDNSError():
                why = "its name cannot be resolved"
            case aiohttp.ClientConnectorError() | OSError():
                why = os.strerror(error.errno) if error.errno else "no connection"
            case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError():
                why = "the connection broke off"
            case _:
                why = "its answer is not HTTP that can be read"
        return CloudUnreachableError(
            f"{self.name}: its Compute API at {place} cannot be reached: {why}.", cloud=self.name
        )


def _limits(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_TIMEOUT)


def _refused(error: Exception) -> AddressRefusedError | None:
    """Why no connection was tried at all."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return cause if isinstance(cause, AddressRefusedError) else None


def _not_dialled(cloud: str, place: str, refused: AddressRefusedError) -> CloudUnreachableError:
    mend = "Correct the endpoint in the configuration, or the catalog at the cloud."
    if Refusal.LOOPBACK in refused.refused.values():
        mend = (
            "If it does run on this host: name it in endpoint, auth_url, or compute_endpoint_override of clouds.yaml."
        )
    return CloudUnreachableError(f"{cloud}: its Compute API at {place} is not dialled: {refused}. {mend}", cloud=cloud)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The unpacked body, or a little more of it than `REPLY_LIMIT`."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > wire.REPLY_LIMIT:
            break
    return bytes(body)


def _joined(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers by lower-case name; those that were sent twice with a comma between."""
    joined: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined


def _without_token(access: ApiAccess, reply: wire.Reply) -> wire.Reply:
    """The reply without the API token, which headers and an error's text may repeat."""
    if access.token is None:
        return reply
    token = access.token.reveal()
    headers = {name: value.replace(token, "***") for name, value in reply.headers.items()}
    body = reply.body if reply.good else reply.body.replace(token.encode(), b"***")
    return replace(reply, headers=headers, body=body)
