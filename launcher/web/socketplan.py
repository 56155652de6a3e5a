"""Which servers have a Unix socket of their own, and what it is called. Pure.

    DIRECTORY/cloud/UUID.sock     the socket
    DIRECTORY/cloud/NAME.sock     a link to it, where the name is fit for that

Names are strangers' words: one that could be taken for another server, or lead anybody astray, has no link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Protocol

from launcher.model import Server

PATH_LIMIT: Final = 107
"""Bytes of a Unix socket's path (`sun_path` of unix(7), without the NUL at its end)."""
SOCKETS_AT_MOST: Final = 2000
SUFFIX: Final = ".sock"
SOCKET_NAME: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.sock")
"""What a socket of ours is called, and nothing else in these folders that is ours to remove."""


class Listed(Protocol):
    """What is known of one cloud's servers."""

    @property
    def servers(self) -> Sequence[Server]: ...
    @property
    def shared(self) -> frozenset[str]:
        """The names that several of them have."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A server's socket."""

    cloud: str
    server_id: str

    @property
    def path(self) -> str:
        """Below the directory."""
        return f"{self.cloud}/{self.server_id}{SUFFIX}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be there."""

    spots: frozenset[Spot]
    links: Mapping[str, str]
    """By the link's path below the directory: what it leads to, beside it."""
    crowded_out: int = 0
    """Servers that match and have no socket, because there are too many."""
    unfit: int = 0
    """Servers that match and can have none: the path would be too long, or the id is no UUID."""


def clouds_meant(clouds: Iterable[str], patterns: Iterable[str]) -> tuple[str, ...]:
    """The clouds of which any server may match."""
    halves = [pattern.partition("/")[0] for pattern in patterns]
    return tuple(cloud for cloud in clouds if any(fnmatchcase(cloud, half) for half in halves))


def plan(listings: Mapping[str, Listed], patterns: Sequence[str], directory: str, most: int = SOCKETS_AT_MOST) -> Plan:
    """The sockets of all servers that match, at most so many, in the order of the listings; `listings` are by cloud."""
    spots: dict[Spot, None] = {}
    links: dict[str, str] = {}
    crowded_out = unfit = 0
    for cloud, listed in listings.items():
        for server in listed.servers:
            if not _matches(cloud, server, patterns):
                continue
            spot = Spot(cloud, server.id)
            if not SOCKET_NAME.fullmatch(f"{server.id}{SUFFIX}") or not _fits(directory, spot.path):
                unfit += 1
            elif len(spots) >= most:
                crowded_out += 1
            else:
                spots[spot] = None
                link = f"{cloud}/{server.name}{SUFFIX}"
                if server.name not in listed.shared and is_harmless(server.name) and _fits(directory, link):
                    links[link] = f"{server.id}{SUFFIX}"
    return Plan(frozenset(spots), links, crowded_out, unfit)


def is_harmless(name: str) -> bool:
    """Whether a server's name can be a file's: one that is seen as it is, stays in its folder, and is no socket's."""
    return (
        bool(name)
        and name.isprintable()
        and name == name.strip()
        and "/" not in name
        and not name.startswith((".", "-"))
        and not name.endswith(SUFFIX)
        and not SOCKET_NAME.fullmatch(f"{name.lower()}{SUFFIX}")
    )


def _matches(cloud: str, server: Server, patterns: Iterable[str]) -> bool:
    called = (f"{cloud}/{server.name}", f"{cloud}/{server.id}")
    return any(fnmatchcase(one, pattern) for pattern in patterns for one in called)


def _fits(directory: str, path: str) -> bool:
    return len(f"{directory.rstrip('/')}/{path}".encode()) <= PATH_LIMIT
