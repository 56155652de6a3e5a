"""One sign-in to a cloud with keystoneauth1: credentials → API token, and the catalog → Compute endpoint.

Blocking: for a worker thread only. Every sign-in is a new one, with files read anew; keeping what it gave is
`identity`'s. Rackspace: Identity v2.0 with an API key or a password. OpenStack: whatever the entry in clouds.yaml says,
read by openstacksdk's own loader. Every function raises CloudError and keystoneauth1's own exceptions.
"""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import keystoneauth1.exceptions as theirs

from launcher.cloud import settings as clouds_yaml
from launcher.cloud.catalog import Wanted, endpoint_in, regions_in, usable
from launcher.cloud.hostsfile import on_loopback
from launcher.cloud.rackspace import GENERATION_2, plugin_of
from launcher.cloud.signin_faults import refusal_of_token
from launcher.cloud.transport import ClientCertificate, open_session, tls_context
from launcher.config.models import BareEntry, Cloud, OpenStackEntry, RackspaceEntry
from launcher.egress import Gate, Listeners, NoListeners
from launcher.errors import CloudReplyError, CloudUnreachableError
from launcher.model import Secret

_LOG = logging.getLogger(__name__)
_NOWHERE: Final = NoListeners()
_PLAIN: Final = (
    "%s: its catalog names a plain Compute API, %s, though auth_url is https: the API token and the console tokens "
    "cross the network in the clear. A later release will refuse it: have the catalog corrected, or write an endpoint "
    "override (compute_endpoint_override in clouds.yaml)"
)
_TOKEN_LIMIT = 32 * 1024
"""Characters of an API token; Keystone's largest kind (PKI) has some 16 thousand."""


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
    loopback: bool = False
    """Whether the operator's own words put the cloud on loopback; what a catalog says counts for nothing here."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where a cloud's Identity service is."""

    url: str
    tls: ssl.SSLContext | None
    """How its certificate is checked; None: against the system's authorities."""
    loopback: bool = False
    """As in `Grant`."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The credentials were good; the Compute endpoint is still to be found."""

    token: Secret | None
    tls: ssl.SSLContext | None
    endpoint: str | None = None
    """Where the configuration says it; None: the catalog does."""
    access: Any = field(default=None, repr=False)
    """keystoneauth1's `AccessInfo`, which has the catalog; None without Identity."""
    wanted: Wanted = field(default_factory=Wanted)
    words: tuple[str, ...] = ()
    """The URLs that the operator wrote: auth_url, endpoint, overrides."""


def sign_in(cloud: Cloud, now: datetime, own: Listeners = _NOWHERE) -> Grant:
    """Both steps: present the credentials, find the endpoint. `own` is where this process listens."""
    signed_in = present_credentials(cloud, own)
    endpoint = endpoint_of(cloud, signed_in)
    if endpoint.startswith("http://") and not any(word.startswith("http://") for word in signed_in.words):
        _LOG.warning(_PLAIN, cloud.name, endpoint)
    loopback = on_loopback(signed_in.words)
    return Grant(signed_in.token, endpoint, life_of(signed_in, now), signed_in.tls, loopback)


def present_credentials(cloud: Cloud, own: Listeners = _NOWHERE) -> SignedIn:
    """The first step: credentials → API token, by the cloud's provider."""
    match cloud.entry:
        case BareEntry() as entry:
            token = _token(cloud, entry.api_token.reveal()) if entry.api_token else None
            endpoint = usable(cloud.name, entry.endpoint)
            return SignedIn(token, _tls(cloud, entry.cacert), endpoint, words=(endpoint,))
        case RackspaceEntry() as entry:
            return _rackspace(cloud, entry, own)
        case OpenStackEntry() as entry:
            return _openstack(cloud, entry, own)


def endpoint_of(cloud: Cloud, signed_in: SignedIn) -> str:
    """The second step: catalog → Compute endpoint. Asks nobody."""
    return signed_in.endpoint or endpoint_in(cloud.name, signed_in.access, signed_in.wanted)


def life_of(signed_in: SignedIn, now: datetime) -> float | None:
    """Seconds of life: by the cloud's own clock where it says when the token was issued (v3), else by ours."""
    access = signed_in.access
    if access is None or access.expires is None:
        return None
    issued = access.issued if access.version == "v3" else None
    life = float((access.expires - (issued or now)).total_seconds())
    return life if life > 0 else None  # a new token that is over says that the clocks disagree, and nothing else


