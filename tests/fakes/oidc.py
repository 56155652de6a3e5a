"""An OpenID Connect provider on loopback, as far as programs use it: tokens for clients (RFC 6749 §4.4)."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.fakes.issued import issue, note


class FakeOidc:
    """One client, `gateway`; `accept` hears of every access token that is given."""

    def __init__(self, accept: Callable[[str], object]) -> None:
        self.client_id = "gateway"
        self.client_secret = note(uuid.uuid4().hex)
        self.scopes: list[str] = []
        """The scope of every request that was granted."""
        self.requests = 0
        """For a token, refused ones included."""
        self._accept = accept
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def token_endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}/token"

    @property
    def discovery_endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}/.well-known/openid-configuration"

    async def __aenter__(self) -> FakeOidc:
        app = web.Application()
        app.router.add_post("/token", self._token)
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _discovery(self, _request: web.Request) -> web.Response:
        document: dict[str, Any] = {
            "issuer": "https://sign-in.invalid",
            "token_endpoint": self.token_endpoint,
            "grant_types_supported": ["authorization_code", "client_credentials"],
        }
        return web.json_response(document)

    async def _token(self, request: web.Request) -> web.Response:
        self.requests += 1
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            return self._no(400, "unsupported_grant_type", "Only client_credentials.")
        sent = request.headers.get("Authorization", "")
        if sent != "Basic " + base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode():
            # Some providers repeat what they were sent.
            return self._no(401, "invalid_client", f"Client authentication failed for {sent}.")
        token = issue()
        self._accept(token)
        self.scopes.append(str(form.get("scope")))
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": 300})

    def _no(self, status: int, error: str, description: str) -> web.Response:
        return web.json_response({"error": error, "error_description": description}, status=status)
