"""What is dialled, and which setting says so: in the words of who must change it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from launcher.config.models import BareEntry, Cloud, OpenStackEntry, RackspaceEntry
from launcher.egress import how_to_allow
from launcher.model import Carrier, Target

_PORTS: Mapping[str, int] = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a cloud's settings stand, in words: the beginning of many an advice."""

    cloud: str
    key: str
    """Of its entry in config.yaml: `clouds.rax`, for the clouds rax-dfw and rax-ord."""
    credentials: str
    """Where user name and password, or key, stand."""
    auth_url: str
    region: str
    cacert: str
    """The key, and the file that it names."""
    account: str
    """Whom the cloud knows the gateway as."""


@dataclass(frozen=True, slots=True)
class Place:
    """Something that is dialled."""

    what: str
    """`the Compute API`."""
    host: str
    port: int
    tls: bool
    said_by: str
    """Which setting has this address."""
    cacert: str
    """Which setting has the authorities that its certificate is checked against."""
    plain: str = "http (ws) instead of https (wss)"
    """How it is written that it speaks no TLS."""
    meant: str = "write its address into the configuration"
    """How the operator says that it runs on this host."""

    @property
    def address(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def settings_of(cloud: Cloud) -> Settings:
    """Where the settings of a cloud stand."""
    key = f"clouds.{entry_name(cloud)}"
    cacert = f"{key}.cacert in config.yaml" + (f" ({cloud.entry.cacert})" if cloud.entry.cacert else "")
    match cloud.entry:
        case RackspaceEntry() as entry:
            return Settings(
                cloud=cloud.name,
                key=key,
                credentials=f"{key}.username and {key}.api_key in config.yaml",
                auth_url=f"{key}.auth_url in config.yaml",
                region=f"{key}.regions in config.yaml",
                cacert=cacert,
                account=f'the account "{entry.username}"',
            )
        case OpenStackEntry() as entry:
            file = str(cloud.clouds_yaml or "clouds.yaml")
            named = f'"{entry.cloud}" in {file}'
            secret = f" or {cloud.secure_yaml}" if cloud.secure_yaml else ""
            return Settings(
                cloud=cloud.name,
                key=key,
                credentials=f"auth of {named}{secret}",
                auth_url=f"auth.auth_url of {named}",
                region=f"{key}.regions in config.yaml" if entry.regions else f"region_name of {named}",
                cacert=cacert if entry.cacert else f"{cacert}, or cacert of {named}",
                account=f"the account of {named}",
            )
        case entry:
            return Settings(
                cloud=cloud.name,
                key=key,
                credentials=f"{key}.api_token in config.yaml" + ("" if entry.api_token else " (there is none)"),
                auth_url="",
                region="",
                cacert=cacert,
                account=f"the account of {key}.api_token",
            )


def entry_name(cloud: Cloud) -> str:
    """The entry of config.yaml that the cloud is one region of."""
    regions = () if isinstance(cloud.entry, BareEntry) else cloud.entry.regions
    return cloud.name.removesuffix(f"-{cloud.region.lower()}") if cloud.region and len(regions) > 1 else cloud.name


def identity_place(settings: Settings, url: str) -> Place:
    """An Identity service by its auth_url."""
    meant = f"write a loopback address, http://127.0.0.1:5000 for example, as {settings.auth_url}"
    return _place("the Identity service", url, settings.auth_url, settings, meant)


def compute_place(settings: Settings, cloud: Cloud, url: str) -> Place:
    """A Compute API by its endpoint."""
    bare = isinstance(cloud.entry, BareEntry)
    said_by = (
        f"{settings.key}.endpoint in config.yaml" if bare else "the cloud's own catalog (its operator's to change)"
    )
    override = f"write it as compute_endpoint_override next to {settings.auth_url}"
    return _place("the Compute API", url, said_by, settings, said_by if bare else override)


def proxy_place(settings: Settings, target: Target) -> Place:
    """The console proxy that a console URL leads to."""
    option = base_url_option(xvp=target.carrier is Carrier.XVP)
    said_by = (
        f"the console URL that {settings.cloud} gives ([vnc] {option} of its nova.conf), which "
        f"{settings.key}.console_url in config.yaml may mend"
    )
    meant = how_to_allow(target.host, target.origin, f"{settings.key}.console_url in config.yaml")
    return Place("the console proxy", target.host, target.port, target.tls, said_by, settings.cacert, meant=meant)


def base_url_option(*, xvp: bool) -> str:
    """What nova.conf has the address of a console proxy in."""
    return "xvpvncproxy_base_url" if xvp else "novncproxy_base_url"


def _place(what: str, url: str, said_by: str, settings: Settings, meant: str) -> Place:
    """Raises ValueError for what is no URL with a host."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("it is no http or https URL with a host")
    port = parts.port or _PORTS[parts.scheme]
    return Place(what, parts.hostname, port, parts.scheme == "https", said_by, settings.cacert, meant=meant)
