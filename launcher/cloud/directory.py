"""All clouds together: a reference → one server, or which error; the list of all servers.

Clouds are asked at the same time, each by one request for all who wait; one cloud's failure does not hide the others.
"""

from __future__ import annotations

import asyncio
import difflib
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from launcher.clock import Clock
from launcher.cloud.flight import Flight
from launcher.errors import (
    AmbiguousServerError,
    BadRequestError,
    CloudError,
    CloudNotFoundError,
    CloudReplyError,
    ServerNotFoundError,
)
from launcher.model import Server

_REUSE = 5.0
_CANDIDATES_SAID = 10

Servers = tuple[Server, ...]
_Lookup = tuple[str, str, str]
"""Cloud; by id alone, or by any reference; what is looked for."""


class ServersOfOneCloud(Protocol):
    """What is asked of each cloud. Every method raises CloudError."""

    async def servers(self) -> Servers:
        """All servers."""
        ...

    async def named(self, name: str) -> Servers:
        """The servers of exactly this name."""
        ...

    async def server(self, server_id: str) -> Server:
        """The server with this id. Raises ServerNotFoundError as well."""
        ...


@dataclass(frozen=True, slots=True)
class Listing:
    """A part of the list of all servers, in the order of cloud, name, id."""

    servers: Servers
    next_marker: str | None
    """Asks for the part that follows; None: there is none."""
    errors: Mapping[str, CloudError]
    """By cloud: why its servers are missing."""
    shared: frozenset[tuple[str, str]] = frozenset()
    """Cloud and name, where several servers of that cloud have the name: on this part or on another."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many servers each cloud has."""

    servers: Mapping[str, int]
    """By cloud."""
    errors: Mapping[str, CloudError]
    """By cloud: why nobody knows."""


@dataclass(slots=True)
class _Kept:
    """A cloud's last listing, and the request for the next one."""

    flight: Flight[Servers]
    servers: Servers = ()
    at: float = float("-inf")


