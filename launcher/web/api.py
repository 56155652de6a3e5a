"""`/api/v1`: JSON for the pages, the command line and other programs."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from math import isfinite
from typing import Protocol

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from launcher.audit.events import Event
from launcher.clock import Clock
from launcher.config.models import AnyCloud
from launcher.consoles.broker import Obtained
from launcher.errors import BadRequestError, LogFullError, RequestError
from launcher.launches import Launch, Launches
from launcher.model import Action, Actor, Console, ConsoleKey, EndReason, Kind, Server
from launcher.relay.sessions import Session, Sessions
from launcher.states import Outlook, reading
from launcher.waiting import refusal
from launcher.web.bookmarks import alias_path, bookmarks_of
from launcher.web.current import answered_by
from launcher.web.guard import ACTOR
from launcher.web.listings import (
    WAIT,
    Directory,
    addresses,
    age_of,
    count_object,
    iso,
    limit_of,
    listing_object,
    meant_object,
    seconds_of,
    tag_of,
)
from launcher.web.problems import problem_of_launch
from launcher.web.reveal import check_asker, event_of, plain_url

_SHOWN = 40
"""Characters of a stranger's word that an error repeats."""


class Policy(Protocol):
    def authorize(self, actor: Actor | None, action: Action, server: Server | None = None) -> None: ...


class Obtains(Protocol):
    def keeps(self, cloud: str) -> bool: ...
    async def obtain(self, key: ConsoleKey, *, insist: bool = False) -> Obtained: ...
    async def fresh(self, key: ConsoleKey) -> Obtained: ...


class Journal(Protocol):
    def record(self, event: Event) -> None: ...
    def has_room(self) -> bool: ...


