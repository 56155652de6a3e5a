"""`console-launcher vnc`: the screen of a server, in a native viewer.

With a viewer that is started here the launch comes first: what goes wrong is told on the terminal, and no window opens
in vain. With one that the person starts (`--print`) the viewer comes first: until then nothing is asked of any cloud.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import shlex
import signal
import string
import sys
from collections.abc import Coroutine
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from launcher.access.peer import Peers
from launcher.cli.answers import Object
from launcher.cli.client import client_of
from launcher.cli.exits import Exit
from launcher.cli.failure import Failure
from launcher.cli.gateway import Gateway
from launcher.cli.output import StatusLine, print_json, print_line, say
from launcher.cli.url import found
from launcher.cli.viewers import Place, PortPlace, SocketPlace, Viewer, start
from launcher.cli.vnc_door import Door, Streams, port_door, private_folder, socket_door
from launcher.cli.vnc_gateway import GatewayEnd, Web, ended, open_web
from launcher.cli.vnc_relay import first_of, relay
from launcher.cli.vnc_security import let_in, obfuscated, sign_in, turn_away
from launcher.cli.vnc_viewer import Running, chosen, forget, running
from launcher.config.environment import runtime_folder
from launcher.model import Secret
from launcher.process import keep_private

_LETTERS: Final = string.ascii_lowercase + string.digits
_PASSWORD: Final = 8
"""Letters: as many as count in VNC authentication."""
_TRIES: Final = 3
"""Wrong passwords before the door is shut for good."""


def run(options: argparse.Namespace) -> int:
    """Shows it until its viewer ends, or the gateway ends the session."""
    keep_private()
    if options.json and not options.print:
        raise Failure(Exit.USAGE, "--json says in JSON what --print prints: add --print.")
    viewer = None if options.print else _viewer(options)
    client = client_of(options)
    command = Showing(options, found(client, options.reference, view_only=False))
    try:
        return asyncio.run(_until_signalled(command.run(client.gateway, viewer)))
    except asyncio.CancelledError:
        return Exit.INTERRUPTED


def _viewer(options: argparse.Namespace) -> Viewer:
    """The viewer to start, which takes what the person wishes. Raises Failure."""
    viewer = chosen(options.viewer)
    if options.socket and not viewer.takes_socket and (viewer.brand or viewer.wants_port):
        raise Failure(Exit.USAGE, f"{viewer.title} takes no Unix socket.", "Without --socket it gets a port.")
    if options.port is not None and viewer.takes_socket and not viewer.brand:
        raise Failure(Exit.USAGE, f"--port N, and a socket for {viewer.title}: choose one.")
    return viewer


async def _until_signalled(work: Coroutine[object, object, int]) -> int:
    """Ends the work, which then cleans up, when the process is to end or its terminal has gone."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    return await work


