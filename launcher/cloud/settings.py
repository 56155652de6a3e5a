"""A cloud's entry in clouds.yaml and secure.yaml, as openstacksdk reads it, and what the gateway asks of it.

Blocking: reads files. Certificates are always checked, no profile is fetched, nobody is asked for a code, and the scope
is a project: consoles belong to servers, and these to projects.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import openstack.config

from launcher.cloud.catalog import Wanted, choice, region_meant
from launcher.cloud.transport import ClientCertificate
from launcher.config.clouds_yaml import places_looked_in
from launcher.config.models import Cloud, OpenStackEntry
from launcher.config.secrets import passed
from launcher.errors import CloudCredentialsError, CloudReplyError

_TOKENS: Final = frozenset({"token", "v3token", "v2token"})
_SURPLUS = re.compile(r"unexpected keyword argument '(\w{1,40})'")
"""A plugin's own complaint about what stands in the entry's `auth`."""
_PEOPLE: Final = frozenset({"v3websso", "v3oidcdeviceauthz", "v3oidcauthcode", "v3totp"})
_A_PROJECT: Final = "set project_name and project_domain_name, or project_id"


def read(cloud: Cloud, entry: OpenStackEntry) -> Any:
    """The entry, with its plugin made. Raises CloudError and openstacksdk's and keystoneauth1's own exceptions."""
    named = cloud.clouds_yaml or cloud.secure_yaml
    config = openstack.config.OpenStackConfig(
        config_files=_places("clouds", cloud.clouds_yaml, named),
        secure_files=_places("secure", cloud.secure_yaml, named),
        vendor_files=_places("clouds-public", None, named),
        load_envvars=named is None,  # else $OS_CLIENT_CONFIG_FILE would go before the files that are named
        app_name="console-launcher",
    )
    _require_entry(cloud, entry, config)
    region = _region(cloud, entry, config)
    try:
        settings = config.get_one(cloud=entry.cloud, **({"region_name": region} if region else {}))
    except TypeError as error:
        key = _SURPLUS.search(str(error))
        if key is None:
            raise
        reason = f"its auth in clouds.yaml has the key {key[1]}, which its auth_type does not take; remove it."
        raise _cannot(cloud, reason) from error
    auth = settings.config.get("auth") or {}
    _refuse_people(cloud, str(settings.config.get("auth_type")), auth)
    _refuse_other_scopes(cloud, auth)
    return settings


def words(settings: Any) -> tuple[str, ...]:
    """The URLs that the operator wrote for this cloud: those of its sign-in, auth_url among them, and the overrides."""
    auth = settings.get_auth_args() or {}
    overrides = (value for key, value in settings.config.items() if key.endswith("_endpoint_override"))
    urls = (*(auth[key] for key in sorted(auth)), settings.get_endpoint("compute"), *overrides)
    return tuple(url for url in map(str, urls) if url.startswith(("http://", "https://")))


def is_token(settings: Any) -> bool:
    """Whether the entry signs in with a token of Keystone's, which nothing can renew."""
    return str(settings.config.get("auth_type")) in _TOKENS


def certificates(cloud: Cloud, entry: OpenStackEntry, settings: Any) -> tuple[Path | None, ClientCertificate]:
    """The authorities and the client certificate of clouds.yaml; our own `cacert` goes first. Raises CloudError."""
    if settings.config.get("insecure") or settings.config.get("verify") is False:
        reason = "clouds.yaml turns the check of certificates off, which the gateway never does; name the CA in cacert"
        raise _cannot(cloud, f"{reason}.")
    verify, certificate = settings.get_requests_verify_args()
    if certificate is not None:
        certificate = _beside(cloud.clouds_yaml, certificate)
    return entry.cacert or (Path(verify) if isinstance(verify, str) else None), certificate


