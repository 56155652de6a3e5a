"""Says who else may write a file that decides where credentials go: `config.yaml`, `clouds.yaml`, token files.

What every account may write is refused. Doubted is what can be put aside, in a directory that every account may write
and that has no sticky bit (volumes of containers look so, and cannot be mended there), and what a group may write, but
for the owner's own group (Debian's and Red Hat's accounts have one each, and umask 002 with it) and root's.
"""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Writable:
    """What is wrong with a file's mode."""

    by_all: bool
    """Whether every account may write it; else a group."""
    message: str
    """With the command to type."""


def writable(path: Path) -> Writable | None:
    """How others than its owner may change this file or directory; None if they may not, or it cannot be looked at."""
    try:
        real = path.resolve(strict=True)
        places = dict.fromkeys((real, path.parent, real.parent))
        found = [(place, place.stat()) for place in places]
    except (OSError, RuntimeError):
        return None
    for place, status in found:
        if status.st_mode & stat.S_IWOTH and not (stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX):
            is_itself = place == real
            later = "" if is_itself else " (the next release refuses it)"
            said = f"every account of this machine may write {place}: {_command('o-w', place)}{later}"
            return Writable(is_itself, said)
    if found[0][1].st_mode & stat.S_IWGRP and not _is_private(found[0][1]):
        who = _group(found[0][1].st_gid)
        return Writable(
            False,
            f"the group {who} may write {real}, and so say where credentials go: {_command('g-w', real)} "
            "(the next release refuses it)",
        )
    return None


def _command(mode: str, place: Path) -> str:
    return f"chmod {mode} {shlex.quote(str(place))}"


def _is_private(status: os.stat_result) -> bool:
    """Whether the group is root's, or has nobody in it but the file's owner: by its name and members."""
    if status.st_gid == 0:
        return True
    try:
        owner, group = pwd.getpwuid(status.st_uid).pw_name, grp.getgrgid(status.st_gid)
    except KeyError:
        return status.st_gid == status.st_uid
    return group.gr_name == owner and not set(group.gr_mem) - {owner}


def _group(gid: int) -> str:
    try:
        return f'"{grp.getgrgid(gid).gr_name}"'
    except KeyError:
        return str(gid)
