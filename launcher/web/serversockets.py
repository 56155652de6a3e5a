"""The sockets of servers on disk: made, listened on, linked to and removed as a plan says.

The directory is there already, and may give its group to what is made in it (setgid, as the service's units set it up);
a cloud's folder and the sockets in it are ours. Whatever goes wrong with one is told once, and hides no other.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from launcher.access.peer import Socket
from launcher.audit.log import describe
from launcher.errors import ListenError, TooManyConnectionsError
from launcher.model import Actor
from launcher.relay.nativeviewer import NativeViewer
from launcher.relay.sockets import sends_no_more
from launcher.web.accepting import Acceptor, Reception
from launcher.web.bound import Bound
from launcher.web.listeners import bind_unix
from launcher.web.socketplan import SOCKET_NAME, Plan, Spot

_LOG = logging.getLogger(__name__)
_FOLDER_MODE: Final = 0o711
"""Whoever knows a server's name reaches its socket; nobody reads here which servers there are."""
_BACKLOG: Final = 16
_AT_ONCE: Final = 50
"""Sockets made or removed in one turn of the event loop."""


class Identifies(Protocol):
    async def actor(self, sock: Socket, known: int | None = None) -> Actor | None: ...


class Opens(Protocol):
    """What begins with a viewer: `launcher.web.nativeroute.NativeRoute`."""

    def open(self, viewer: NativeViewer, actor: Actor | None, cloud: str, server_id: str) -> None: ...


class Remembers(Protocol):
    """Where this process listens: `launcher.listening.OwnListeners`."""

    def add(self, sock: socket.socket) -> None: ...


@dataclass(frozen=True, slots=True)
class _Serving:
    """A socket that is listened on."""

    bound: Bound
    server: Acceptor

    def close(self) -> None:
        self.bound.unlink()
        self.server.close()


