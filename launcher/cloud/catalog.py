"""The catalog of services that a sign-in gave → the one Compute endpoint that is meant, or why there is none. Pure.

Regions are meant in any case, unless two differ in nothing else: Rackspace writes `DFW`, and people `dfw`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from launcher.cloud.wire import clean
from launcher.errors import CloudReplyError

_ENDPOINTS = 1000
"""Endpoints of the service that are looked at; real catalogs have one a region and interface."""
_URL_LIMIT = 2048
_SAID = 20
"""Names that a sentence lists at most."""


class CatalogError(CloudReplyError):
    """The account signed in, and the catalog that it got has no Compute endpoint that is wanted."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which endpoint of the catalog is wanted."""

    service_type: str = "compute"
    service_name: str | None = None
    interface: Any = "public"
    region: str | None = None


def regions_in(cloud: str, access: Any, wanted: Wanted) -> tuple[str, ...]:
    """The regions that have such an endpoint; `access` is keystoneauth1's `AccessInfo`. Raises CatalogError."""
    return _regions(_endpoints(cloud, access, wanted))


def endpoint_in(cloud: str, access: Any, wanted: Wanted) -> str:
    """The URL of the one endpoint, without a slash at its end. Raises CatalogError."""
    found = _endpoints(cloud, access, wanted)
    there = _regions(found)
    if wanted.region is None and len(there) > 1:
        message = f"{cloud}: name one of the cloud's regions in the configuration ({_listed([*map(clean, there)])})."
        raise CatalogError(message, cloud=cloud)
    meant = there[0] if wanted.region is None else region_meant(wanted.region, there)
    for endpoint in found:
        if str(endpoint.region_name) == meant:
            return usable(cloud, endpoint.url)
    message = f'{cloud} has no region "{wanted.region}" for this account ({choice(str(wanted.region), there)}'
    raise CatalogError(message, cloud=cloud)


def region_meant(wanted: str, there: Iterable[str]) -> str | None:
    """The region of this name, else the only one that differs from it in nothing but case; None if there is none."""
    known = list(dict.fromkeys(there))
    if wanted in known:
        return wanted
    alike = [region for region in known if region.casefold() == wanted.casefold()]
    return alike[0] if len(alike) == 1 else None


def usable(cloud: str, endpoint: str | None) -> str:
    """The endpoint if it is an http or https URL with a host and no user name in it. Raises CatalogError."""
    refusal = CatalogError(f"{cloud}: its Compute endpoint is not an http or https URL.", cloud=cloud)
    try:
        parts = urlsplit(endpoint or "")
    except ValueError as error:  # half the brackets of an IPv6 address
        raise refusal from error
    if len(endpoint or "") > _URL_LIMIT:
        raise CatalogError(f"{cloud}: its Compute endpoint is longer than {_URL_LIMIT} characters.", cloud=cloud)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise refusal
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def choice(wrong: str, names: Iterable[str]) -> str:
    """What there is, and what was probably meant: the end of a sentence, from within its parenthesis."""
    there = sorted(clean(name) for name in names)
    close = difflib.get_close_matches(wrong.lower(), [name.lower() for name in there], 1)
    meant = [name for name in there if name.lower() in close]
    return f"has: {_listed(there)})." + (f' Did you mean "{meant[0]}"?' if meant else "")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SAID} more" if len(names) > _SAID else ""
    return ", ".join(names[:_SAID]) + more or "none"


def _endpoints(cloud: str, access: Any, wanted: Wanted) -> list[Any]:
    """The endpoints of the service, in all regions."""
    if not access.has_service_catalog():
        raise CatalogError(f"{cloud}: signing in gave no catalog of services.", cloud=cloud)
    by_type = access.service_catalog.get_endpoints_data(
        service_type=wanted.service_type, service_name=wanted.service_name, interface=wanted.interface
    )
    found = [endpoint for endpoints in by_type.values() for endpoint in endpoints][:_ENDPOINTS]
    if not found:
        service = f"{wanted.service_type} service" + (f' "{wanted.service_name}"' if wanted.service_name else "")
        raise CatalogError(f"{cloud}: this account's catalog has no {service}.", cloud=cloud)
    return found


def _regions(endpoints: Iterable[Any]) -> tuple[str, ...]:
    return tuple(sorted({str(endpoint.region_name) for endpoint in endpoints}))
