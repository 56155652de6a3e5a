"""The consoles of a static cloud: its servers are dialled as they are, and there is nobody to ask for a console.

What `Broker` is for a cloud with a Compute API. A console of these has no URL, no console token and no end.
"""

from __future__ import annotations

import math
from typing import Protocol

from launcher.clock import Clock
from launcher.consoles.broker import Obtained
from launcher.errors import KindNotOfferedError
from launcher.model import Console, ConsoleKey, Kind, Secret, Target


class KnowsTargets(Protocol):
    async def target(self, server_id: str) -> Target:
        """Where a server is dialled. Raises CloudError, ServerNotFoundError."""
        ...


class DirectConsoles:
    """Every console of one static cloud."""

    keeps = True
    """A console serves any number of sessions."""

    def __init__(self, cloud: str, source: KnowsTargets, clock: Clock) -> None:
        self._cloud = cloud
        self._source = source
        self._clock = clock

    async def obtain(self, key: ConsoleKey, *, insist: bool = False) -> Obtained:
        """A console of kind `vnc`, whatever was asked for, unless one insists.

        Raises ServerNotFoundError, and CloudError: KindNotOfferedError for who insists on another kind.
        """
        if insist and key.kind is not Kind.VNC:
            message = f"{self._cloud} has no {key.kind} consoles: its servers are VNC servers, dialled directly."
            raise KindNotOfferedError(
                message, cloud=self._cloud, kind=key.kind, everywhere=True, hint="Ask for no kind, or for vnc."
            )
        return await self.fresh(key)

    async def fresh(self, key: ConsoleKey) -> Obtained:
        """The same as the server has it now: it is never kept. Raises CloudError, ServerNotFoundError."""
        target = await self._source.target(key.server_id)
        console = Console(
            key=ConsoleKey(key.cloud, key.server_id, Kind.VNC),
            url=Secret(""),
            asked_at=self._clock.monotonic(),
            expires_at=math.inf,
            request_id=None,
            target=target,
        )
        return Obtained(console, cached=False)

    def discard(self, console: Console) -> None:
        """Nothing is kept."""

    def __repr__(self) -> str:
        return f"<DirectConsoles {self._cloud}>"
