"""A cloud that does as it is told."""

from __future__ import annotations

import asyncio
import uuid

from launcher.errors import CloudBusyError, CloudUnreachableError, ListingCutError, ServerNotFoundError
from launcher.model import Server


class FakeCloud:
    """Servers by name, and a count of what was asked."""

    def __init__(self, name: str, *names: str) -> None:
        self.name = name
        ids = [str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{place}.{name}")) for place in range(len(names))]
        self.all = [Server(name, server_id, n, "ACTIVE") for server_id, n in zip(ids, names, strict=True)]
        self.asked: list[str] = []
        self.let = asyncio.Event()
        """While it is not set, no answer comes."""
        self.let.set()
        self.down = False
        self.broken = False
        self.cut: str | None = None
        """Why its list is not whole."""
        self.busy: float | None = None
        """Seconds for which it asks for patience."""

    async def servers(self) -> tuple[Server, ...]:
        servers = await self._answer("servers", self.all)
        if self.cut is not None:
            raise ListingCutError(self.cut, cloud=self.name, servers=servers)
        return servers

    async def named(self, name: str) -> tuple[Server, ...]:
        return await self._answer(f"named {name}", [server for server in self.all if server.name == name])

    async def server(self, server_id: str) -> Server:
        found = await self._answer(f"server {server_id}", [server for server in self.all if server.id == server_id])
        if not found:
            raise ServerNotFoundError(f"{self.name} has no server {server_id}.")
        return found[0]

    async def _answer(self, asked: str, servers: list[Server]) -> tuple[Server, ...]:
        self.asked.append(asked)
        await asyncio.sleep(0)
        await self.let.wait()
        if self.broken:
            raise ZeroDivisionError
        if self.down:
            raise CloudUnreachableError(f"{self.name} is down.", cloud=self.name)
        if self.busy is not None:
            raise CloudBusyError(f"{self.name} is busy.", cloud=self.name, request_id="req-7", retry_after=self.busy)
        return tuple(servers)
