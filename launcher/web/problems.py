"""Errors as answers: status, close code and hint of every error, in one table (RFC 9457; RFC 6455 §7.4)."""

from __future__ import annotations

import json
import logging
import math
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from launcher import errors
from launcher.audit.log import describe
from launcher.errors import CloudError, LauncherError
from launcher.model import Kind, Server
from launcher.relay.engine import cut_reason
from launcher.states import Outlook, reading, told
from launcher.web.bookmarks import candidate

_LOG = logging.getLogger(__name__)
GOING_AWAY = 1012
"""Service restart (IANA's registry of close codes): pages come back by themselves."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How one class of error is answered."""

    status: int
    slug: str
    title: str
    hint: str

    @property
    def close_code(self) -> int:
        """4000 + status: what a WebSocket that had its 101 already is closed with."""
        return 4000 + self.status


_ASK = "Ask the operator of this gateway."
_AGAIN = "Try again in a moment."
_GATEWAY_STATUSES = frozenset({502, 504})

TABLE: Mapping[type[LauncherError], Answer] = {
    errors.ConfigError: Answer(500, "configuration", "The gateway's configuration is wrong", _ASK),
    errors.ListenError: Answer(500, "listen", "The gateway cannot listen", _ASK),
    errors.SetupError: Answer(500, "setup", "The gateway is not set up", _ASK),
    errors.NotSignedInError: Answer(
        401, "not-signed-in", "Not signed in", "Come in through the jump host as yourself."
    ),
    errors.ForbiddenError: Answer(403, "forbidden", "Not allowed", _ASK),
    errors.MisdirectedError: Answer(
        421,
        "misdirected",
        "Not this gateway's name",
        "Use one of the gateway's own names; its operator sets them in public_urls.",
    ),
    errors.BadRequestError: Answer(400, "bad-request", "The request is malformed", "Correct the request."),
    errors.NotFoundError: Answer(404, "not-found", "Not found", "Check the address."),
    errors.ServerNotFoundError: Answer(
        404,
        "server-not-found",
        "No such server",
        "Look for it in the list of servers; it may have been renamed or deleted.",
    ),
    errors.CloudNotFoundError: Answer(
        404, "cloud-not-found", "No such cloud", "Look at the list of servers: it names every cloud."
    ),
    errors.AmbiguousServerError: Answer(
        409, "ambiguous-server", "Several servers have this name", "Use the UUID of the one that is meant."
    ),
    errors.LoopDetectedError: Answer(
        508,
        "loop",
        "A session that comes back to this gateway",
        "The operator of the gateway that dials must correct the console URLs of that cloud.",
    ),
    errors.TooManySessionsError: Answer(
        429, "too-many-sessions", "Too many sessions", "Close a console that is not needed, then try again."
    ),
    errors.TooManyConnectionsError: Answer(
        503, "too-many-connections", "Too many connections", "Close pages that are not needed, then try again."
    ),
    errors.TooManyLookupsError: Answer(
        429,
        "too-many-lookups",
        "Too many unknown names",
        "Servers in the list open as always; for others, wait a moment and try again.",
    ),
    errors.LogFullError: Answer(
        503,
        "log-full",
        "The gateway's log is full",
        "The operator of this gateway must look at what reads its log; then try again.",
    ),
    errors.GatewayStoppingError: Answer(
        503, "stopping", "The gateway restarts or stops", "Wait a moment; this page comes back by itself."
    ),
    errors.CloudUnreachableError: Answer(503, "cloud-unreachable", "The cloud does not answer", _AGAIN),
    errors.CloudBusyError: Answer(503, "cloud-busy", "The cloud asks for patience", _AGAIN),
    errors.CloudCredentialsError: Answer(
        502,
        "cloud-credentials",
        "The cloud refuses the gateway's credentials",
        "The operator of this gateway must look at the cloud's credentials and roles.",
    ),
    errors.CloudReplyError: Answer(
        502, "cloud-reply", "The cloud's answer cannot be used", "Give the request id to the cloud's support."
    ),
    errors.ListingCutError: Answer(
        502,
        "listing-cut",
        "The cloud's list of servers is cut",
        "Open a server that is not in the list by its name or UUID.",
    ),
    errors.HostSilentError: Answer(
        504,
        "host-silent",
        "The server's host does not answer",
        "Give the request id to the cloud's support; until that host is back, trying again only takes a minute each.",
    ),
    errors.KindNotOfferedError: Answer(
        501,
        "kind-not-offered",
        "This kind of console is not offered here",
        "Ask the cloud's operator which consoles its hosts have.",
    ),
    errors.ConsoleRefusedError: Answer(
        409,
        "console-refused",
        "The server has no console now",
        "Look at the server's state; it may be building or moving.",
    ),
    errors.UpstreamUnreachableError: Answer(504, "upstream-unreachable", "The console proxy shows no screen", _AGAIN),
    errors.UpstreamStaleError: Answer(
        502,
        "upstream-stale",
        "The console proxy hangs up",
        "The server may be off or just moving; look at its state and try again.",
    ),
    errors.UpstreamProtocolError: Answer(
        502,
        "upstream-protocol",
        "The console proxy cannot be understood",
        "Check that the console URL leads to a VNC console proxy (console_url).",
    ),
}

