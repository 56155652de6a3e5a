"""The Compute API's words: requests built, replies parsed, every fault shape to one error. Pure.

Shapes: Nova's legacy v2 and v2.1 (a fault is one key that names it, its value holds `message`), and what
keystonemiddleware and Repose say in front of them (`error`, a bare `message`, HTML, nothing at all).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from launcher.errors import (
    CloudBusyError,
    CloudCredentialsError,
    CloudReplyError,
    ConsoleRefusedError,
    LauncherError,
    ServerNotFoundError,
)
from launcher.model import Kind, Secret, Server

REPLY_LIMIT: Final = 4 * 1024**2
PAGE_SIZE: Final = 100
"""Servers asked for at once: the least that any cloud's documents name as their maximum."""

_MESSAGE_LIMIT = 300
_CONSOLE_URL_LIMIT = 8 * 1024
_REMOTE_CONSOLES_FROM = (2, 6)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,80}")
_SERVER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_URL = re.compile(r"((?:https?|wss?)://)(?:[^\s/?#@]*@)?([^\s?#]*)([?#]\S*)?")
_REGEXP_SIGN = re.compile(r"[][.^$*+?{}()|\\]")


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `path` begins behind the endpoint and is already quoted."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole reply; `headers` by lower-case name."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    asked_at: float
    """When its request was about to be sent."""

    @property
    def good(self) -> bool:
        """200, or 203 from a cache in front of the cloud."""
        return self.status in {200, 203}

    @property
    def request_id(self) -> str | None:
        """The cloud's own id of the request, by either of its headers."""
        for name in ("x-compute-request-id", "x-openstack-request-id"):
            value = self.headers.get(name, "")
            if _REQUEST_ID.fullmatch(value):
                return value
        return None


@dataclass(frozen=True, slots=True)
class Api:
    """What version discovery found: where paths begin below the endpoint, and which console API there is."""

    prefix: str = ""
    remote_consoles: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing; `marker` asks for the next one, if there is one."""

    servers: tuple[Server, ...]
    marker: str | None


# Requests


def is_server_id(text: str) -> bool:
    """Whether the text may stand in a path as a server's id (a UUID; old clouds count)."""
    return _SERVER_ID.fullmatch(text) is not None


def servers_request(marker: str | None = None, name: str | None = None) -> Request:
    """The page of servers after `marker`; `name` is meant exactly, though the API takes a regexp."""
    query = {"limit": str(PAGE_SIZE)}
    if name is not None:
        query["name"] = "^" + _REGEXP_SIGN.sub(lambda sign: "\\" + sign[0], name) + "$"
    if marker is not None:
        query["marker"] = marker
    return Request("GET", "/servers/detail", query=query)


def server_request(server_id: str) -> Request:
    """One server by its id."""
    return Request("GET", f"/servers/{quote(server_id, safe='')}")


def console_request(api: Api, server_id: str, kind: Kind) -> Request:
    """`remote-consoles` where there is one, else the action `os-getVNCConsole`, which ended with 2.5.

    Clouds before 2.27 read only the older of the two microversion headers; without either a cloud speaks 2.1.
    """
    path = f"/servers/{quote(server_id, safe='')}"
    if not api.remote_consoles:
        return Request("POST", f"{path}/action", body={"os-getVNCConsole": {"type": kind.value}})
    version = "{}.{}".format(*_REMOTE_CONSOLES_FROM)
    headers = {"OpenStack-API-Version": f"compute {version}", "X-OpenStack-Nova-API-Version": version}
    body = {"remote_console": {"protocol": "vnc", "type": kind.value}}
    return Request("POST", f"{path}/remote-consoles", headers=headers, body=body)


# Version discovery


