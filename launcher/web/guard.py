"""The guard: what every request passes before a route sees it, on every path, static files and 404 included.

In this order, and each step only after the one before it:

1. a request for a service worker that names this gateway by its `Host` is answered, and goes no further
   (`launcher.web.worker`): whatever its target, as browsers can have registered a worker at `//x` too;
2. the target is a plain path: an absolute form would say another host than `Host` does, and `//…` or `/\\…` is a
   redirect off this gateway in the making;
3. `Host`, as it was sent, is a name of this gateway (DNS rebinding);
4. WebSockets and unsafe methods come from a page of this gateway, or from no page at all (cross-site requests); so
   does everything else, but that links of other sites may open pages (`launcher.web.links`), and `/healthz` and
   `/readyz` are open to all;
5. the account at the other end is found, once a connection, and may use this gateway; `/healthz` and `/readyz` alone
   answer to every local account, and tell none of them more than that the daemon runs (`/readyz?deep=1` says more);
6. a body arrives whole within its time.

Refusals are raised as `launcher.errors`; the middleware outside this one turns them into answers. `hardened` puts the
security headers on every answer at the moment that it is prepared, whoever made it: also on those refusals, and on
answers that a route prepares itself. Only what aiohttp refuses before routing, a request that is no HTTP, goes without.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from launcher.access.origin import Names
from launcher.access.peer import Socket
from launcher.access.provenance import OTHER_SITES, Provenance, provenance
from launcher.errors import BadRequestError, ForbiddenError, MisdirectedError, RequestError
from launcher.model import Action, Actor
from launcher.web.worker import asks_for_worker, farewell_worker

ACTOR: Final = web.RequestKey("actor", Actor)
"""Where routes find who asks: `request[ACTOR]`; not there where `is_open`."""

PEER: Final = web.RequestKey("peer", Actor)
"""Who asks, be it that the account is not let in."""

OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})
DEEP: Final = "deep"
"""The key of a query that asks for more than every local account is told."""
BODY_TIMEOUT: Final = 10.0
"""Seconds for a body; ours are a line of JSON."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SITE: Final = "Sec-Fetch-Site"
_HOW_TO_LINK = "Link to the list of servers, or to a console's page by its address, as an ordinary link."
NOVNC_PAGES: Final = frozenset({"/vnc.html", "/vnc_lite.html", "/vnc_auto.html"})
"""The pages of a noVNC that stood before a websockify: old bookmarks lead to the gateway's own."""
_SHOWN = 100
"""Characters of a stranger's header that an error repeats."""


class Identifies(Protocol):
    """Names who is at the other end of a connection: `launcher.access.peer.Peers`."""

    async def actor(self, sock: Socket, known: int | None = None) -> Actor | None:
        """The account, or None where the kernel does not tell; its user id may be `known` of this connection."""
        ...


class Counts(Protocol):
    """Counts the connections of those who are let in: `launcher.web.accepting.Reception`."""

    def uid(self, sock: Socket) -> int | None:
        """The account at the other end, where that was known when the connection was accepted."""
        ...

    def admit(self, sock: Socket, uid: int) -> None:
        """Raises TooManyConnectionsError."""
        ...


class Authorizes(Protocol):
    def authorize(self, actor: Actor | None, action: Action) -> None: ...


class Watches(Protocol):
    """Puts on record who is not let in: `launcher.web.refused.RefusalWatch`."""

    def refused(self, request: web.Request, error: RequestError, *, who: Actor | None, let_in: bool) -> None: ...
    def claims(self, request: web.Request, *, who: Actor | None) -> None: ...


def guard(
    names: Names,
    policy: Callable[[], Authorizes],
    peers: Identifies,
    *,
    counts: Counts | None = None,
    body_timeout: float = BODY_TIMEOUT,
    watch: Watches | None = None,
) -> Middleware:
    """The middleware; it belongs right inside the one that turns errors into answers. `policy` gives today's.

    `watch` is told of every request that is refused, by the guard or by a route, and of headers that name an account.
    """
    door = _Door(policy, peers, counts)

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if asks_for_worker(request):
            check_host(names, request)
            return farewell_worker()
        check_target(request)
        host = check_host(names, request)
        check_origin(names, request, host)
        check_provenance(request)
        if not is_open(request):
            request[ACTOR] = await door.let_in(request)
            await _read_body(request, body_timeout)
        return await handler(request)

    return guarded if watch is None else _watched(guarded, watch)


def _watched(guarded: Middleware, watch: Watches) -> Middleware:
    @web.middleware
    async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await guarded(request, handler)
        except RequestError as error:
            watch.refused(request, error, who=request.get(PEER), let_in=ACTOR in request)
            raise
        finally:
            watch.claims(request, who=request.get(PEER))

    return watched


def is_open(request: web.Request) -> bool:
    """Whether every local account is answered."""
    return request.path in OPEN_PATHS and DEEP not in request.query


