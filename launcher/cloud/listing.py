"""The list of all servers, as values: a cloud's servers at one moment, searched and cut into parts.

Whatever can be done once is done when a listing arrives, not for each search: the order, the text that is searched,
the names that are shared. The order is that of cloud, name, id; a part of the list is found again by the place of its
last server, which may be gone by then.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice

from launcher.model import Server

Servers = tuple[Server, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A cloud's servers at one moment, in the order of name and id."""

    servers: Servers
    texts: tuple[str, ...]
    """Beside each server: what a search looks into, casefolded."""
    shared: frozenset[str]
    """The names that several of them have."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server stands in the list of all, whether it is still there or not."""

    cloud: str
    name: str
    id: str


@dataclass(frozen=True, slots=True)
class Part:
    """Some servers that follow one another in the list."""

    servers: Servers
    next_marker: str | None
    """Asks for the part that follows; None: there is none."""
    shared: frozenset[tuple[str, str]]
    """Cloud and name of those of them whose name another server of their cloud has too, on this part or not."""


def snapshot_of(servers: Iterable[Server]) -> Snapshot:
    """Of one cloud's servers, in whatever order. Texts that many servers have in common are kept once."""
    texts: dict[str, str] = {}
    in_order = tuple(sorted((_lean(server, texts) for server in servers), key=_order))
    times = Counter(server.name for server in in_order)
    return Snapshot(
        servers=in_order,
        texts=tuple(map(_searched, in_order)),
        shared=frozenset(name for name, count in times.items() if count > 1),
    )


def part_of(snapshots: Mapping[str, Snapshot], query: str, limit: int, behind: Place | None) -> Part:
    """At most `limit` servers in which every word of `query` stands (name, cloud, state, task or id), behind a place.

    `snapshots` are by cloud. Nothing is looked at behind the first server that has no room.
    """
    words = query.casefold().split()
    found = (_found(cloud, snapshots[cloud], words, behind) for cloud in sorted(snapshots))
    servers = tuple(islice(chain.from_iterable(found), limit + 1))
    page = servers[:limit]
    return Part(
        servers=page,
        next_marker=marker_of(page[-1]) if page and len(servers) > limit else None,
        shared=frozenset((one.cloud, one.name) for one in page if one.name in snapshots[one.cloud].shared),
    )


def holds(snapshot: Snapshot, reference: str) -> bool:
    """Whether a server of the cloud has this name or UUID."""
    place = bisect_left(snapshot.servers, reference, key=lambda server: server.name)
    if place < len(snapshot.servers) and snapshot.servers[place].name == reference:
        return True
    server_id = reference.lower()
    return any(server.id == server_id for server in snapshot.servers)


def marker_of(server: Server) -> str:
    """What asks for the servers behind this one."""
    return f"{server.cloud}/{server.id}/{server.name}"


def parse_marker(marker: str) -> Place | None:
    """The place that a marker names; None for what is no marker."""
    cloud, server_id, name = [*marker.split("/", 2), "", ""][:3]
    return Place(cloud, name, server_id) if name else None


def _lean(server: Server, texts: dict[str, str]) -> Server:
    task = server.task_state
    return replace(
        server,
        cloud=texts.setdefault(server.cloud, server.cloud),
        status=texts.setdefault(server.status, server.status),
        task_state=None if task is None else texts.setdefault(task, task),
    )


def _searched(server: Server) -> str:
    """A line break is in no word of a query: so no word reaches over two of them."""
    return "\n".join((server.name, server.cloud, server.status, server.task_state or "", server.id)).casefold()


def _order(server: Server) -> tuple[str, str]:
    return (server.name, server.id)


def _found(cloud: str, snapshot: Snapshot, words: Iterable[str], behind: Place | None) -> Iterator[Server]:
    places: Iterable[int] = range(_first(cloud, snapshot, behind), len(snapshot.servers))
    for word in words:
        places = _holding(snapshot.texts, word, places)
    return (snapshot.servers[place] for place in places)


def _holding(texts: tuple[str, ...], word: str, places: Iterable[int]) -> Iterator[int]:
    return (place for place in places if word in texts[place])


def _first(cloud: str, snapshot: Snapshot, behind: Place | None) -> int:
    """The number of the cloud's first server that stands behind the place."""
    if behind is None or cloud > behind.cloud:
        return 0
    if cloud < behind.cloud:
        return len(snapshot.servers)
    return bisect_right(snapshot.servers, (behind.name, behind.id), key=_order)