class Showing:
    """One run of the command, for one server of the API."""

    def __init__(self, options: argparse.Namespace, server: Object) -> None:
        self._options = options
        self._server = server
        self._name = f"{server['cloud']}/{server['name']}"
        self._password = Secret("".join(secrets.choice(_LETTERS) for _ in range(_PASSWORD)))

    async def run(self, gateway: Gateway, viewer: Viewer | None) -> int:
        """With this viewer, or with the one that the person starts. Raises Failure."""
        peers = Peers()
        try:
            with private_folder(runtime_folder()) as folder:
                async with open_web(gateway, self._options.timeout) as web:
                    if viewer is None:
                        ending = await self._wait_for_a_viewer(web, folder, peers)
                    else:
                        ending = await self._show_in(viewer, web, folder, peers)
        finally:
            peers.close()
        if ending is not None:
            raise ending
        return Exit.OK

    async def _show_in(self, viewer: Viewer, web: Web, folder: Path, peers: Peers) -> Failure | None:
        """Launch, then start the viewer and let it in."""
        by_port = self._options.port is not None or not (viewer.takes_socket or self._options.socket)
        end = await self._launch(web)
        try:
            if by_port:
                await sign_in(end, self._name)
            with self._door(folder, peers, by_port=by_port) as door:
                return await self._joined(viewer, door, end, folder)
        finally:
            await end.close()

    async def _joined(self, viewer: Viewer, door: Door, end: GatewayEnd, folder: Path) -> Failure | None:
        place = self._place(door)
        how = start(
            viewer,
            place,
            folder=str(folder),
            name=self._name,
            view_only=self._options.view_only,
            obfuscated=obfuscated,
        )
        if how.typed and isinstance(place, PortPlace):
            say(f"{viewer.title} asks for a password, which is good once: {place.password.reveal()}")
        async with running(how, viewer.title, folder) as program:
            streams = await first_of(self._let_in(door), _raised(program), end.gone())
            if streams is None:
                return _ended(end)
            forget(how, folder)
            await relay(streams, end)
            await program.leave()
        return _ended(end)

    async def _wait_for_a_viewer(self, web: Web, folder: Path, peers: Peers) -> Failure | None:
        """Say where, let a viewer in, and only then launch."""
        with self._door(folder, peers, by_port=self._options.port is not None) as door:
            place = self._place(door)
            self._tell(place)
            streams = await self._let_in(door)
        try:
            return await self._launched_for(streams, web, place)
        finally:
            await streams.close()

    async def _launched_for(self, streams: Streams, web: Web, place: Place) -> Failure | None:
        try:
            end = await first_of(self._launch(web), streams.gone())
        except Failure as failure:
            if isinstance(place, SocketPlace):
                await turn_away(streams, failure.sentence)
            raise
        if end is None:
            return None
        try:
            if isinstance(place, PortPlace):
                await sign_in(end, self._name)
            await relay(streams, end)
        finally:
            await end.close()
        return _ended(end)

    async def _launch(self, web: Web) -> GatewayEnd:
        line = StatusLine(sys.stderr)
        return await web.launch(self._server, view_only=self._options.view_only, shows=line.show)

    def _door(self, folder: Path, peers: Peers, *, by_port: bool) -> AbstractContextManager[Door]:
        return port_door(self._options.port or 0, peers, say) if by_port else socket_door(folder, peers, say)

    def _place(self, door: Door) -> Place:
        address = door.address
        return SocketPlace(address) if isinstance(address, str) else PortPlace(address, self._password)

    async def _let_in(self, door: Door) -> Streams:
        """The one viewer; behind it the door is shut. Raises Failure where nobody knows the password."""
        for _ in range(_TRIES):
            streams = await door.take()
            if isinstance(door.address, str) or await let_in(streams, self._password):
                door.shut()
                return streams
            await streams.close()
            say("a viewer did not know the password, and was not let in.")
        raise Failure(Exit.NOT_ALLOWED, f"{_TRIES} viewers in a row did not know the password: the port is closed.")

    def _tell(self, place: Place) -> None:
        """What `--print` prints."""
        named = {"cloud": self._server["cloud"], "server": self._server["id"], "name": self._server["name"]}
        if isinstance(place, SocketPlace):
            lines: list[str] = [place.path]
            told: dict[str, object] = {"socket": place.path}
            way = f"xtigervncviewer -Shared {shlex.quote(place.path)}"
        else:
            lines = [str(place), place.password.reveal()]
            told = {"host": "127.0.0.1", "port": place.port, "password": place.password.reveal()}
            way = f"127.0.0.1::{place.port} and the password"
        if self._options.json:
            print_json({**named, **told})
        else:
            print_line("\n".join(lines))
        sys.stdout.flush()
        say(f"one viewer finds {self._name} there:  {way}", "Ctrl-C ends it.")


async def _raised(program: Running) -> None:
    raise await program.failed()


def _ended(end: GatewayEnd) -> Failure | None:
    return None if end.ending is None else ended(end.ending)
