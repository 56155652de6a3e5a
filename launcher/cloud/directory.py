"""All clouds together: a reference → one server, or which error; the list of all servers.

Clouds are asked at the same time, each by one request for all who wait; one cloud's failure does not hide the others.
A list comes from what is kept of each cloud (`kept`); a reference is always asked for anew, for a launch acts on it.
"""

from __future__ import annotations

import asyncio
import difflib
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from launcher.clock import Clock, SystemClock
from launcher.cloud.bounds import CANDIDATES
from launcher.cloud.flight import Flight
from launcher.cloud.kept import KeptListing, Seen, ServersOfOneCloud
from launcher.cloud.listing import Servers, holds, parse_marker, part_of
from launcher.cloud.lookups import Lookups
from launcher.errors import (
    AmbiguousServerError,
    BadRequestError,
    CloudError,
    CloudNotFoundError,
    CloudReplyError,
    CloudUnreachableError,
    ServerNotFoundError,
    TooManyLookupsError,
)
from launcher.model import Actor, Server
from launcher.spans import span

NAME_PATIENCE: Final = 5.0
"""Seconds that each cloud has to say whether it knows a name that all clouds are asked for."""
_LISTED = 60.0
"""Seconds: a list as old says which names there are, for who may look up no others."""
_MET = 10_000
"""References that are remembered for having been found."""
_Lookup = tuple[str, str, str]
"""Cloud; by id alone, or by any reference; what is looked for."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the clouds that were looked at are known by, beside their servers."""

    errors: Mapping[str, CloudError]
    """By cloud: why its servers are missing, or old."""
    as_of: Mapping[str, datetime]
    """By cloud: since when its servers are known; a cloud whose servers are missing is not in it."""
    versions: Mapping[str, int]
    """By cloud: another one where its servers are others than before."""
    waiting: tuple[str, ...]
    """The clouds that have not answered yet, and of which there is nothing, or nothing as young as was wanted."""
    refreshing: tuple[str, ...]
    """The clouds that are being asked, whatever there is of them."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A part of the list of all servers, in the order of cloud, name, id."""

    servers: Servers
    next_marker: str | None
    """Asks for the part that follows; None: there is none."""
    shared: frozenset[tuple[str, str]]
    """Cloud and name of those of `servers` whose name another server of their cloud has too."""
    known: Known


@dataclass(frozen=True, slots=True)
class Counts:
    """How many servers each cloud has."""

    servers: Mapping[str, int]
    """By cloud."""
    known: Known


