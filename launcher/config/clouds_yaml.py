"""clouds.yaml and secure.yaml, as far as a configuration leans on them: which clouds they name.

Signing in reads them through openstacksdk's own loader; this look beforehand is for errors that name the line of our
file. Anchors and merge keys are ordinary there, so PyYAML's safe loader reads them whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from launcher.config.secrets import passed

_LIMIT = 1024 * 1024
_FILES = ("cacert", "cert", "key")
_NAMED_BY = {"clouds": "OS_CLIENT_CONFIG_FILE", "secure": "OS_CLIENT_SECURE_FILE"}


@dataclass(frozen=True, slots=True)
class KnownClouds:
    """What clouds.yaml and secure.yaml say together."""

    names: frozenset[str]
    remote_profiles: Mapping[str, str] = field(default_factory=dict)
    """Clouds whose `profile` is a URL, each with the file that says so: openstacksdk would fetch it."""
    urls: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """By cloud: where it says that it is reached, as `auth.auth_url in /etc/openstack/clouds.yaml`, and the URL."""


def known_clouds(clouds_yaml: Path | None, secure_yaml: Path | None) -> KnownClouds | None:
    """The clouds of the two files, or of openstacksdk's usual places; None when there is no file. Raises ValueError."""
    given = clouds_yaml is not None or secure_yaml is not None
    names: set[str] = set() if given else _of_environment()
    remote: dict[str, str] = {}
    urls: dict[str, tuple[tuple[str, str], ...]] = {}
    found = files_read(clouds_yaml, secure_yaml)
    for path in found:
        for name, entry in _clouds(path).items():
            names.add(str(name))
            urls[str(name)] = (*urls.get(str(name), ()), *_urls(entry, path))
            if isinstance(entry, Mapping) and "://" in str(entry.get("profile", entry.get("cloud", ""))):
                remote[str(name)] = str(path)
    return KnownClouds(frozenset(names), remote, urls) if found or names else None


def _urls(entry: object, file: Path) -> tuple[tuple[str, str], ...]:
    """The URLs in a cloud's entry that are the operator's own word, each with its place."""
    if not isinstance(entry, Mapping):
        return ()
    auth = entry.get("auth")
    found = {f"auth.{key}": auth.get(key) for key in ("auth_url", "endpoint")} if isinstance(auth, Mapping) else {}
    found |= {str(key): value for key, value in entry.items() if str(key).endswith("_endpoint_override")}
    return tuple((f"{key} in {file}", value) for key, value in found.items() if isinstance(value, str))


def files_read(clouds_yaml: Path | None, secure_yaml: Path | None) -> list[Path]:
    """The files that openstacksdk reads: those given, else the first in its usual places."""
    beside = clouds_yaml or secure_yaml
    places = (
        clouds_yaml or first_readable(places_looked_in("clouds", beside)),
        secure_yaml or first_readable(places_looked_in("secure", beside)),
    )
    return [path for path in places if path]


def files_named(clouds_yaml: Path | None, secure_yaml: Path | None, cloud: str) -> list[Path]:
    """The certificates and keys that a cloud's entries in the files name; none in a file that cannot be read.

    A relative client certificate counts from the folder of a clouds.yaml that is given, as for signing in.
    """
    found = []
    for path in files_read(clouds_yaml, secure_yaml):
        try:
            entry = _clouds(path).get(cloud)
        except ValueError:
            continue
        named = {key: entry.get(key) for key in _FILES} if isinstance(entry, Mapping) else {}
        for key, name in named.items():
            if isinstance(name, str) and name:
                place = os.path.expanduser(name)  # noqa: PTH111 -- as openstacksdk does: it never fails
                beside = clouds_yaml if key != "cacert" else None
                found.append(passed(beside.parent, place) if beside else Path(place))
    return found


def places_looked_in(stem: str, beside: Path | None) -> list[Path]:
    """The usual places of `clouds`, `secure` or `clouds-public`.

    `beside` is a file that the configuration names, if it names one: then its folder takes the place of the current
    one, which may be anybody's, and no variable counts.
    """
    if beside is None:
        return usual_places(stem, _NAMED_BY.get(stem))
    return usual_places(stem, None, here=beside.parent)


def usual_places(stem: str, named_by: str | None, also: Path | None = None, here: Path | None = None) -> list[Path]:
    """Where openstacksdk looks for `clouds` or `secure`, in its order (openstack.config.loader.CONFIG_FILES).

    `named_by` is the variable that may name the file; openstacksdk heeds it where no file is configured. `also` is one
    more home, looked into before the places of the whole system; `here` stands for the current folder.
    """
    named = os.environ.get(named_by) if named_by else None
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 -- Path.expanduser raises where an account has no home
    folders = [
        here or Path.cwd(),
        Path(os.environ.get("XDG_CONFIG_HOME", "").strip() or home / ".config") / "openstack",
        home / ".config/openstack",
        *([also / ".config/openstack"] if also else []),
        Path("/etc/xdg/openstack"),
        Path("/etc/openstack"),
    ]
    usual = [folder / f"{stem}{suffix}" for folder in folders for suffix in (".yaml", ".yml", ".json")]
    return [Path(named), *usual] if named else usual


def _of_environment() -> set[str]:
    """The cloud that openstacksdk makes of $OS_AUTH_URL and its kin."""
    return {os.environ.get("OS_CLOUD_NAME", "envvars")} if "OS_AUTH_URL" in os.environ else set()


def first_readable(paths: Iterable[Path]) -> Path | None:
    """As openstacksdk chooses: the first that can be read counts alone."""
    return next((path for path in paths if os.access(path, os.R_OK)), None)


def _clouds(path: Path) -> Mapping[object, object]:
    """The `clouds` of a file. Raises ValueError."""
    value = read_yaml(path)
    clouds = value.get("clouds")
    if not isinstance(clouds, Mapping):
        raise ValueError(f'{path} has no "clouds:"')  # noqa: TRY004 -- ValueError is the one error of our parsers
    return clouds


def read_yaml(path: Path) -> Mapping[object, object]:
    """The keys of a file of openstacksdk's, none where it holds something else. Raises ValueError."""
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT + 1)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > _LIMIT:
        raise ValueError(f"{path} is larger than 1 MiB: it is no clouds.yaml")
    try:
        value = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ValueError(f"{place} is not YAML that can be read") from None  # its cause quotes lines that hold secrets
    return value if isinstance(value, Mapping) else {}