class Directory:
    """Knows which server a person means."""

    def __init__(self, clouds: Mapping[str, ServersOfOneCloud], aliases: Mapping[str, str], clock: Clock) -> None:
        """`aliases` are name → `cloud/server`, where server is a name or a UUID."""
        self._clouds = dict(clouds)
        self._aliases = dict(aliases)
        self._clock = clock
        self._listings = {cloud: _Kept(Flight()) for cloud in clouds}
        self._lookups: dict[_Lookup, Flight[Servers]] = {}

    def clouds(self) -> tuple[str, ...]:
        """The names of all clouds, in the order of the configuration."""
        return tuple(self._clouds)

    def canonical(self, alias_or_name: str) -> tuple[str, str] | None:
        """The cloud and the server that an alias stands for; None if it is none."""
        cloud, slash, server = self._aliases.get(alias_or_name, "").partition("/")
        return (cloud, server) if slash else None

    async def resolve(self, cloud: str, reference: str) -> Server:
        """The one server of this name or UUID. Raises ServerNotFoundError, AmbiguousServerError, CloudError."""
        self._require(cloud)
        return _only(reference, cloud, await self._matching(cloud, reference))

    async def current(self, cloud: str, server_id: str) -> Server:
        """The server as it is now; one request for all who ask at the same time.

        Raises ServerNotFoundError, CloudError.
        """
        self._require(cloud)
        (server,) = await self._shared_lookup((cloud, "id", server_id), lambda: self._one(cloud, server_id))
        return server

    async def locate(self, name: str) -> tuple[str, str]:
        """The cloud and the server that a bare name stands for: an alias, else a server unique among all clouds.

        Raises ServerNotFoundError, AmbiguousServerError, and CloudError if nothing was found but a cloud is silent.
        """
        aliased = self.canonical(name)
        if aliased is not None:
            return aliased
        return (await self.unique(name)).cloud, name

    async def unique(self, name: str) -> Server:
        """The server that is the only one of this name or UUID among all clouds; aliases aside.

        Raises ServerNotFoundError, AmbiguousServerError, and CloudError if nothing was found but a cloud is silent.
        """
        found, errors = await self._ask_each(self.clouds(), lambda cloud: self._matching(cloud, name))
        servers = tuple(server for matching in found.values() for server in matching)
        if not servers and errors:
            raise next(iter(errors.values()))
        return _only(name, None, servers)

    async def list(self, *, cloud: str | None, query: str, limit: int, marker: str | None) -> Listing:
        """At most `limit` servers in which every word of `query` stands (name, cloud, state or id), behind `marker`.

        Raises ServerNotFoundError for an unknown cloud and BadRequestError for a marker that no listing gave.
        """
        if cloud is not None:
            self._require(cloud)
        behind = _place_of(marker) if marker is not None else None
        found, errors = await self._ask_each(self.clouds() if cloud is None else (cloud,), self._servers)
        words = query.casefold().split()
        matching = sorted((s for servers in found.values() for s in servers if _matches(s, words)), key=_place)
        rest = [server for server in matching if behind is None or _place(server) > behind]
        page = tuple(rest[:limit])
        more = len(rest) > len(page) and page
        marker = f"{page[-1].cloud}/{page[-1].id}/{page[-1].name}" if more else None
        return Listing(page, marker, errors, _shared(found))

    async def count(self) -> Counts:
        """How many servers each cloud has."""
        found, errors = await self._ask_each(self.clouds(), self._servers)
        return Counts({cloud: len(servers) for cloud, servers in found.items()}, errors)

    def _require(self, cloud: str) -> None:
        if cloud in self._clouds:
            return
        close = difflib.get_close_matches(cloud, self._clouds, 1)
        hint = f' Did you mean "{close[0]}"?' if close else ""
        raise CloudNotFoundError(f'There is no cloud "{cloud}" (there are: {", ".join(self._clouds)}).{hint}')

    async def _matching(self, cloud: str, reference: str) -> Servers:
        """The servers of this name, or the one of this UUID; asked once for all who ask at the same time."""
        asked = (cloud, "any", reference)
        return await self._shared_lookup(asked, lambda: self._look_up(self._clouds[cloud], reference))

    async def _shared_lookup(self, key: _Lookup, ask: Callable[[], Awaitable[Servers]]) -> Servers:
        flight = self._lookups.setdefault(key, Flight())
        try:
            return await flight.share(ask)
        finally:
            if not flight.busy and self._lookups.get(key) is flight:
                del self._lookups[key]

    async def _one(self, cloud: str, server_id: str) -> Servers:
        return (await self._clouds[cloud].server(server_id),)

    async def _look_up(self, servers: ServersOfOneCloud, reference: str) -> Servers:
        if _is_uuid(reference):
            try:
                return (await servers.server(reference.lower()),)
            except ServerNotFoundError:
                pass  # a server may be named like a UUID
        return await servers.named(reference)

    async def _servers(self, cloud: str) -> Servers:
        """The cloud's listing, reused for a few seconds."""
        kept = self._listings[cloud]
        if self._clock.monotonic() - kept.at < _REUSE:
            return kept.servers
        return await kept.flight.share(lambda: self._list_anew(cloud, kept))

    async def _list_anew(self, cloud: str, kept: _Kept) -> Servers:
        asked_at = self._clock.monotonic()
        kept.servers = await self._clouds[cloud].servers()
        kept.at = asked_at
        return kept.servers

    async def _ask_each(
        self, clouds: tuple[str, ...], ask: Callable[[str], Awaitable[Servers]]
    ) -> tuple[dict[str, Servers], dict[str, CloudError]]:
        """What each cloud answered, and the errors of those that did not."""
        found: dict[str, Servers] = {}
        errors: dict[str, CloudError] = {}

        async def one(cloud: str) -> None:
            try:
                found[cloud] = await ask(cloud)
            except CloudError as error:
                errors[cloud] = error
            except Exception as error:  # noqa: BLE001 -- one cloud's fault must not hide the others' servers
                message = f"{cloud}: a fault of the gateway while asking it ({type(error).__name__})."
                errors[cloud] = CloudReplyError(message, cloud=cloud)

        async with asyncio.TaskGroup() as group:
            for cloud in clouds:
                group.create_task(one(cloud))
        in_order = {cloud: found[cloud] for cloud in clouds if cloud in found}
        return in_order, {cloud: errors[cloud] for cloud in clouds if cloud in errors}


def _only(reference: str, cloud: str | None, servers: Servers) -> Server:
    """The one of the servers; `cloud` None: of all clouds. Raises ServerNotFoundError, AmbiguousServerError."""
    if not servers:
        who = "No cloud has a" if cloud is None else f"{cloud} has no"
        raise ServerNotFoundError(f'{who} server "{reference}".')
    if len(servers) > 1:
        candidates = [f"{server.cloud}/{server.id}" for server in servers]
        message = (
            f'{len(servers)} servers answer to "{reference}": use one of {", ".join(candidates[:_CANDIDATES_SAID])}.'
        )
        raise AmbiguousServerError(message, candidates)
    return servers[0]


def _shared(found: Mapping[str, Servers]) -> frozenset[tuple[str, str]]:
    times = Counter((cloud, server.name) for cloud, servers in found.items() for server in servers)
    return frozenset(key for key, count in times.items() if count > 1)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _matches(server: Server, words: Sequence[str]) -> bool:
    """Whether every word stands in what is known of the server: as the list page searches."""
    texts = (server.name, server.cloud, server.status, server.task_state or "", server.id)
    text = "\n".join(texts).casefold()
    return all(word in text for word in words)


def _place(server: Server) -> tuple[str, str, str]:
    return (server.cloud, server.name, server.id)


def _place_of(marker: str) -> tuple[str, str, str]:
    """The place of the server that a marker names, which may be gone by now."""
    cloud, server_id, name = [*marker.split("/", 2), "", ""][:3]
    if not name:
        raise BadRequestError("The marker is none that a list of servers gave.")
    return (cloud, name, server_id)
