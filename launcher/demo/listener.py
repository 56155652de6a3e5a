"""What the simulated console proxies have in common: a port on loopback, and viewers who come to see a screen."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from launcher.demo.screens import Screen, ScreenViewer

_HEAD_TIME: Final = 10.0
"""Seconds for a request's head."""
_HIGH_WATER: Final = 256 * 1024


class Consoles(Protocol):
    """Which server a console token leads to."""

    def server_of(self, token: str) -> str | None: ...


class Reaches(Protocol):
    """The screens of servers whose VNC server answers."""

    def reach(self, server_id: str) -> Screen | None: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a real proxy takes, in seconds."""

    refuse: float = 0.18
    """Until it hangs up for a bad token."""
    greet: float = 0.3
    """Until the screen's first bytes, or until it hangs up because there is no screen."""


class Listener(ABC):
    """Listens for viewers with console tokens."""

    def __init__(self, consoles: Consoles, screens: Reaches, pace: Pace | None = None) -> None:
        self._consoles = consoles
        self._screens = screens
        self._pace = pace or Pace()
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._port = 0

    async def start(self) -> str:
        """Listen on loopback, on the port of the last time if there was one; where, as a URL."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        """End all connections."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.abort()
        if self._server is not None:
            await self._server.wait_closed()

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._connections)

    @abstractmethod
    def _connection(self) -> Connection:
        """For a viewer that has just come."""


class Connection(asyncio.Protocol):
    """One viewer's connection, from its request to its end."""

    def __init__(self, siblings: set[Connection]) -> None:
        self._siblings = siblings
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._viewer: ScreenViewer | None = None
        self._writable = True
        self._over = False

    @property
    def writable(self) -> bool:
        return self._writable and not self._over

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._siblings.add(self)
        self._later(_HEAD_TIME, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        self._over = True
        self._siblings.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._viewer is not None:
            self._viewer.leave()
            self._viewer = None

    def pause_writing(self) -> None:
        """Who does not read is not listened to either: answers would pile up."""
        self._writable = False
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._writable = True
        if self._transport is not None:
            self._transport.resume_reading()
        if self._viewer is not None:
            self._viewer.flush()

    def _hang_up(self) -> None:
        """A bare FIN."""
        self._over = True
        if self._transport is not None:
            self._transport.close()

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._over:
            self._transport.write(data)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, act)
