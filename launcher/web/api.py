"""`/api/v1`: JSON for the pages, the command line and other programs."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from launcher.clock import Clock
from launcher.config.models import Cloud
from launcher.consoles.broker import Obtained
from launcher.errors import BadRequestError, CloudError, ForbiddenError
from launcher.launches import Launch, Launches
from launcher.model import Action, Actor, ConsoleKey, EndReason, Kind, Server
from launcher.relay.sessions import Session, Sessions
from launcher.web.bookmarks import alias_path, bookmarks_of
from launcher.web.current import answered_by
from launcher.web.guard import ACTOR
from launcher.web.problems import problem_of, problem_of_launch

_PAGE = 100
_PAGE_AT_MOST = 1000
_WAIT = 2.0
"""Seconds that clouds which were never listed before are waited for, where several are asked."""
_NUMBER = re.compile(r"[0-9]{1,5}(\.[0-9]{1,3})?")


class Known(Protocol):
    @property
    def errors(self) -> Mapping[str, CloudError]: ...
    @property
    def as_of(self) -> Mapping[str, datetime]: ...
    @property
    def versions(self) -> Mapping[str, int]: ...
    @property
    def waiting(self) -> Sequence[str]: ...


class Listing(Protocol):
    @property
    def servers(self) -> Sequence[Server]: ...
    @property
    def next_marker(self) -> str | None: ...
    @property
    def shared(self) -> frozenset[tuple[str, str]]: ...
    @property
    def known(self) -> Known: ...


class Counts(Protocol):
    @property
    def servers(self) -> Mapping[str, int]: ...
    @property
    def known(self) -> Known: ...


class Directory(Protocol):
    def canonical(self, alias_or_name: str) -> tuple[str, str] | None: ...
    async def resolve(self, cloud: str, reference: str) -> Server: ...
    async def unique(self, name: str) -> Server: ...
    def alone(self, server: Server) -> bool: ...
    async def count(self, *, wait: float | None, max_age: float | None) -> Counts: ...
    async def list(
        self,
        *,
        cloud: str | None,
        query: str,
        limit: int,
        marker: str | None,
        wait: float | None,
        max_age: float | None,
    ) -> Listing: ...


class Policy(Protocol):
    def authorize(self, actor: Actor | None, action: Action, server: Server | None = None) -> None: ...


class Obtains(Protocol):
    def keeps(self, cloud: str) -> bool: ...
    async def obtain(self, key: ConsoleKey) -> Obtained: ...


class Api:
    """The handlers of `/api/v1`."""

    def __init__(
        self,
        *,
        clouds: Sequence[Cloud],
        directory: Directory,
        policy: Policy,
        broker: Obtains,
        sessions: Sessions,
        launches: Launches,
        clock: Clock,
        public_url: str,
    ) -> None:
        self._clouds = tuple(clouds)
        self._directory = directory
        self._policy = policy
        self._broker = broker
        self._sessions = sessions
        self._launches = launches
        self._clock = clock
        self._public_url = public_url.rstrip("/")
        self._mark = secrets.token_hex(8)
        """Of this object, which knows clouds' versions: a restart or a reload counts them anew."""

    async def clouds(self, request: web.Request) -> web.Response:
        """The clouds, in the configuration's order; `?count=true` asks each how many servers it has."""
        self._policy.authorize(request[ACTOR], Action.LIST)
        clouds: list[dict[str, object]] = [
            {"name": cloud.name, "provider": cloud.entry.provider, "region": cloud.region} for cloud in self._clouds
        ]
        if _flag("count", request.query.get("count")):
            counts = await self._directory.count(
                wait=_seconds("wait", request, _WAIT), max_age=_seconds("max_age", request, None)
            )
            for cloud in clouds:
                cloud |= _count(counts, str(cloud["name"]))
        return web.json_response({"clouds": clouds})

    async def servers(self, request: web.Request) -> web.Response:
        """Servers of one cloud or all, as of when they are known, and what went wrong with which cloud.

        They come from what is kept. Clouds of which nothing is kept, or nothing younger than `max_age` seconds, are
        waited for: one that was named as long as it takes, several for two seconds, or for `wait`. Who has the answer
        already is told so by 304: a page asks every half a minute, and ten thousand servers are megabytes.
        """
        self._policy.authorize(request[ACTOR], Action.LIST)
        cloud = request.query.get("cloud") or None
        listing = await self._directory.list(
            cloud=cloud,
            query=request.query.get("q", ""),
            limit=_limit(request.query.get("limit")),
            marker=request.query.get("marker") or None,
            wait=_seconds("wait", request, _WAIT if cloud is None else None),
            max_age=_seconds("max_age", request, None),
        )
        tag = self._tag(listing.known)
        headers = {hdrs.ETAG: f'W/"{tag}"', hdrs.AGE: str(self._age(listing.known))}
        if any(known.value == tag for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.json_response(
            headers=headers,
            data={
                "servers": [
                    self._server(server, shared=(server.cloud, server.name) in listing.shared)
                    for server in listing.servers
                ],
                "next_marker": listing.next_marker,
                "errors": [problem_of(error) for error in listing.known.errors.values()],
                "as_of": {cloud: _iso(moment) for cloud, moment in listing.known.as_of.items()},
                "waiting": list(listing.known.waiting),
            },
        )

    def _tag(self, known: Known) -> str:
        """Of what a listing says of servers and problems; not of its age, and whether younger ones are asked for."""
        said = (self._mark, sorted(known.versions.items()), list(map(str, known.errors.values())))
        return hashlib.sha256(repr(said).encode()).hexdigest()[:32]

    def _age(self, known: Known) -> int:
        """Whole seconds, of the oldest."""
        ages = [(self._clock.now() - moment).total_seconds() for moment in known.as_of.values()]
        return max(0, int(max(ages, default=0)))

    async def server(self, request: web.Request) -> web.Response:
        """One server; its bookmark calls it by what it was asked by."""
        server, _ = await self._asked(request, Action.LIST)
        return web.json_response(self._as_meant(server, request.match_info["server"]))

    async def meant_server(self, request: web.Request) -> web.Response:
        """The server of an alias, whose bookmark the alias then is, or of a name that is unique among all clouds."""
        self._policy.authorize(request[ACTOR], Action.LIST)
        reference = request.match_info["reference"]
        target = self._directory.canonical(reference)
        server = await (self._directory.resolve(*target) if target else self._directory.unique(reference))
        self._policy.authorize(request[ACTOR], Action.LIST, server)
        found = self._as_meant(server, reference)
        return web.json_response(found | self._addresses(alias_path(reference)) if target else found)

    async def console(self, request: web.Request) -> web.Response:
        """Obtain a console, so that a launch finds it; the console URL itself stays inside."""
        wanted = await _body(request)
        if wanted.get("reveal"):
            raise ForbiddenError("This gateway reveals no console URL: open the page or the WebSocket it names.")
        kind = _kind(wanted.get("kind", "novnc"))
        server, by_id = await self._asked(request, Action.CONTROL)
        expires_at, cached = await self._obtained(ConsoleKey(server.cloud, server.id, kind))
        path = bookmarks_of(server, shared=by_id).path
        return web.json_response(
            {
                "page": self._public_url + path,
                "websocket": f"ws{self._public_url.removeprefix('http')}/ws/{path.removeprefix('/c/')}",
                "kind": kind,
                "expires_at": expires_at,
                "cached": cached,
            }
        )

    async def launch(self, request: web.Request) -> web.Response:
        """An actor's own launch: its steps, and its problem when it failed."""
        launch = self._launches.get(request.match_info["id"], request[ACTOR])
        return web.json_response(_launch(launch, self._public_url))

    async def sessions(self, request: web.Request) -> web.Response:
        self._policy.authorize(request[ACTOR], Action.LIST)
        return web.json_response({"sessions": [_session(session) for session in self._sessions]})

    async def end_session(self, request: web.Request) -> web.Response:
        """End a session; its viewer is told who did."""
        session = self._sessions.get(request.match_info["id"])
        self._policy.authorize(request[ACTOR], Action.END, session.server)
        session.end(EndReason.ENDED, 1008, f"Ended by {request[ACTOR].name}.")
        return web.Response(status=204)

    async def _obtained(self, key: ConsoleKey) -> tuple[str | None, bool]:
        """When the console expires, and whether it had been there; where none is kept, none is asked for in vain."""
        if not self._broker.keeps(key.cloud):
            return None, False
        obtained = await self._broker.obtain(key)
        left = obtained.console.expires_at - self._clock.monotonic()
        return _iso(self._clock.now() + timedelta(seconds=left)), obtained.cached

    async def _asked(self, request: web.Request, action: Action) -> tuple[Server, bool]:
        """The server, and whether it was asked for by its UUID: its name may be another's, too."""
        self._policy.authorize(request[ACTOR], action)
        reference = request.match_info["server"]
        server = await self._directory.resolve(request.match_info["cloud"], reference)
        self._policy.authorize(request[ACTOR], action, server)
        return server, server.name != reference

    def _server(self, server: Server, *, shared: bool) -> dict[str, object]:
        bookmarks = bookmarks_of(server, shared=shared)
        return {
            "cloud": server.cloud,
            "id": server.id,
            "name": server.name,
            "status": server.status,
            "task_state": server.task_state,
            "by_name": bookmarks.by_name,
            "by_id": bookmarks.by_id,
            **self._addresses(bookmarks.path),
        }

    def _as_meant(self, server: Server, reference: str) -> dict[str, object]:
        """Where it was not asked for by its name, its own bookmark is that of its UUID."""
        if server.name == reference:
            return self._server(server, shared=False)
        found = self._server(server, shared=not self._directory.alone(server))
        return found | self._addresses(str(found["by_id"]))

    def _addresses(self, path: str) -> dict[str, object]:
        """The bookmark, whole and as a path."""
        return {"page": self._public_url + path, "path": path}


def api_routes(current: Callable[[], Api]) -> list[web.RouteDef]:
    """Every route of the API, answered by the `Api` of the moment in which a request comes in."""
    root = "/api/v1"

    def by(method: Callable[[Api, web.Request], Awaitable[web.StreamResponse]]) -> Handler:
        return answered_by(current, method)

    return [
        web.get(f"{root}/clouds", by(Api.clouds)),
        web.get(f"{root}/servers", by(Api.servers)),
        web.post(f"{root}/servers/{{cloud:[^/]+}}/{{server:[^/]+}}/console", by(Api.console)),
        web.get(f"{root}/servers/{{cloud:[^/]+}}/{{server:[^/]+}}", by(Api.server)),
        web.get(f"{root}/servers/{{reference:[^/]+}}", by(Api.meant_server)),
        web.get(f"{root}/launches/{{id}}", by(Api.launch)),
        web.get(f"{root}/sessions", by(Api.sessions)),
        web.delete(f"{root}/sessions/{{id}}", by(Api.end_session)),
    ]


def _count(counts: Counts, cloud: str) -> dict[str, object]:
    known = counts.known
    error, moment = known.errors.get(cloud), known.as_of.get(cloud)
    return {
        "servers": counts.servers.get(cloud),
        "problem": problem_of(error) if error else None,
        "as_of": _iso(moment) if moment else None,
        "waiting": cloud in known.waiting,
    }


def _flag(name: str, text: str | None) -> bool:
    if text not in (None, "true", "false"):
        raise BadRequestError(f"{name} is true or false.")
    return text == "true"


def _seconds(name: str, request: web.Request, usual: float | None) -> float | None:
    text = request.query.get(name)
    if text is None:
        return usual
    if not _NUMBER.fullmatch(text):
        raise BadRequestError(f"{name} is a number of seconds, like 2 or 0.5.")
    return float(text)


def _limit(text: str | None) -> int:
    if text is None:
        return _PAGE
    if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= _PAGE_AT_MOST:
        raise BadRequestError(f"limit is a number from 1 to {_PAGE_AT_MOST}.")
    return int(text)


def _kind(text: object) -> Kind:
    try:
        return Kind(str(text))
    except ValueError:
        raise BadRequestError(f"kind is one of: {', '.join(Kind)}.") from None


async def _body(request: web.Request) -> dict[str, object]:
    """A JSON object; none at all counts as an empty one. Raises BadRequestError."""
    if not request.body_exists:
        return {}
    if request.content_type != "application/json":
        raise BadRequestError("The body must be application/json.")
    try:
        body = await request.json()
    except (ValueError, LookupError, RecursionError):  # no JSON, no such charset, a number or a depth beyond all sense
        raise BadRequestError("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise BadRequestError("The body must be a JSON object.")
    return body


def _launch(launch: Launch, public_url: str) -> dict[str, object]:
    return {
        "id": launch.id,
        "cloud": launch.cloud,
        "reference": launch.reference,
        "state": launch.state,
        "steps": [
            {
                "name": step.name,
                "state": "failed" if step.failed else "doing" if step.seconds is None else "done",
                "seconds": round(launch.clock.monotonic() - step.began_at if step.seconds is None else step.seconds, 3),
                "text": step.text,
            }
            for step in launch.steps
        ],
        "wait_until": None,
        "session": launch.session,
        "problem": problem_of_launch(launch.problem, launch.server, public_url) if launch.problem else None,
    }


def _session(session: Session) -> dict[str, object]:
    assert session.pump is not None
    assert session.server is not None
    assert session.opened_at is not None
    return {
        "id": session.id,
        "actor": session.actor.name,
        "via": session.actor.via,
        "cloud": session.server.cloud,
        "server": session.server.id,
        "name": session.server.name,
        "kind": session.kind,
        "opened_at": _iso(session.opened_at),
        "bytes_up": session.pump.bytes_up,
        "bytes_down": session.pump.bytes_down,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
