"""What the environment wishes of the command line; a part of the configuration, though no file holds it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Final, TextIO

GATEWAY_VARIABLE: Final = "CONSOLE_LAUNCHER_GATEWAY"


def wants_colour(stream: TextIO) -> bool:
    """Whether a person reads the stream on a terminal and has not asked for plain text (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def wished_gateway() -> str | None:
    """The gateway that commands are to ask, where the person has set one."""
    return os.environ.get(GATEWAY_VARIABLE) or None


def runtime_folder() -> str | None:
    """The folder for sockets of the person's own programs (XDG Base Directory Specification)."""
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    return folder.rstrip("/") if folder.startswith("/") else None


def may_open_a_browser() -> bool:
    """Whether a browser that is started here would show up before the person's eyes.

    `BROWSER` is the person's own word; else there must be a display, and nobody signed in from elsewhere: a display
    that ssh forwards is a slow place for a browser.
    """
    if os.environ.get("BROWSER"):
        return True
    if os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def is_completing() -> bool:
    """Whether a shell asks what the TAB key may complete, in the words of the argcomplete library."""
    return "_ARGCOMPLETE" in os.environ


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