class Api:
    """The handlers of `/api/v1`."""

    def __init__(
        self,
        *,
        clouds: Sequence[AnyCloud],
        directory: Directory,
        policy: Policy,
        broker: Obtains,
        sessions: Sessions,
        launches: Launches,
        journal: Journal,
        clock: Clock,
        public_url: str,
    ) -> None:
        self._clouds = tuple(clouds)
        self._directory = directory
        self._policy = policy
        self._broker = broker
        self._sessions = sessions
        self._launches = launches
        self._journal = journal
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
                wait=seconds_of(request.query, "wait", WAIT), max_age=seconds_of(request.query, "max_age", None)
            )
            for cloud in clouds:
                cloud |= count_object(counts, str(cloud["name"]))
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
            limit=limit_of(request.query),
            marker=request.query.get("marker") or None,
            wait=seconds_of(request.query, "wait", WAIT if cloud is None else None),
            max_age=seconds_of(request.query, "max_age", None),
        )
        tag = tag_of(listing.known, self._mark)
        headers = {hdrs.ETAG: f'W/"{tag}"', hdrs.AGE: str(age_of(listing.known, self._clock.now()))}
        if any(known.value == tag for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.json_response(listing_object(listing, self._public_url), headers=headers)

    async def server(self, request: web.Request) -> web.Response:
        """One server; its bookmark calls it by what it was asked by."""
        server, _ = await self._asked(request, Action.LIST)
        return web.json_response(self._meant(server, request.match_info["server"]))

    async def meant_server(self, request: web.Request) -> web.Response:
        """The server of an alias, whose bookmark the alias then is, or of a name that is unique among all clouds."""
        self._policy.authorize(request[ACTOR], Action.LIST)
        reference = request.match_info["reference"]
        target = self._directory.canonical(reference)
        by = request[ACTOR]
        found_by = self._directory.resolve(*target, by=by) if target else self._directory.unique(reference, by=by)
        server = await found_by
        self._policy.authorize(request[ACTOR], Action.LIST, server)
        found = self._meant(server, reference)
        return web.json_response(found | addresses(alias_path(reference), self._public_url) if target else found)

    async def console(self, request: web.Request) -> web.Response:
        """Obtain a console, so that a launch finds it; the console URL stays inside unless `reveal` asks for it."""
        wanted = await body_of(request, "kind", "reveal", "anyway")
        kind, insist = _kind(wanted.get("kind", "novnc")), "kind" in wanted
        reveal, anyway = (_truth(name, wanted.get(name, False)) for name in ("reveal", "anyway"))
        if reveal:
            check_asker(request[ACTOR], request.headers)
            self._check_log()
        server, by_id = await self._asked(request, Action.CONTROL)
        if reading(server).outlook is not Outlook.READY and not anyway:
            raise refusal(server, page=False)
        path = bookmarks_of(server, shared=by_id).path
        key = ConsoleKey(server.cloud, server.id, kind)
        asked = self._revealed(request[ACTOR], server, key) if reveal else self._obtained(key, insist=insist)
        return web.json_response(
            {
                "page": self._public_url + path,
                "websocket": f"ws{self._public_url.removeprefix('http')}/ws/{path.removeprefix('/c/')}",
                **await asked,
            },
            headers={hdrs.CACHE_CONTROL: "no-store"},
        )

    async def launch(self, request: web.Request) -> web.Response:
        """An actor's own launch: its steps, its server, what it waits for, and its problem when it failed."""
        actor = request[ACTOR]
        launch = self._launches.get(request.match_info["id"], actor)
        found = launch.server if launch.server and self._may_list(actor, launch.server) else None
        server = self._meant(found, launch.reference) if found else None
        problem = (
            problem_of_launch(launch.problem, found, self._public_url, kind=launch.kind) if launch.problem else None
        )
        return web.json_response(
            {
                **_launch(launch),
                **self._wait_of(launch),
                "server": server,
                "problem": problem,
                "ends": _ends(self._sessions.find(launch.session)),
            }
        )

    def _may_list(self, actor: Actor, server: Server) -> bool:
        """A launch finds its server before it knows whether the actor may know of it."""
        try:
            self._policy.authorize(actor, Action.LIST, server)
        except RequestError:
            return False
        return True

    def _wait_of(self, launch: Launch) -> dict[str, object]:
        """What it waits for, as texts and moments for a person, and as seconds: clocks differ."""
        waiting = launch.waiting
        left = None if waiting is None or waiting.until is None else waiting.until - self._clock.monotonic()
        until = None if left is None else iso(self._clock.now() + timedelta(seconds=left))
        seconds = None if left is None else max(0.0, round(left, 3))
        return {"waiting": waiting.why if waiting else None, "wait_until": until, "wait_seconds": seconds}

    async def sessions(self, request: web.Request) -> web.Response:
        self._policy.authorize(request[ACTOR], Action.LIST)
        return web.json_response({"sessions": [_session(session) for session in self._sessions]})

    async def end_session(self, request: web.Request) -> web.Response:
        """End a session; its viewer is told who did."""
        session = self._sessions.get(request.match_info["id"])
        self._policy.authorize(request[ACTOR], Action.END, session.server)
        session.ended_by = request[ACTOR].name
        session.end(EndReason.ENDED, 1008, f"Ended by {session.ended_by}.")
        return web.Response(status=204)

    async def _obtained(self, key: ConsoleKey, *, insist: bool) -> dict[str, object]:
        """The console's kind and end, and whether it had been there; where none is kept, none is asked for in vain."""
        if not self._broker.keeps(key.cloud):
            return {"kind": key.kind, "expires_at": None, "cached": False}
        obtained = await self._broker.obtain(key, insist=insist)
        return self._told(obtained.console, cached=obtained.cached)

    def _check_log(self) -> None:
        if not self._journal.has_room():
            raise LogFullError("A console URL is revealed only on record, and nothing reads the gateway's log.")

    async def _revealed(self, actor: Actor, server: Server, key: ConsoleKey) -> dict[str, object]:
        """A console of its own, and its URL, which may leak: no session may depend on it."""
        console = (await self._broker.fresh(key)).console
        url = plain_url(console)
        self._journal.record(event_of(actor, server, console))
        return {**self._told(console, cached=False), "url": url}

    def _told(self, console: Console, *, cached: bool) -> dict[str, object]:
        seconds = console.expires_at - self._clock.monotonic()
        expires_at = iso(self._clock.now() + timedelta(seconds=seconds)) if isfinite(seconds) else None
        return {"kind": console.key.kind, "expires_at": expires_at, "cached": cached}

    async def _asked(self, request: web.Request, action: Action) -> tuple[Server, bool]:
        """The server, and whether it was asked for by its UUID: its name may be another's, too."""
        self._policy.authorize(request[ACTOR], action)
        reference = request.match_info["server"]
        server = await self._directory.resolve(request.match_info["cloud"], reference, by=request[ACTOR])
        self._policy.authorize(request[ACTOR], action, server)
        return server, server.name != reference

    def _meant(self, server: Server, reference: str) -> dict[str, object]:
        return meant_object(server, reference, self._public_url, alone=self._directory.alone(server))


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


def _flag(name: str, text: str | None) -> bool:
    if text not in (None, "true", "false"):
        raise BadRequestError(f"{name} is true or false.")
    return text == "true"


def _kind(text: object) -> Kind:
    if text not in tuple(Kind):
        offered = ", ".join(Kind)
        raise BadRequestError(f'Consoles of kind "{str(text)[:_SHOWN]}" are not offered here; kinds: {offered}.')
    return Kind(str(text))


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadRequestError(f"{name} is true or false.")
    return value


async def body_of(request: web.Request, *known: str) -> dict[str, object]:
    """A JSON object of `known` members; none at all counts as an empty one. Raises BadRequestError."""
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
    strange = next((name for name in body if name not in known), None)
    if strange is not None:
        raise BadRequestError(f'There is no "{strange[:_SHOWN]}" in this body; members: {", ".join(known)}.')
    return body


def _launch(launch: Launch) -> dict[str, object]:
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
        "session": launch.session,
        "view_only": launch.view_only,
        "ending": launch.ending._asdict() if launch.ending is not None else None,
    }


def _ends(session: Session | None) -> dict[str, object] | None:
    """When a session ends by its limits, and by which of them: `idle` or `time limit`."""
    term = session.pump.term() if session is not None and session.pump is not None else None
    return (
        {"seconds": max(0.0, round(term.left, 3)), "why": term.reason, "limit": term.limit}
        if term is not None
        else None
    )


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
        "view_only": session.view_only,
        "opened_at": iso(session.opened_at),
        "bytes_up": session.pump.bytes_up,
        "bytes_down": session.pump.bytes_down,
    }
