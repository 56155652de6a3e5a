"""`/ws/{cloud}/{server}`: from aiohttp's request to a viewer's end.

aiohttp parses the upgrade request; once everything that can be refused is refused, the connection's transport passes to
our own protocol, which answers the 101. Nothing waits for a cloud before that: browsers make one WebSocket handshake at
a time for each host and port, and one slow server would hold up every other console.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from launcher.errors import (
    BadRequestError,
    CloudNotFoundError,
    GatewayStoppingError,
    LoopDetectedError,
    TooManySessionsError,
)
from launcher.launch import Launcher
from launcher.launches import Launches, LaunchState
from launcher.model import Action, Actor, Kind, Server, wanted
from launcher.relay import loops
from launcher.relay.engine import ViewerEngine
from launcher.relay.sessions import Sessions
from launcher.web.current import answered_by
from launcher.web.guard import ACTOR
from launcher.web.takeover import take_over

_LAUNCH_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")


class KnowsClouds(Protocol):
    def clouds(self) -> tuple[str, ...]: ...


class KnowsTokens(Protocol):
    async def owner(self, token: str) -> str:
        """The cloud that has, or alone may have, a server of this token. Raises RequestError, CloudError."""
        ...


class Authorizes(Protocol):
    def authorize(self, actor: Actor | None, action: Action, server: Server | None = None) -> None: ...


class ViewerRoute:
    """Admits viewers and hands them to the launcher."""

    def __init__(
        self,
        *,
        directory: KnowsClouds,
        tokens: KnowsTokens,
        policy: Authorizes,
        sessions: Sessions,
        launches: Launches,
        launcher: Launcher,
        tasks: asyncio.TaskGroup,
        frame_limit: int,
        node: str = "",
    ) -> None:
        """`node` is this gateway's id, by which it knows a session that comes back."""
        self._directory = directory
        self._tokens = tokens
        self._policy = policy
        self._sessions = sessions
        self._launches = launches
        self._launcher = launcher
        self._tasks = tasks
        self._frame_limit = frame_limit
        self._node = node

    async def open(self, request: web.Request) -> web.StreamResponse:
        """Refuse, or answer 101 and begin the launch. Raises RequestError."""
        return self._open(request, request.match_info["cloud"], request.match_info["server"])

    async def open_token(self, request: web.Request) -> web.StreamResponse:
        """The same for websockify's own address of a token, `/websockify?token=NAME`. Raises RequestError, CloudError.

        Only where several clouds have tokens are their files looked into, which takes no time to speak of.
        """
        ViewerEngine.check(request.headers)
        token = request.query.get("token")
        if not token:
            raise BadRequestError("This address names no token: /websockify?token=NAME is expected.")
        self._policy.authorize(request[ACTOR], wanted(view_only=_view_only(request)))
        return self._open(request, await self._tokens.owner(token), token)

    def _open(self, request: web.Request, cloud: str, reference: str) -> web.StreamResponse:
        actor = request[ACTOR]
        ViewerEngine.check(request.headers)
        gateways = _gateways(request, self._node)
        view_only = _view_only(request)
        self._policy.authorize(actor, wanted(view_only=view_only))
        if cloud not in self._directory.clouds():
            raise CloudNotFoundError(f'There is no cloud "{cloud[:64]}" at this gateway.')
        launch_id, anyway = _launch_id(request), request.query.get("anyway") == "true"
        launch = self._launches.begin(
            launch_id,
            actor,
            cloud,
            reference,
            Kind.NOVNC,
            anyway=anyway,
            view_only=view_only,
            gateways=gateways,
        )
        try:
            session = self._sessions.admit(secrets.token_hex(6), actor, view_only=view_only)
        except (TooManySessionsError, GatewayStoppingError) as error:
            # A browser cannot see why an upgrade was refused; a close code it can.
            self._launcher.refuse(launch, take_over(request, self._frame_limit), error)
            return web.Response()
        try:
            session.viewer = take_over(request, self._frame_limit)
        except BaseException:
            self._launches.finish(launch, LaunchState.ENDED)
            self._sessions.release(session)
            raise
        self._tasks.create_task(self._launcher.run(launch, session, session.viewer), name=f"session {session.id}")
        return web.Response()  # never sent: the transport is no longer aiohttp's


def viewer_route(current: Callable[[], ViewerRoute]) -> web.RouteDef:
    """The route, answered by the `ViewerRoute` of the moment in which a viewer comes in."""
    return web.get("/ws/{cloud:[^/]+}/{server:[^/]+}", answered_by(current, ViewerRoute.open), allow_head=False)


def token_route(current: Callable[[], ViewerRoute]) -> web.RouteDef:
    """The address under which noVNC finds a websockify with tokens."""
    return web.get("/websockify", answered_by(current, ViewerRoute.open_token), allow_head=False)


def _gateways(request: web.Request, own: str) -> tuple[str, ...]:
    """The gateways that the viewer has passed. Raises LoopDetectedError, BadRequestError."""
    values = request.headers.getall(loops.HEADER, [])
    try:
        gateways = loops.passed(values)
    except ValueError as error:
        raise BadRequestError(str(error)) from None
    why = loops.loop(own, gateways)
    if why is not None:
        raise LoopDetectedError(why)
    return gateways


def _view_only(request: web.Request) -> bool:
    """As in a bookmark: `?view=only`."""
    asked = request.query.getall("view", [])
    if not {"", "only"}.issuperset(asked):
        raise BadRequestError("view is `only`, or not there.")
    return "only" in asked


def _launch_id(request: web.Request) -> str:
    """The page names its launch, so that it can ask for the steps; others get one."""
    asked = request.query.get("launch")
    if asked is None:
        return secrets.token_urlsafe(16)
    if not _LAUNCH_ID.fullmatch(asked):
        raise BadRequestError("A launch id has 16 to 64 letters, digits, dashes and underscores.")
    return asked
