"""`/readyz`, and what the doctor finds: for monitors, and for the command line.

    GET  /readyz             whether the gateway begins something new; any local account may ask
    GET  /readyz?deep=1      whether every cloud lets it in, for who may list; found at most some seconds ago
    POST /api/v1/doctor      the same anew; with a `reference` one server, to the first bytes of its screen

A GET never costs a console request; the POST with a reference does, and is for who may control the server.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from aiohttp import web

from launcher.doctor.cloud import MayView
from launcher.doctor.hops import Limits, Report
from launcher.errors import BadRequestError
from launcher.model import Action, Actor, Server
from launcher.web.api import body_of
from launcher.web.current import answered_by
from launcher.web.guard import ACTOR, DEEP

LONGEST: Final = 3600.0
"""Seconds that may be asked for as a limit of each hop."""


class Examines(Protocol):
    async def lately(self) -> Report: ...
    async def all_clouds(self, limits: Limits) -> Report: ...
    async def one(self, reference: str, may: MayView, limits: Limits, *, by: Actor | None = None) -> Report: ...


class Authorizes(Protocol):
    def authorize(self, actor: Actor | None, action: Action, server: Server | None = None) -> None: ...


class DoctorApi:
    """The handlers that say what the doctor found."""

    def __init__(self, doctor: Examines, policy: Authorizes) -> None:
        self._doctor = doctor
        self._policy = policy

    async def deep(self, request: web.Request) -> web.Response:
        """200 where all is well, 503 where it is not."""
        self._policy.authorize(request[ACTOR], Action.LIST)
        report = await self._doctor.lately()
        return web.json_response(report.as_json(), status=200 if report.well else 503, headers=_FRESH)

    async def examine(self, request: web.Request) -> web.Response:
        """200 whatever was found."""
        wanted = await body_of(request, "reference", "timeout")
        reference, limits = _reference(wanted.get("reference")), Limits().within(_timeout(wanted.get("timeout")))
        actor = request[ACTOR]
        if reference is None:
            self._policy.authorize(actor, Action.LIST)
            report = await self._doctor.all_clouds(limits)
        else:
            self._policy.authorize(actor, Action.CONTROL)
            report = await self._doctor.one(reference, lambda server: self._may(actor, server), limits, by=actor)
        return web.json_response(report.as_json(), headers=_FRESH)

    def _may(self, actor: Actor, server: Server) -> None:
        self._policy.authorize(actor, Action.CONTROL, server)


_FRESH = {"Cache-Control": "no-store"}


def doctor_routes(current: Callable[[], DoctorApi], *, ready: Callable[[], bool]) -> list[web.RouteDef]:
    """The routes, answered by the `DoctorApi` of the moment in which a request comes in."""
    deep = answered_by(current, DoctorApi.deep)

    async def readyz(request: web.Request) -> web.StreamResponse:
        if not ready():
            return web.Response(status=503, text="stopping\n", headers=_FRESH)
        if _is_deep(request.query.get(DEEP)):
            return await deep(request)
        return web.Response(text="ready\n", headers=_FRESH)

    return [web.get("/readyz", readyz), web.post("/api/v1/doctor", answered_by(current, DoctorApi.examine))]


def _is_deep(text: str | None) -> bool:
    if text not in (None, "0", "1"):
        raise BadRequestError(f"{DEEP} is 0 or 1.")
    return text == "1"


def _reference(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value or _has_surrogates(value):
        raise BadRequestError("reference is a text: cloud/name, cloud/uuid, an alias, or a name.")
    return value


def _has_surrogates(text: str) -> bool:
    """JSON can spell them, and nothing can send them on."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _timeout(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST:
        raise BadRequestError(f"timeout is a number of seconds up to {LONGEST:g}.")
    return float(value)
