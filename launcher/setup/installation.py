"""This Python and its `console-launcher`: how a service starts it, and if a sandboxed one can; the shipped units."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from launcher.setup.units import Installation

HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 -- names of places, nothing is put there
"""What ProtectHome= and PrivateTmp= of the unit take away."""
PACKAGE = Path(__file__).parents[1]
"""The folder of the package `launcher`."""
_COMMAND = "console-launcher"


def this_installation() -> Installation:
    """The running one."""
    return installation_of(sys.executable, shutil.which(_COMMAND))


def installation_of(executable: str, found: str | None) -> Installation:
    """The one of a Python; `found` is what a person's shell takes the command's name for."""
    script = Path(executable).with_name(_COMMAND)
    if not os.access(script, os.X_OK):  # as with `pip install --user`, which keeps scripts elsewhere
        command: tuple[str, ...] = (found,) if found else (executable, "-m", "launcher")
    else:
        command = (str(script),)
    is_same = found is not None and Path(found).resolve() == Path(command[0]).resolve()
    return Installation(command, _roots(Path(executable)), _COMMAND if is_same else shlex.join(command))


def out_of_reach(installation: Installation, hidden: Sequence[str] = HIDDEN) -> list[str]:
    """Why a sandboxed service, which runs as nobody in particular, could not start it; sentences, none if it can."""
    places = [Path(word) for word in installation.command if word.startswith("/")]
    places += [Path(root) for root in installation.roots]
    reasons: dict[str, None] = {}
    for place in places:
        for path in dict.fromkeys((place, place.resolve())):
            if reason := _hidden(path, hidden) or _closed(path):
                reasons[reason] = None
    return list(reasons)


def shipped_unit(name: str, package: Path = PACKAGE) -> str:
    """The text of a unit: from the installed package, or from the checkout that it is a part of."""
    packaged = package / "units" / name
    return (packaged if packaged.exists() else package.parent / "systemd" / name).read_text()


def _roots(executable: Path) -> tuple[str, ...]:
    """Python's own folders, the virtual environment's and the package's, without those inside others."""
    interpreter = executable.resolve().parent
    places = [Path(sys.prefix), Path(sys.base_prefix), interpreter, PACKAGE]
    return tuple(str(place) for place in _outermost(places) if not place.is_relative_to("/usr"))


def _outermost(places: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for place in sorted(set(places), key=lambda path: len(path.parts)):
        if not any(place.is_relative_to(other) for other in found):
            found.append(place)
    return found


def _hidden(path: Path, hidden: Sequence[str]) -> str | None:
    for folder in hidden:
        if path.is_relative_to(folder):
            return f"{path} lies below {folder}, which the service does not see"
    return None


def _closed(path: Path) -> str | None:
    """The first of a path and the folders around it that not everybody may use."""
    for place in [*reversed(path.parents), path]:
        try:
            mode = place.stat().st_mode
        except OSError as error:
            return f"{place} cannot be looked at ({error.strerror})"
        needed = stat.S_IXOTH | (stat.S_IROTH if place == path else 0)
        if mode & needed != needed:
            return f"{place} is not open to every account (chmod o+rx {shlex.quote(str(place))})"
    return None
