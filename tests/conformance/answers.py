"""What clouds answer to a request for a console, as recorded, and what must come of each answer.

`PAGE` follows the table of response codes in Rackspace's "Get console" line by line, with the shapes that Rackspace's
Nova and the Repose in front of it give them. `NOVA_FAULTS`, `KEYSTONEMIDDLEWARE`, `KEYSTONE`, `REPOSE` and `UNUSABLE`
go through all other shapes that are known of real installations (Nova 34, keystonemiddleware 13 and until 4, Keystone
30). `GRANTED` are the good ones. Every row's `title` is unique: a test that knows more of a row keeps it by that title.

A reply is recorded as it came, but for ids and tokens. `NOW` is the gateway's own clock while it is asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from launcher.errors import (
    CloudBusyError,
    CloudCredentialsError,
    CloudReplyError,
    ConsoleRefusedError,
    KindNotOfferedError,
    LauncherError,
    ServerNotFoundError,
)

NOW: Final = datetime(2015, 6, 30, 17, 45, 0, tzinfo=UTC)
SERVER_ID: Final = "5f3c1a54-7c0e-4c3b-9c7c-1d4a8f0d2c11"
PROJECT: Final = "610275"


@dataclass(frozen=True, slots=True)
class Site:
    """A cloud that is asked: how the configuration names it, and how it is asked for consoles."""

    cloud: str
    provider: str
    max_version: str
    """Of its version document; from 2.6 on `remote-consoles` is asked, else the action."""


RAX: Final = Site("rax-dfw", "rackspace", "")
OLD: Final = Site("prod", "openstack", "2.5")
NEW: Final = Site("prod", "openstack", "2.104")
BARE: Final = Site("bare", "none", "2.104")


@dataclass(frozen=True, slots=True)
class Answer:
    """One refusal, or one reply that cannot be used."""

    title: str
    """The row of the page's table, or who answers; then what it is about."""
    site: Site
    kind: str
    """Of the console that was asked for."""
    status: int
    headers: Mapping[str, str]
    body: bytes
    error: type[LauncherError]
    """What it becomes: this very class."""
    sentence: str
    """The whole of it, as a person reads it."""
    holds: Mapping[str, object]
    """The error's other attributes but for `cloud`: `request_id`, and `status`, `retry_after`, `kind` and `state` in
    the classes that have them; None for what the cloud did not say."""


@dataclass(frozen=True, slots=True)
class Granted:
    """One good reply."""

    title: str
    site: Site
    kind: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    request_id: str


# How the recorded replies look


ID: Final = "req-910673e3-3b1c-45ce-9f87-6c2eea304692"
JSON: Final = {"Content-Type": "application/json; charset=UTF-8"}
HTML: Final = {"Content-Type": "text/html;charset=ISO-8859-1"}
TEXT: Final = {"Content-Type": "text/plain"}
NOVA_ID: Final = {"X-Compute-Request-Id": ID, "X-OpenStack-Request-ID": ID}
ECHO: Final = {
    "OpenStack-API-Version": "compute 2.6",
    "X-OpenStack-Nova-API-Version": "2.6",
    "Vary": "OpenStack-API-Version, X-OpenStack-Nova-API-Version",
}
JETTY: Final = {
    "Server": "Jetty(9.2.z-SNAPSHOT)",
    "Via": "1.1 Repose (Repose/6.2.1.2)",
    "Date": "Tue, 30 Jun 2015 17:38:17 GMT, Tue, 30 Jun 2015 17:38:19 GMT",
}
RAX_NOVA: Final = {**JSON, **JETTY, "X-Compute-Request-Id": ID}
NOVA: Final = {**JSON, **NOVA_ID}
NEW_NOVA: Final = {**NOVA, **ECHO}


def fault(name: str, code: int, message: str, **more: object) -> bytes:
    """Nova's shape, legacy and v2.1: one key that names the fault."""
    return json.dumps({name: {"code": code, "message": message, **more}}).encode()


def unexpected(exception: str) -> bytes:
    """Nova's 500 for what it did not foresee."""
    message = (
        "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if "
        f"possible.\n<class '{exception}'>"
    )
    return fault("computeFault", 500, message)