def wanted(cloud: Cloud, settings: Any) -> Wanted:
    """Which endpoint of the catalog the entry means."""
    return Wanted(
        service_type=settings.get_service_type("compute"),
        service_name=settings.get_service_name("compute"),
        interface=settings.get_interface("compute") or "public",
        region=cloud.region or settings.get_region_name("compute") or None,
    )


def require_project(cloud: Cloud, access: Any) -> None:
    """Raises CloudCredentialsError if the token that was given is not one of a project."""
    if access.project_id is None:
        raise _cannot(
            cloud, f"its entry in clouds.yaml names no project, and consoles belong to one: {_A_PROJECT} there."
        )


def _cannot(cloud: Cloud, reason: str) -> CloudCredentialsError:
    return CloudCredentialsError(f"{cloud.name} cannot sign in: {reason}", cloud=cloud.name)


def _places(stem: str, file: Path | None, named: Path | None) -> list[str] | None:
    """Where openstacksdk looks for a file of this kind; None: where it does by itself, as no file is named."""
    if named is None:
        return None
    return [str(path) for path in ([file] if file else places_looked_in(stem, named))]


def _require_entry(cloud: Cloud, entry: OpenStackEntry, config: Any) -> None:
    if config.config_filename is None:
        place = str(cloud.clouds_yaml or "a clouds.yaml in the usual places")
        raise _cannot(cloud, f"cannot read {place} as YAML.")
    place = config.config_filename
    names = config.get_cloud_names()
    if entry.cloud not in names:
        raise _cannot(cloud, f'"{entry.cloud}" is not in {place} ({choice(entry.cloud, names)}')
    settings = config.cloud_config["clouds"][entry.cloud]
    profile = settings.get("profile", settings.get("cloud"))  # the key's older name still counts
    if urlsplit(str(profile or "")).netloc:
        raise _cannot(cloud, f"profile in {place} is a URL, which is never fetched; write its settings out.")


def _region(cloud: Cloud, entry: OpenStackEntry, config: Any) -> str | None:
    """The cloud's region as clouds.yaml spells it: openstacksdk compares the case. Raises CloudReplyError."""
    if cloud.region is None:
        return None
    known = config._get_regions(entry.cloud)  # noqa: SLF001 -- what it compares with; nothing public tells it
    listed = [str(region["name"]) for region in known if region["name"]]
    meant = region_meant(cloud.region, listed)
    if listed and meant is None:
        reason = f'clouds.yaml lists no region "{cloud.region}" for it ({choice(cloud.region, listed)}'
        raise CloudReplyError(f"{cloud.name}: {reason}", cloud=cloud.name)
    return meant or cloud.region


def _refuse_people(cloud: Cloud, auth_type: str, auth: dict[str, Any]) -> None:
    """What would open a browser, or ask a terminal, on a machine where nobody sits."""
    if auth_type in _PEOPLE or auth.get("idp_otp_key"):
        what = f"auth_type {auth_type}" + (" with idp_otp_key" if auth_type not in _PEOPLE else "")
        raise _cannot(
            cloud,
            f"{what} in clouds.yaml needs a person at each sign-in. Use an application credential, or "
            "v3oidcclientcredentials.",
        )


def _refuse_other_scopes(cloud: Cloud, auth: dict[str, Any]) -> None:
    """Before anything is asked: an account without a role there would only hear that its password may be wrong."""
    if auth.get("system_scope"):
        raise _cannot(
            cloud,
            f"clouds.yaml asks for the scope of the whole system (system_scope: {auth['system_scope']}), but consoles "
            f"belong to projects. Remove system_scope there and {_A_PROJECT}.",
        )
    domain = next((key for key in ("domain_name", "domain_id") if auth.get(key)), None)
    if domain and not (auth.get("project_name") or auth.get("project_id")):
        raise _cannot(
            cloud,
            f"clouds.yaml asks for the scope of a domain ({domain}), but consoles belong to projects. "
            f"Write user_{domain} instead of {domain} there, and {_A_PROJECT}.",
        )


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
