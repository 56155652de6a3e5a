"""`console-launcher vnc`, the viewer's side: a door on this machine that one viewer comes in by.

A Unix socket (0600, in a folder 0700 of its own) where the viewer takes one, else a port of loopback. At both the
kernel says which account knocks, and only this one and root come in; a port has a password beside that.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from launcher.access.peer import Peers
from launcher.cli.exits import Exit
from launcher.cli.failure import Failure

SOCKET: Final = "vnc.sock"
_PREFIX: Final = "console-launcher-vnc-"
_LONGEST: Final = 107
"""Bytes of a Unix socket's path (`sun_path` of unix(7), without the NUL at its end)."""
_ROOT: Final = 0
_CHUNK: Final = 64 * 1024
_LOOKS_EVERY: Final = 0.2
_CLOSING: Final = 1.0


class Streams:
    """A connection with a viewer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._held = b""

    async def read(self) -> bytes:
        """What the viewer sent next; nothing at the end. Raises ConnectionError."""
        held, self._held = self._held, b""
        return held or await self.reader.read(_CHUNK)

    def unread(self, chunk: bytes) -> None:
        """To be read (again) before everything else."""
        self._held = chunk + self._held

    async def send(self, chunk: bytes) -> None:
        """To the viewer; waits while it takes no more. Raises ConnectionError."""
        self.writer.write(chunk)
        await self.writer.drain()

    async def gone(self) -> None:
        """Until the viewer has hung up."""
        while not self.reader.at_eof():  # noqa: ASYNC110 -- a StreamReader tells of it only who reads
            await asyncio.sleep(_LOOKS_EVERY)

    async def close(self) -> None:
        """Once what was written has left; a viewer that reads no more is not waited for."""
        self.writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CLOSING):
                await self.writer.wait_closed()
        self.writer.transport.abort()


class Door:
    """Takes connections of this account. `say` is told of others, which are hung up on."""

    def __init__(self, listener: socket.socket, peers: Peers, say: Callable[[str], None]) -> None:
        self._listener = listener
        self._peers = peers
        self._say = say

    @property
    def address(self) -> str | int:
        """The path of the socket, or the number of the port."""
        name = self._listener.getsockname()
        return name if isinstance(name, str) else int(name[1])

    async def take(self) -> Streams:
        """The next connection that may come in."""
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(self._listener)
            try:
                welcome = await self._is_welcome(connection)
            except BaseException:
                connection.close()
                raise
            if welcome:
                return await _streams(connection)
            connection.close()

    def shut(self) -> None:
        """Nobody comes in any more, and no socket is left; whoever is in stays."""
        address = self.address if self._listener.fileno() >= 0 else None
        self._listener.close()
        if isinstance(address, str):
            Path(address).unlink(missing_ok=True)

    async def _is_welcome(self, connection: socket.socket) -> bool:
        actor = await self._peers.actor(connection)
        if actor is None:
            return False
        if actor.uid in (os.geteuid(), _ROOT):
            return True
        self._say(f'account "{actor.name}" tried to connect, and was not let in.')
        return False


@contextmanager
def private_folder(runtime_folder: str | None) -> Iterator[Path]:
    """A folder that only this account can look into, with room for a socket; gone afterwards, with all in it.

    It lies in `runtime_folder` where there is one that can be used. Raises Failure.
    """
    folder = _made(runtime_folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def socket_door(folder: Path, peers: Peers, say: Callable[[str], None]) -> Iterator[Door]:
    """A door at a Unix socket in this private folder. Raises Failure."""
    path = str(folder / SOCKET)
    if len(os.fsencode(path)) > _LONGEST:
        raise Failure(
            Exit.CANNOT_LISTEN,
            f"the path of a socket has at most {_LONGEST} bytes, and {path} is longer.",
            "Set TMPDIR to a shorter folder; or let the viewer connect to a port: --port 0",
        )
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        Path(path).chmod(0o600)
        with _open(listener, peers, say) as door:
            yield door


@contextmanager
def port_door(port: int, peers: Peers, say: Callable[[str], None]) -> Iterator[Door]:
    """A door at a port of loopback; 0: one that is free. Raises Failure."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise Failure(
                Exit.CANNOT_LISTEN,
                f"port {port} of 127.0.0.1 cannot be listened on: {error.strerror}.",
                "--port 0 takes one that is free.",
            ) from error
        with _open(listener, peers, say) as door:
            yield door


@contextmanager
def _open(listener: socket.socket, peers: Peers, say: Callable[[str], None]) -> Iterator[Door]:
    listener.setblocking(False)
    listener.listen()
    door = Door(listener, peers, say)
    try:
        yield door
    finally:
        door.shut()


def _made(runtime_folder: str | None) -> Path:
    """A new folder, 0700, in the first of the places that takes one and leaves room for a socket's name."""
    failed: OSError | None = None
    for place in (runtime_folder, None):
        if place is not None and len(os.fsencode(f"{place}/{_PREFIX}12345678/{SOCKET}")) > _LONGEST:
            continue
        try:
            if place is not None and Path(place).stat().st_uid != os.geteuid():
                continue  # `su` leaves the variable as it is: that account could put another folder in place of ours
            return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        except OSError as error:
            failed = error
    raise Failure(Exit.CANNOT_WRITE, f"no private folder can be made: {failed}") from failed


async def _streams(connection: socket.socket) -> Streams:
    if connection.family == socket.AF_UNIX:
        return Streams(*await asyncio.open_unix_connection(sock=connection))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Streams(*await asyncio.open_connection(sock=connection))
