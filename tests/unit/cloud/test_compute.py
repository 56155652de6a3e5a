"""What a Compute knows of its endpoint without asking it."""

from __future__ import annotations

import pytest

from launcher.cloud.compute import Compute, Egress, open_http
from launcher.cloud.identity import ApiAccess
from launcher.config.models import BareEntry, Cloud
from tests.fakes.clock import FakeClock


class FixedIdentity:
    """An endpoint without a token."""

    def __init__(self, endpoint: str) -> None:
        self._access = ApiAccess(None, endpoint, None)

    async def access(self) -> ApiAccess:
        return self._access

    async def renew(self, refused: ApiAccess) -> ApiAccess:
        return self._access


@pytest.mark.parametrize(
    ("endpoint", "egress"),
    [
        ("http://127.0.0.1:8774/v2.1", Egress(loopback=True, plain=True)),
        ("https://[::1]/v2.1", Egress(loopback=True, plain=False)),
        ("http://localhost/v2.1", Egress(loopback=True, plain=True)),
        ("http://api.localhost/v2.1", Egress(loopback=True, plain=True)),
        ("https://cloud.example.net/v2.1", Egress(loopback=False, plain=False)),
        ("http://localhost.example.net/v2.1", Egress(loopback=False, plain=True)),
        ("http://10.0.0.1/v2.1", Egress(loopback=False, plain=True)),
    ],
)
async def test_the_endpoint_says_where_console_proxies_may_be(endpoint: str, egress: Egress) -> None:
    entry = BareEntry.model_construct(provider="none", endpoint=endpoint, api_token=None)
    cloud = Cloud(name="bare", region=None, entry=entry, clouds_yaml=None, secure_yaml=None)
    async with open_http() as http:
        compute = Compute(cloud, FixedIdentity(endpoint), http, FakeClock())
        assert await compute.egress() == egress
        assert compute.name == "bare"
