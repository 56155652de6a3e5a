"""One cloud's listing, kept while it is used: an old one is the answer until the next has come.

Whoever asks is answered from what is there, and by asking has it asked for again in the background: nobody asks,
nothing is asked for. An attempt belongs to the daemon, not to who caused it: it goes on when they leave.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from launcher.clock import Clock
from launcher.cloud.freshness import Freshness
from launcher.cloud.listing import Servers, Snapshot, snapshot_of
from launcher.errors import CloudError, CloudReplyError, ListingCutError
from launcher.model import Server

_LOG = logging.getLogger(__name__)


class ServersOfOneCloud(Protocol):
    """What is asked of each cloud. Every method raises CloudError."""

    async def servers(self) -> Servers:
        """All servers. Raises ListingCutError, which has those that fitted, as well."""
        ...

    async def named(self, name: str) -> Servers:
        """The servers of exactly this name."""
        ...

    async def server(self, server_id: str) -> Server:
        """The server with this id. Raises ServerNotFoundError as well."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a cloud's servers at one moment."""

    snapshot: Snapshot | None
    """None: nothing yet."""
    version: int
    """Another one where the servers are others than before."""
    as_of: datetime | None
    """Since when, in UTC."""
    error: CloudError | None
    """Why the last attempt failed: the servers are those of one before; or why they are not all (ListingCutError)."""
    asking: bool
    """An attempt is under way."""
    late: bool
    """And without it there is nothing, or nothing as young as was wanted."""


class KeptListing:
    """The servers of one cloud."""

    def __init__(self, cloud: str, source: ServersOfOneCloud, clock: Clock, tasks: asyncio.TaskGroup) -> None:
        """`tasks` are the daemon's own: attempts live there."""
        self.cloud = cloud
        self.source = source
        self._clock = clock
        self._tasks = tasks
        self._freshness = Freshness()
        self._snapshot: Snapshot | None = None
        self._version = 0
        self._as_of: datetime | None = None
        self._cut: ListingCutError | None = None
        """Why the listing is not whole."""
        self._attempt: asyncio.Task[None] | None = None

    async def seen(self, wait: float | None = None, max_age: float | None = None) -> Seen:
        """What is known, at once if anything is; `max_age` in seconds: what is older is not good enough, if given.

        `wait`: how long, in seconds, an attempt is waited for where nothing is known, or nothing good enough; None: as
        long as it takes. Whatever goes wrong is told, not raised.
        """
        now = self._clock.monotonic()
        self._freshness.use(now)
        if self._attempt is None and self._freshness.due(now):
            self._freshness.ask(now)
            self._attempt = self._tasks.create_task(self._ask(), name=f"list {self.cloud}")
        wanted = self._freshness.waited_for(now, max_age)
        if self._attempt is not None and wanted:
            await asyncio.wait([self._attempt], timeout=wait)
        problem, asking = self._freshness.problem(self._clock.monotonic()) or self._cut, self._attempt is not None
        return Seen(self._snapshot, self._version, self._as_of, problem, asking, asking and wanted)

    @property
    def snapshot(self) -> Snapshot | None:
        """What was known last, whatever its age; looking at it asks for nothing."""
        return self._snapshot

    async def _ask(self) -> None:
        """One attempt; it raises nothing, for the daemon's other tasks would end with it."""
        as_of = self._clock.now()
        try:
            self._take(await self.source.servers(), as_of)
        except ListingCutError as cut:
            self._take(cut.servers, as_of, cut)
        except CloudError as error:
            self._miss(error)
        except Exception as error:  # noqa: BLE001 -- see above; nor may one cloud's fault hide the others' servers
            message = f"{self.cloud}: a fault of the gateway while asking it ({type(error).__name__})."
            self._miss(CloudReplyError(message, cloud=self.cloud))
        finally:
            self._attempt = None

    def _miss(self, error: CloudError) -> None:
        """An attempt failed: the log has a line for each kind of trouble, not for each attempt."""
        if type(error) is not type(self._freshness.error):
            _LOG.warning("%s is not listed: %s", self.cloud, error)
        self._freshness.fail(error, self._clock.monotonic())

    def _take(self, servers: Sequence[Server], as_of: datetime, cut: ListingCutError | None = None) -> None:
        if cut is not None and self._cut is None:
            _LOG.warning("%s", cut)
        self._cut = cut and ListingCutError(str(cut), cloud=self.cloud, servers=())  # the snapshot has them
        if self._freshness.error is not None:
            _LOG.info("%s is listed again", self.cloud)
        snapshot = snapshot_of(servers)
        if self._snapshot is None or snapshot.servers != self._snapshot.servers:
            self._snapshot = snapshot
            self._version += 1
        self._as_of = as_of
        self._freshness.succeed()

    def __repr__(self) -> str:
        count = "no" if self._snapshot is None else len(self._snapshot.servers)
        return f"<KeptListing {self.cloud}: {count} servers, as of {self._as_of}>"