class ServerSockets:
    """All of them. `route` gives who answers at the moment; `group` is the group's id that may connect, if any."""

    def __init__(
        self,
        directory: str,
        group: int | None,
        route: Callable[[], Opens],
        peers: Identifies,
        tasks: asyncio.TaskGroup,
        reception: Reception,
        own: Remembers,
    ) -> None:
        self._directory = Path(directory)
        self._group = group
        self._route = route
        self._peers = peers
        self._tasks = tasks
        self._reception = reception
        self._own = own
        self._serving: dict[Spot, _Serving] = {}
        self._links: dict[str, str] = {}
        self._used: set[str] = set()
        """The folders in which there was a socket of ours."""
        self._told: set[str] = set()

    def __len__(self) -> int:
        return len(self._serving)

    async def follow(self, plan: Plan, unknown: Collection[str] = ()) -> None:
        """Make it so; what there is of the clouds of which nothing is known stays."""
        for link in [one for one in self._links if one not in plan.links and _cloud(one) not in unknown]:
            self._unlink(link)
        gone = [spot for spot in self._serving if spot not in plan.spots and spot.cloud not in unknown]
        for count, spot in enumerate(gone, 1):
            self._serving.pop(spot).close()
            await _breathe(count)
        if trouble := self._trouble():
            self._tell_once(f"servers have no sockets: {self._directory} {trouble}")
            return
        for count, spot in enumerate(sorted(plan.spots - self._serving.keys()), 1):
            self._serve(spot)
            await _breathe(count)
        for link, target in plan.links.items():
            if Spot(_cloud(link), target.removesuffix(".sock")) in self._serving:
                self._link(link, target)
        self._tidy()

    def _trouble(self) -> str | None:
        """Why nothing can be made in the directory."""
        if not os.access(self._directory, os.W_OK | os.X_OK):
            return "is not there, or not the gateway's to write in"
        mode = self._directory.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return "is every account's to write in, who could put sockets of their own there: chmod o-w"
        return None

    def close(self) -> None:
        """Nothing is left; viewers stay."""
        for link in tuple(self._links):
            self._unlink(link)
        for serving in self._serving.values():
            serving.close()
        self._serving.clear()
        self._tidy()

    def clear_away(self) -> None:
        """Remove what a gateway left that did not end by itself: sockets on which nobody answers, links to nowhere."""
        for folder in _entries(self._directory):
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                continue
            sockets = [path for path in _entries(folder) if SOCKET_NAME.fullmatch(path.name) and path.is_socket()]
            for path in sockets:
                with suppress(ListenError, OSError):  # somebody answers
                    bind_unix(str(path)).close()
            links = [path for path in _entries(folder) if _is_ours(path) and not path.exists()]
            for path in links:
                path.unlink(missing_ok=True)
            if sockets or links:
                with suppress(OSError):
                    folder.rmdir()

    def _serve(self, spot: Spot) -> None:
        path = self._directory / spot.path
        try:
            self._make_folder(path.parent)
            bound = bind_unix(str(path))
        except (OSError, ListenError) as error:
            self._tell_once(f"no socket for {spot.cloud}/{spot.server_id}: {error}")
            return
        try:
            self._give_to_group(path)
            server = self._reception.accept(bound.sock, lambda: _Knock(self, spot), backlog=_BACKLOG)
        except BaseException:
            bound.close()
            raise
        self._own.add(bound.sock)
        self._serving[spot] = _Serving(bound, server)
        self._used.add(spot.cloud)

    def knocked(self, transport: asyncio.Transport, spot: Spot) -> None:
        """Somebody is at a server's socket; nothing is read of it yet."""
        self._tasks.create_task(self._admit(transport, spot), name=f"viewer of {spot.path}")

    async def _admit(self, transport: asyncio.Transport, spot: Spot) -> None:
        """Who it is, and then whatever the route says. It raises nothing: other tasks of the daemon would end.

        Whoever has gone by then only looked whether somebody answers, as another gateway does: no cloud is asked.
        """
        try:
            sock = transport.get_extra_info("socket")
            actor = await self._peers.actor(sock, self._reception.uid(sock))
            if transport.is_closing() or sends_no_more(transport):
                transport.abort()
                return
            self._reception.admit_if_let_in(sock, actor)
            viewer = NativeViewer(transport)
            transport.set_protocol(viewer)
            self._route().open(viewer, actor, spot.cloud, spot.server_id)
            viewer.proceed()
        except TooManyConnectionsError:
            transport.abort()
        except Exception as error:  # noqa: BLE001 -- see above
            _LOG.error("a native viewer was hung up on by a fault of the gateway: %s", describe(error))
            transport.abort()

    def _make_folder(self, folder: Path) -> None:
        """Raises OSError, for one that is not ours too."""
        before = os.umask(0o777 & ~_FOLDER_MODE)  # by chmod it would lose the setgid bit that it inherits
        try:
            folder.mkdir(_FOLDER_MODE)
        except FileExistsError:
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                raise PermissionError(f"{folder} is there and is not the gateway's own directory") from None
        finally:
            os.umask(before)

    def _give_to_group(self, path: Path) -> None:
        if self._group is None or path.stat().st_gid == self._group:
            return
        try:
            os.chown(path, -1, self._group)
        except OSError as error:
            self._tell_once(
                f"the sockets in {self._directory} are not the group's (relay.sockets_group): {error.strerror}. "
                f"Give the directory to that group, with the setgid bit: chgrp and chmod g+s."
            )

    def _link(self, link: str, target: str) -> None:
        path = self._directory / link
        try:
            if _is_ours(path) and str(path.readlink()) != target:
                path.unlink()
            if not path.is_symlink():
                path.symlink_to(target)
        except OSError as error:
            self._tell_once(f"no link to {_cloud(link)}/{target}: {error}")
        else:
            self._links[link] = target

    def _unlink(self, link: str) -> None:
        """Only if it leads still where we made it lead: another gateway's may have taken its place."""
        target, path = self._links.pop(link), self._directory / link
        with suppress(OSError):
            if str(path.readlink()) == target:
                path.unlink()

    def _tidy(self) -> None:
        """Remove the folders of ours that are empty."""
        for cloud in self._used - {spot.cloud for spot in self._serving}:
            with suppress(OSError):
                (self._directory / cloud).rmdir()
                self._used.discard(cloud)

    def _tell_once(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            _LOG.warning("%s", sentence)


class _Knock(asyncio.Protocol):
    """A connection of somebody who is not known yet. Nothing is read; in RFB the viewer listens first anyway."""

    def __init__(self, sockets: ServerSockets, spot: Spot) -> None:
        self._sockets = sockets
        self._spot = spot

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        self._sockets.knocked(transport, self._spot)


def _is_ours(path: Path) -> bool:
    """Whether it is a link as we make them."""
    return path.is_symlink() and bool(SOCKET_NAME.fullmatch(str(path.readlink())))


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _cloud(path: str) -> str:
    return path.partition("/")[0]


async def _breathe(count: int) -> None:
    if count % _AT_ONCE == 0:
        await asyncio.sleep(0)
