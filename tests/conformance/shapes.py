"""The rows of recorded answers, and how the recorded replies look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from launcher.errors import LauncherError

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


CHECK: Final = "Check that its endpoint is that of a Compute API, v2 or v2.1."
"""What to do where the endpoint may be a wrong one."""


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
