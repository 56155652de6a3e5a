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
class Act:
    """What the gateway does about an answer, for a viewer who waits for the screen."""

    words: str
    asks: tuple[str | float, ...]
    """In order: what is asked of the cloud, and between it the pauses in seconds.

    "console"      the console, by the cloud's own console API
    "other API"    the same by the other one: the action for remote-consoles
    "other kind"   a console of the other kind
    "state"        the server
    "versions"     the version document
    "sign in"      Identity, for a new API token
    """
    by_chance: bool = False
    """The pauses are a quarter longer or shorter."""


SHOWS: Final = Act("opens it", ("console",))
NOTHING: Final = Act("nothing: asking again would change nothing", ("console",))
RENEW: Final = Act("renews the API token once, asks again once", ("console", "sign in", "console"))
OTHER_KIND: Final = Act("asks for the other kind", ("console", "other kind"))
OF_OTHER_KIND: Final = Act("has been refused the other kind before", ("other kind", "console"))
OTHER_API: Final = Act("asks by the other console API, and remembers that", ("console", "other API"))
VERSIONS: Final = Act("asks anew which versions there are", ("console", "versions"))
TRIES_AGAIN: Final = Act(
    "asks up to four times", ("console", 1.0, "console", 2.0, "console", 4.0, "console"), by_chance=True
)
WAITS_41: Final = Act("waits for 41 s, for two minutes at most", ("console", 41.0, "console", 41.0, "console"))
WAITS_41_ONCE: Final = Act("waits for 41 s", ("console", 41.0, "console"))
WAITS_NOT: Final = Act("does not wait for that long", ("console",))
LOOKS: Final = Act("looks at the server's state", ("console", "state"))
LOOKS_AND_WAITS: Final = Act(
    "looks at the server's state, and waits until it has passed",
    ("console", "state", 2.0, "state", 3.0, "state", "console"),
)
LOOKS_AND_TRIES: Final = Act(
    "looks at the server's state, which explains nothing; asks up to three times",
    ("console", "state", 2.0, "console", "state", 3.0, "console", "state"),
)

# What the viewer's page says to do

ACCOUNT: Final = "The operator of this gateway must look at the cloud's credentials and roles."
AGAIN: Final = "Try again in a moment."
BEHIND: Final = "Try again in a minute; if it stays so, the cloud's operator must look at it."
ENTRY: Final = "Look at this cloud's entry in the gateway's configuration, and at what answers there."
HOST: Final = (
    "Give the request id to the cloud's support; until that host is back, trying again only takes a minute each."
)
KINDS: Final = "Ask the cloud's operator which consoles its hosts have."
LIST: Final = "Look for it in the list of servers; it may have been renamed or deleted."
IN_ERROR: Final = "Look up its fault at the cloud; a hard reboot or a rebuild may help."
MINUTE: Final = "Try again in a minute; if it stays so, give the request id to the cloud's support."
SUPPORT: Final = "Give the request id to the cloud's support."
TIME: Final = "Try again when this time is over; the gateway asks for nothing before."


# What one look after the other shows of the server

LASTING: Final = ("ACTIVE",)
MOVING: Final = ("ACTIVE/migrating", "ACTIVE/migrating", "ACTIVE")
BUILDING: Final = ("BUILD/spawning", "BUILD/spawning", "ACTIVE")
REBUILDING: Final = ("REBUILD/rebuild_spawning", "REBUILD/rebuild_spawning", "ACTIVE")
GONE: Final = ("",)


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
    act: Act
    problem: tuple[int, str]
    """What `POST …/console` is answered with, whose detail is the sentence: HTTP status and type."""
    closes: int | None
    """The close code of a viewer; None: it gets its screen."""
    logs: str
    """The outcome in the log line of the viewer's launch; its reason is what the viewer reads."""
    hint: str = ""
    """What the viewer's page says to do."""
    reads: str = ""
    """What the viewer reads, where that is not the sentence."""
    shows: tuple[str, ...] = LASTING
    """What one look after the other shows of the server, the last for ever: status and task state; "": it is gone."""
    once: bool = False
    """The cloud answers so once, and then gives a console."""


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
    act: Act = SHOWS


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