_FAULT = Answer(
    500, "fault", "A fault of the gateway", "Give the instance id to the operator: the gateway's log has the place."
)


def answer_to(error: LauncherError) -> Answer:
    """The table's row for an error, by its nearest listed class."""
    return next((TABLE[cls] for cls in type(error).__mro__ if cls in TABLE), _FAULT)


def problem_of(error: LauncherError, public_url: str = "") -> dict[str, object]:
    """The members of a problem+json document; `public_url` stands before the paths of candidates."""
    answer = answer_to(error)
    problem: dict[str, object] = {
        "type": answer.slug,
        "title": answer.title,
        "status": answer.status,
        "detail": str(error),
        "hint": answer.hint,
    }
    if isinstance(error, errors.ForbiddenError) and error.hint:
        problem["hint"] = error.hint
    if isinstance(error, errors.TooManyLookupsError):
        problem["retry_after"] = error.retry_after
    if isinstance(error, errors.ServerNotFoundError) and error.request_id:
        problem["request_id"] = error.request_id
    if isinstance(error, CloudError):
        problem["hint"] = _hint_of_cloud(error, answer.hint)
        problem["cloud"] = error.cloud
        problem["request_id"] = error.request_id
        if error.retry_after is not None:
            problem["retry_after"] = error.retry_after
    if isinstance(error, errors.ConsoleRefusedError) and error.state:
        problem |= {"state": error.state, "hint": error.hint or answer.hint}
    if isinstance(error, errors.AmbiguousServerError):
        problem["candidates"] = [candidate(server, public_url) for server in error.candidates]
    return problem


def _hint_of_cloud(error: CloudError, usual: str) -> str:
    """What can be done, by what the cloud said beside the fault itself."""
    if isinstance(error, errors.CloudReplyError) and error.status in _GATEWAY_STATUSES:
        return "Try again in a minute; if it stays so, the cloud's operator must look at it."
    if isinstance(error, errors.CloudBusyError) and error.retry_after is not None:
        return "Try again when this time is over; the gateway asks for nothing before."
    if isinstance(error, errors.KindNotOfferedError) and error.hint:
        return error.hint
    if error.request_id is None and "request id" in usual:
        return "Look at this cloud's entry in the gateway's configuration, and at what answers there."
    return usual


_BY_STATE = (errors.ConsoleRefusedError, errors.UpstreamStaleError, errors.UpstreamUnreachableError)