def jetty(status: int, reason: str) -> bytes:
    """What Repose's servlet container says where Repose itself says nothing."""
    page = (
        '<html>\n<head>\n<meta http-equiv="Content-Type" content="text/html;charset=ISO-8859-1"/>\n'
        f"<title>Error {status} {reason}</title>\n</head>\n"
        f"<body>\n<h2>HTTP ERROR: {status}</h2>\n<p>Reason:\n<pre>    {reason}</pre></p>\n"
        "</body>\n</html>\n"
    )
    return page.encode()


# Good replies


RAX_URL: Final = "https://dfw.servers.console.rackspacecloud.com:443/console?token="
NOVA_URL: Final = "http://127.0.0.1:6080/vnc_lite.html?path=%3Ftoken%3D"
XVP_TOKEN: Final = "b40c6057-4bcb-4ee7-a359-dcecc752b379"
NOVNC_TOKEN: Final = "a71d5697-2aca-5ea2-d991-abad292b351"


def console(kind: str, url: str) -> bytes:
    """The action's good reply."""
    return json.dumps({"console": {"url": url, "type": kind}}).encode()


def remote_console(kind: str, url: str) -> bytes:
    """The good reply of `remote-consoles`."""
    return json.dumps({"remote_console": {"protocol": "vnc", "type": kind, "url": url}}).encode()


GRANTED: Final = (
    Granted(
        title="200 Success: the page's example, xvpvnc",
        site=RAX,
        kind="xvpvnc",
        status=200,
        headers={**JETTY, "Content-Type": "application/json", "X-Compute-Request-Id": ID},
        body=console("xvpvnc", RAX_URL + XVP_TOKEN),
        url=RAX_URL + XVP_TOKEN,
        request_id=ID,
    ),
    Granted(
        title="200 Success: the page's example, novnc, its impossible date included",
        site=RAX,
        kind="novnc",
        status=200,
        headers={
            **JETTY,
            "Content-Type": "application/json",
            "Date": "Tue, 30 Jun 2015 17:345:17 GMT, Tue, 30 Jun 2015 17:45:19 GMT",
            "X-Compute-Request-Id": "req-9235673f2-4a1d-75cc-2a22-5d3fef994122",
        },
        body=console("novnc", RAX_URL + NOVNC_TOKEN),
        url=RAX_URL + NOVNC_TOKEN,
        request_id="req-9235673f2-4a1d-75cc-2a22-5d3fef994122",
    ),
    Granted(
        title="203 Success: from a cache in front of the cloud",
        site=RAX,
        kind="novnc",
        status=203,
        headers=RAX_NOVA,
        body=console("novnc", RAX_URL + NOVNC_TOKEN),
        url=RAX_URL + NOVNC_TOKEN,
        request_id=ID,
    ),
    Granted(
        title="200: Nova's action, up to 2.5",
        site=OLD,
        kind="novnc",
        status=200,
        headers=NOVA,
        body=console("novnc", NOVA_URL + XVP_TOKEN),
        url=NOVA_URL + XVP_TOKEN,
        request_id=ID,
    ),
    Granted(
        title="200: Nova's remote-consoles, from 2.6",
        site=NEW,
        kind="novnc",
        status=200,
        headers=NEW_NOVA,
        body=remote_console("novnc", NOVA_URL + XVP_TOKEN),
        url=NOVA_URL + XVP_TOKEN,
        request_id=ID,
    ),
)


# The page's table of response codes, from its second line on


