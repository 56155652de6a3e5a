"""The Compute API's words: requests built, good replies parsed. Pure.

Consoles are asked for in one of two ways: the action `os-getVNCConsole`, which Nova has up to microversion 2.5 and
wherever none is asked for, or `remote-consoles` from 2.6 on. Version discovery chooses; a cloud that has been misjudged
is known by its answer (`misjudged`). What refusals mean stands in `faults`, what replies say in `reply`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from launcher.cloud.bounds import PAGE
from launcher.cloud.faults import fault_of, no_such_path, unusable
from launcher.cloud.reply import REPLY_LIMIT, Reply, clean, said
from launcher.model import Kind, Secret, Server

__all__ = [  # what a sign-in reads of replies, too, is found here by its one name
    "PAGE_SIZE",
    "REPLY_LIMIT",
    "Api",
    "Page",
    "Reply",
    "Request",
    "clean",
    "console_request",
    "fault_of",
    "is_server_id",
    "misjudged",
    "parse_api",
    "parse_console_url",
    "parse_page",
    "parse_server",
    "said",
    "server_request",
    "servers_request",
    "unusable",
    "version_root",
]
PAGE_SIZE: Final = 100
"""Servers asked for at once: the least that any cloud's documents name as their maximum."""

NAME_LIMIT: Final = 1024
"""Characters of a server's name that are kept; Nova allows 255."""
_CONSOLE_URL_LIMIT = 8 * 1024
_REMOTE_CONSOLES_FROM = (2, 6)
_MICROVERSION = "{}.{}".format(*_REMOTE_CONSOLES_FROM)
_VERSION_HEADERS: Final = {
    "OpenStack-API-Version": f"compute {_MICROVERSION}",
    "X-OpenStack-Nova-API-Version": _MICROVERSION,
}
"""Clouds before 2.27 read only the second; without either a cloud speaks 2.1. A cloud that understood echoes them."""
_LINKS: Final = 10
"""Links of a page that are looked at; there are two at most."""
_SERVER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
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
class Api:
    """What version discovery found: where paths begin below the endpoint, and which console API there is."""

    prefix: str = ""
    remote_consoles: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing; `marker` asks for the next one, if there is one."""

    servers: tuple[Server, ...]
    marker: str | None
    overfull: bool = False
    """It had more servers than are read of one page."""


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
    """`remote-consoles` where there is one, else the action `os-getVNCConsole`, which ended with 2.5."""
    path = f"/servers/{quote(server_id, safe='')}"
    if not api.remote_consoles:
        return Request("POST", f"{path}/action", body={"os-getVNCConsole": {"type": kind.value}})
    body = {"remote_console": {"protocol": "vnc", "type": kind.value}}
    return Request("POST", f"{path}/remote-consoles", headers=_VERSION_HEADERS, body=body)


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
    document = reply.document if reply.good else {}
    if isinstance(document.get("version"), dict):
        return Api(remote_consoles=_has_remote_consoles(document["version"]))
    for entry in _list(document.get("versions")):
        if isinstance(entry, dict) and entry.get("id") == "v2.1":
            return Api(prefix="/v2.1", remote_consoles=_has_remote_consoles(entry))
    return Api()


def misjudged(api: Api, reply: Reply) -> bool:
    """Whether the answer to a console's request shows that the cloud has not the console API that `api` says.

    `remote-consoles`: the API knows no such path, or no such microversion, and does not echo the microversion either.
    The action: the API knows no such path, rather than no such server.
    """
    if not api.remote_consoles:
        return no_such_path(reply)
    return (reply.status == 406 or no_such_path(reply)) and not _echoes_microversion(reply)


def _echoes_microversion(reply: Reply) -> bool:
    """Whether the cloud says that it answered in the microversion asked for; clouds before 2.27 by the older header."""
    return any(reply.headers.get(name.lower(), "").strip() == value for name, value in _VERSION_HEADERS.items())


def _has_remote_consoles(version: Mapping[str, Any]) -> bool:
    found = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", str(version.get("version")))
    return found is not None and (int(found[1]), int(found[2])) >= _REMOTE_CONSOLES_FROM


# Good replies


def parse_page(cloud: str, reply: Reply) -> Page:
    """One page of `GET /servers/detail`. Raises CloudReplyError."""
    document = reply.document
    entries = document.get("servers")
    if not isinstance(entries, list):
        raise unusable(cloud, reply, "a list of servers")
    servers = tuple(server for entry in entries[:PAGE] if (server := _server(cloud, entry)) is not None)
    links = _list(document.get("servers_links"))[:_LINKS]
    more = any(isinstance(link, dict) and link.get("rel") == "next" for link in links)
    return Page(servers, servers[-1].id if more and servers else None, overfull=len(entries) > PAGE)


def parse_server(cloud: str, reply: Reply) -> Server:
    """`GET /servers/{id}`. Raises CloudReplyError."""
    server = _server(cloud, reply.document.get("server"))
    if server is None:
        raise unusable(cloud, reply, "a server")
    return server


def parse_console_url(cloud: str, reply: Reply) -> Secret:
    """The console URL, from either console API's reply. Raises CloudReplyError."""
    document = reply.document
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
    status = (clean(status) if isinstance(status, str) else "").upper() or "UNKNOWN"
    return Server(
        cloud=cloud,
        id=server_id,
        name=_bounded(_encodable(name)) if isinstance(name, str) and name else server_id,
        status=status,
        task_state=clean(task_state) or None if isinstance(task_state, str) else None,
        fault=_fault(entry.get("fault")) if status == "ERROR" else None,
    )


def _fault(fault: object) -> str | None:
    """Why a server is in ERROR, in the cloud's words."""
    message = fault.get("message") if isinstance(fault, dict) else None
    return clean(message) or None if isinstance(message, str) else None


def _encodable(name: str) -> str:
    """A name without lone surrogates, which JSON can spell and nothing can send on."""
    return name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _bounded(name: str) -> str:
    """A name that no cloud allows is cut: it stands in every copy of the list."""
    return name if len(name) <= NAME_LIMIT else f"{name[: NAME_LIMIT - 1]}…"


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
