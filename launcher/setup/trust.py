"""Whose word a file is: that of everybody who could have written it, or exchanged it or a folder above it. Pure."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A file or a folder as it stands in its own folder, links not followed."""

    path: str
    mode: int
    owner: int


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a path is not to be believed, and what to do where there is something."""

    why: str
    advice: str = ""


def doubt(chain: Iterable[Place], trusted: Collection[int]) -> Doubt | None:
    """Why others than the `trusted` user ids could decide what lies at the end of the chain, which begins at `/`.

    In a folder that everybody may write, but with the sticky bit (/tmp), each may exchange what is their own only: so
    the owner of what lies in it is what counts, and that is looked at with the next place.
    """
    for place in chain:
        if place.owner not in trusted:
            return Doubt(f"{place.path} belongs to another account")
        if stat.S_ISLNK(place.mode):
            continue
        open_to_all = place.mode & stat.S_IWOTH
        if open_to_all and not (stat.S_ISDIR(place.mode) and place.mode & stat.S_ISVTX):
            return Doubt(f"every account may write {place.path}", f"chmod o-w {shlex.quote(place.path)}")
    return None
