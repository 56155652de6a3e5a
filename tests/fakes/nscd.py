"""A name service cache (nscd) that answers from the machine's accounts, and then byte by byte, for a minute or more.

glibc asks the socket /var/run/nscd/socket before everything else for `getpwuid` and `getpwnam` (nscd/nscd-client.h):
three 32-bit numbers (version 2, kind, length of the key), then the key with a NUL. The answer is nine (version, found,
lengths of name and password, uid, gid, lengths of gecos, directory and shell), then these five strings, each with a
NUL. A service that says nothing is given up on after 5 s, and the next 100 look-ups of the process do without it. One
that sends the nine numbers in one, and then a byte every 200 ms, is listened to until its answer is whole, and asked
again for the next.
"""

from __future__ import annotations

import asyncio
import pwd
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.process.daemon import Daemon, start_within

_REQUEST = struct.Struct("=iii")
_FOUND = struct.Struct("=9i")
_VERSION = 2
_BY_NAME, _BY_UID = 0, 1
_PAUSE = 0.08
"""Seconds between two bytes of an answer that takes long."""
_GECOS = 940
"""Bytes, so many that the answer takes a minute, and so few that it fits into the first buffer of the asking Python."""
_NOT_FOUND = (_VERSION, 0, 0, 0, -1, -1, 0, 0, 0)


class FakeNscd:
    """Listens at `folder/socket`; `hangs` is for all requests from now on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hangs = False
        self.answered = 0
        """How many look-ups of accounts were answered."""
        self.hung = 0
        """How many were taken for long."""
        self._released = asyncio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[FakeNscd]:
        """Serve as long as the context lasts; then all that hang are hung up on."""
        server = await asyncio.start_unix_server(self._take, self.folder / "socket")
        (self.folder / "socket").chmod(0o666)
        try:
            async with server:
                yield self
                self._released.set()
        finally:
            self._released.set()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            _, kind, length = _REQUEST.unpack(await reader.readexactly(_REQUEST.size))
            key = (await reader.readexactly(length)).rstrip(b"\0").decode()
            if kind in (_BY_NAME, _BY_UID):
                await self._account(kind, key, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()  # shared memory, hosts and the like: not of this one

    async def _account(self, kind: int, key: str, writer: asyncio.StreamWriter) -> None:
        if self.hangs:
            self.hung += 1
            await self._drip(_packed("slow", 0, "x" * _GECOS), writer)
            return
        self.answered += 1
        writer.write(_answer(kind, key))
        await writer.drain()

    async def _drip(self, answer: bytes, writer: asyncio.StreamWriter) -> None:
        """The numbers, which glibc reads at once or not at all, and each byte behind them after a pause."""
        writer.write(answer[: _FOUND.size])
        for byte in answer[_FOUND.size :]:
            await writer.drain()
            await asyncio.sleep(_PAUSE)
            if self._released.is_set():
                return
            writer.write(bytes([byte]))


def _answer(kind: int, key: str) -> bytes:
    try:
        one = pwd.getpwnam(key) if kind == _BY_NAME else pwd.getpwuid(int(key))
    except KeyError:
        return _FOUND.pack(*_NOT_FOUND)
    return _packed(one.pw_name, one.pw_uid, one.pw_gecos)


def _packed(name: str, uid: int, gecos: str) -> bytes:
    texts = [text.encode() + b"\0" for text in (name, "x", gecos, "/", "/bin/sh")]
    called, password, said, folder, shell = map(len, texts)
    return _FOUND.pack(_VERSION, 1, called, password, uid, uid, said, folder, shell) + b"".join(texts)


class DaemonWithNscd(Daemon):
    """A daemon that sees `nscd` at /var/run/nscd, in a mount namespace of its own, where the rest of /run is empty."""

    nscd: FakeNscd

    async def start(self) -> None:
        """Start it there."""
        mounts = 'mount -t tmpfs run /run && mkdir /run/nscd && mount --bind "$1" /run/nscd && shift && exec "$@"'
        within = ("unshare", "--mount", "--propagation", "private", "sh", "-c", mounts, "sh", str(self.nscd.folder))
        self.process = start_within(within, self.folder / "config.yaml", self.log_path)
        await self._until_it_answers(20)
