"""One sign-in to a cloud with keystoneauth1: credentials → API token and Compute endpoint.

Blocking: for a worker thread only. Every sign-in is a new one, with files read anew; keeping what it gave is
`identity`'s. Rackspace: Identity v2.0 with an API key, and of the two services of type `compute` in its catalog the one
named `cloudServersOpenStack`. OpenStack: whatever the entry in clouds.yaml says, read by openstacksdk's own loader.
"""

from __future__ import annotations

import difflib
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import keystoneauth1.identity.v2
import openstack.config

from launcher.cloud.transport import ClientCertificate, open_session, tls_context
from launcher.config.clouds_yaml import places_looked_in
from launcher.config.models import BareEntry, Cloud, OpenStackEntry, RackspaceEntry
from launcher.config.secrets import passed
from launcher.errors import CloudCredentialsError, CloudReplyError, CloudUnreachableError
from launcher.model import Secret

_GENERATION_2 = "cloudServersOpenStack"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one sign-in gave."""

    token: Secret | None
    endpoint: str
    """Of the Compute API, as the catalog or the configuration says it."""
    life: float | None
    """Seconds that the token lives from now on; None if unknown."""
    tls: ssl.SSLContext | None
    """How the endpoint's certificate is checked; None: against the system's authorities."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where a cloud's Identity service is."""

    url: str
    tls: ssl.SSLContext | None
    """How its certificate is checked; None: against the system's authorities."""


class CatalogError(CloudReplyError):
    """The account signed in, and the catalog that it got has no Compute endpoint that is wanted."""


class ApiKey(keystoneauth1.identity.v2.Auth):  # type: ignore[misc]  # the library is not typed for us
    """Rackspace's extension of Identity v2.0: `RAX-KSKEY:apiKeyCredentials`."""

    def __init__(self, auth_url: str, username: str, api_key: Secret) -> None:
        super().__init__(auth_url)
        self._username = username
        self._api_key = api_key

    def get_auth_data(self, *_headers: object) -> dict[str, object]:
        credentials = {"username": self._username, "apiKey": self._api_key.reveal()}
        return {"RAX-KSKEY:apiKeyCredentials": credentials}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which endpoint of the catalog is wanted."""

    service_type: str = "compute"
    service_name: str | None = None
    interface: Any = "public"
    region: str | None = None


def sign_in(cloud: Cloud, now: datetime) -> Grant:
    """Sign in to the cloud, by its provider. Raises CloudError and keystoneauth1's own exceptions."""
    match cloud.entry:
        case BareEntry() as entry:
            token = _token(cloud, entry.api_token.reveal()) if entry.api_token else None
            return Grant(token, _usable(cloud, entry.endpoint), None, _tls(cloud, entry.cacert))
        case RackspaceEntry() as entry:
            return _rackspace(cloud, entry, now)
        case OpenStackEntry() as entry:
            return _openstack(cloud, entry, now)


def compute_regions(cloud: Cloud) -> tuple[str, ...]:
    """The regions that the account's catalog has a Compute endpoint in; none without a catalog.

    Raises CloudError and keystoneauth1's own exceptions.
    """
    match cloud.entry:
        case BareEntry():
            return ()
        case RackspaceEntry() as entry:
            return _regions(_endpoints(cloud, _rackspace_access(entry), _Wanted(service_name=_GENERATION_2)))
        case OpenStackEntry() as entry:
            settings = _settings(cloud, entry)
            plugin = settings.get_auth()
            if not hasattr(plugin, "get_access") or settings.get_endpoint("compute"):
                return ()
            with open_session(*_certificates(cloud, entry, settings)) as session:
                access = plugin.get_access(session)
            return _regions(_endpoints(cloud, access, _wanted(cloud, settings)))


def door_of(cloud: Cloud) -> Door | None:
    """Where the cloud signs in, by its entry and the files that it names; None where it does so nowhere.

    Raises CloudError and keystoneauth1's own exceptions.
    """
    match cloud.entry:
        case BareEntry():
            return None
        case RackspaceEntry() as entry:
            return Door(entry.auth_url, _tls(cloud, entry.cacert))
        case OpenStackEntry() as entry:
            settings = _settings(cloud, entry)
            url = settings.get_auth_args().get("auth_url")
            return Door(str(url), _tls(cloud, *_certificates(cloud, entry, settings))) if url else None


