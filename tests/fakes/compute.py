"""A simulated Compute API on loopback, in the test's own event loop; its replies have the shapes of a real Nova's.

`max_version` says which Nova: `""` is the legacy `/v2/{project}` without microversions, `"2.1"` to `"2.5"` know only
the action `os-getVNCConsole`, from `"2.6"` on `remote-consoles` is there too. As a real Nova's, what comes from the API
itself echoes the microversion that it was answered in, in the headers that this Nova knows. Whatever else a cloud may
do wrong is a test's own `fault`, whose replies go out as they are but for the request's id.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from aiohttp import web

from tests.fakes.issued import issue, note

Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
Mint = Callable[[str, str], str]

_OLD_KINDS = frozenset({"novnc", "xvpvnc"})
_XVPVNC_ENDS = (2, 87)  # Ussuri: the backend of xvpvnc is gone
_NEW_HEADER = (2, 27)  # earlier ones ignore OpenStack-API-Version, and do not send it
_VERSION_HEADER, _OLD_VERSION_HEADER = "OpenStack-API-Version", "X-OpenStack-Nova-API-Version"
_WITHOUT_HOST = frozenset({"BUILD", "ERROR", "SHELVED_OFFLOADED"})
_MOVING = frozenset({"migrating", "deleting"})
_NO_SUCH_PATH = "The resource could not be found."
_UNEXPECTED = (
    "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if "
    "possible.\n<class 'nova.exception.{}'>"
)


@dataclass(frozen=True, slots=True)
class ConsoleRequest:
    """One request for a console, as it came in, refused ones included."""

    server_id: str
    kind: str
    api: str
    """`action` or `remote-consoles`."""
    token: str | None = field(repr=False)
    """The X-Auth-Token it came with."""


def mint_nowhere(server_id: str, kind: str) -> str:
    """A console URL in Nova's shape whose console proxy does not exist."""
    return f"http://127.0.0.1:1/vnc_lite.html?path={quote('?token=' + issue(), safe='')}"


def fault_reply(status: int, fault: str, message: str, **more: object) -> web.Response:
    """An error in Nova's shape: one key that names the fault."""
    return web.json_response({fault: {"code": status, "message": message, **more}}, status=status)


def unauthorized_reply() -> web.Response:
    """The 401 of keystonemiddleware, which stands before Nova."""
    body = {
        "error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}
    }
    uri = {"WWW-Authenticate": 'Keystone uri="http://127.0.0.1:5000"'}
    return web.json_response(body, status=401, headers=uri)


def _numbers(version: str) -> tuple[int, int]:
    major, minor = version.split(".")
    return int(major), int(minor)