class Directory:
    """Knows which server a person means."""

    def __init__(
        self,
        clouds: Mapping[str, KeptListing],
        aliases: Mapping[str, str],
        *,
        patience: float = NAME_PATIENCE,
        clock: Clock | None = None,
    ) -> None:
        """`aliases` are name → `cloud/server`, where server is a name or a UUID."""
        self._clock = clock or SystemClock()
        self._budget = Lookups()
        self._met: dict[tuple[str, str], None] = {}
        """Clouds and references that look-ups have found, the oldest first."""
        self._patience = patience
        self._clouds = dict(clouds)
        self._aliases = dict(aliases)
        self._lookups: dict[_Lookup, Flight[Servers]] = {}

    def clouds(self) -> tuple[str, ...]:
        """The names of all clouds, in the order of the configuration."""
        return tuple(self._clouds)

    def canonical(self, alias_or_name: str) -> tuple[str, str] | None:
        """The cloud and the server that an alias stands for; None if it is none."""
        cloud, slash, server = self._aliases.get(alias_or_name, "").partition("/")
        return (cloud, server) if slash else None

    async def resolve(self, cloud: str, reference: str, *, by: Actor | None = None) -> Server:
        """The one server of this name or UUID; what nobody knows is looked up within the budget of `by`, if given.

        Raises ServerNotFoundError, AmbiguousServerError, TooManyLookupsError, CloudError.
        """
        self._require(cloud)
        return _only(reference, cloud, await self._afforded(cloud, reference, by))

    async def current(self, cloud: str, server_id: str) -> Server:
        """The server as it is now; one request for all who ask at the same time.

        Raises ServerNotFoundError, CloudError.
        """
        self._require(cloud)
        (server,) = await self._shared_lookup((cloud, "id", server_id), lambda: self._one(cloud, server_id))
        return server

    async def locate(self, name: str, *, by: Actor | None = None) -> tuple[str, str]:
        """The cloud and the server that a bare name stands for: an alias, else a server unique among all clouds.

        Raises what `unique` raises.
        """
        aliased = self.canonical(name)
        if aliased is not None:
            return aliased
        return (await self.unique(name, by=by)).cloud, name

    async def unique(self, name: str, *, by: Actor | None = None) -> Server:
        """The server that is the only one of this name or UUID among all clouds; aliases aside.

        Of a cloud that does not answer in `NAME_PATIENCE`, or that `by` has asked for too many unknown names, the
        listing counts that is kept. Raises ServerNotFoundError, AmbiguousServerError, and TooManyLookupsError or
        CloudError if nothing was found but a cloud was not asked, or is silent.
        """
        spent: list[TooManyLookupsError] = []

        async def ask(cloud: str) -> Servers:
            try:
                return await self._promptly(cloud, name, by)
            except TooManyLookupsError as error:
                spent.append(error)
                return ()

        found, errors = await self._ask_each(self.clouds(), ask)
        servers = tuple(server for matching in found.values() for server in matching)
        if not servers and (spent or errors):
            raise next(iter([*spent, *errors.values()]))
        return _only(name, None, servers)

    async def list(
        self,
        *,
        cloud: str | None,
        query: str,
        limit: int,
        marker: str | None,
        wait: float | None = None,
        max_age: float | None = None,
    ) -> Listing:
        """At most `limit` servers in which every word of `query` stands (name, cloud, state or id), behind `marker`.

        They come from the listings that are kept: see `KeptListing.seen` for `wait` and `max_age`, in seconds.
        Raises ServerNotFoundError for an unknown cloud and BadRequestError for a marker that no listing gave.
        """
        if cloud is not None:
            self._require(cloud)
        behind = parse_marker(marker) if marker is not None else None
        if behind is None and marker is not None:
            raise BadRequestError("The marker is none that a list of servers gave.")
        seen = await self._look(self.clouds() if cloud is None else (cloud,), wait, max_age)
        snapshots = {cloud: one.snapshot for cloud, one in seen.items() if one.snapshot is not None}
        part = part_of(snapshots, query, limit, behind)
        return Listing(part.servers, part.next_marker, part.shared, _known(seen))

    async def count(self, *, wait: float | None = None, max_age: float | None = None) -> Counts:
        """How many servers each cloud has; `wait` and `max_age` as for `list`."""
        seen = await self._look(self.clouds(), wait, max_age)
        counted = {cloud: len(one.snapshot.servers) for cloud, one in seen.items() if one.snapshot is not None}
        return Counts(counted, _known(seen))

    def alone(self, server: Server) -> bool:
        """Whether no other server of its cloud has its name, as far as the listing knows that is kept."""
        kept = self._clouds.get(server.cloud)
        return kept is not None and kept.snapshot is not None and server.name not in kept.snapshot.shared

    def _require(self, cloud: str) -> None:
        if cloud in self._clouds:
            return
        close = difflib.get_close_matches(cloud, self._clouds, 1)
        hint = f' Did you mean "{close[0]}"?' if close else ""
        raise CloudNotFoundError(f'There is no cloud "{cloud}" (there are: {", ".join(self._clouds)}).{hint}')

    def _knows(self, cloud: str, reference: str) -> bool:
        """Whether a server of this name or UUID is in the kept list, stands behind an alias, or was found before."""
        if (cloud, reference) in self._met or f"{cloud}/{reference}" in self._aliases.values():
            return True
        snapshot = self._clouds[cloud].snapshot
        return snapshot is not None and holds(snapshot, reference)

    async def _afforded(self, cloud: str, reference: str, by: Actor | None) -> Servers:
        """The servers of this name or UUID; a name that nobody knows costs `by` a look-up unless it is found.

        Raises TooManyLookupsError, CloudError.
        """
        if by is None or self._knows(cloud, reference):
            return await self._matching(cloud, reference)
        wait = self._budget.take(cloud, by.uid, self._clock.monotonic())
        if wait:
            await self._require_listed(cloud, reference, by, wait)
        found = await self._matching(cloud, reference)
        if found:
            self._meet(cloud, reference)
            if not wait:
                self._budget.give_back(cloud, by.uid, self._clock.monotonic())
        return found

    async def _require_listed(self, cloud: str, reference: str, by: Actor, wait: float) -> None:
        """Raises TooManyLookupsError, or why there is no list, unless the cloud's list of the last minute has it."""
        kept = self._clouds[cloud]
        seen = await kept.seen(self._patience if kept.snapshot else None, _LISTED)
        if self._knows(cloud, reference):
            return
        if seen.snapshot is None and seen.error is not None:
            raise seen.error
        raise TooManyLookupsError(
            f"{by.name} has asked {cloud} for too many servers that it does not have: for the next {span(wait)} it is "
            "asked only for those in its list.",
            retry_after=wait,
        )

    def _meet(self, cloud: str, reference: str) -> None:
        self._met[cloud, reference] = None
        if len(self._met) > _MET:
            del self._met[next(iter(self._met))]

    async def _matching(self, cloud: str, reference: str) -> Servers:
        """The servers of this name, or the one of this UUID; asked once for all who ask at the same time."""
        asked = (cloud, "any", reference)
        return await self._shared_lookup(asked, lambda: _look_up(self._clouds[cloud].source, reference))

    async def _promptly(self, cloud: str, reference: str, by: Actor | None) -> Servers:
        """As `_afforded`, or what was known before where the cloud takes too long."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._afforded(cloud, reference, by)
        except TimeoutError:
            snapshot = self._clouds[cloud].snapshot
            if snapshot is not None:
                return tuple(one for one in snapshot.servers if one.name == reference or one.id == reference.lower())
            message = f"{cloud} has not answered in {span(self._patience)}."
            raise CloudUnreachableError(message, cloud=cloud) from None

    async def _shared_lookup(self, key: _Lookup, ask: Callable[[], Awaitable[Servers]]) -> Servers:
        flight = self._lookups.setdefault(key, Flight())
        try:
            return await flight.share(ask)
        finally:
            if not flight.busy and self._lookups.get(key) is flight:
                del self._lookups[key]

    async def _one(self, cloud: str, server_id: str) -> Servers:
        return (await self._clouds[cloud].source.server(server_id),)

    async def _look(self, clouds: tuple[str, ...], wait: float | None, max_age: float | None) -> dict[str, Seen]:
        """What is known of each cloud; they are waited for at the same time."""
        async with asyncio.TaskGroup() as group:
            looks = {cloud: group.create_task(self._clouds[cloud].seen(wait, max_age)) for cloud in clouds}
        return {cloud: look.result() for cloud, look in looks.items()}

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


async def resolve_in(cloud: str, source: ServersOfOneCloud, reference: str) -> Server:
    """As `Directory.resolve`, for who knows one cloud only. Raises what it raises."""
    return _only(reference, cloud, await _look_up(source, reference))


async def _look_up(source: ServersOfOneCloud, reference: str) -> Servers:
    """The servers of this name, or the one of this UUID."""
    if _is_uuid(reference):
        try:
            return (await source.server(reference.lower()),)
        except ServerNotFoundError:
            pass  # a server may be named like a UUID
    return await source.named(reference)


def _only(reference: str, cloud: str | None, servers: Servers) -> Server:
    """The one of the servers; `cloud` None: of all clouds. Raises ServerNotFoundError, AmbiguousServerError."""
    if not servers:
        who = "No cloud has a" if cloud is None else f"{cloud} has no"
        raise ServerNotFoundError(f'{who} server "{reference}".')
    if len(servers) > 1:
        raise AmbiguousServerError(f'{len(servers)} servers answer to "{reference}".', servers[:CANDIDATES])
    return servers[0]


def _known(seen: Mapping[str, Seen]) -> Known:
    return Known(
        errors={cloud: one.error for cloud, one in seen.items() if one.error is not None},
        as_of={cloud: one.as_of for cloud, one in seen.items() if one.as_of is not None},
        versions={cloud: one.version for cloud, one in seen.items()},
        waiting=tuple(cloud for cloud, one in seen.items() if one.late),
        refreshing=tuple(cloud for cloud, one in seen.items() if one.asking),
    )


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
