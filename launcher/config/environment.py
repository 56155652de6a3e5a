"""What the environment says to the command line; a part of the configuration, though no file holds it."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO


def wants_colour(stream: TextIO) -> bool:
    """Whether a person reads the stream on a terminal and has not asked for plain text (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around a command that sets something up."""

    uid: int
    sudo_user: str | None
    """The account that called sudo."""
    sudo_home: Path | None
    """Its home."""
    config_home: Path
    """Where the account's own configurations lie, and its systemd units."""
    runtime: Path | None
    """The account's folder for sockets, while it is signed in."""
    openstack: Mapping[str, str] = field(repr=False)
    """`OS_*`, by their whole names; among them may be a password."""


def surroundings() -> Surroundings:
    """As the process's environment and account tell them."""
    sudo_user = os.environ.get("SUDO_USER")
    account = _account(sudo_user) if sudo_user and sudo_user != "root" else None
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 -- Path.expanduser raises where an account has no home
    return Surroundings(
        uid=os.geteuid(),
        sudo_user=account.pw_name if account else None,
        sudo_home=Path(account.pw_dir) if account else None,
        config_home=_absolute("XDG_CONFIG_HOME") or home / ".config",
        runtime=_absolute("XDG_RUNTIME_DIR"),
        openstack={name: value for name, value in os.environ.items() if name.startswith("OS_")},
    )


def _absolute(variable: str) -> Path | None:
    """The path in a variable; a relative one counts as none (XDG Base Directory Specification)."""
    path = Path(os.environ.get(variable, ""))
    return path if path.is_absolute() else None


def _account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
