"""The servers of a static cloud: hosts outside any cloud, from the configuration and from websockify's token files.

A token is a server of this name. Token files are read anew for everyone who asks, so that a change is seen without a
reload; in a thread, for a file may hang. A server of the configuration goes before a token of the same name.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from launcher.cloud.flight import Flight
from launcher.cloud.listing import Servers
from launcher.cloud.tokens import read_tokens
from launcher.config.models import StaticCloud
from launcher.config.targets import parse_server_name
from launcher.egress import Egress
from launcher.errors import (
    AmbiguousServerError,
    CloudError,
    CloudReplyError,
    CloudUnreachableError,
    NotFoundError,
    ServerNotFoundError,
)
from launcher.model import Server, Target

_LOG = logging.getLogger(__name__)
_NAMESPACE: Final = uuid.UUID("5f0ad0a2-6a3f-5c5c-9d0c-3b1d6d8a7e4f")
"""Never to be changed: bookmarks hold ids that are made with it."""
_TIMEOUT: Final = 5.0
_SHOWN: Final = 64
"""Characters of a stranger's token that an error repeats."""


@dataclass(frozen=True, slots=True)
class _Host:
    server: Server
    target: Target


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one reading of the token files gave."""

    hosts: Mapping[str, _Host]
    complaints: frozenset[str]


def server_id(cloud: str, name: str) -> str:
    """The id of a static cloud's server: the same for the same names, on every machine and for ever."""
    return str(uuid.uuid5(_NAMESPACE, f"{cloud}/{name}"))


class StaticServers:
    """The servers of one static cloud. Every method raises CloudError."""

    def __init__(self, cloud: StaticCloud, pool: Executor, *, timeout: float = _TIMEOUT) -> None:
        """`pool` reads; a thread of it may be held by a file. `timeout` is for each reading, in seconds."""
        self.name = cloud.name
        self._own = _hosts(cloud.name, {name: one.target for name, one in cloud.entry.servers.items()})
        self._tokens = cloud.entry.websockify_tokens
        self._pool = pool
        self._timeout = timeout
        self._flight = Flight[_Reading]()
        self._complaints: frozenset[str] = frozenset()

    @property
    def has_tokens(self) -> bool:
        """Whether token files are a part of it."""
        return self._tokens is not None

    async def egress(self) -> Egress:
        """Its addresses are the operator's own word: none is refused, and none need be encrypted."""
        return Egress(loopback=True, plain=True)

    async def servers(self) -> Servers:
        """All servers; those of the configuration alone while the token files cannot be read, which is logged."""
        try:
            hosts = {**await self._from_tokens(), **self._own}
        except CloudError as error:
            if not self._own:
                raise
            self._complain(self._complaints | {str(error)})
            hosts = self._own
        return tuple(host.server for host in hosts.values())

    async def named(self, name: str) -> Servers:
        """The server of exactly this name."""
        try:
            wanted = server_id(self.name, parse_server_name(name))
        except ValueError:
            return ()
        host = await self._host(wanted)
        return (host.server,) if host else ()

    async def server(self, server_id: str) -> Server:
        """The server with this id. Raises ServerNotFoundError as well."""
        return (await self._require(server_id)).server

    async def target(self, server_id: str) -> Target:
        """Where the server with this id is dialled. Raises ServerNotFoundError as well."""
        return (await self._require(server_id)).target

    async def glance(self) -> tuple[int, tuple[str, ...]]:
        """How many servers are in the token files, and what is wrong there."""
        return len(await self._from_tokens()), tuple(sorted(self._complaints))

    async def _require(self, wanted: str) -> _Host:
        host = await self._host(wanted)
        if host is None:
            raise ServerNotFoundError(f'{self.name} has no server "{wanted[:_SHOWN]}".')
        return host

    async def _host(self, wanted: str) -> _Host | None:
        """By its id; who asks for a server of the configuration waits for no file."""
        return self._own.get(wanted) or (await self._from_tokens()).get(wanted)

    async def _from_tokens(self) -> Mapping[str, _Host]:
        if self._tokens is None:
            return {}
        path = self._tokens
        reading = await self._flight.share(lambda: self._read(path))
        self._complain(reading.complaints)
        return reading.hosts

    async def _read(self, path: Path) -> _Reading:
        """Raises CloudReplyError or CloudUnreachableError."""
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.get_running_loop().run_in_executor(self._pool, _read, self.name, path)
        except TimeoutError as error:
            message = f"{self.name}: {path} could not be read within {self._timeout:g} s: its file system hangs."
            raise CloudUnreachableError(message, cloud=self.name) from error
        except OSError as error:
            message = f"{self.name}: its tokens at {path} cannot be read: {error.strerror}."
            raise CloudReplyError(message, cloud=self.name) from error

    def _complain(self, complaints: frozenset[str]) -> None:
        """To the log, what was not wrong a moment ago."""
        for complaint in sorted(complaints - self._complaints):
            _LOG.warning("%s", complaint)
        self._complaints = complaints


class TokenClouds:
    """The static clouds that have websockify's tokens, by which an address of websockify's finds its server."""

    def __init__(self, clouds: Iterable[StaticServers]) -> None:
        self._clouds: Sequence[StaticServers] = tuple(cloud for cloud in clouds if cloud.has_tokens)

    async def owner(self, token: str) -> str:
        """The cloud that has, or alone may have, this token. Raises what `find` raises."""
        return self._clouds[0].name if len(self._clouds) == 1 else (await self.find(token)).cloud

    async def find(self, token: str) -> Server:
        """Its server. Raises NotFoundError, ServerNotFoundError, AmbiguousServerError, CloudError."""
        if not self._clouds:
            raise NotFoundError("This gateway knows no tokens of websockify's (websockify_tokens of a static cloud).")
        outcomes = await asyncio.gather(*(cloud.named(token) for cloud in self._clouds), return_exceptions=True)
        found = [server for one in outcomes if not isinstance(one, BaseException) for server in one]
        if len(found) > 1:
            raise AmbiguousServerError(f'{len(found)} servers answer to the token "{token[:_SHOWN]}".', found)
        if found:
            return found[0]
        for error in outcomes:
            if isinstance(error, BaseException):
                raise error
        raise ServerNotFoundError(f'No server answers to the token "{token[:_SHOWN]}".')


def _read(cloud: str, path: Path) -> _Reading:
    """In the thread. Raises OSError."""
    tokens = read_tokens(path)
    return _Reading(_hosts(cloud, tokens.targets), frozenset(f"{cloud}: {one}" for one in tokens.complaints))


def _hosts(cloud: str, targets: Mapping[str, Target]) -> dict[str, _Host]:
    """By id."""
    found: dict[str, _Host] = {}
    for name, target in targets.items():
        server = Server(cloud=cloud, id=server_id(cloud, name), name=name, status="ACTIVE")
        found[server.id] = _Host(server, target)
    return found