def _rackspace(cloud: Cloud, entry: RackspaceEntry, now: datetime) -> Grant:
    tls = _tls(cloud, entry.cacert)
    access = _rackspace_access(entry)
    token = _token(cloud, access.auth_token)
    endpoint = _from_catalog(cloud, access, _Wanted(service_name=_GENERATION_2, region=cloud.region))
    return Grant(token, endpoint, _life(access, now), tls)


def _rackspace_access(entry: RackspaceEntry) -> Any:
    with open_session(entry.cacert) as session:
        return ApiKey(entry.auth_url, entry.username, entry.api_key).get_access(session)


def _openstack(cloud: Cloud, entry: OpenStackEntry, now: datetime) -> Grant:
    settings = _settings(cloud, entry)
    cacert, certificate = _certificates(cloud, entry, settings)
    tls = _tls(cloud, cacert, certificate)
    plugin = settings.get_auth()
    override = settings.get_endpoint("compute")
    with open_session(cacert, certificate) as session:
        if not hasattr(plugin, "get_access"):  # signs in without Identity: there is no catalog
            token, endpoint = plugin.get_token(session), override or plugin.get_endpoint(session)
            return Grant(_token(cloud, token), _usable(cloud, endpoint), None, tls)
        access = plugin.get_access(session)
    if override:
        endpoint = _usable(cloud, override.replace("%(project_id)s", str(access.project_id)))
    else:
        endpoint = _from_catalog(cloud, access, _wanted(cloud, settings))
    return Grant(_token(cloud, access.auth_token), endpoint, _life(access, now), tls)


def _settings(cloud: Cloud, entry: OpenStackEntry) -> Any:
    """The entry of clouds.yaml (and secure.yaml) as openstacksdk reads it."""
    named = cloud.clouds_yaml or cloud.secure_yaml
    config = openstack.config.OpenStackConfig(
        config_files=_places("clouds", cloud.clouds_yaml, named),
        secure_files=_places("secure", cloud.secure_yaml, named),
        vendor_files=_places("clouds-public", None, named),
        load_envvars=named is None,  # else $OS_CLIENT_CONFIG_FILE would go before the files that are named
        app_name="console-launcher",
    )
    if config.config_filename is None:
        place = str(cloud.clouds_yaml or "a clouds.yaml in the usual places")
        raise CloudCredentialsError(f"{cloud.name} cannot sign in: cannot read {place} as YAML.", cloud=cloud.name)
    place = config.config_filename
    names = config.get_cloud_names()
    if entry.cloud not in names:
        reason = f'"{entry.cloud}" is not in {place} ({_choice(entry.cloud, names)}'
        raise CloudCredentialsError(f"{cloud.name} cannot sign in: {reason}", cloud=cloud.name)
    profile = str(config.cloud_config["clouds"][entry.cloud].get("profile") or "")
    if urlsplit(profile).netloc:
        reason = f"profile in {place} is a URL, which is never fetched; write its settings out"
        raise CloudCredentialsError(f"{cloud.name} cannot sign in: {reason}.", cloud=cloud.name)
    return config.get_one(cloud=entry.cloud, **({"region_name": cloud.region} if cloud.region else {}))


def _places(stem: str, file: Path | None, named: Path | None) -> list[str] | None:
    """Where openstacksdk looks for a file of this kind; None: where it does by itself, as no file is named."""
    if named is None:
        return None
    return [str(path) for path in ([file] if file else places_looked_in(stem, named))]


def _certificates(cloud: Cloud, entry: OpenStackEntry, settings: Any) -> tuple[Path | None, ClientCertificate]:
    """The authorities and the client certificate of clouds.yaml; our own `cacert` goes first."""
    if settings.config.get("insecure") or settings.config.get("verify") is False:
        reason = "clouds.yaml turns the check of certificates off, which the gateway never does; name the CA in cacert"
        raise CloudCredentialsError(f"{cloud.name} cannot sign in: {reason}.", cloud=cloud.name)
    verify, certificate = settings.get_requests_verify_args()
    if certificate is not None:
        certificate = _beside(cloud.clouds_yaml, certificate)
    return entry.cacert or (Path(verify) if isinstance(verify, str) else None), certificate