class _Door:
    """Finds who is at the other end, once a connection, and lets them in or not at each request."""

    def __init__(self, policy: Callable[[], Authorizes], peers: Identifies, counts: Counts | None) -> None:
        self._policy = policy
        self._peers = peers
        self._counts = counts
        self._actors: WeakKeyDictionary[asyncio.Transport, Actor] = WeakKeyDictionary()

    async def let_in(self, request: web.Request) -> Actor:
        """Raises NotSignedInError, ForbiddenError, TooManyConnectionsError; a refused account is looked at anew.

        For their account may have had no name yet, and be let in by it then.
        """
        transport = request.transport  # None: the client has gone
        actor = self._actors.pop(transport, None) if transport else None
        if actor is None and transport is not None:
            sock = transport.get_extra_info("socket")  # None with TLS: the client has gone in this very turn
            known = self._counts.uid(sock) if self._counts is not None and sock is not None else None
            actor = await self._peers.actor(sock, known) if sock is not None else None
        if actor is not None:
            request[PEER] = actor
        self._policy().authorize(actor, Action.LIST)
        assert actor is not None  # no policy lets nobody in
        assert transport is not None  # nor a client that has gone
        sock = transport.get_extra_info("socket")
        if self._counts is not None and sock is not None:
            self._counts.admit(sock, actor.uid)
        self._actors[transport] = actor
        return actor


def hardened(headers: Mapping[str, str]) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """A receiver for `app.on_response_prepare` that puts `headers` on every answer which does not say otherwise.

    A connection stays open only for those who are let in: who is refused, or asks for an open path, gets one answer.
    """

    async def harden(request: web.Request, response: web.StreamResponse) -> None:
        if ACTOR not in request:
            response.force_close()
            response.headers["Connection"] = "close"
        for name, value in headers.items():
            response.headers.setdefault(name, value)

    return harden


def check_target(request: web.Request) -> None:
    """Raises BadRequestError for anything but a plain path."""
    for path in (request.raw_path, request.path):
        if not path.startswith("/") or path.startswith(("//", "/\\")):
            raise BadRequestError("A request to this gateway names a plain path, like /c/prod/web-01.")


def check_host(names: Names, request: web.Request) -> str:
    """The raw `Host`. Raises MisdirectedError if it is not a name of this gateway.

    Never `request.host`: for an absolute-form request that is the target's host, not the header's.
    """
    sent = request.headers.getall("Host", [])
    if len(sent) != 1 or not names.allows_host(sent[0]):
        raise MisdirectedError(", ".join(sent)[:_SHOWN])
    return sent[0]


def check_origin(names: Names, request: web.Request, host: str) -> None:
    """Raises ForbiddenError for a WebSocket or an unsafe method that a page of another origin asks for.

    Browsers send `Origin` with every WebSocket and every unsafe request across origins. A missing one is the command
    line's or another program's, unless it carries what only browsers have.
    """
    if request.method in _SAFE_METHODS and "Upgrade" not in request.headers:
        return
    sent = request.headers.getall("Origin", [])
    if not sent:
        if request.headers.get(_SITE, "none") in OTHER_SITES or "Cookie" in request.headers:
            raise ForbiddenError(
                "A page of another site may not use this gateway; open the gateway's own page instead."
            )
    elif len(sent) > 1 or not names.allows_origin(sent[0], host, tls=request.secure):
        raise ForbiddenError(
            f'A page of "{", ".join(sent)[:_SHOWN]}" may not use this gateway; open the gateway\'s own page instead.'
        )


def check_provenance(request: web.Request) -> None:
    """Raises ForbiddenError for what another site's page loads, frames or fetches, and for its links to no page.

    Answers stay unreadable for that page in any case; but each would cost the gateway, and its clouds, a request.
    """
    found = provenance_of(request)
    if found is Provenance.OWN or is_open(request):
        return
    if found is Provenance.FOREIGN_PAGE:
        raise ForbiddenError("A page of another site may not load anything of this gateway.", hint=_HOW_TO_LINK)
    if not is_linked_page(request.path):
        raise ForbiddenError("Another site may not link to this address of the gateway.", hint=_HOW_TO_LINK)


def provenance_of(request: web.Request) -> Provenance:
    """Where the request comes from, by what its browser says; a WebSocket's by its `Origin`, which is checked alone."""
    if "Upgrade" in request.headers:
        return Provenance.OWN
    sent = request.headers
    return provenance(sent.getall(_SITE, []), sent.get("Sec-Fetch-Mode", ""), sent.get("Sec-Fetch-Dest", ""))


def is_linked_page(path: str) -> bool:
    """Whether other sites may link to it: the list of servers, consoles, and the addresses of noVNC's pages."""
    return path == "/" or is_console(path)


def is_console(path: str) -> bool:
    """Whether it is the address of a console's page, an alias, a name, or a page of noVNC's."""
    return path.startswith("/c/") or path in NOVNC_PAGES


async def _read_body(request: web.Request, timeout: float) -> None:
    """Take the body in, so that it is there when the route asks for it. Raises BadRequestError if it does not come."""
    if request.method == "GET" or not request.can_read_body:  # what comes behind an upgrade is no body
        return
    try:
        async with asyncio.timeout(timeout):
            await request.read()
    except TimeoutError as error:
        raise BadRequestError(f"The rest of the request did not arrive within {timeout:g} s.") from error
    except web.RequestPayloadError as error:
        raise BadRequestError("The body of the request cannot be read: its encoding or length is wrong.") from error
