"""The sockets that systemd opened for the gateway: taken by name or all, each looked at before it is served on.

Their addresses are systemd's: what we close is our own descriptor, and no path of theirs is ever removed.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
from collections.abc import Sequence

from launcher.errors import ListenError
from launcher.systemd import Passed

_LOG = logging.getLogger(__name__)


class Offered:
    """What systemd passed, as long as nobody has taken it."""

    def __init__(self, passed: Sequence[Passed]) -> None:
        self._left = list(passed)

    def take(self, name: str | None) -> list[socket.socket]:
        """The sockets of this name, or all. Raises ListenError: there is none, or one that cannot be served on."""
        wanted = [one for one in self._left if name in {None, one.name}]
        if not wanted:
            raise ListenError(_nothing(name, self._left))
        taken: list[socket.socket] = []
        try:
            for one in wanted:
                self._left.remove(one)
                taken.append(_listener(one))
        except ListenError:
            for sock in taken:
                sock.close()
            raise
        return taken

    def refuse_rest(self) -> None:
        """Say what nobody took, and close it: whoever connects there would wait for ever."""
        for one in self._left:
            _LOG.warning('the socket "%s" that systemd passed is not in `listen`, and is closed', one.name)
        self.close()

    def close(self) -> None:
        """Give up what nobody took."""
        for one in self._left:
            os.close(one.descriptor)
        self._left = []


def _nothing(name: str | None, left: Sequence[Passed]) -> str:
    if name is None or not left:
        return (
            "`listen` names sockets of systemd, but systemd passed none: start the gateway through its units "
            "(systemctl start console-launcher), or listen on unix:/path or localhost:6080."
        )
    there = ", ".join(sorted({one.name for one in left}))
    return f'systemd passed no socket named "{name}" (FileDescriptorName= of the socket unit); there are: {there}.'


def _listener(passed: Passed) -> socket.socket:
    """The socket, if it listens on a Unix socket or on loopback. Raises ListenError, and the descriptor is closed."""
    who = f'the socket "{passed.name}" that systemd passed'
    try:
        sock = socket.socket(fileno=passed.descriptor)
    except OSError as error:
        os.close(passed.descriptor)
        raise ListenError(f"{who} is no socket: ListenStream= is what the gateway can serve on.") from error
    why = _unfit(sock)
    if why:
        sock.close()
        raise ListenError(f"{who} {why}")
    return sock


def _unfit(sock: socket.socket) -> str | None:
    """Why the gateway does not serve on it: the end of a sentence."""
    if sock.type != socket.SOCK_STREAM or sock.family not in {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6}:
        return "is neither a Unix socket nor TCP: ListenStream= is what the gateway can serve on."
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return "is a connection already: leave Accept=yes out of its unit."
    if sock.family == socket.AF_UNIX:
        return None
    host = ipaddress.ip_address(sock.getsockname()[0].partition("%")[0])
    if host.is_loopback:
        return None
    return (
        f"is bound to {host}, and this gateway does not listen beyond loopback: use a path, or a line for "
        "127.0.0.1 and one for [::1], in ListenStream=."
    )