PAGE: Final = (
    Answer(
        title="400 Error: the type is unknown",
        site=RAX,
        kind="xvpvnc",
        status=400,
        headers=RAX_NOVA,
        body=fault("badRequest", 400, "Invalid console type xvpvnc"),
        error=KindNotOfferedError,
        sentence="rax-dfw has no xvpvnc console for this server. Ask for another kind.",
        holds={"request_id": ID, "kind": "xvpvnc"},
    ),
    Answer(
        title="400 Error: anything else",
        site=RAX,
        kind="novnc",
        status=400,
        headers=RAX_NOVA,
        body=fault("badRequest", 400, "Malformed request body"),
        error=CloudReplyError,
        sentence=(
            "rax-dfw takes the request for malformed (status 400): Malformed request body. Check that its endpoint is "
            "that of a Compute API, v2 or v2.1."
        ),
        holds={"request_id": ID, "status": 400},
    ),
    Answer(
        title="401 Unauthorized",
        site=RAX,
        kind="novnc",
        status=401,
        headers=RAX_NOVA,
        body=fault("unauthorized", 401, "This server could not verify that you are authorized to access it."),
        error=CloudCredentialsError,
        sentence=(
            "rax-dfw does not accept the API token, nor a new one: This server could not verify that you are "
            "authorized to access it. Check the account that the gateway uses there."
        ),
        holds={"request_id": ID},
    ),
    Answer(
        title="403 Forbidden: an observer or creator",
        site=RAX,
        kind="novnc",
        status=403,
        headers=RAX_NOVA,
        body=fault("forbidden", 403, "User does not have required role"),
        error=CloudCredentialsError,
        sentence=(
            "rax-dfw does not give consoles to the gateway's account: User does not have required role. It needs the "
            "role admin for Cloud Servers; observer or creator is not enough."
        ),
        holds={"request_id": ID},
    ),
    Answer(
        title="405 Bad Method",
        site=RAX,
        kind="novnc",
        status=405,
        headers=RAX_NOVA,
        body=fault("badMethod", 405, "The method POST is not allowed for this resource."),
        error=CloudReplyError,
        sentence=(
            "rax-dfw knows no such request at its endpoint (status 405): The method POST is not allowed for this "
            "resource. Check that its endpoint is that of a Compute API, v2 or v2.1."
        ),
        holds={"request_id": ID, "status": 405},
    ),
    Answer(
        title="409 Conflicting request: the server is being built",
        site=RAX,
        kind="novnc",
        status=409,
        headers=RAX_NOVA,
        body=fault("conflictingRequest", 409, f"Instance {SERVER_ID} is not ready"),
        error=ConsoleRefusedError,
        sentence=f"rax-dfw gives no console in the server's present state: Instance {SERVER_ID} is not ready.",
        holds={"request_id": ID, "state": None},
    ),
    Answer(
        title="413 Over Limit: the wait in seconds",
        site=RAX,
        kind="novnc",
        status=413,
        headers={**RAX_NOVA, "Retry-After": "41"},
        body=fault("overLimit", 413, "This request was rate-limited.", retryAfter="41"),
        error=CloudBusyError,
        sentence=("rax-dfw allows no more consoles and asks for patience for 41 s: This request was rate-limited."),
        holds={"request_id": ID, "retry_after": 41.0},
    ),
    Answer(
        title="413 Over Limit: the wait as a date, which counts from the later of two dates of a clock that differs",
        site=RAX,
        kind="novnc",
        status=413,
        headers={**JETTY, **JSON, "Retry-After": "Tue, 30 Jun 2015 17:39:00 GMT"},
        body=fault(
            "overLimit", 413, "OverLimit Retry...", details="Error Details...", retryAfter="2015-06-30T17:39:00Z"
        ),
        error=CloudBusyError,
        sentence="rax-dfw allows no more consoles and asks for patience for 41 s: OverLimit Retry.",
        holds={"request_id": None, "retry_after": 41.0},
    ),
    Answer(
        title="413 Over Limit: the wait in the body alone, the cloud's date impossible",
        site=RAX,
        kind="novnc",
        status=413,
        headers={
            **JETTY,
            **JSON,
            "Date": "Tue, 30 Jun 2015 17:345:17 GMT, Tue, 30 Jun 2015 17:45:19 GMT",
        },
        body=fault("overLimit", 413, "OverLimit Retry...", details="Error Details...", retryAt="2015-06-30T18:45:00Z"),
        error=CloudBusyError,
        sentence="rax-dfw allows no more consoles and asks for patience for 60 min: OverLimit Retry.",
        holds={"request_id": None, "retry_after": 3600.0},
    ),
    Answer(
        title="500 API Fault",
        site=RAX,
        kind="novnc",
        status=500,
        headers=RAX_NOVA,
        body=fault(
            "computeFault",
            500,
            "The server has either erred or is incapable of performing the requested operation.",
        ),
        error=CloudReplyError,
        sentence=(
            "rax-dfw has a fault of its own (status 500): The server has either erred or is incapable of performing "
            "the requested operation. Its operator must look at it."
        ),
        holds={"request_id": ID, "status": 500},
    ),
    Answer(
        title="503 Service Unavailable",
        site=RAX,
        kind="novnc",
        status=503,
        headers=RAX_NOVA,
        body=fault("serviceUnavailable", 503, "Service is unavailable at this time."),
        error=CloudBusyError,
        sentence="rax-dfw is busy and asks for patience: Service is unavailable at this time.",
        holds={"request_id": ID, "retry_after": None},
    ),
)