_DIRECT: Mapping[type[LauncherError], tuple[str, str]] = {
    errors.UpstreamUnreachableError: (
        "The VNC server shows no screen",
        "Look whether the server runs; then try again.",
    ),
    errors.UpstreamProtocolError: (
        "The VNC server cannot be used",
        "The operator of this gateway must look at this server's address and VNC password in the configuration.",
    ),
}
"""Title and hint where there is no console proxy in between."""


def problem_of_launch(
    error: LauncherError, server: Server | None, public_url: str = "", *, kind: Kind = Kind.NOVNC
) -> dict[str, object]:
    """The same, headed by the server's state where that is the likely reason; `kind` is the console's."""
    problem = problem_of(error, public_url)
    if kind is Kind.VNC and type(error) in _DIRECT:
        problem["title"], problem["hint"] = _DIRECT[type(error)]
    if server is None:
        return problem
    state = reading(server)
    if isinstance(error, _BY_STATE) and state.outlook is not Outlook.READY:
        problem |= {"title": told(server), "hint": state.hint}
    if isinstance(error, _BY_STATE):
        problem |= {"state": server.status, "outlook": state.outlook, "advice": state.advice or None}
    return problem


def farewell(error: LauncherError) -> tuple[int, str]:
    """Close code and reason (at most 123 bytes) for a viewer that has its 101 already."""
    answer = answer_to(error)
    code = GOING_AWAY if isinstance(error, errors.GatewayStoppingError) else answer.close_code
    hint = error.hint if isinstance(error, errors.ConsoleRefusedError) else None
    return code, cut_reason(f"{error} {hint}" if hint else str(error))


def problems(page: Callable[[Mapping[str, object]], str], public_url: str = "") -> Middleware:
    """The outermost middleware: whatever is raised becomes a problem, as JSON, or as a `page` for readers of HTML."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except LauncherError as error:
            problem = problem_of(error, public_url)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            problem = _http_problem(error)
        except Exception as error:  # noqa: BLE001 -- the last resort: the text of an unforeseen error stays inside
            problem = _fault_problem(error)
        return _respond(problem, page if "text/html" in request.headers.get(hdrs.ACCEPT, "") else None)

    return middleware


def _respond(problem: dict[str, object], page: Callable[[Mapping[str, object]], str] | None) -> web.Response:
    headers = {hdrs.CACHE_CONTROL: "no-store"}
    allow, retry_after, status = problem.pop("allow", None), problem.get("retry_after"), problem["status"]
    if isinstance(allow, str):
        headers[hdrs.ALLOW] = allow
    if isinstance(retry_after, float | int):
        headers[hdrs.RETRY_AFTER] = str(max(1, math.ceil(retry_after)))
    assert isinstance(status, int)
    if page is not None:
        return web.Response(status=status, headers=headers, text=page(problem), content_type="text/html")
    return web.Response(
        status=status, headers=headers, text=json.dumps(problem), content_type="application/problem+json"
    )


def _http_problem(error: web.HTTPException) -> dict[str, object]:
    """aiohttp's own 4xx, in the same shape."""
    details = {404: "There is nothing at this address.", 405: "This address does not take this method."}
    return {
        "type": {404: "not-found", 405: "method-not-allowed", 413: "too-large"}.get(error.status, "http-error"),
        "title": error.reason,
        "status": error.status,
        "detail": details.get(error.status, error.reason),
        "hint": "Check the address.",
        "allow": error.headers.get(hdrs.ALLOW),
    }


def _fault_problem(error: Exception) -> dict[str, object]:
    """Said to the caller: nothing but an id; the log has type and place beside it."""
    instance = secrets.token_hex(6)
    _LOG.error("fault %s: %s", instance, describe(error))
    return {
        "type": _FAULT.slug,
        "title": _FAULT.title,
        "status": _FAULT.status,
        "detail": "Something went wrong inside the gateway.",
        "hint": _FAULT.hint,
        "instance": instance,
    }