def version_root(endpoint: str) -> str:
    """Where the endpoint's version document is: up to its version segment, without a project behind it."""
    parts = urlsplit(endpoint)
    segments = parts.path.split("/")
    versions = [place for place, segment in enumerate(segments) if re.fullmatch(r"v2(\.\d+)?", segment)]
    if versions:
        segments = segments[: versions[-1] + 1]
    path = "/".join(segments).rstrip("/") + "/"
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def parse_api(reply: Reply) -> Api:
    """What a version document offers; a reply that is none offers the oldest API, at the endpoint as given.

    A version's own document is `{"version": {…}}`; an endpoint above all versions answers `{"versions": […]}`.
    Only `id` and `version` count: behind a proxy the links' scheme and host are often wrong.
    """
    document = _document(reply) if reply.good else {}
    if isinstance(document.get("version"), dict):
        return Api(remote_consoles=_has_remote_consoles(document["version"]))
    for entry in _list(document.get("versions")):
        if isinstance(entry, dict) and entry.get("id") == "v2.1":
            return Api(prefix="/v2.1", remote_consoles=_has_remote_consoles(entry))
    return Api()


def _has_remote_consoles(version: Mapping[str, Any]) -> bool:
    found = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", str(version.get("version")))
    return found is not None and (int(found[1]), int(found[2])) >= _REMOTE_CONSOLES_FROM


# Good replies


def parse_page(cloud: str, reply: Reply) -> Page:
    """One page of `GET /servers/detail`. Raises CloudReplyError."""
    document = _document(reply)
    entries = document.get("servers")
    if not isinstance(entries, list):
        raise unusable(cloud, reply, "a list of servers")
    servers = tuple(server for entry in entries if (server := _server(cloud, entry)) is not None)
    links = _list(document.get("servers_links"))
    more = any(isinstance(link, dict) and link.get("rel") == "next" for link in links)
    return Page(servers, servers[-1].id if more and servers else None)


def parse_server(cloud: str, reply: Reply) -> Server:
    """`GET /servers/{id}`. Raises CloudReplyError."""
    server = _server(cloud, _document(reply).get("server"))
    if server is None:
        raise unusable(cloud, reply, "a server")
    return server


def parse_console_url(cloud: str, reply: Reply) -> Secret:
    """The console URL, from either console API's reply. Raises CloudReplyError."""
    document = _document(reply)
    console = document.get("console") or document.get("remote_console")
    url = console.get("url") if isinstance(console, dict) else None
    if not isinstance(url, str) or not 0 < len(url) <= _CONSOLE_URL_LIMIT:
        raise unusable(cloud, reply, "a console with a URL")
    return Secret(url)


def _server(cloud: str, entry: object) -> Server | None:
    """One entry of a listing, or None for what has no usable id."""
    if not isinstance(entry, dict):
        return None
    server_id, name, status = (entry.get(key) for key in ("id", "name", "status"))
    if not isinstance(server_id, str) or not is_server_id(server_id):
        return None
    task_state = entry.get("OS-EXT-STS:task_state")
    return Server(
        cloud=cloud,
        id=server_id,
        name=_encodable(name) if isinstance(name, str) and name else server_id,
        status=status.upper() if isinstance(status, str) else "UNKNOWN",
        task_state=task_state if isinstance(task_state, str) else None,
    )


def _encodable(name: str) -> str:
    """A name without lone surrogates, which JSON can spell and nothing can send on."""
    return name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _document(reply: Reply) -> dict[str, Any]:
    """The JSON object of a reply; empty for whatever is none: HTML, a fragment, a list, nothing."""
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


# Faults


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is known of a refused request, ready to be put in words."""

    cloud: str
    status: int
    request_id: str | None
    said: str
    """`: ` and the cloud's own message, or nothing."""
    retry_after: float | None


def _credentials(fault: _Fault) -> LauncherError:
    message = f"{fault.cloud} does not accept the API token{fault.said}. Check the account that the gateway uses there."
    return CloudCredentialsError(message, cloud=fault.cloud, request_id=fault.request_id)


