"""What the TAB key offers from the running gateway: servers, clouds, sessions.

Whatever goes wrong, nothing is offered and nothing is said, and soon: a person waits in the middle of a line.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final
from urllib.parse import unquote

from launcher.cli.answers import Object, objects
from launcher.cli.client import Client, client_of
from launcher.cli.failure import Failure
from launcher.cli.servers import state_of
from launcher.cli.sessions import live

_CLOUDS_PATIENCE: Final = 0.2
_PATIENCE: Final = 0.5
"""Seconds for an answer. The first is asked of the gateway alone, the second perhaps of clouds."""
_CLOUD_PATIENCE: Final = 0.3
"""How long the gateway waits for those of which it knows no server yet."""
_AT_MOST = 1000
_PLAIN = re.compile(r"\w[\w.+/-]*")
"""What no shell reads as anything but letters: names are strangers' words, and `$(reboot)` is one."""

Offers = dict[str, str]
"""What may stand there, and a word about it, which zsh and fish show."""


def servers(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> Offers:
    """Of `prod/w`: that cloud's servers. Of `w`: clouds, and names that are unique among all."""
    cloud, slash, name = prefix.partition("/")
    if slash:
        return _offered(lambda: in_cloud(_listing(parsed_args, q=name, cloud=cloud)))
    found = _offered(lambda: {f"{one}/": "a cloud" for one in _cloud_names(parsed_args) if one.startswith(prefix)})
    return {**found, **(_offered(lambda: unique(_listing(parsed_args, q=prefix))) if prefix else {})}


def clouds(parsed_args: argparse.Namespace, **_: Any) -> Offers:
    return _offered(lambda: dict.fromkeys(_cloud_names(parsed_args), "a cloud"))


def sessions(parsed_args: argparse.Namespace, **_: Any) -> Offers:
    return _offered(lambda: {one["id"]: _about_session(one) for one in live(_client(parsed_args, _PATIENCE))})


def in_cloud(listing: Sequence[Object]) -> Offers:
    """`cloud/name` as the bookmark has it, or `cloud/uuid` where the name is none for a command line."""
    return {_reference(one): _about(state_of(one)) for one in listing}


def unique(listing: Sequence[Object]) -> Offers:
    """The plain names that one server alone has; `listing` holds every server that has it."""
    times = Counter(one["name"] for one in listing)
    alone = (one for one in listing if times[one["name"]] == 1 and _reference(one) == f"{one['cloud']}/{one['name']}")
    return {one["name"]: _about(f"{one['cloud']}, {state_of(one)}") for one in alone if "/" not in one["name"]}


def _reference(server: Object) -> str:
    reference = unquote(server["path"].removeprefix("/c/"))
    return reference if _PLAIN.fullmatch(reference) else f"{server['cloud']}/{server['id']}"


def _about_session(session: Object) -> str:
    return _about(f"{session['actor']} on {session['cloud']}/{session['name']}")


def _about(text: str) -> str:
    """A description without anything that a shell's completion would take for its own."""
    return re.sub(r"[^\w .,()/-]", "?", text)


def _offered(ask: Callable[[], Offers]) -> Offers:
    try:
        return {offer: about for offer, about in ask().items() if _PLAIN.fullmatch(offer)}
    except Failure:
        return {}


def _cloud_names(parsed_args: argparse.Namespace) -> Iterable[str]:
    client = _client(parsed_args, _CLOUDS_PATIENCE)
    return [one["name"] for one in objects(client.gateway, client.get("/api/v1/clouds"), "clouds", "name")]


def _listing(parsed_args: argparse.Namespace, **query: str) -> Sequence[Object]:
    """All that fits the query, or nothing where it is more than anybody would read."""
    client = _client(parsed_args, _PATIENCE)
    body = client.get("/api/v1/servers", {**query, "limit": str(_AT_MOST), "wait": str(_CLOUD_PATIENCE)})
    found = objects(client.gateway, body, "servers", "cloud", "id", "name", "status", "path")
    return [] if body.get("next_marker") else found


def _client(parsed_args: argparse.Namespace, patience: float) -> Client:
    named = {name: getattr(parsed_args, name, None) for name in ("gateway", "cacert")}
    return client_of(argparse.Namespace(**named, timeout=patience))
