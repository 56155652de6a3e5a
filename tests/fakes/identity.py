"""A simulated Rackspace Identity v2.0 on loopback, in the test's own event loop.

As Rackspace's, its catalog has two services of type `compute`: first the dead first generation without regions
(`cloudServers`), then `cloudServersOpenStack` with one endpoint for each region. A token says when it ends, with `Z` or
with an offset, and never when it was issued.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from aiohttp import web

from tests.fakes.issued import issue, note

Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]

_ACCOUNT = "610275"


def _stamp(moment: datetime) -> str:
    """ISO 8601 with milliseconds, `Z` for UTC and an offset else."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _unauthorized(message: str, challenge: str = "") -> web.Response:
    headers = {"WWW-Authenticate": challenge} if challenge else None
    return web.json_response({"unauthorized": {"code": 401, "message": message}}, status=401, headers=headers)


class FakeIdentity:
    """One user with one API key and one password; `regions` is region name → Compute endpoint."""

    def __init__(
        self,
        regions: Mapping[str, str],
        *,
        username: str = "ops",
        life: timedelta = timedelta(hours=24),
        offset: timedelta = timedelta(0),
        delay: float = 0.0,
    ) -> None:
        self.regions = dict(regions)
        self.username = username
        self.api_key = note(uuid.uuid4().hex)
        self.password = note(uuid.uuid4().hex)
        self.tenants = {_ACCOUNT}
        """The accounts that the user may use."""
        self.multi_factor = False
        """Whether a password alone is answered with the question for a code."""
        self.life = life
        self.offset = offset
        self.delay = delay
        self.api_tokens: set[str] = set()
        """The tokens that are good now; hand this very set to a FakeCompute."""
        self.fault: Fault | None = None
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.request_headers: list[Mapping[str, str]] = []
        self.host = "127.0.0.1"
        """Where it listens; a network namespace of the test's own has others."""
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def sign_ins(self) -> int:
        """How many requests for a token came in."""
        return self.requests.count(("POST", "/v2.0/tokens"))

    @property
    def auth_url(self) -> str:
        return f"http://{self.host}:{self.port}/v2.0"

    def revoke(self) -> None:
        """From now on no token handed out so far is good."""
        self.api_tokens.clear()

    async def start(self) -> None:
        """Listen on a port of 127.0.0.1 that the kernel picks (the same again after a stop)."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the listener and all connections; safe to call twice."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> FakeIdentity:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path_qs))
        self.request_headers.append(dict(request.headers))
        if self.delay:
            await asyncio.sleep(self.delay)
        reply = await self.fault(request) if self.fault else None
        if reply is not None:
            return reply
        if (request.method, request.path) != ("POST", "/v2.0/tokens"):
            return web.Response(status=404, text="<html><body>Not Found</body></html>", content_type="text/html")
        body = await request.json()
        self.bodies.append(body)
        return self._answer_credentials(body.get("auth", {}))

    def _answer_credentials(self, auth: Mapping[str, Any]) -> web.Response:
        by_key = auth.get("RAX-KSKEY:apiKeyCredentials") == {"username": self.username, "apiKey": self.api_key}
        by_password = auth.get("passwordCredentials") == {"username": self.username, "password": self.password}
        tenant = auth.get("tenantId", _ACCOUNT)
        if not (by_key or by_password) or tenant not in self.tenants:
            return _unauthorized("Unable to authenticate user with credentials provided.")
        if by_password and self.multi_factor:
            challenge = f"OS-MF sessionId='{issue()}', factor='PASSCODE'"
            return _unauthorized("Additional authentication credentials required.", challenge)
        return web.json_response(self._access(tenant))

    def _access(self, tenant: str = _ACCOUNT) -> dict[str, Any]:
        token = issue()
        self.api_tokens.add(token)
        expires = datetime.now(UTC) + self.life
        return {
            "access": {
                "token": {
                    "id": token,
                    "expires": _stamp(expires.astimezone(timezone(self.offset))),
                    "tenant": {"id": tenant, "name": tenant},
                    "RAX-AUTH:authenticatedBy": ["APIKEY"],
                },
                "serviceCatalog": self._catalog(),
                "user": {"id": "172157", "name": self.username, "roles": [], "RAX-AUTH:defaultRegion": "DFW"},
            }
        }

    def _catalog(self) -> list[dict[str, Any]]:
        first = {"tenantId": _ACCOUNT, "publicURL": f"https://servers.invalid/v1.0/{_ACCOUNT}"}
        endpoints = [
            {
                "tenantId": _ACCOUNT,
                "region": region,
                "publicURL": endpoint,
                "versionId": "2",
                "versionInfo": "http://wrong.invalid/v2",
                "versionList": "http://wrong.invalid/",
            }
            for region, endpoint in self.regions.items()
        ]
        dns = {"tenantId": _ACCOUNT, "publicURL": f"https://dns.invalid/v1.0/{_ACCOUNT}"}
        return [
            {"name": "cloudDNS", "type": "rax:dns", "endpoints": [dns]},
            {"name": "cloudServers", "type": "compute", "endpoints": [first]},
            {"name": "cloudServersOpenStack", "type": "compute", "endpoints": endpoints},
        ]
