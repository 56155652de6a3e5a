"""What no single key can know: whether the parts of a configuration fit together, and the machine has its accounts.

These checks look at the plain document, not at the finished models, so that they find their problems also while other
parts of the file are still wrong; what has the wrong shape they leave to the models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path

from launcher.config.accounts import why_not
from launcher.config.certificate import certificate_file, key_file, misfit, out_of_date
from launcher.config.clouds_yaml import KnownClouds, files_read, known_clouds
from launcher.config.dialled import check_dialled, why_never
from launcher.config.document import Document, KeyPath, shown
from launcher.config.models import cloud_names
from launcher.config.secrets import read_secret, readable_file
from launcher.config.targets import VNC_PASSWORD_BYTES, parse_token_path, why_no_tokens
from launcher.config.translate import did_you_mean
from launcher.config.writable import writable


@dataclass(frozen=True, slots=True)
class _Names:
    clouds: Mapping[str, str]
    """Every cloud after expansion, and the entry that it comes from."""
    vague: frozenset[str]
    """Entries whose regions cannot be read: any cloud that begins like them may be meant."""


def check_together(document: Document, credentials: Path | None, now: datetime) -> None:
    """Adds every problem between the parts, and with the machine, to the document.

    `credentials` is where these lie outside systemd; certificates are judged by what is valid `now`.
    """
    top = _mapping(document.value)
    entries = _mapping(top.get("clouds"))
    names = _expand(entries, document)
    _check_aliases(_mapping(top.get("aliases")), names, document)
    _check_rackspace(entries, document)
    for name, entry in entries.items():
        if isinstance(entry, Mapping) and entry.get("provider") == "static":
            _check_static(("clouds", name), entry, document, credentials)
    profiles = {
        name: str(entry["cloud"])
        for name, entry in entries.items()
        if isinstance(entry, Mapping) and entry.get("provider") == "openstack" and isinstance(entry.get("cloud"), str)
    }
    if profiles:
        _check_profiles(profiles, top, document, credentials)
    check_dialled(top, entries, document)
    _check_sockets(_mapping(top.get("relay")).get("sockets"), names, document)
    _check_accounts(_mapping(top.get("access")).get("local_users"), document)
    if "tls" in top:
        _check_certificate(_mapping(top["tls"]), document, credentials, now)
        _check_schemes(top, document)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _expand(entries: Mapping[str, object], document: Document) -> _Names:
    found: dict[str, str] = {}
    vague: set[str] = set()
    for entry, value in entries.items():
        regions = _mapping(value).get("regions", ())
        if not isinstance(regions, tuple) or not all(isinstance(region, str) for region in regions):
            vague.add(entry)
            continue
        once = len({region.lower() for region in regions}) == len(regions)
        for name in cloud_names(entry, regions if once else ()):
            if name in found:
                document.problem(
                    ("clouds", entry),
                    f'its cloud "{shown(name)}" is also made by clouds.{shown(found[name])}: rename one',
                )
            found.setdefault(name, entry)
    return _Names(found, frozenset(vague))


def _check_sockets(patterns: object, names: _Names, document: Document) -> None:
    """Whether each pattern of servers may mean a cloud that there is."""
    for index, pattern in enumerate(patterns if isinstance(patterns, tuple) and not names.vague else ()):
        cloud = str(pattern).partition("/")[0]
        if not any(fnmatchcase(name, cloud) for name in names.clouds):
            message = f'there is no cloud "{shown(cloud)}" for it.{did_you_mean(cloud, names.clouds)}'
            document.doubt(("relay", "sockets", index), message)


def _check_rackspace(entries: Mapping[str, object], document: Document) -> None:
    """Exactly one of the two ways to sign in."""
    for name, value in entries.items():
        path, entry = ("clouds", name), _mapping(value)
        if entry.get("provider") != "rackspace" or path in document.unsure:
            continue
        if "api_key" in entry and "password" in entry:
            document.problem(
                (*path, "password"),
                "api_key stands here as well: keep one of both (the API key also does where the user signs in with "
                "multi-factor authentication)",
            )
        elif "api_key" not in entry and "password" not in entry:
            document.problem(
                (*path, "api_key"),
                "this key is missing: the API key of that user: {credential: NAME} or {file: PATH}; or "
                "give its password that way, as password",
            )


def _check_static(path: KeyPath, entry: Mapping[str, object], document: Document, credentials: Path | None) -> None:
    """Some server at least; and what a gateway can serve with."""
    unsure = any(place[: len(path)] == path for place in document.unsure)
    if not entry.get("servers") and "websockify_tokens" not in entry and not unsure:
        document.problem(
            path, "it has no server: write servers: {NAME: {vnc: ADDRESS}}, or websockify_tokens: PATH, or both"
        )
    tokens = entry.get("websockify_tokens")
    if isinstance(tokens, str):
        _check_tokens((*path, "websockify_tokens"), tokens, document)
        _check_writable((*path, "websockify_tokens"), [Path(tokens)] if tokens.startswith("/") else [], document)
    for name, server in _mapping(entry.get("servers")).items():
        if "password" in _mapping(server):
            _check_password((*path, "servers", name, "password"), _mapping(server)["password"], document, credentials)


def _check_tokens(path: KeyPath, text: str, document: Document) -> None:
    """They are read whenever somebody asks: a file that is not there may come at any time."""
    try:
        message = why_no_tokens(parse_token_path(text))
    except ValueError:
        return
    if message:
        document.doubt(path, f"{message}: its servers are there as soon as it can be read")


def _check_writable(path: KeyPath, files: Iterable[Path], document: Document) -> None:
    """Whoever may write these says where the gateway goes, and with whose credentials."""
    for found in filter(None, map(writable, files)):
        (document.problem if found.by_all else document.doubt)(path, found.message)


def _check_password(path: KeyPath, value: object, document: Document, credentials: Path | None) -> None:
    """Programs that set a VNC password cut it silently, so that a longer one may well be the right one."""
    try:
        size = len(read_secret(value, credentials).reveal().encode())
    except ValueError:
        return
    if size > VNC_PASSWORD_BYTES:
        document.doubt(
            path,
            f"it has {size} bytes, and VNC uses only the first {VNC_PASSWORD_BYTES} of a password: whoever knows these "
            "is let in. Leave away the rest",
        )


def _check_aliases(aliases: Mapping[str, object], names: _Names, document: Document) -> None:
    for alias, target in aliases.items():
        path = ("aliases", alias)
        if alias in names.clouds:
            document.problem(path, f'"{shown(alias)}" is also the name of a cloud: rename the alias')
        cloud, slash, _ = target.partition("/") if isinstance(target, str) else ("", "", "")
        if not slash or not cloud or cloud in names.clouds or cloud.startswith(tuple(names.vague)):
            continue
        parts = [name for name, entry in names.clouds.items() if entry == cloud]
        hint = (
            f" Its regions are clouds of their own: {', '.join(parts)}." if parts else did_you_mean(cloud, names.clouds)
        )
        has = "" if parts else f" (there are: {_listed(names.clouds)})"
        document.problem(path, f'there is no cloud "{shown(cloud)}"{has}.{hint}')


def _check_profiles(
    profiles: Mapping[str, str], top: Mapping[str, object], document: Document, credentials: Path | None
) -> None:
    try:
        clouds, secure = _file(top, "clouds_yaml", credentials), _file(top, "secure_yaml", credentials)
        _check_writable(("clouds_yaml",), files_read(clouds, secure), document)
        known = known_clouds(clouds, secure)
    except _NotReadableError:
        return
    except ValueError as error:
        document.problem(("clouds_yaml",), str(error))
        return
    if known is None:
        document.problem(
            ("clouds", next(iter(profiles)), "cloud"),
            "no clouds.yaml is found where the openstack command looks (here, ~/.config/openstack, /etc/openstack): "
            "write clouds_yaml: /path/of/clouds.yaml at the top of this file",
        )
        return
    for entry, profile in profiles.items():
        if message := _wrong_profile(profile, known):
            document.problem(("clouds", entry, "cloud"), message)
        for where, url in known.urls.get(profile, ()):
            if why := why_never(url):
                document.doubt(("clouds", entry, "cloud"), f'{where} of "{shown(profile)}": {why}')


def _check_accounts(names: object, document: Document) -> None:
    """An account comes and goes, and its directory may be away for a while: no reason for a gateway not to serve."""
    for index, name in enumerate(names if isinstance(names, tuple) else ()):
        if isinstance(name, str) and name and (message := why_not(name)):
            document.doubt(("access", "local_users", index), message)


def _check_certificate(tls: Mapping[str, object], document: Document, credentials: Path | None, now: datetime) -> None:
    """Whether the two belong together; what is wrong with one of them, the models tell."""
    try:
        certificate = certificate_file(tls.get("certificate"), credentials)
        if message := out_of_date(certificate, now):
            document.doubt(("tls", "certificate"), message)
        if message := misfit(certificate, key_file(tls.get("key"), credentials)):
            document.problem(("tls", "key"), message)
    except (ValueError, OSError):
        return


def _check_schemes(top: Mapping[str, object], document: Document) -> None:
    """An address for browsers that nothing answers: plain, where every port speaks TLS and nothing else is there.

    Where there is a Unix socket it may be the address of a tunnel to that.
    """
    listen, urls = top.get("listen"), top.get("public_urls")
    if not isinstance(listen, tuple) or not isinstance(urls, tuple):
        return
    if any(not isinstance(text, str) or text.startswith(("unix:", "systemd")) for text in listen):
        return
    for index, url in enumerate(urls):
        if isinstance(url, str) and url.lower().startswith("http://"):
            document.doubt(
                ("public_urls", index),
                "every port of `listen` speaks TLS (tls), and nothing else is listened on: this begins with https://",
            )


class _NotReadableError(Exception):
    """The models tell of this file already."""


def _file(top: Mapping[str, object], key: str, credentials: Path | None) -> Path | None:
    if key not in top:
        return None
    try:
        return readable_file(top[key], credentials)
    except ValueError as error:
        raise _NotReadableError from error


def _wrong_profile(profile: str, known: KnownClouds) -> str | None:
    if profile not in known.names:
        has = _listed(known.names)
        return f'"{shown(profile)}" is not in clouds.yaml (has: {has}).{did_you_mean(profile, known.names)}'
    if file := known.remote_profiles.get(profile):
        return (
            f'the profile of "{shown(profile)}" in {file} is a URL, which would be fetched unasked: '
            "write its settings into clouds.yaml"
        )
    return None


def _listed(names: Iterable[str]) -> str:
    known = sorted(names)
    return ", ".join(known[:10]) + (f" and {len(known) - 10} more" if len(known) > 10 else "") or "nothing"