def compute_regions(cloud: Cloud, own: Listeners = _NOWHERE) -> tuple[str, ...]:
    """The regions that the account's catalog has a Compute endpoint in; none where no catalog is asked."""
    signed_in = present_credentials(cloud, own)
    return () if signed_in.endpoint else regions_in(cloud.name, signed_in.access, signed_in.wanted)


def door_of(cloud: Cloud) -> Door | None:
    """Where the cloud signs in, by its entry and the files that it names; None where it does so nowhere.

    Raises CloudError and keystoneauth1's own exceptions.
    """
    match cloud.entry:
        case BareEntry():
            return None
        case RackspaceEntry() as entry:
            return Door(entry.auth_url, _tls(cloud, entry.cacert), on_loopback([entry.auth_url]))
        case OpenStackEntry() as entry:
            settings = clouds_yaml.read(cloud, entry)
            url = settings.get_auth_args().get("auth_url")
            tls = _tls(cloud, *clouds_yaml.certificates(cloud, entry, settings))
            return Door(str(url), tls, on_loopback(clouds_yaml.words(settings))) if url else None


def _rackspace(cloud: Cloud, entry: RackspaceEntry, own: Listeners) -> SignedIn:
    tls = _tls(cloud, entry.cacert)
    with open_session(Gate(on_loopback([entry.auth_url]), own), entry.cacert) as session:
        access = plugin_of(entry).get_access(session)
    wanted = Wanted(service_name=GENERATION_2, region=cloud.region)
    return SignedIn(_token(cloud, access.auth_token), tls, access=access, wanted=wanted, words=(entry.auth_url,))


def _openstack(cloud: Cloud, entry: OpenStackEntry, own: Listeners) -> SignedIn:
    settings = clouds_yaml.read(cloud, entry)
    cacert, certificate = clouds_yaml.certificates(cloud, entry, settings)
    tls = _tls(cloud, cacert, certificate)
    plugin = settings.get_auth()
    override = settings.get_endpoint("compute")
    words = clouds_yaml.words(settings)
    with open_session(Gate(on_loopback(words), own), cacert, certificate) as session:
        if not hasattr(plugin, "get_access"):  # signs in without Identity: there is no catalog
            token, endpoint = plugin.get_token(session), override or plugin.get_endpoint(session)
            return SignedIn(_token(cloud, token), tls, usable(cloud.name, endpoint), words=words)
        access = _access(cloud, settings, plugin, session)
    clouds_yaml.require_project(cloud, access)
    if override:
        override = usable(cloud.name, override.replace("%(project_id)s", str(access.project_id)))
    wanted = clouds_yaml.wanted(cloud, settings)
    return SignedIn(_token(cloud, access.auth_token), tls, override or None, access, wanted, words)


def _access(cloud: Cloud, settings: Any, plugin: Any, session: Any) -> Any:
    try:
        return plugin.get_access(session)
    except (theirs.Unauthorized, theirs.NotFound) as error:
        refusal = refusal_of_token(cloud.name, error) if clouds_yaml.is_token(settings) else None
        if refusal is None:
            raise
        raise refusal from error


def _tls(cloud: Cloud, cacert: Path | None, certificate: ClientCertificate = None) -> ssl.SSLContext | None:
    """Made before the first request: a library further down would ask a terminal for a key's passphrase."""
    try:
        tls = tls_context(cacert)
    except OSError as error:  # ssl.SSLError is one
        raise _unusable_files(cloud, f"the certificates in {cacert}", error) from error
    if certificate is None:
        return tls
    files = " and ".join(certificate) if isinstance(certificate, tuple) else certificate
    try:
        return tls_context(cacert, certificate)
    except OSError as error:
        raise _unusable_files(cloud, f"the client certificate in {files}", error) from error


def _unusable_files(cloud: Cloud, what: str, error: OSError) -> CloudUnreachableError:
    why = error.strerror or "cannot be read"
    if isinstance(error, ssl.SSLError):
        mismatch = "KEY_VALUES_MISMATCH" in str(error)
        why = "the key is another certificate's" if mismatch else "not PEM, or locked with a passphrase"
    return CloudUnreachableError(f"{cloud.name}: {what} cannot be used ({why}).", cloud=cloud.name)


def _token(cloud: Cloud, token: str | None) -> Secret:
    if token and len(token) > _TOKEN_LIMIT:
        raise CloudReplyError(
            f"{cloud.name}: signing in gave an API token of {len(token)} characters.", cloud=cloud.name
        )
    if not token or not token.isprintable() or not token.isascii():
        raise CloudReplyError(f"{cloud.name}: signing in gave no API token that can be used.", cloud=cloud.name)
    return Secret(token)