# Nova: status by status


NOVA_FAULTS: Final = (
    Answer(
        title="Nova 400: remote-consoles has given the type up",
        site=NEW,
        kind="xvpvnc",
        status=400,
        headers=NEW_NOVA,
        body=fault("badRequest", 400, "Invalid console type xvpvnc"),
        error=KindNotOfferedError,
        sentence="prod has no xvpvnc console for this server. Ask for another kind.",
        holds={"request_id": ID, "kind": "xvpvnc"},
    ),
    Answer(
        title="Nova 400: the host has no such screen",
        site=NEW,
        kind="novnc",
        status=400,
        headers=NEW_NOVA,
        body=fault("badRequest", 400, "Unavailable console type vnc."),
        error=KindNotOfferedError,
        sentence="prod has no novnc console for this server. Ask for another kind.",
        holds={"request_id": ID, "kind": "novnc"},
    ),
    Answer(
        title="Nova 400: the schema does not know the type",
        site=OLD,
        kind="xvpvnc",
        status=400,
        headers=NOVA,
        body=fault(
            "badRequest",
            400,
            "Invalid input for field/attribute type. Value: xvpvnc. 'xvpvnc' is not one of ['novnc']",
        ),
        error=KindNotOfferedError,
        sentence="prod has no xvpvnc console for this server. Ask for another kind.",
        holds={"request_id": ID, "kind": "xvpvnc"},
    ),
    Answer(
        title="Nova 400: the endpoint names another project",
        site=NEW,
        kind="novnc",
        status=400,
        headers=NOVA,
        body=fault(
            "badRequest",
            400,
            "Malformed request URL: URL's project_id '610275' doesn't match Context's project_id '4f2b'",
        ),
        error=CloudReplyError,
        sentence="prod: the project in its endpoint is not that of the API token. Check its endpoint.",
        holds={"request_id": ID, "status": 400},
    ),
    Answer(
        title="Nova 403: a reader, or an unscoped token",
        site=NEW,
        kind="novnc",
        status=403,
        headers=NEW_NOVA,
        body=fault("forbidden", 403, "Policy doesn't allow os_compute_api:os-remote-consoles to be performed."),
        error=CloudCredentialsError,
        sentence=(
            "prod does not give consoles to the gateway's account: Policy doesn't allow "
            "os_compute_api:os-remote-consoles to be performed. It needs the role member in the server's project; "
            "reader is not enough."
        ),
        holds={"request_id": ID},
    ),
    Answer(
        title="Nova 404: the server is gone, or somebody else's",
        site=NEW,
        kind="novnc",
        status=404,
        headers=NEW_NOVA,
        body=fault("itemNotFound", 404, f"Instance {SERVER_ID} could not be found."),
        error=ServerNotFoundError,
        sentence=f"prod has no server {SERVER_ID}.",
        holds={"request_id": ID},
    ),
    Answer(
        title="Nova 404: the server is gone, to the action",
        site=RAX,
        kind="novnc",
        status=404,
        headers=RAX_NOVA,
        body=fault("itemNotFound", 404, "Instance could not be found"),
        error=ServerNotFoundError,
        sentence=f"rax-dfw has no server {SERVER_ID}.",
        holds={"request_id": ID},
    ),
    Answer(
        title="Nova 404: neither remote-consoles nor the action",
        site=NEW,
        kind="novnc",
        status=404,
        headers=NOVA,
        body=fault("itemNotFound", 404, "The resource could not be found."),
        error=CloudReplyError,
        sentence=(
            "prod knows no request for consoles at its endpoint (status 404). Check that its endpoint is that of a "
            "Compute API, v2 or v2.1."
        ),
        holds={"request_id": ID, "status": 404},
    ),
    Answer(
        title="Nova 404: the action has ended, and discovery knows nothing else",
        site=OLD,
        kind="novnc",
        status=404,
        headers=NEW_NOVA,
        body=fault("itemNotFound", 404, ""),
        error=CloudReplyError,
        sentence=(
            "prod knows no request for consoles at its endpoint (status 404). Check that its endpoint is that of a "
            "Compute API, v2 or v2.1."
        ),
        holds={"request_id": ID, "status": 404},
    ),
    Answer(
        title="Nova 406: the microversion, by whichever way",
        site=NEW,
        kind="novnc",
        status=406,
        headers=NOVA,
        body=fault(
            "computeFault",
            406,
            "Version 2.6 is not supported by the API. Minimum is 2.1 and maximum is 2.3.",
        ),
        error=CloudReplyError,
        sentence=(
            "prod does not speak the version of the API that was asked for (status 406): Version 2.6 is not supported "
            "by the API. Minimum is 2.1 and maximum is 2.3. Check that its endpoint is that of a Compute API, v2 or "
            "v2.1."
        ),
        holds={"request_id": ID, "status": 406},
    ),
    Answer(
        title="Nova 409: the action while the server moves",
        site=OLD,
        kind="novnc",
        status=409,
        headers=NOVA,
        body=fault(
            "conflictingRequest",
            409,
            f"Cannot 'get_vnc_console' instance {SERVER_ID} while it is in task_state migrating",
        ),
        error=ConsoleRefusedError,
        sentence=(
            f"prod gives no console in the server's present state: Cannot 'get_vnc_console' instance {SERVER_ID} while "
            "it is in task_state migrating."
        ),
        holds={"request_id": ID, "state": None},
    ),
    Answer(
        title="Nova 413: the body",
        site=OLD,
        kind="novnc",
        status=413,
        headers=NOVA,
        body=fault("overLimit", 413, "Request is too large."),
        error=CloudBusyError,
        sentence="prod allows no more consoles and asks for patience: Request is too large.",
        holds={"request_id": ID, "retry_after": None},
    ),
    Answer(
        title="Nova 415: the media type",
        site=OLD,
        kind="novnc",
        status=415,
        headers=NOVA,
        body=fault("badMediaType", 415, "Unsupported Content-Type"),
        error=CloudReplyError,
        sentence="prod answered with status 415: Unsupported Content-Type.",
        holds={"request_id": ID, "status": 415},
    ),
    Answer(
        title="Nova 429: its limiter until 2015",
        site=OLD,
        kind="novnc",
        status=429,
        headers={**NOVA, "Retry-After": "41"},
        body=fault(
            "overLimit",
            429,
            "This request was rate-limited.",
            details="Only 10 POST request(s) can be made to * every minute.",
            retryAfter="41",
        ),
        error=CloudBusyError,
        sentence="prod allows no more consoles and asks for patience for 41 s: This request was rate-limited.",
        holds={"request_id": ID, "retry_after": 41.0},
    ),
    Answer(
        title="Nova 500: remote-consoles while the server moves",
        site=NEW,
        kind="novnc",
        status=500,
        headers=NEW_NOVA,
        body=unexpected("nova.exception.InstanceInvalidState"),
        error=ConsoleRefusedError,
        sentence="prod gives no console in the server's present state: it is being moved or deleted.",
        holds={"request_id": ID, "state": None},
    ),
    Answer(
        title="Nova 500: the action has given the type up",
        site=OLD,
        kind="xvpvnc",
        status=500,
        headers=NOVA,
        body=unexpected("nova.exception.ConsoleTypeInvalid"),
        error=KindNotOfferedError,
        sentence="prod has no xvpvnc console for this server. Ask for another kind.",
        holds={"request_id": ID, "kind": "xvpvnc"},
    ),
    Answer(
        title="Nova 500: the server's host hangs",
        site=NEW,
        kind="novnc",
        status=500,
        headers=NEW_NOVA,
        body=unexpected("oslo_messaging.exceptions.MessagingTimeout"),
        error=CloudReplyError,
        sentence=(
            "prod: the server's host does not answer the cloud (status 500, MessagingTimeout). Its operator must look "
            "at that host."
        ),
        holds={"request_id": ID, "status": 500},
    ),
    Answer(
        title="Nova 500: anything else that it did not foresee",
        site=NEW,
        kind="novnc",
        status=500,
        headers=NEW_NOVA,
        body=unexpected("oslo_db.exception.DBConnectionError"),
        error=CloudReplyError,
        sentence="prod has a fault of its own (status 500): DBConnectionError. Its operator must look at it.",
        holds={"request_id": ID, "status": 500},
    ),
    Answer(
        title="Nova 501: the host's driver has no consoles",
        site=NEW,
        kind="novnc",
        status=501,
        headers=NEW_NOVA,
        body=fault("notImplemented", 501, "Unable to get vnc console, functionality not implemented"),
        error=KindNotOfferedError,
        sentence="prod has no novnc console for this server. Ask for another kind.",
        holds={"request_id": ID, "kind": "novnc"},
    ),
)


