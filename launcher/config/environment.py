"""What the environment wishes of the command line; a part of the configuration, though no file holds it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TextIO


def wants_colour(stream: TextIO) -> bool:
    """Whether a person reads the stream on a terminal and has not asked for plain text (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


@dataclass(frozen=True, slots=True)
class SshConnection:
    """The SSH connection that a person came in by: the address and port of this machine, as they reached it."""

    host: str
    port: int


def ssh_connection() -> SshConnection | None:
    """What sshd says in $SSH_CONNECTION (client's address and port, then ours); None without SSH."""
    words = os.environ.get("SSH_CONNECTION", "").split()
    if len(words) != 4 or not words[3].isdecimal() or not words[2].isprintable():
        return None
    return SshConnection(words[2], int(words[3]))
