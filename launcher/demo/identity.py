"""Who may use the simulated cloud: Keystone v3 with a password, Rackspace Identity v2.0 with an API key.

One account, `ops`, in two projects that know nothing of each other. As with the real ones: Keystone answers 201 with
the API token in `X-Subject-Token`; Rackspace's catalog has a dead first generation of type `compute` before the living
one, and its tokens never say when they were issued.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import web

from launcher.clock import Clock
from launcher.demo.fleet import PROD, RAX
from launcher.demo.wire import bounded_json, error_reply, fault_reply, mapping, unauthorized_reply

ACCOUNT: Final = "ops"
PROJECT: Final = "ops"
REGION: Final = "RegionOne"
RAX_REGION: Final = "DFW"
DOMAIN: Final = {"id": "default", "name": "Default"}
PROJECT_ID: Final = "5f0c1e6d9b7a4c53a1d2e3f405162738"
RAX_ACCOUNT: Final = "610275"

_USER_ID: Final = "c3a7d1b25e8f4f6c9a0b1c2d3e4f5a6b"
_LIFE: Final = timedelta(hours=12)
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the account signs in with, made anew for every run."""

    password: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    api_key: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """What an API token is good for."""

    project: str | None
    """PROD, RAX, or None for a token without a project."""
    until: datetime


def project_id(project: str) -> str:
    """The id that stands in the paths of the Compute API."""
    return RAX_ACCOUNT if project == RAX else PROJECT_ID


