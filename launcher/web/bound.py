"""A bound socket, and what its address is called when it cannot be had."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from launcher.errors import ListenError


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound socket; a Unix one does not listen yet."""

    sock: socket.socket
    where: str
    """Address and port, or path of a Unix socket."""
    inode: tuple[int, int] | None = None
    """Device and inode of a Unix socket's file that we made; None where it is not ours to remove."""

    def unlink(self) -> None:
        """Remove the file if it is still the one that we made.

        Before the socket is closed: while it is open, its inode's number cannot be given to somebody else's file.
        """
        if self.inode is not None and inode_of(self.where) == self.inode:
            with suppress(FileNotFoundError):
                Path(self.where).unlink()

    def close(self) -> None:
        """Give the address up."""
        self.unlink()
        self.sock.close()


def open_socket(family: socket.AddressFamily, where: str) -> socket.socket:
    """Open a stream socket. Raises ListenError, for one where the process may open no more files."""
    try:
        return socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise listen_error(where, error) from error


def inode_of(path: str) -> tuple[int, int] | None:
    """Device and inode of a file; None where there is none."""
    try:
        found = Path(path).lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def listen_error(where: str, error: OSError) -> ListenError:
    """Say why an address cannot be listened on; to be raised `from` the error of the kernel."""
    if error.errno == errno.EADDRINUSE:
        return ListenError(f"{where} is in use by another program. Stop it, or listen on another address.")
    return ListenError(f"{where} cannot be listened on: {error.strerror or error}.")
