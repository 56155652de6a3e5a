"""A stranger's listener: keeps whatever is sent to it, and never answers."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class Eavesdropper:
    """Listens on an address of loopback; a connection is closed as soon as something came."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self.heard: list[bytes] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where an Identity would be."""
        return f"http://{self.host}:{self.port}/v3"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._keep, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _keep(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(await reader.read(65536))
        writer.close()
