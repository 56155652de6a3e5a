"""What the operator's own words about a cloud allow to its console proxies."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from launcher.cloud.compute import Compute
from launcher.cloud.http import open_http
from launcher.cloud.identity import identity_of
from launcher.config.models import BareEntry, Cloud
from launcher.egress import Egress
from tests.fakes.clock import FakeClock


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
    entry = BareEntry.model_construct(provider="none", endpoint=endpoint, api_token=None, cacert=None)
    cloud = Cloud(name="bare", region=None, entry=entry, clouds_yaml=None, secure_yaml=None)
    with ThreadPoolExecutor(1) as pool:
        async with open_http() as http:
            compute = Compute(cloud, identity_of(cloud, FakeClock(), pool), http, FakeClock())
            assert await compute.egress() == egress
            assert compute.name == "bare"