def _role(fault: _Fault) -> LauncherError:
    message = (
        f"{fault.cloud} does not allow this to the gateway's account{fault.said}. Give it a role that may use consoles."
    )
    return CloudCredentialsError(message, cloud=fault.cloud, request_id=fault.request_id)


def _refused(fault: _Fault) -> LauncherError:
    message = f"{fault.cloud} gives no console in the server's present state{fault.said}."
    return ConsoleRefusedError(message, cloud=fault.cloud, request_id=fault.request_id)


def _busy(fault: _Fault) -> LauncherError:
    wait = "" if fault.retry_after is None else f" for {fault.retry_after:.0f} s"
    message = f"{fault.cloud} is busy or limits requests and asks for patience{wait}{fault.said}."
    return CloudBusyError(message, cloud=fault.cloud, request_id=fault.request_id, retry_after=fault.retry_after)


def _other(fault: _Fault) -> LauncherError:
    message = f"{fault.cloud} answered with status {fault.status}{fault.said or ' and no message that can be read'}."
    return CloudReplyError(message, cloud=fault.cloud, request_id=fault.request_id, status=fault.status)


_FAULTS: Final[Mapping[int, Callable[[_Fault], LauncherError]]] = {
    401: _credentials,
    403: _role,
    409: _refused,
    413: _busy,
    429: _busy,
    503: _busy,
}


def fault_of(cloud: str, reply: Reply, now: datetime, server_id: str | None = None) -> LauncherError:
    """The error that a refusing reply means; `server_id` is the server it was about, `now` the wall clock in UTC."""
    message = said(reply)
    if (
        reply.status == 404 and server_id is not None and message
    ):  # else something in front of the API knows no such path
        return ServerNotFoundError(f"{cloud} has no server {server_id}.")
    fault = _Fault(cloud, reply.status, reply.request_id, f": {message}" if message else "", retry_after(reply, now))
    return _FAULTS.get(reply.status, _other)(fault)


def unusable(
    cloud: str, reply: Reply, wanted: str, question: str = "Is its endpoint a Compute API's?"
) -> CloudReplyError:
    """The error for a good status whose body is not what was asked for."""
    kind = clean(reply.headers.get("content-type", "").partition(";")[0]) or "unknown"
    message = f"{cloud} answered with status {reply.status}, but its {kind} body is not {wanted}. {question}"
    return CloudReplyError(message, cloud=cloud, request_id=reply.request_id, status=reply.status)


def said(reply: Reply) -> str:
    """The cloud's own message, cleaned; empty if there is none."""
    document = _document(reply)
    for value in (*document.values(), document):
        if isinstance(value, dict) and isinstance(value.get("message"), str):
            return clean(value["message"]).rstrip(".")
    return ""


def clean(text: str) -> str:
    """One line fit for logs and pages: no control or bidi characters, no URL's query, 300 characters at most."""
    cut = _URL.sub(lambda url: url[1] + url[2] + ("?…" if url[3] else ""), text[: 4 * _MESSAGE_LIMIT])
    printable = (" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in cut)
    line = " ".join("".join(printable).split())
    return line if len(line) <= _MESSAGE_LIMIT else line[: _MESSAGE_LIMIT - 1] + "…"


def retry_after(reply: Reply, now: datetime) -> float | None:
    """Seconds to wait: by the header (a number, or an HTTP date from Repose) or a fault's `retryAt`, `retryAfter`."""
    values: list[object] = [reply.headers.get("retry-after")]
    for fault in _document(reply).values():
        if isinstance(fault, dict):
            values += [fault.get("retryAfter"), fault.get("retryAt")]
    return next((seconds for value in values if (seconds := _seconds(value, now)) is not None), None)


def _seconds(value: object, now: datetime) -> float | None:
    """Seconds from a number, an HTTP date or an ISO 8601 date; None for anything else."""
    text = str(value).strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return float(text)
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text)
        except (ValueError, TypeError, OverflowError):
            continue
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return max(0.0, (aware - now).total_seconds())
    return None
