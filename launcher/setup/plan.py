"""What is to be written: paths, modes and contents.

Pure. A configuration holds no secret; the files of the folder `credentials` hold nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from launcher.config.document import shown
from launcher.model import Secret
from launcher.setup.accounts import Account, Profile, Settings, Source
from launcher.setup.places import Target, Way

CLOUDS_YAML = "clouds.yaml"
_PUBLIC_KEYS = frozenset({
    "auth_type", "auth_url", "username", "user_id", "project_name", "project_id", "tenant_name", "tenant_id",
    "domain_name", "domain_id", "user_domain_name", "user_domain_id", "project_domain_name", "project_domain_id",
    "region_name", "regions", "interface", "identity_api_version", "profile", "cloud", "cert", "key",
    "application_credential_id", "application_credential_name", "identity_provider", "protocol",
})  # fmt: skip
"""What a dry run shows of clouds.yaml; whatever else there is may be a secret."""
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")


@dataclass(frozen=True, slots=True)
class Chosen:
    """An entry of the configuration: how to sign in, and for which regions."""

    name: str
    source: Source
    regions: tuple[str, ...]
    """Empty where the cloud has but one, or clouds.yaml names it."""


@dataclass(frozen=True, slots=True)
class OriginalFiles:
    """clouds.yaml and secure.yaml where they are, for a service that can read them there."""

    clouds: str
    secure: str | None


@dataclass(frozen=True, slots=True)
class File:
    """A file that is to be."""

    path: str
    mode: int
    content: Secret | str
    shown: str = field(default="")
    """A secret content with its secrets masked."""

    @property
    def text(self) -> str:
        """The content itself."""
        return self.content.reveal() if isinstance(self.content, Secret) else self.content


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is to be, folders before what lies in them; the configuration comes last, because it says "set up"."""

    folders: tuple[tuple[str, int], ...]
    """Path and mode; those that are there are kept."""
    files: tuple[File, ...]


def plan_of(target: Target, chosen: Sequence[Chosen], units: Sequence[File], originals: OriginalFiles | None) -> Plan:
    """Everything: credentials, units, configuration."""
    credentials = credential_files(target.credentials, [entry.source for entry in chosen], copied=originals is None)
    config = File(target.config, 0o644, config_text(target, chosen, originals))
    return Plan(folders(target), (*credentials, *units, config))


def folders(target: Target) -> tuple[tuple[str, int], ...]:
    """The folders of a set-up; an account's own are for nobody else."""
    own = 0o755 if target.way is Way.SYSTEM else 0o700
    found = [(target.folder, own), (target.credentials, 0o700), (target.units, 0o755)]
    if target.sysusers:
        found.append((target.sysusers.rpartition("/")[0], 0o755))
    if target.way is Way.USER and target.socket:
        found.append((target.socket.rpartition("/")[0], 0o700))
    return tuple(found)


def credential_files(folder: str, sources: Iterable[Source], *, copied: bool = True) -> tuple[File, ...]:
    """The files that `{credential: NAME}` means; with `copied` also clouds.yaml and the certificates it names.

    A copy holds the clouds that are used and nothing of others: the gateway needs no secret more than that.
    """
    known = list(sources)
    found = [
        File(f"{folder}/{api_key_name(one)}", 0o600, Secret(f"{one.api_key.reveal()}\n"), "***\n")
        for one in known
        if isinstance(one, Account)
    ]
    profiles = [one for one in known if isinstance(one, Profile)]
    if not copied or not profiles:
        return tuple(found)
    for profile in profiles:
        for key, content in profile.pem.items():
            found.append(File(f"{folder}/{pem_name(profile, key)}", 0o600, Secret(content), f"(its {key}, in PEM)\n"))
    clouds = {profile.profile: copied_settings(profile) for profile in profiles}
    hidden = {name: masked(settings) for name, settings in clouds.items()}
    head = _clouds_yaml_head(profiles)
    found.append(
        File(f"{folder}/{CLOUDS_YAML}", 0o600, Secret(head + _dumped(clouds)), head + _dumped(hidden)),
    )
    return tuple(found)


def api_key_name(account: Account) -> str:
    """The name of the credential with an account's API key."""
    return f"{account.name}-api-key"


def pem_name(profile: Profile, key: str) -> str:
    """The name of the credential with a certificate of a profile."""
    return f"{profile.name}-{'ca' if key == 'cacert' else key}.pem"


