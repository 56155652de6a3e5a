"""A VNC server in the test's own loop that only greets, then sends back whatever it gets; or signs everybody in before.

async with GreetingServer() as vnc:            # TCP, vnc.address is tcp://127.0.0.1:PORT
async with GreetingServer(unix=path) as vnc:   # a Unix socket, unix:/path
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fakes.console_proxy import BANNER


class GreetingServer:
    """Listens as long as the context lasts; `greeting` empty: it hangs up at once."""

    def __init__(
        self,
        *,
        unix: Path | None = None,
        greeting: bytes = BANNER,
        tls: ssl.SSLContext | None = None,
        takes: bool = False,
    ) -> None:
        """`takes`: security type None is offered, and all is well with it."""
        self._unix = unix
        self._greeting = greeting
        self._tls = tls
        self._takes = takes
        self._server: asyncio.Server
        self.connections = 0
        self.address = ""

    async def __aenter__(self) -> Self:
        if self._unix is not None:
            self._server = await asyncio.start_unix_server(self._serve, self._unix)
            self.address = f"unix:{self._unix}"
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
            self.address = f"{'tls' if self._tls else 'tcp'}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    @property
    def port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            writer.write(self._greeting)
            for said, answer in ((12, b"\1\1"), (1, bytes(4))) if self._takes else ():
                await reader.readexactly(said)
                writer.write(answer)
            while self._greeting and (chunk := await reader.read(65536)):
                writer.write(chunk)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort() if not self._greeting else writer.close()
