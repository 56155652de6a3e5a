"""What there is to sign in with on this machine: clouds.yaml where the openstack command looks, and `OS_*`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from launcher.config.clouds_yaml import first_readable, read_yaml, usual_places
from launcher.config.document import shown
from launcher.config.environment import Surroundings
from launcher.setup.accounts import (
    CERTIFICATES,
    Profile,
    Settings,
    Source,
    source_of_variables,
    sources_of_files,
)
from launcher.setup.plan import OriginalFiles
from launcher.setup.trust import doubt
from launcher.setup.write import chain_of

_PEM_LIMIT = 256 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """All that was found, not tried yet."""

    sources: tuple[Source, ...]
    originals: OriginalFiles | None
    """clouds.yaml and secure.yaml, if there is a clouds.yaml."""
    problems: tuple[str, ...]
    """What was there and cannot be read; sentences."""


def look(around: Surroundings, name: str | None) -> Found:
    """In the usual places; `name` is the short name for the cloud of `OS_*`."""
    sources: list[Source] = []
    problems: list[str] = []
    clouds = _trusted(usual_places("clouds", "OS_CLIENT_CONFIG_FILE", around.sudo_home), around, problems)
    secure = _trusted(usual_places("secure", "OS_CLIENT_SECURE_FILE", around.sudo_home), around, problems)
    originals = None
    if clouds is not None:
        clouds, secure = clouds.absolute(), secure.absolute() if secure else None
        originals = OriginalFiles(str(clouds), str(secure) if secure else None)
        try:
            sources += _in_files(clouds, secure, around, problems)
        except ValueError as error:
            problems.append(str(error))
    variables = source_of_variables(around.openstack, name)
    if variables is not None:
        sources.append(variables)
    return Found(tuple(sources), originals, tuple(problems))


def places_looked_at(around: Surroundings) -> list[str]:
    """The folders, for a sentence that says that nothing was there."""
    places = usual_places("clouds", "OS_CLIENT_CONFIG_FILE", around.sudo_home)
    folders = dict.fromkeys(str(path.absolute().parent) for path in places)
    return [shown(folder, 4096) for folder in folders]


def with_certificates(profile: Profile, around: Surroundings) -> Profile:
    """The same with the content of the files that it names, and their absolute paths. Raises ValueError."""
    settings, pem = dict(profile.settings), {}
    for key in CERTIFICATES:
        named = settings.get(key)
        if named:
            path = _file(str(named), _folders(profile), around)
            pem[key] = _content(path, key)
            settings[key] = str(path)
    return dataclasses.replace(profile, settings=settings, pem=pem)


def needs_copy(profile: Profile) -> bool:
    """Whether it cannot be used where it is: it stands in no file, or names files by relative paths."""
    named = (str(profile.settings.get(key) or "/") for key in CERTIFICATES)
    return not profile.in_files or any(not path.startswith(("/", "~")) for path in named)


def _trusted(places: Iterable[Path], around: Surroundings, problems: list[str]) -> Path | None:
    """The first that can be read and is the word of this account, of root or of who called sudo.

    openstacksdk begins with the folder that a command is started in: a file that a stranger left there would have
    other files' passwords sent to an address of its own.
    """
    left = list(places)
    while (path := first_readable(left)) is not None:
        found = doubt(chain_of(path), {0, around.uid, around.sudo_uid})
        if found is None:
            return path
        advice = f"; {found.advice}" if found.advice else ""
        problems.append(f"{path.absolute()}: {found.why}, which could have written it{advice}")
        left = left[left.index(path) + 1 :]
    return None


def _in_files(clouds: Path, secure: Path | None, around: Surroundings, problems: list[str]) -> list[Source]:
    """Raises ValueError."""
    public = _trusted(usual_places("clouds-public", "OS_CLIENT_VENDOR_FILE", around.sudo_home), around, problems)
    none: Settings = {}
    found = sources_of_files(
        _texts(clouds), _texts(secure) if secure else none, _texts(public) if public else none, str(clouds)
    )
    if not found:
        raise ValueError(f'{clouds} has no "clouds:"')
    return found


def _texts(path: Path) -> Settings:
    return {str(key): value for key, value in read_yaml(path).items()}


def _folders(profile: Profile) -> list[Path]:
    """Where a relative path may count from: here, as openstacksdk has it, or the file that says it."""
    return [Path.cwd(), *([Path(profile.origin).parent] if profile.in_files else [])]


def _file(named: str, folders: Iterable[Path], around: Surroundings) -> Path:
    """The first of the files that a path may mean which is there, else what it means to openstacksdk."""
    if named.startswith("~/") and around.sudo_home is not None:
        theirs = around.sudo_home / named.removeprefix("~/")
        if theirs.exists():
            return theirs
    path = Path(os.path.expanduser(named))  # noqa: PTH111 -- Path.expanduser raises where an account has no home
    found = [folder / path for folder in folders]
    return next((one for one in found if one.exists()), found[0])


def _content(path: Path, key: str) -> str:
    """Raises ValueError."""
    try:
        with path.open("rb") as file:
            content = file.read(_PEM_LIMIT + 1)
    except OSError as error:
        raise ValueError(f"its {key}, {shown(str(path), 4096)}, cannot be read: {error.strerror}") from error
    if len(content) > _PEM_LIMIT or b"-----BEGIN " not in content:
        raise ValueError(f"its {key}, {shown(str(path), 4096)}, is no file in PEM")
    return content.decode("ascii", "replace")
