"""The simulated Compute API: Nova's v2.1 with microversions, and the legacy v2 that Rackspace speaks."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from aiohttp import web

from launcher.clock import Clock
from launcher.demo import nova
from launcher.demo.fleet import Fleet, Machine, State
from launcher.demo.identity import Scope, project_id
from launcher.demo.wire import bounded_json, fault_reply, unauthorized_reply

Mint = Callable[[Machine], str]
"""A new console URL of a server, of the kind that it has."""


class KnowsScopes(Protocol):
    """Who says what an API token is good for."""

    def scope_of(self, token: str | None) -> Scope | None: ...


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request, as far as every route must know it."""

    request: web.Request
    project: str
    version: tuple[int, int]

    def machine(self, fleet: Fleet) -> Machine:
        """The server that the path names. Raises Refusal."""
        server_id = self.request.match_info["server"]
        machine = fleet.find(server_id)
        if machine is None or machine.project != self.project:
            raise nova.not_found(server_id)
        return machine


class Compute:
    """Servers and consoles over HTTP. `base` is where the cloud listens."""

    def __init__(
        self,
        base: str,
        fleet: Fleet,
        identity: KnowsScopes,
        mint: Mint,
        clock: Clock,
        *,
        page_size: int = nova.PAGE_SIZE,
    ) -> None:
        self._base = base
        self._fleet = fleet
        self._identity = identity
        self._mint = mint
        self._clock = clock
        self._page_size = page_size
        self._created = _stamp(clock.now())

    def routes(self) -> list[web.RouteDef]:
        found = [web.get("/", self._versions), web.get("/{version:v2|v2\\.1}", self._own_version)]
        found.append(web.get("/{version:v2|v2\\.1}/", self._own_version))
        for root in ("/{version:v2|v2\\.1}", "/{version:v2|v2\\.1}/{project:[0-9a-f]{1,64}}"):
            found += [
                web.get(f"{root}/servers/detail", self._checked(self._list)),
                web.get(f"{root}/servers/{{server}}", self._checked(self._show)),
                web.post(f"{root}/servers/{{server}}/action", self._checked(self._act)),
                web.post(f"{root}/servers/{{server}}/remote-consoles", self._checked(self._remote_console)),
            ]
        return found

    async def _versions(self, _request: web.Request) -> web.Response:
        return web.json_response({"versions": nova.versions(self._base, legacy=True, modern=True)})

    async def _own_version(self, request: web.Request) -> web.Response:
        modern = request.match_info["version"] == "v2.1"
        [version] = nova.versions(self._base, legacy=not modern, modern=modern)
        return web.json_response({"version": version})

    def _checked(
        self, answer: Callable[[_Asked], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """A route for those who have an API token; every answer bears the request's id."""

        async def checked(request: web.Request) -> web.Response:
            try:
                reply = await self._answer(request, answer)
            except nova.Refusal as refusal:
                reply = fault_reply(refusal.status, refusal.fault, refusal.message)
            request_id = f"req-{uuid.uuid4()}"
            reply.headers["X-Compute-Request-Id"] = reply.headers["X-OpenStack-Request-ID"] = request_id
            return reply

        return checked

    async def _answer(self, request: web.Request, answer: Callable[[_Asked], Awaitable[web.Response]]) -> web.Response:
        scope = self._identity.scope_of(request.headers.get("X-Auth-Token"))
        if scope is None:
            return unauthorized_reply()
        if scope.project is None:
            raise nova.Refusal(403, "forbidden", "Policy doesn't allow this to be performed.")
        if request.match_info.get("project", project_id(scope.project)) != project_id(scope.project):
            message = "Malformed request URL: URL's project_id doesn't match Context's project_id"
            raise nova.Refusal(400, "badRequest", message)
        legacy = request.match_info["version"] == "v2"
        version = nova.asked_version(request.headers, legacy=legacy)
        reply = await answer(_Asked(request, scope.project, version))
        if not legacy:
            reply.headers["OpenStack-API-Version"] = f"compute {nova.spelt(version)}"
            reply.headers["X-OpenStack-Nova-API-Version"] = nova.spelt(version)
            reply.headers["Vary"] = "OpenStack-API-Version, X-OpenStack-Nova-API-Version"
        return reply

    async def _list(self, asked: _Asked) -> web.Response:
        page, marker = nova.page(self._fleet.of(asked.project), asked.request.query, self._page_size)
        body: dict[str, Any] = {"servers": [self._document(asked, machine) for machine in page]}
        if marker is not None:
            href = f"{self._base}{asked.request.path}?limit={len(page)}&marker={marker}"
            body["servers_links"] = [{"rel": "next", "href": href}]
        return web.json_response(body)

    async def _show(self, asked: _Asked) -> web.Response:
        return web.json_response({"server": self._document(asked, asked.machine(self._fleet))})

    def _document(self, asked: _Asked, machine: Machine) -> dict[str, Any]:
        href = f"{self._base}/v2.1/servers/{machine.id}"
        return nova.server_document(machine, self._state(machine), href, project_id(asked.project), self._created)

    async def _act(self, asked: _Asked) -> web.Response:
        action, argument = nova.asked_action(await bounded_json(asked.request), asked.version)
        machine = asked.machine(self._fleet)
        if action != "os-getVNCConsole":
            return self._change(action, machine)
        kind = str(argument)
        nova.check_console(machine, self._state(machine), kind, action=True)
        return web.json_response({"console": {"type": kind, "url": self._mint(machine)}})

    def _change(self, action: str, machine: Machine) -> web.Response:
        """Start, stop, reboot: whoever runs the demo may see bookmarks live through it."""
        state = self._state(machine)
        if not state.has_host or (action == "os-start") is not (state.status == "SHUTOFF"):
            message = f"Cannot '{action.removeprefix('os-')}' instance {machine.id} while it is in its present state"
            raise nova.Refusal(409, "conflictingRequest", message)
        if action == "os-start":
            self._fleet.start(machine)
        elif action == "os-stop":
            self._fleet.power_off(machine, self._clock.monotonic())
        else:
            self._fleet.reboot(machine, self._clock.monotonic())
        return web.Response(status=202)

    async def _remote_console(self, asked: _Asked) -> web.Response:
        kind = nova.asked_remote_console(await bounded_json(asked.request), asked.version)
        machine = asked.machine(self._fleet)
        nova.check_console(machine, self._state(machine), kind, action=False)
        console = {"protocol": "vnc", "type": kind, "url": self._mint(machine)}
        return web.json_response({"remote_console": console})

    def _state(self, machine: Machine) -> State:
        state = self._fleet.state(machine, self._clock.monotonic())
        if state is None:
            raise nova.not_found(machine.id)
        return state


async def no_such_path(_request: web.Request) -> web.Response:
    """For every path that is none of the above."""
    return fault_reply(404, "itemNotFound", nova.NO_SUCH_PATH)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