def _beside(clouds_yaml: Path | None, certificate: str | tuple[str, str]) -> ClientCertificate:
    """In a clouds.yaml that the configuration names, relative paths count from its own folder.

    So that a client certificate can be passed as credentials, whose folder is known only when the service runs.
    """
    if clouds_yaml is None:
        return certificate
    folder = clouds_yaml.parent
    if isinstance(certificate, str):
        return str(passed(folder, certificate))
    return str(passed(folder, certificate[0])), str(passed(folder, certificate[1]))


def _wanted(cloud: Cloud, settings: Any) -> _Wanted:
    return _Wanted(
        service_type=settings.get_service_type("compute"),
        service_name=settings.get_service_name("compute"),
        interface=settings.get_interface("compute") or "public",
        region=cloud.region or settings.get_region_name("compute") or None,
    )


def _endpoints(cloud: Cloud, access: Any, wanted: _Wanted) -> list[Any]:
    """The Compute endpoints of the account's catalog, in all regions. Raises CatalogError."""
    if not access.has_service_catalog():
        message = f"{cloud.name}: signing in gave no catalog of services. Are the credentials those of a project?"
        raise CatalogError(message, cloud=cloud.name)
    by_type = access.service_catalog.get_endpoints_data(
        service_type=wanted.service_type, service_name=wanted.service_name, interface=wanted.interface
    )
    found = [endpoint for endpoints in by_type.values() for endpoint in endpoints]
    if not found:
        service = f"{wanted.service_type} service" + (f' "{wanted.service_name}"' if wanted.service_name else "")
        raise CatalogError(f"{cloud.name}: this account's catalog has no {service}.", cloud=cloud.name)
    return found


def _regions(endpoints: Iterable[Any]) -> tuple[str, ...]:
    return tuple(sorted({str(endpoint.region_name) for endpoint in endpoints}))


def _from_catalog(cloud: Cloud, access: Any, wanted: _Wanted) -> str:
    """The one Compute endpoint of the account's catalog. Raises CatalogError."""
    found = _endpoints(cloud, access, wanted)
    regions = _regions(found)
    if wanted.region is None and len(regions) > 1:
        message = f"{cloud.name}: name one of the cloud's regions in the configuration ({', '.join(regions)})."
        raise CatalogError(message, cloud=cloud.name)
    for endpoint in found:
        if wanted.region in {None, endpoint.region_name}:
            return _usable(cloud, endpoint.url)
    message = f'{cloud.name} has no region "{wanted.region}" for this account ({_choice(str(wanted.region), regions)}'
    raise CatalogError(message, cloud=cloud.name)


def _choice(wrong: str, names: Iterable[str]) -> str:
    """What there is, and what was probably meant: the end of a sentence, from within its parenthesis."""
    there = sorted(names)
    close = difflib.get_close_matches(wrong.lower(), [name.lower() for name in there], 1)
    meant = [name for name in there if name.lower() in close]
    return f"has: {', '.join(there) or 'none'})." + (f' Did you mean "{meant[0]}"?' if meant else "")


def _tls(cloud: Cloud, cacert: Path | None, certificate: ClientCertificate = None) -> ssl.SSLContext | None:
    try:
        return tls_context(cacert, certificate)
    except OSError as error:  # ssl.SSLError is one
        reason = f"the certificates in {cacert or certificate} cannot be used ({error.strerror or 'not PEM'})"
        raise CloudUnreachableError(f"{cloud.name}: {reason}.", cloud=cloud.name) from error


def _usable(cloud: Cloud, endpoint: str | None) -> str:
    """The endpoint if it is an http or https URL with a host and no user name in it. Raises CatalogError."""
    parts = urlsplit(endpoint or "")
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise CatalogError(f"{cloud.name}: its Compute endpoint is not an http or https URL.", cloud=cloud.name)
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def _token(cloud: Cloud, token: str | None) -> Secret:
    if not token or not token.isprintable() or not token.isascii():
        raise CloudReplyError(f"{cloud.name}: signing in gave no API token that can be used.", cloud=cloud.name)
    return Secret(token)


def _life(access: Any, now: datetime) -> float | None:
    """Seconds of life: by the cloud's own clock where it says when the token was issued (v3), else by ours."""
    if access.expires is None:
        return None
    issued = access.issued if access.version == "v3" else None
    life = float((access.expires - (issued or now)).total_seconds())
    return life if life > 0 else None  # a new token that is over says that the clocks disagree, and nothing else