# keystonemiddleware, which stands before Nova


KEYSTONEMIDDLEWARE: Final = (
    Answer(
        title="keystonemiddleware 401",
        site=NEW,
        kind="novnc",
        status=401,
        headers={
            "Content-Type": "application/json; charset=UTF-8",
            "WWW-Authenticate": 'Keystone uri="http://127.0.0.1:5000"',
        },
        body=fault("error", 401, "The request you have made requires authentication.", title="Unauthorized"),
        error=CloudCredentialsError,
        sentence=(
            "prod does not accept the API token, nor a new one: The request you have made requires authentication. "
            "Check the account that the gateway uses there."
        ),
        holds={"request_id": None},
    ),
    Answer(
        title="keystonemiddleware 401: a cloud without Identity",
        site=BARE,
        kind="novnc",
        status=401,
        headers=JSON,
        body=fault("error", 401, "The request you have made requires authentication.", title="Unauthorized"),
        error=CloudCredentialsError,
        sentence=(
            "bare does not accept the API token: The request you have made requires authentication. Replace the one "
            "that its api_token names."
        ),
        holds={"request_id": None},
    ),
    Answer(
        title="keystonemiddleware 401: plain text, until 2016",
        site=OLD,
        kind="novnc",
        status=401,
        headers={**TEXT, "WWW-Authenticate": 'Keystone uri="http://127.0.0.1:5000"'},
        body=b"Authentication required",
        error=CloudCredentialsError,
        sentence=(
            "prod does not accept the API token, nor a new one: Authentication required. Check the account that the "
            "gateway uses there."
        ),
        holds={"request_id": None},
    ),
    Answer(
        title="keystonemiddleware 503: Keystone is away",
        site=NEW,
        kind="novnc",
        status=503,
        headers={"Content-Type": "application/json"},
        body=json.dumps(
            {
                "message": "The Keystone service is temporarily unavailable.<br /><br />\n\n\n",
                "code": "503 Service Unavailable",
                "title": "Service Unavailable",
            }
        ).encode(),
        error=CloudBusyError,
        sentence=(
            "prod cannot ask its Identity service about the API token and asks for patience: The Keystone service is "
            "temporarily unavailable."
        ),
        holds={"request_id": None, "retry_after": None},
    ),
    Answer(
        title="keystonemiddleware 503: plain text, until 2016",
        site=OLD,
        kind="novnc",
        status=503,
        headers=TEXT,
        body=b"Service unavailable",
        error=CloudBusyError,
        sentence=(
            "prod cannot ask its Identity service about the API token and asks for patience: Service unavailable."
        ),
        holds={"request_id": None, "retry_after": None},
    ),
)