def copied_settings(profile: Profile) -> dict[str, Any]:
    """What the copy says of a cloud: all of it, but its certificates lie beside it.

    `cacert` goes into the configuration, where it holds for the console proxy too.
    """
    settings = {key: value for key, value in profile.settings.items() if key != "cacert"}
    return settings | {key: pem_name(profile, key) for key in ("cert", "key") if key in profile.pem}


def masked(value: Any, key: str = "") -> Any:
    """The same with `***` for whatever may be a secret."""
    if isinstance(value, Mapping):
        return {name: masked(item, str(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [masked(item, key) for item in value]
    return value if key in _PUBLIC_KEYS else "***"


def config_text(target: Target, chosen: Sequence[Chosen], originals: OriginalFiles | None) -> str:
    """The configuration file."""
    lines = [
        "# The configuration of console-launcher, begun by `console-launcher init`. Change it as you like:",
        f"#   console-launcher check-config --config {shown(target.config, 4096)}",
        "# tells every problem at once, and `console-launcher schema` describes every key there is.",
        "# No secret stands here: {credential: NAME} is the file NAME in the folder credentials beside this file.",
        "",
        *_listening(target),
        "",
        *_clouds_files(chosen, originals),
        "# The clouds, by the names that stand in bookmarks. Several regions make one cloud each: rax-dfw, rax-ord.",
        "clouds:",
        *(line for entry in chosen for line in _entry(entry, originals)),
    ]
    if target.way is Way.SYSTEM:
        lines += ["", "# The accounts of this machine that may come in, beside root.", "access:"]
        lines += [f"  local_users: [{', '.join(map(scalar, target.local_users))}]"]
    return "\n".join(lines) + "\n"


def scalar(text: str) -> str:
    """The text as YAML, quoted where YAML or a person might read it otherwise."""
    if _PLAIN.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    return json.dumps(text, ensure_ascii=False)


def _listening(target: Target) -> list[str]:
    if target.way is Way.SYSTEM:
        where = f"# systemd holds the socket, {target.socket}: see console-launcher.socket."
    else:
        where = "# Only on this machine; who connects is known by the account at the other end."
    return [
        where,
        f"listen: [{', '.join(scalar(address) for address in target.listen)}]",
        "# The gateway's address as browsers write it.",
        f"public_urls: [{scalar(target.public_url)}]",
    ]


def _clouds_files(chosen: Sequence[Chosen], originals: OriginalFiles | None) -> list[str]:
    if not any(isinstance(entry.source, Profile) for entry in chosen):
        return []
    if originals is None:
        return [
            "# How to sign in to the clouds below, with the passwords.",
            f"clouds_yaml: {_credential(CLOUDS_YAML)}",
            "",
        ]
    secure = [f"secure_yaml: {scalar(originals.secure)}"] if originals.secure else []
    return ["# How to sign in to the clouds below.", f"clouds_yaml: {scalar(originals.clouds)}", *secure, ""]


def _entry(entry: Chosen, originals: OriginalFiles | None) -> list[str]:
    source = entry.source
    if isinstance(source, Account):
        lines = ["provider: rackspace", f"username: {scalar(source.username)}"]
        lines.append(f"api_key: {_credential(api_key_name(source))}")
        if source.auth_url:
            lines.append(f"auth_url: {scalar(source.auth_url)}")
    else:
        lines = ["provider: openstack", f"cloud: {scalar(source.profile)}"]
    if entry.regions:
        lines.append(f"regions: [{', '.join(map(scalar, entry.regions))}]")
    if isinstance(source, Profile) and "cacert" in source.pem:
        lines.append(f"cacert: {_cacert(source, originals)}")
    return [f"  {scalar(entry.name)}:", *(f"    {line}" for line in lines)]


def _cacert(profile: Profile, originals: OriginalFiles | None) -> str:
    return _credential(pem_name(profile, "cacert")) if originals is None else scalar(str(profile.settings["cacert"]))


def _credential(name: str) -> str:
    return f"{{credential: {scalar(name)}}}"


def _clouds_yaml_head(profiles: Sequence[Profile]) -> str:
    origins = ", ".join(dict.fromkeys(shown(profile.origin, 4096) for profile in profiles))
    return (
        f"# Made by `console-launcher init` from {origins}, with these clouds only.\n"
        "# The gateway reads this copy: a password that changes there must change here too.\n"
    )


def _dumped(clouds: Mapping[str, Settings]) -> str:
    class Plain(yaml.SafeDumper):
        """Writes everything out: anchors only puzzle people."""

        def ignore_aliases(self, _data: Any) -> bool:
            return True

    dumped: str = yaml.dump({"clouds": dict(clouds)}, Dumper=Plain, sort_keys=False, allow_unicode=True)
    return dumped
