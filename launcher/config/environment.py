"""What the environment says to the command line; a part of the configuration, though no file holds it."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

GATEWAY_VARIABLE: Final = "CONSOLE_LAUNCHER_GATEWAY"
CACERT_VARIABLE: Final = "CONSOLE_LAUNCHER_CACERT"


def wants_colour(stream: TextIO) -> bool:
    """Whether a person reads the stream on a terminal and has not asked for plain text (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def wished_gateway() -> str | None:
    """The gateway that commands are to ask, where the person has set one."""
    return os.environ.get(GATEWAY_VARIABLE) or None


def wished_authorities() -> str | None:
    """The file with those that vouch for that gateway's certificate, where the person has set one."""
    return os.environ.get(CACERT_VARIABLE) or None


def ensure_home() -> None:
    """Give an account that has no home one that is not there: openstacksdk cannot even be imported without.

    A service's transient account (DynamicUser=) is one, where the account database does not know it.
    """
    if os.path.expanduser("~") == "~":  # noqa: PTH111 -- Path.home raises where there is none
        os.environ["HOME"] = "/nonexistent"


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
    return has_display()


def has_display() -> bool:
    """Whether a program that is started here can show a window, be it through ssh."""
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


def own_config_file() -> Path:
    """Where an account's own configuration lies, as `init --user` writes it."""
    return _config_home() / "console-launcher" / "config.yaml"


def _config_home() -> Path:
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 -- Path.expanduser raises where an account has no home
    return _absolute("XDG_CONFIG_HOME") or home / ".config"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around a command that sets something up."""

    uid: int
    sudo_user: str | None
    """The account that called sudo."""
    sudo_uid: int
    """Its user id; without sudo this account's own."""
    sudo_home: Path | None
    """Its home."""
    config_home: Path
    """Where the account's own configurations lie, and its systemd units."""
    runtime: str | None
    """The account's folder for sockets, while it is signed in."""
    openstack: Mapping[str, str] = field(repr=False)
    """`OS_*`, by their whole names; among them may be a password."""


def surroundings() -> Surroundings:
    """As the process's environment and account tell them."""
    sudo_user = os.environ.get("SUDO_USER")
    account = _account(sudo_user) if sudo_user and sudo_user != "root" else None
    return Surroundings(
        uid=os.geteuid(),
        sudo_user=account.pw_name if account else None,
        sudo_uid=account.pw_uid if account else os.geteuid(),
        sudo_home=Path(account.pw_dir) if account else None,
        config_home=_config_home(),
        runtime=runtime_folder(),
        openstack={name: value for name, value in os.environ.items() if name.startswith("OS_")},
    )


def _absolute(variable: str) -> Path | None:
    """The path in a variable; a relative one counts as none (XDG Base Directory Specification)."""
    path = Path(os.environ.get(variable, ""))
    return path if path.is_absolute() else None


def is_account(name: str) -> bool:
    """Whether this machine knows an account of this name."""
    return _account(name) is not None


def _account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