# Keystone, where the endpoint is its own by mistake; what it says to a sign-in is tested with a real one


KEYSTONE: Final = (
    Answer(
        title="Keystone 404: the endpoint is an Identity service's",
        site=OLD,
        kind="novnc",
        status=404,
        headers={"Content-Type": "text/html; charset=utf-8", "x-openstack-request-id": ID},
        body=(
            b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL "
            b"was not found on the server.</p>\n"
        ),
        error=CloudReplyError,
        sentence=(
            "prod: what answers at its endpoint is no Compute API (status 404, text/html). Check that its endpoint is "
            "that of a Compute API, v2 or v2.1."
        ),
        holds={"request_id": ID, "status": 404},
    ),
    Answer(
        title="Keystone 404: JSON",
        site=OLD,
        kind="novnc",
        status=404,
        headers={"Content-Type": "application/json", "x-openstack-request-id": ID},
        body=fault("error", 404, "Could not find application credential: 4f2b.", title="Not Found"),
        error=CloudReplyError,
        sentence=(
            "prod: what answers at its endpoint is no Compute API (status 404, application/json). Check that its "
            "endpoint is that of a Compute API, v2 or v2.1."
        ),
        holds={"request_id": ID, "status": 404},
    ),
)


# Repose, which stands before Rackspace's Nova: bodies are the servlet container's, or none


