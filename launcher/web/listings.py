"""What the API says of servers, their listings and their counts, as JSON objects; and what it understands of a query.

Pure: whoever is asked, and what time it is, is the caller's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

from launcher.errors import BadRequestError, CloudError
from launcher.model import Actor, Server
from launcher.states import reading
from launcher.web.bookmarks import bookmarks_of
from launcher.web.problems import problem_of

WAIT: Final = 2.0
"""Seconds that clouds which were never listed before are waited for, where several are asked."""
_PAGE = 100
_PAGE_AT_MOST = 1000
_NUMBER = re.compile(r"[0-9]{1,5}(\.[0-9]{1,3})?")


class Known(Protocol):
    @property
    def errors(self) -> Mapping[str, CloudError]: ...
    @property
    def as_of(self) -> Mapping[str, datetime]: ...
    @property
    def versions(self) -> Mapping[str, int]: ...
    @property
    def waiting(self) -> Sequence[str]: ...
    @property
    def refreshing(self) -> Sequence[str]: ...


class Listing(Protocol):
    @property
    def servers(self) -> Sequence[Server]: ...
    @property
    def next_marker(self) -> str | None: ...
    @property
    def shared(self) -> frozenset[tuple[str, str]]: ...
    @property
    def known(self) -> Known: ...


class Counts(Protocol):
    @property
    def servers(self) -> Mapping[str, int]: ...
    @property
    def known(self) -> Known: ...


class Directory(Protocol):
    """What the API asks about servers."""

    def canonical(self, alias_or_name: str) -> tuple[str, str] | None: ...
    async def resolve(self, cloud: str, reference: str, *, by: Actor | None) -> Server: ...
    async def unique(self, name: str, *, by: Actor | None) -> Server: ...
    def alone(self, server: Server) -> bool: ...
    async def count(self, *, wait: float | None, max_age: float | None) -> Counts: ...
    async def list(
        self,
        *,
        cloud: str | None,
        query: str,
        limit: int,
        marker: str | None,
        wait: float | None,
        max_age: float | None,
    ) -> Listing: ...


def server_object(server: Server, public_url: str, *, shared: bool) -> dict[str, object]:
    """One server; `shared`: another of its cloud has, or may have, its name."""
    bookmarks = bookmarks_of(server, shared=shared)
    return {
        "cloud": server.cloud,
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "task_state": server.task_state,
        "outlook": reading(server).outlook,
        "by_name": bookmarks.by_name,
        "by_id": bookmarks.by_id,
        **addresses(bookmarks.path, public_url),
    }


def meant_object(server: Server, reference: str, public_url: str, *, alone: bool) -> dict[str, object]:
    """The server that a reference means. Where that is not its name, its own bookmark is that of its UUID.

    `alone`: no other server of its cloud is known to have its name.
    """
    if server.name == reference:
        return server_object(server, public_url, shared=False)
    found = server_object(server, public_url, shared=not alone)
    return found | addresses(str(found["by_id"]), public_url)


def addresses(path: str, public_url: str) -> dict[str, object]:
    """A bookmark, whole and as a path."""
    return {"page": public_url + path, "path": path}


def listing_object(listing: Listing, public_url: str) -> dict[str, object]:
    """A part of a list, as of when it is known, and what went wrong with which cloud."""
    known = listing.known
    return {
        "servers": [
            server_object(server, public_url, shared=(server.cloud, server.name) in listing.shared)
            for server in listing.servers
        ],
        "next_marker": listing.next_marker,
        "errors": [problem_of(error) for error in known.errors.values()],
        "as_of": {cloud: iso(moment) for cloud, moment in known.as_of.items()},
        "waiting": list(known.waiting),
        "refreshing": list(known.refreshing),
    }


def count_object(counts: Counts, cloud: str) -> dict[str, object]:
    """How many servers a cloud has, or why nobody knows."""
    known = counts.known
    error, moment = known.errors.get(cloud), known.as_of.get(cloud)
    return {
        "servers": counts.servers.get(cloud),
        "problem": problem_of(error) if error else None,
        "as_of": iso(moment) if moment else None,
        "waiting": cloud in known.waiting,
    }


def tag_of(known: Known, mark: str) -> str:
    """Of what a listing says of servers and problems; not of its age, and whether younger ones are asked for.

    `mark` is of who counts the versions: another one counts anew.
    """
    said = (mark, sorted(known.versions.items()), list(map(str, known.errors.values())))
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def age_of(known: Known, now: datetime) -> int:
    """Whole seconds, of the oldest."""
    return max(0, 0, *(int((now - moment).total_seconds()) for moment in known.as_of.values()))


def seconds_of(query: Mapping[str, str], name: str, usual: float | None) -> float | None:
    """A time that a query names. Raises BadRequestError."""
    text = query.get(name)
    if text is None:
        return usual
    if not _NUMBER.fullmatch(text):
        raise BadRequestError(f"{name} is a number of seconds, like 2 or 0.5.")
    return float(text)


def limit_of(query: Mapping[str, str]) -> int:
    """How many servers a part of a list may have. Raises BadRequestError."""
    text = query.get("limit")
    if text is None:
        return _PAGE
    if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= _PAGE_AT_MOST:
        raise BadRequestError(f"limit is a number from 1 to {_PAGE_AT_MOST}.")
    return int(text)


def iso(moment: datetime) -> str:
    """A moment as JSON has it, in UTC and whole seconds."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
