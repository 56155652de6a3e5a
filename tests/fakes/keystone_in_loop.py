"""A simulated Keystone v3 on loopback, in the test's own event loop: it signs in whoever asks, each time anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.fakes.issued import issue


class KeystoneInLoop:
    """One project with one Compute endpoint; `asked` is called at every sign-in."""

    def __init__(self, endpoint: str, asked: Callable[[], None]) -> None:
        self._endpoint = endpoint
        self._asked = asked
        self._runner: web.AppRunner | None = None
        self.auth_url = ""

    async def __aenter__(self) -> KeystoneInLoop:
        app = web.Application()
        app.router.add_post("/v3/auth/tokens", self._sign_in)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.auth_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v3"
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _sign_in(self, request: web.Request) -> web.Response:
        self._asked()
        issued_at = datetime.now(UTC)
        endpoint = {"id": "1", "interface": "public", "region": "RegionOne", "region_id": "RegionOne"}
        token: dict[str, Any] = {
            "methods": ["password"],
            "issued_at": _stamp(issued_at),
            "expires_at": _stamp(issued_at + timedelta(hours=1)),
            "user": {"id": "ops", "name": "ops", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "ops", "name": "ops", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": "member", "name": "member"}],
            "catalog": [
                {"id": "1", "type": "compute", "name": "nova", "endpoints": [{**endpoint, "url": self._endpoint}]}
            ],
        }
        return web.json_response({"token": token}, status=201, headers={"X-Subject-Token": issue()})


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
