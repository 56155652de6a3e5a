"""`console-launcher demo`: a simulated cloud, and the real gateway in front of it."""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import pwd
import shlex
import signal
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Final

from launcher.audit.log import LogJournal, logging_to
from launcher.cli.exits import Exit
from launcher.clock import SystemClock
from launcher.config.environment import SshConnection, ssh_connection, wants_colour
from launcher.errors import ListenError
from launcher.setup.installation import this_installation

if TYPE_CHECKING:
    from launcher.demo.cloud import DemoCloud

_TRIES: Final = 50
"""Ports that are tried, from the one that is asked for."""
_PATIENCE: Final = 0.7
"""Seconds that sessions have to end in, so that Ctrl-C is answered within two."""
_BOLD, _PLAIN = "\x1b[1;36m", "\x1b[0m"


def run(options: argparse.Namespace) -> int:
    """Runs until Ctrl-C or SIGTERM."""
    try:
        with logging_to(SystemClock(), options.log_level) as log:
            asyncio.run(_demo(options, LogJournal(log)))
    except ListenError as error:
        _complain(str(error))
        return Exit.CANNOT_LISTEN
    except _OpenrcError as error:
        _complain(str(error))
        return Exit.USAGE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return Exit.OK


class _OpenrcError(Exception):
    """The file for --openrc cannot be written; the text says why."""


async def _demo(options: argparse.Namespace, journal: LogJournal) -> None:
    """Raises ListenError, _OpenrcError."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    from launcher.demo.cloud import open_cloud

    with tempfile.TemporaryDirectory(prefix="console-launcher-demo-") as folder:
        async with open_cloud() as cloud:
            with _openrc(options.openrc, cloud):
                async with _gateway(Path(folder), cloud, options.port, journal) as port:
                    _say(_welcome(port, options, ssh_connection(), colour=wants_colour(sys.stdout)))
                    if options.open:
                        Thread(target=_open_browser, args=(_link(port),), daemon=True).start()
                    await stop.wait()


@asynccontextmanager
async def _gateway(folder: Path, cloud: DemoCloud, wanted: int, journal: LogJournal) -> AsyncIterator[int]:
    """The gateway on the first port from `wanted` on that is free; which. Raises ListenError."""
    from launcher.config.load import load
    from launcher.daemon import open_gateway
    from launcher.demo.settings import write_settings

    for port in range(wanted, min(wanted + _TRIES, 65536)):
        place = folder / str(port)
        place.mkdir()
        try:
            async with open_gateway(load(write_settings(place, cloud, port)), journal=journal) as gateway:
                yield port
                await gateway.sessions.drain(_PATIENCE)
                return
        except ListenError as error:
            if not _is_taken(error):
                raise
    raise ListenError(f"No port from {wanted} on is free on localhost. Name another with --port.")


def _is_taken(error: ListenError) -> bool:
    return isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE


@contextmanager
def _openrc(path: Path | None, cloud: DemoCloud) -> Iterator[None]:
    """The file with the simulated cloud's account, as long as that exists. Raises _OpenrcError."""
    if path is None:
        yield
        return
    from launcher.demo.settings import write_openrc

    try:
        write_openrc(path, cloud)
    except FileExistsError:
        raise _OpenrcError(f"{path} is there already, and is not replaced: name a new file after --openrc.") from None
    except OSError as error:
        raise _OpenrcError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()


def _open_browser(url: str) -> None:
    """In a thread that nobody waits for: some browsers hold their caller until they end."""
    try:
        opened = webbrowser.open(url)
    except webbrowser.Error:
        opened = False
    if not opened:
        _complain("there is no browser here that could be opened; use the link above.")


def _link(port: int) -> str:
    return f"http://localhost:{port}/"


def _welcome(port: int, options: argparse.Namespace, ssh: SshConnection | None, *, colour: bool) -> str:
    """All that a newcomer reads."""
    bold, plain = (_BOLD, _PLAIN) if colour else ("", "")
    link = _link(port)
    lines = [
        *([f"Port {options.port} is taken; this is {port}.", ""] if port != options.port else []),
        "Two simulated clouds run on this machine, with the real gateway in front of them.",
        *(_tunnel(port, ssh) if ssh else ["Open in a browser on this machine:"]),
        "",
        f"    {bold}{link}{plain}",
        "",
        f"1. Open web-01 ({link}c/prod/web-01) and type: help, then Enter.",
        "2. Wait a minute: by then its console token is dead. Reload, and the same bookmark works.",
        "3. In another terminal:",
        f"   {this_installation().short} servers --gateway http://127.0.0.1:{port}",
        "",
        *(_account(options.openrc) if options.openrc else []),
        "Ctrl-C ends the demo.",
    ]
    return "\n".join(lines)


def _tunnel(port: int, ssh: SshConnection) -> list[str]:
    """For a person whose browser is on another machine than this one."""
    there = f"{pwd.getpwuid(os.getuid()).pw_name}@{ssh.host}"
    extra = "" if ssh.port == 22 else f"-p {ssh.port} "
    both = f"-L 127.0.0.1:{port}:127.0.0.1:{port} -L '[::1]:{port}:127.0.0.1:{port}'"
    return [
        "You came in by SSH, so run this on the machine that you came from:",
        "",
        f"    ssh -o ExitOnForwardFailure=yes {both} {extra}{there}",
        "",
        "and open in a browser there:",
    ]


def _account(openrc: Path) -> list[str]:
    return [
        "The account of the simulated cloud, for the openstack command and console-launcher init:",
        "",
        f"    . {shlex.quote(str(openrc.absolute()))}",
        "",
    ]


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 -- the command's answer


def _complain(text: str) -> None:
    print(f"console-launcher: {text}", file=sys.stderr)  # noqa: T201 -- the command's answer