class FakeCompute:
    """The servers of one project, and the consoles that `mint` makes for them."""

    def __init__(
        self, *, max_version: str = "2.1", project: str = "", page_size: int = 1000, delay: float = 0.0
    ) -> None:
        self.max_version = max_version
        self.project = project or ("" if max_version else "610275")
        self.page_size = page_size
        self.delay = delay
        self.servers: dict[str, dict[str, Any]] = {}
        self.mint: Mint = mint_nowhere
        self.kinds = set(_OLD_KINDS)
        if max_version and _numbers(max_version) >= _XVPVNC_ENDS:
            self.kinds = {"novnc"}
        self.api_tokens: set[str] | None = None
        self.readers: set[str] = set()
        """Those of the API tokens that may list, but get no consoles."""
        self.fault: Fault | None = None
        self.gives_ids = True
        """Whether replies hold the request's id; keystonemiddleware's and Repose's own do not."""
        self.console_requests: list[ConsoleRequest] = []
        self.requests: list[tuple[str, str]] = []
        self.request_headers: list[Mapping[str, str]] = []
        self.request_ids: list[str] = []
        self.host = "127.0.0.1"
        """Where it listens; a network namespace of the test's own has others."""
        self.port = 0
        self._runner: web.AppRunner | None = None

    def add_server(
        self,
        name: str,
        status: str = "ACTIVE",
        id: str | None = None,  # noqa: A002 -- the API's own word
        *,
        task_state: str | None = None,
        fault: str | None = None,
    ) -> str:
        """A new server; its id. One in BUILD, ERROR or SHELVED_OFFLOADED has no host, and so no console."""
        server_id = id or str(uuid.uuid4())
        self.servers[server_id] = {
            "id": server_id,
            "name": name,
            "status": status,
            "tenant_id": self.project or "610275",
            "metadata": {},
            "OS-EXT-STS:vm_state": status.lower(),
            "OS-EXT-STS:task_state": task_state or ("spawning" if status == "BUILD" else None),
            "OS-EXT-STS:power_state": 1 if status == "ACTIVE" else 4,
            "links": [{"rel": "self", "href": f"http://wrong.invalid/v2.1/servers/{server_id}"}],
        }
        if fault is not None:
            self.servers[server_id]["fault"] = {"code": 500, "created": "2026-11-23T12:00:00Z", "message": fault}
        return server_id

    async def start(self) -> None:
        """Listen on a port of 127.0.0.1 that the kernel picks (the same again after a stop)."""
        app = web.Application(client_max_size=1024**2)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the listener and all connections; safe to call twice."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> FakeCompute:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    @property
    def endpoint(self) -> str:
        """What the catalog says, or the configuration of a cloud without Identity."""
        version = "v2.1" if self.max_version else "v2"
        return f"http://{self.host}:{self.port}/{version}" + (f"/{self.project}" if self.project else "")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path_qs))
        self.request_headers.append(dict(request.headers))
        if "X-Auth-Token" in request.headers:  # a real Keystone's, perhaps, which nobody here handed out
            note(request.headers["X-Auth-Token"])
        if self.delay:
            await asyncio.sleep(self.delay)
        reply = await self.fault(request) if self.fault else None
        if reply is None:
            reply = await self._reply(request)
        self.request_ids.append(f"req-{uuid.uuid4()}")
        if not reply.prepared and self.gives_ids:
            reply.headers.setdefault("X-Compute-Request-Id", self.request_ids[-1])
            reply.headers.setdefault("X-OpenStack-Request-ID", self.request_ids[-1])
        return reply

    async def _reply(self, request: web.Request) -> web.StreamResponse:
        version, *parts = [part for part in request.path.split("/") if part] or [""]
        if not parts:
            return self._versions(version)
        if self.api_tokens is not None and request.headers.get("X-Auth-Token") not in self.api_tokens:
            return unauthorized_reply()
        if version != ("v2.1" if self.max_version else "v2"):
            return fault_reply(404, "itemNotFound", _NO_SUCH_PATH)
        if parts[0] != "servers" and parts.pop(0) != self.project:
            return fault_reply(400, "badRequest", "Malformed request URL: URL's project_id doesn't match Context's")
        asked = self._asked_version(request)
        if isinstance(asked, web.Response):
            return asked
        reply = await self._servers(request, parts[1:], asked)
        self._echo(asked, reply)
        return reply

    def _echo(self, version: tuple[int, int], reply: web.StreamResponse) -> None:
        """Say which microversion this was answered in; the legacy endpoint takes both headers out again."""
        if not self.max_version:
            return
        spelt = f"{version[0]}.{version[1]}"
        if _numbers(self.max_version) >= _NEW_HEADER:
            reply.headers[_VERSION_HEADER] = f"compute {spelt}"
            reply.headers.add("Vary", _VERSION_HEADER)
        reply.headers[_OLD_VERSION_HEADER] = spelt
        reply.headers.add("Vary", _OLD_VERSION_HEADER)

    async def _servers(self, request: web.Request, parts: list[str], version: tuple[int, int]) -> web.StreamResponse:
        match request.method, parts:
            case "GET", ["detail"]:
                return self._list(request)
            case "GET", [server_id]:
                return self._show(server_id)
            case "POST", [server_id, "action"]:
                return await self._act(request, server_id, version)
            case "POST", [server_id, "remote-consoles"]:
                return await self._remote_console(request, server_id, version)
            case _:
                return fault_reply(404, "itemNotFound", _NO_SUCH_PATH)

    def _versions(self, version: str) -> web.Response:
        """`GET /` and `GET /v2.1/`: the links' host is wrong, as behind many a proxy."""
        link = [{"rel": "self", "href": "http://wrong.invalid/v2.1/"}]
        legacy = {"id": "v2.0", "status": "SUPPORTED", "version": "", "min_version": "", "links": link}
        current = {
            "id": "v2.1",
            "status": "CURRENT",
            "version": self.max_version,
            "min_version": "2.1",
            "updated": "2013-07-23T11:33:21Z",
            "links": link,
        }
        if not version:
            return web.json_response({"versions": [legacy, current] if self.max_version else [legacy]})
        if version == "v2":
            return web.json_response({"version": legacy})
        if version == "v2.1" and self.max_version:
            return web.json_response({"version": current})
        return web.json_response({"choices": []}, status=300)

    def _asked_version(self, request: web.Request) -> tuple[int, int] | web.Response:
        """The microversion that the request asks for; legacy drops both headers, old ones read only their own."""
        asked = request.headers.get(_OLD_VERSION_HEADER, "")
        service, _, version = request.headers.get(_VERSION_HEADER, "").partition(" ")
        if not self.max_version:
            return 2, 1
        if service == "compute" and _numbers(self.max_version) >= _NEW_HEADER:
            asked = version
        if not asked:
            return 2, 1
        if not (2, 1) <= _numbers(asked) <= _numbers(self.max_version):
            message = f"Version {asked} is not supported by the API. Minimum is 2.1 and maximum is {self.max_version}."
            return fault_reply(406, "computeFault", message)
        return _numbers(asked)

    def _list(self, request: web.Request) -> web.Response:
        query = request.query
        found = [
            server for server in self.servers.values() if re.search(query.get("name", ""), server["name"]) is not None
        ]
        limit = min(int(query.get("limit", self.page_size)), self.page_size)
        marker = query.get("marker")
        if marker:
            ids = [server["id"] for server in found]
            if marker not in ids:
                return fault_reply(400, "badRequest", f"marker [{marker}] not found")
            found = found[ids.index(marker) + 1 :]
        page = found[:limit]
        body: dict[str, Any] = {"servers": page}
        if page and len(page) == limit:  # as Nova does: the page after it may be empty
            href = f"http://wrong.invalid{request.path}?limit={limit}&marker={page[-1]['id']}"
            body["servers_links"] = [{"rel": "next", "href": href}]
        return web.json_response(body)

    def _show(self, server_id: str) -> web.Response:
        server = self.servers.get(server_id)
        return web.json_response({"server": server}) if server else self._no_server(server_id)

    def _no_server(self, server_id: str) -> web.Response:
        return fault_reply(404, "itemNotFound", f"Instance {server_id} could not be found.")

    async def _act(self, request: web.Request, server_id: str, version: tuple[int, int]) -> web.Response:
        body = await request.json()
        if not isinstance(body, dict) or len(body) != 1:
            return fault_reply(400, "badRequest", "Malformed request body")
        argument = body.get("os-getVNCConsole")
        if argument is None:
            return fault_reply(400, "badRequest", f"There is no such action: {next(iter(body))}")
        if version >= (2, 6):
            return fault_reply(404, "itemNotFound", _NO_SUCH_PATH)
        if not isinstance(argument, dict) or set(argument) != {"type"}:
            return fault_reply(400, "badRequest", "Invalid input for field/attribute os-getVNCConsole.")
        self._note(request, server_id, argument["type"], "action")
        refusal = self._refusal(request, server_id, conflicts=True)
        if refusal is not None:
            return refusal
        if argument["type"] not in self.kinds:
            return fault_reply(500, "computeFault", _UNEXPECTED.format("ConsoleTypeInvalid"))
        url = self.mint(server_id, argument["type"])
        return web.json_response({"console": {"type": argument["type"], "url": url}})

    async def _remote_console(self, request: web.Request, server_id: str, version: tuple[int, int]) -> web.Response:
        if version < (2, 6):
            return fault_reply(404, "itemNotFound", _NO_SUCH_PATH)
        body = await request.json()
        asked = body.get("remote_console")
        if set(body) != {"remote_console"} or set(asked) != {"protocol", "type"}:
            return fault_reply(400, "badRequest", "Invalid input for field/attribute remote_console.")
        self._note(request, server_id, asked["type"], "remote-consoles")
        refusal = self._refusal(request, server_id, conflicts=False)
        if refusal is not None:
            return refusal
        if asked["protocol"] != "vnc" or asked["type"] not in self.kinds:
            return fault_reply(400, "badRequest", f"Invalid console type {asked['type']}")
        url = self.mint(server_id, asked["type"])
        return web.json_response({"remote_console": {"protocol": "vnc", "type": asked["type"], "url": url}})

    def _note(self, request: web.Request, server_id: str, kind: str, api: str) -> None:
        self.console_requests.append(ConsoleRequest(server_id, kind, api, request.headers.get("X-Auth-Token")))

    def _refusal(self, request: web.Request, server_id: str, *, conflicts: bool) -> web.Response | None:
        """What the role or the server's state forbids; while it moves only the action says so (`conflicts`)."""
        if request.headers.get("X-Auth-Token") in self.readers:
            message = "Policy doesn't allow os_compute_api:os-remote-consoles to be performed."
            return fault_reply(403, "forbidden", message)
        server = self.servers.get(server_id)
        if server is None:
            return self._no_server(server_id)
        if server["status"] in _WITHOUT_HOST:
            return fault_reply(409, "conflictingRequest", f"Instance {server_id} is not ready")
        state = server["OS-EXT-STS:task_state"]
        if state not in _MOVING:
            return None
        if conflicts:
            message = f"Cannot 'get_vnc_console' instance {server_id} while it is in task_state {state}"
            return fault_reply(409, "conflictingRequest", message)
        return fault_reply(500, "computeFault", _UNEXPECTED.format("InstanceInvalidState"))
