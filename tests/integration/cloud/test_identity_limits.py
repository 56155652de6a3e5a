"""How often Identity is asked: once for all, once more after a storm of 401s, once a minute while it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from launcher.cloud.compute import Compute
from launcher.cloud.http import CloudHttp
from launcher.cloud.identity import identity_of
from launcher.config.models import Cloud, RackspaceEntry
from launcher.errors import CloudCredentialsError, CloudUnreachableError
from launcher.model import Kind, Secret
from tests.fakes.clock import FakeClock
from tests.fakes.compute import FakeCompute
from tests.fakes.identity import FakeIdentity
from tests.integration.cloud.conftest import cloud_of

LAUNCHES = 1000


@pytest.fixture
async def dfw() -> AsyncIterator[FakeCompute]:
    async with FakeCompute(max_version="") as dfw:
        yield dfw


@pytest.fixture
async def rax(dfw: FakeCompute) -> AsyncIterator[FakeIdentity]:
    async with FakeIdentity({"DFW": dfw.endpoint}) as rax:
        dfw.api_tokens = rax.api_tokens
        yield rax


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def cloud(rax: FakeIdentity, pool: ThreadPoolExecutor, http: CloudHttp, clock: FakeClock) -> Compute:
    entry = RackspaceEntry.model_construct(
        provider="rackspace",
        username=rax.username,
        api_key=Secret(rax.api_key),
        auth_url=rax.auth_url,
        regions=("DFW",),
    )
    cloud: Cloud = cloud_of(entry, region="DFW")
    return Compute(cloud, identity_of(cloud, clock, pool), http, clock)


async def launches(cloud: Compute, server_id: str, count: int = LAUNCHES) -> set[str]:
    """What so many launches at once come to."""
    consoles = (cloud.console(server_id, Kind.NOVNC) for _ in range(count))
    return {type(outcome).__name__ for outcome in await asyncio.gather(*consoles, return_exceptions=True)}


async def test_a_thousand_launches_at_once_sign_in_once(cloud: Compute, rax: FakeIdentity, dfw: FakeCompute) -> None:
    assert await launches(cloud, dfw.add_server("web-01")) == {"Console"}
    assert rax.requests == [("POST", "/v2.0/tokens")]


async def test_a_storm_of_refused_tokens_signs_in_once_more(
    cloud: Compute, rax: FakeIdentity, dfw: FakeCompute
) -> None:
    server_id = dfw.add_server("web-01")
    await cloud.servers()
    rax.revoke()
    before = len(dfw.requests)
    assert await launches(cloud, server_id) == {"Console"}
    assert len(dfw.requests) - before == 2 * LAUNCHES, "every one of them saw a 401"
    assert rax.sign_ins == 2


async def test_an_identity_service_that_refuses_is_asked_once_a_minute_however_many_launch(
    cloud: Compute, rax: FakeIdentity, dfw: FakeCompute, clock: FakeClock
) -> None:
    server_id = dfw.add_server("web-01")
    rax.username = "somebody-else"
    for minute in range(1, 4):
        for second in (0, 20, 40):
            clock.advance(1000.0 + 60 * minute + second - clock.monotonic())
            assert await launches(cloud, server_id, 400) == {"CloudCredentialsError"}
        assert rax.sign_ins == minute
    with pytest.raises(CloudCredentialsError, match=r"Unable to authenticate .* The next try is in 20 s\."):
        await cloud.servers()
    rax.username = "ops"
    clock.advance(20)
    assert await launches(cloud, server_id, 400) == {"Console"}
    assert rax.sign_ins == 4


async def test_a_compute_api_that_refuses_new_tokens_too_costs_one_renewal_a_minute(
    cloud: Compute, rax: FakeIdentity, dfw: FakeCompute, clock: FakeClock
) -> None:
    server_id = dfw.add_server("web-01")
    dfw.api_tokens = set()
    for minute in range(1, 4):
        for second in (0, 20, 40):
            clock.advance(1000.0 + 60 * minute + second - clock.monotonic())
            assert await launches(cloud, server_id, 100) == {"CloudCredentialsError"}
        assert rax.sign_ins == 1 + minute
    dfw.api_tokens = rax.api_tokens
    assert await launches(cloud, server_id, 100) == {"Console"}, "what mends itself is noticed at once"
    assert rax.sign_ins == 4


async def test_an_identity_service_that_is_back_is_noticed_within_seconds(
    cloud: Compute, rax: FakeIdentity, dfw: FakeCompute, clock: FakeClock
) -> None:
    server_id = dfw.add_server("web-01")
    await rax.stop()
    assert await launches(cloud, server_id) == {"CloudUnreachableError"}
    with pytest.raises(CloudUnreachableError, match=r"Connection refused\. The next try is in 5 s\."):
        await cloud.servers()
    await rax.start()
    assert await launches(cloud, server_id) == {"CloudUnreachableError"}
    assert rax.sign_ins == 0
    clock.advance(5)
    assert await launches(cloud, server_id) == {"Console"}
    assert rax.sign_ins == 1
