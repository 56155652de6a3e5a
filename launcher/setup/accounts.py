"""What one can sign in with, as values: clouds of clouds.yaml or `OS_*`, and Rackspace accounts.

Pure. clouds.yaml, secure.yaml and clouds-public.yaml are merged as openstacksdk does it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from launcher.config.values import NAME
from launcher.model import Secret

Settings = Mapping[str, Any]

CERTIFICATES = ("cacert", "cert", "key")
"""The keys of a cloud that name files in PEM."""
_AUTH = frozenset({
    "auth_url", "username", "user_id", "password", "passcode", "token", "project_name", "project_id", "tenant_name",
    "tenant_id", "domain_name", "domain_id", "user_domain_name", "user_domain_id", "project_domain_name",
    "project_domain_id", "default_domain", "default_domain_name", "default_domain_id", "system_scope", "trust_id",
    "application_credential_id", "application_credential_name", "application_credential_secret",
})  # fmt: skip
"""What stands under `auth` in a clouds.yaml."""
_NO_SETTINGS = frozenset({"OS_CLOUD", "OS_CLOUD_NAME", "OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE"})
_NO_CLOUD = ("OS_TEST", "OS_STD", "OS_LOG")
_LONGEST = 40
"""Characters of a short name: `-region` may be added."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A cloud that clouds.yaml, or `OS_*`, describes."""

    name: str
    """The short name that is to stand in bookmarks."""
    profile: str
    """Its name in clouds.yaml."""
    settings: Settings = field(repr=False)
    """All that is said of it; secrets too."""
    origin: str
    """Where it was found, for people."""
    in_files: bool
    """Whether clouds.yaml has it; else it stands in the environment alone."""
    pem: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The content of the files that `cacert`, `cert` and `key` name."""

    @property
    def fixed_regions(self) -> tuple[str, ...]:
        """The regions that it is restricted to."""
        return _regions(self.settings)


@dataclass(frozen=True, slots=True)
class Account:
    """A Rackspace account."""

    name: str
    username: str
    api_key: Secret
    origin: str
    profile: str = ""
    """Its name in clouds.yaml, if it comes from there."""
    auth_url: str | None = None
    """None: Rackspace's own."""
    fixed_regions: tuple[str, ...] = ()


Source = Profile | Account


def short_name(text: str) -> str:
    """The text as a name that may stand in bookmarks: `My Cloud` is `My-Cloud`."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:_LONGEST].strip("-._")
    return name if NAME.fullmatch(name) else "cloud"


def named_apart(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """The names, those that came before or are taken with a number behind them."""
    used = {name.casefold() for name in taken}
    found = []
    for name in names:
        at, free = 1, name
        while free.casefold() in used:
            at += 1
            free = f"{name}-{at}"
        used.add(free.casefold())
        found.append(free)
    return found


def sources_of_files(clouds: Settings, secure: Settings, public: Settings, origin: str) -> list[Source]:
    """The clouds of a clouds.yaml (whole), its secure.yaml and the vendors' profiles beside it."""
    entries = _mapping(merged(clouds, secure).get("clouds"))
    vendors = _mapping(public.get("public-clouds"))
    names = named_apart(short_name(str(name)) for name in entries)
    return [
        _source(name, str(profile), _with_vendor(_mapping(settings), vendors), origin)
        for name, (profile, settings) in zip(names, entries.items(), strict=True)
    ]


def source_of_variables(variables: Mapping[str, str], name: str | None) -> Profile | None:
    """The cloud of `OS_*`, which stands under its short name in a clouds.yaml of ours; None without `OS_AUTH_URL`."""
    if not variables.get("OS_AUTH_URL"):
        return None
    auth: dict[str, Any] = {}
    settings: dict[str, Any] = {"auth": auth}
    for variable, value in sorted(variables.items()):
        key = variable.removeprefix("OS_").lower()
        if value and variable not in _NO_SETTINGS and not variable.startswith(_NO_CLOUD):
            (auth if key in _AUTH else settings)[key] = value
    short = short_name(name or auth.get("project_name") or auth.get("tenant_name") or "cloud")
    return Profile(short, short, settings, "the OS_* variables", in_files=False)


def merged(under: Settings, over: Settings) -> dict[str, Any]:
    """Both mappings as one; where both say something, `over` is right."""
    found = dict(under)
    for key, value in over.items():
        below = found.get(key)
        found[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return found


def _source(name: str, profile: str, settings: Settings, origin: str) -> Source:
    """A profile for a Rackspace API key needs a plugin of its own there, and none here."""
    auth = _mapping(settings.get("auth"))
    key, user = auth.get("api_key"), auth.get("username")
    if settings.get("auth_type") == "rackspace_apikey" or (settings.get("profile") == "rackspace" and key):
        url = auth.get("auth_url")
        return Account(
            name=name,
            username=str(user or ""),
            api_key=Secret(str(key or "")),
            origin=origin,
            profile=profile,
            auth_url=str(url).rstrip("/") if url else None,
            fixed_regions=_regions(settings),
        )
    return Profile(name, profile, settings, origin, in_files=True)


def _with_vendor(settings: Settings, vendors: Settings) -> Settings:
    """A profile that only a clouds-public.yaml of this machine knows is written out; others are openstacksdk's own."""
    vendor = vendors.get(str(settings.get("profile", settings.get("cloud", ""))))
    if not isinstance(vendor, Mapping):
        return settings
    return merged(vendor, {key: value for key, value in settings.items() if key not in ("profile", "cloud")})


def _regions(settings: Settings) -> tuple[str, ...]:
    if settings.get("region_name"):
        return (str(settings["region_name"]),)
    listed = settings.get("regions")
    if not isinstance(listed, list):
        return ()
    names = (region.get("name") if isinstance(region, Mapping) else region for region in listed)
    return tuple(dict.fromkeys(str(name) for name in names if name))


def _mapping(value: object) -> Settings:
    return value if isinstance(value, Mapping) else {}