REPOSE: Final = (
    Answer(
        title="Repose 401: HTML",
        site=RAX,
        kind="novnc",
        status=401,
        headers={**JETTY, **HTML, "WWW-Authenticate": "Keystone uri=https://identity.api.rackspacecloud.com"},
        body=jetty(401, "Unauthorized"),
        error=CloudCredentialsError,
        sentence=(
            "rax-dfw does not accept the API token, nor a new one. Check the account that the gateway uses there."
        ),
        holds={"request_id": None},
    ),
    Answer(
        title="Repose 403: HTML",
        site=RAX,
        kind="novnc",
        status=403,
        headers={**JETTY, **HTML},
        body=jetty(403, "Forbidden"),
        error=CloudCredentialsError,
        sentence=(
            "rax-dfw does not give consoles to the gateway's account. It needs the role admin for Cloud Servers; "
            "observer or creator is not enough."
        ),
        holds={"request_id": None},
    ),
    Answer(
        title="Repose 404: empty",
        site=RAX,
        kind="novnc",
        status=404,
        headers=JETTY,
        body=b"",
        error=CloudReplyError,
        sentence=(
            "rax-dfw: what answers at its endpoint is no Compute API (status 404, no type). Check that its endpoint is "
            "that of a Compute API, v2 or v2.1."
        ),
        holds={"request_id": None, "status": 404},
    ),
    Answer(
        title="Repose 405: HTML",
        site=RAX,
        kind="novnc",
        status=405,
        headers={**JETTY, **HTML},
        body=jetty(405, "Method Not Allowed"),
        error=CloudReplyError,
        sentence=(
            "rax-dfw: what answers at its endpoint is no Compute API (status 405, text/html). Check that its endpoint "
            "is that of a Compute API, v2 or v2.1."
        ),
        holds={"request_id": None, "status": 405},
    ),
    Answer(
        title="Repose 413: empty, the wait as a date",
        site=RAX,
        kind="novnc",
        status=413,
        headers={**JETTY, "Retry-After": "Tue, 30 Jun 2015 17:39:00 GMT"},
        body=b"",
        error=CloudBusyError,
        sentence="rax-dfw allows no more consoles and asks for patience for 41 s.",
        holds={"request_id": None, "retry_after": 41.0},
    ),
    Answer(
        title="Repose 429: where it is set so",
        site=RAX,
        kind="novnc",
        status=429,
        headers={**JETTY, **HTML, "Retry-After": "Tue, 30 Jun 2015 17:39:00 GMT"},
        body=jetty(429, "Too Many Requests"),
        error=CloudBusyError,
        sentence="rax-dfw allows no more consoles and asks for patience for 41 s.",
        holds={"request_id": None, "retry_after": 41.0},
    ),
    Answer(
        title="Repose 502: Identity cannot be reached",
        site=RAX,
        kind="novnc",
        status=502,
        headers={**JETTY, **HTML},
        body=jetty(502, "Bad Gateway"),
        error=CloudReplyError,
        sentence="rax-dfw: its front end has no usable answer from the API behind it (status 502). Try again.",
        holds={"request_id": None, "status": 502},
    ),
    Answer(
        title="Repose 503: the global limit, or Identity overloaded",
        site=RAX,
        kind="novnc",
        status=503,
        headers={**JETTY, **HTML, "Retry-After": "Tue, 30 Jun 2015 17:39:00 GMT"},
        body=jetty(503, "Service Unavailable"),
        error=CloudBusyError,
        sentence="rax-dfw is busy and asks for patience for 41 s.",
        holds={"request_id": None, "retry_after": 41.0},
    ),
    Answer(
        title="Repose 503: empty, without a wait",
        site=RAX,
        kind="novnc",
        status=503,
        headers=JETTY,
        body=b"",
        error=CloudBusyError,
        sentence="rax-dfw is busy and asks for patience.",
        holds={"request_id": None, "retry_after": None},
    ),
    Answer(
        title="Repose 504: Identity is too slow",
        site=RAX,
        kind="novnc",
        status=504,
        headers={**JETTY, **HTML},
        body=jetty(504, "Gateway Timeout"),
        error=CloudReplyError,
        sentence="rax-dfw: its front end has no answer in time from the API behind it (status 504). Try again.",
        holds={"request_id": None, "status": 504},
    ),
)