class Identity:
    """Gives API tokens, and says what one is good for: `tokens` holds them. `base` is where the cloud listens."""

    def __init__(self, base: str, clock: Clock, credentials: Credentials, tokens: dict[str, Scope]) -> None:
        self._base = base
        self._clock = clock
        self._credentials = credentials
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/identity", self._versions),
            web.get("/identity/", self._versions),
            web.get("/identity/v3", self._version),
            web.get("/identity/v3/", self._version),
            web.post("/identity/v3/auth/tokens", self._keystone),
            web.post("/rackspace/v2.0/tokens", self._rackspace),
        ]

    def scope_of(self, token: str | None) -> Scope | None:
        """None for a token that is wrong, or over."""
        scope = self._tokens.get(token or "")
        return scope if scope is not None and scope.until > self._clock.now() else None

    async def _versions(self, _request: web.Request) -> web.Response:
        return web.json_response({"versions": {"values": [self._v3()]}}, status=300)

    async def _version(self, _request: web.Request) -> web.Response:
        return web.json_response({"version": self._v3()})

    def _v3(self) -> dict[str, Any]:
        link = [{"rel": "self", "href": f"{self._base}/identity/v3/"}]
        return {"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z", "links": link, "media-types": []}

    async def _keystone(self, request: web.Request) -> web.Response:
        auth = mapping(mapping(await bounded_json(request)).get("auth"))
        scope = self._scope(auth)
        if not self._knows(mapping(auth.get("identity"))) or scope == "":
            return unauthorized_reply()
        now = self._clock.now()
        token = self._issue(Scope(scope, now + _LIFE), secrets.token_urlsafe(96))
        body = {"token": self._token(scope, now)}
        return web.json_response(body, status=201, headers={"X-Subject-Token": token, "Vary": "X-Auth-Token"})

    def _knows(self, identity: Mapping[str, Any]) -> bool:
        """Whether the password is right, and the user's; both are compared in the same time, whatever they are."""
        user = mapping(mapping(identity.get("password")).get("user"))
        named = user.get("id") == _USER_ID or (user.get("name") == ACCOUNT and _is_default(user.get("domain")))
        return "password" in _list(identity.get("methods")) and _same(
            user.get("password"), self._credentials.password, named=named
        )

    def _scope(self, auth: Mapping[str, Any]) -> str | None:
        """PROD for its project, None for no project, and an empty text for one that is unknown."""
        wanted = auth.get("scope")
        if wanted is None or wanted == "unscoped":
            return None
        project = mapping(mapping(wanted).get("project"))
        if project.get("id") == PROJECT_ID or (project.get("name") == PROJECT and _is_default(project.get("domain"))):
            return PROD
        return ""

    def _token(self, scope: str | None, now: datetime) -> dict[str, Any]:
        token: dict[str, Any] = {
            "methods": ["password"],
            "user": {"id": _USER_ID, "name": ACCOUNT, "domain": DOMAIN, "password_expires_at": None},
            "audit_ids": [uuid.uuid4().hex[:22]],
            "issued_at": _stamp(now),
            "expires_at": _stamp(now + _LIFE),
        }
        if scope is not None:
            token |= {
                "project": {"id": PROJECT_ID, "name": PROJECT, "domain": DOMAIN},
                "is_domain": False,
                "roles": [{"id": "9fe2ff9ee4384b1894a90878d3e92bab", "name": "member"}],
                "catalog": self._catalog(),
            }
        return token

    def _catalog(self) -> list[dict[str, Any]]:
        services = (
            ("identity", "keystone", f"{self._base}/identity/v3"),
            ("compute", "nova", f"{self._base}/v2.1/{PROJECT_ID}"),
        )
        return [
            {
                "id": uuid.uuid5(uuid.NAMESPACE_URL, name).hex,
                "type": kind,
                "name": name,
                "endpoints": [
                    {
                        "id": uuid.uuid5(uuid.NAMESPACE_URL, f"{name}/{interface}").hex,
                        "interface": interface,
                        "region": REGION,
                        "region_id": REGION,
                        "url": url,
                    }
                    for interface in ("public", "internal")
                ],
            }
            for kind, name, url in services
        ]

    async def _rackspace(self, request: web.Request) -> web.Response:
        auth = mapping(mapping(await bounded_json(request)).get("auth"))
        given = mapping(auth.get("RAX-KSKEY:apiKeyCredentials"))
        if not given:
            return fault_reply(400, "badRequest", "Invalid request. Specify an authentication method.")
        named = given.get("username") == ACCOUNT and auth.get("tenantId", RAX_ACCOUNT) == RAX_ACCOUNT
        if not _same(given.get("apiKey"), self._credentials.api_key, named=named):
            return fault_reply(401, "unauthorized", "Unable to authenticate user with credentials provided.")
        until = self._clock.now() + _LIFE
        return web.json_response({"access": self._access(self._issue(Scope(RAX, until), uuid.uuid4().hex), until)})

    def _access(self, token: str, until: datetime) -> dict[str, Any]:
        dead = {"tenantId": RAX_ACCOUNT, "publicURL": f"https://servers.invalid/v1.0/{RAX_ACCOUNT}"}
        living = {
            "tenantId": RAX_ACCOUNT,
            "region": RAX_REGION,
            "publicURL": f"{self._base}/v2/{RAX_ACCOUNT}",
            "versionId": "2",
            "versionInfo": f"{self._base}/v2",
            "versionList": f"{self._base}/",
        }
        return {
            "token": {
                "id": token,
                "expires": until.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "tenant": {"id": RAX_ACCOUNT, "name": RAX_ACCOUNT},
                "RAX-AUTH:authenticatedBy": ["APIKEY"],
            },
            "serviceCatalog": [
                {"name": "cloudServers", "type": "compute", "endpoints": [dead]},
                {"name": "cloudServersOpenStack", "type": "compute", "endpoints": [living]},
            ],
            "user": {"id": "172157", "name": ACCOUNT, "roles": [], "RAX-AUTH:defaultRegion": RAX_REGION},
        }

    def _issue(self, scope: Scope, token: str) -> str:
        while len(self._tokens) >= _MOST:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[token] = scope
        return token


async def no_such_path(_request: web.Request) -> web.Response:
    """What Keystone's own error looks like."""
    return error_reply(404, "Not Found", "The requested resource could not be found.")


def _is_default(domain: object) -> bool:
    """The domain may be named or told by its id."""
    return mapping(domain).get("id") == DOMAIN["id"] or mapping(domain).get("name") == DOMAIN["name"]


def _same(given: object, secret: str, *, named: bool) -> bool:
    text = given if isinstance(given, str) else ""
    return hmac.compare_digest(text.encode(), secret.encode()) and named


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