# Replies whose status is good, or none that is known, and that cannot be used all the same


UNUSABLE: Final = (
    Answer(
        title="200: empty",
        site=NEW,
        kind="novnc",
        status=200,
        headers=NEW_NOVA,
        body=b"",
        error=CloudReplyError,
        sentence=(
            "prod answered with status 200, but its application/json body is not a console with a URL. Is its endpoint "
            "a Compute API's?"
        ),
        holds={"request_id": ID, "status": 200},
    ),
    Answer(
        title="200: a page of a portal's",
        site=RAX,
        kind="novnc",
        status=200,
        headers=HTML,
        body=b"<html><body>Welcome</body></html>",
        error=CloudReplyError,
        sentence=(
            "rax-dfw answered with status 200, but its text/html body is not a console with a URL. Is its endpoint a "
            "Compute API's?"
        ),
        holds={"request_id": None, "status": 200},
    ),
    Answer(
        title="200: JSON that is cut off",
        site=NEW,
        kind="novnc",
        status=200,
        headers=NEW_NOVA,
        body=b'{"remote_console": {"protocol": "vnc", "url": "http://12',
        error=CloudReplyError,
        sentence=(
            "prod answered with status 200, but its application/json body is not a console with a URL. Is its endpoint "
            "a Compute API's?"
        ),
        holds={"request_id": ID, "status": 200},
    ),
    Answer(
        title="200: a console without a URL",
        site=OLD,
        kind="novnc",
        status=200,
        headers=NOVA,
        body=b'{"console": {"type": "novnc", "url": null}}',
        error=CloudReplyError,
        sentence=(
            "prod answered with status 200, but its application/json body is not a console with a URL. Is its endpoint "
            "a Compute API's?"
        ),
        holds={"request_id": ID, "status": 200},
    ),
    Answer(
        title="200: more than 4 MiB",
        site=OLD,
        kind="novnc",
        status=200,
        headers=NOVA,
        body=b" " * (5 * 1024**2),
        error=CloudReplyError,
        sentence=("prod answered with more than 4 MiB. Check that its endpoint is that of a Compute API, v2 or v2.1."),
        holds={"request_id": ID, "status": 200},
    ),
    Answer(
        title="307: a redirect, which would take the API token along",
        site=OLD,
        kind="novnc",
        status=307,
        headers={**NOVA, "Location": "http://127.0.0.1:1/"},
        body=b"",
        error=CloudReplyError,
        sentence="prod answered with a redirect (307), which is never followed. Check its endpoint.",
        holds={"request_id": ID, "status": 307},
    ),
    Answer(
        title="204: nothing",
        site=OLD,
        kind="novnc",
        status=204,
        headers=NOVA_ID,
        body=b"",
        error=CloudReplyError,
        sentence="prod answered with status 204 and no message that can be read.",
        holds={"request_id": ID, "status": 204},
    ),
)


REFUSED: Final = (*PAGE, *NOVA_FAULTS, *KEYSTONEMIDDLEWARE, *KEYSTONE, *REPOSE, *UNUSABLE)
