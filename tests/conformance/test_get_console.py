"""Every answer to "Get console": the page's table line by line, then every other shape that real clouds give.

The rows are in `answers`; each goes through a real connection to one simulated Compute API.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from launcher.cloud.compute import Compute
from launcher.cloud.http import CloudHttp, open_http
from launcher.cloud.identity import ApiAccess
from launcher.config.models import BareEntry, Cloud, OpenStackEntry, RackspaceEntry
from launcher.errors import LauncherError
from launcher.model import Kind, Secret
from tests.conformance.answers import GRANTED, PAGE, REFUSED
from tests.conformance.shapes import BARE, NOW, OTHER_API, PROJECT, RENEW, SERVER_ID, Answer, Granted, Site
from tests.fakes.compute import FakeCompute
from tests.fakes.issued import note

TOKEN = note("api-token-of-the-conformance-test")
NEW_TOKEN = note("renewed-api-token-of-the-conformance-test")
CONSOLE_TTL = 600.0
ENTRIES: Mapping[str, Any] = {"rackspace": RackspaceEntry, "openstack": OpenStackEntry, "none": BareEntry}


class StillClock:
    """Stands at the moment that the answers were recorded for."""

    def monotonic(self) -> float:
        return 1000.0

    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("asking waits for nothing")


class KnownIdentity:
    """Signed in already; a new sign-in gives another API token, where there are sign-ins."""

    def __init__(self, endpoint: str, *, renews: bool) -> None:
        self._access = ApiAccess(Secret(TOKEN), endpoint, None, loopback=True)
        self._renewed = ApiAccess(Secret(NEW_TOKEN), endpoint, None, loopback=True) if renews else self._access

    async def access(self) -> ApiAccess:
        return self._access

    async def renew(self, refused: ApiAccess) -> ApiAccess:
        assert refused is self._access
        return self._renewed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fake() -> AsyncIterator[FakeCompute]:
    async with FakeCompute(project=PROJECT) as fake:
        fake.gives_ids = False
        yield fake


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http() -> AsyncIterator[CloudHttp]:
    async with open_http() as http:
        yield http


def site_of(fake: FakeCompute, http: CloudHttp, site: Site) -> Compute:
    """The cloud as the configuration makes it; from now on the fake is that cloud, and has been asked nothing."""
    fake.max_version = site.max_version
    fake.requests.clear()
    fake.request_headers.clear()
    own = {"api_token": Secret(TOKEN)} if site is BARE else {}
    entry = ENTRIES[site.provider].model_construct(provider=site.provider, console_ttl=CONSOLE_TTL, **own)
    cloud = Cloud(name=site.cloud, region=None, entry=entry, clouds_yaml=None, secure_yaml=None)
    return Compute(cloud, KnownIdentity(fake.endpoint, renews=site is not BARE), http, StillClock())


def answer_all(fake: FakeCompute, row: Answer | Granted) -> None:
    """Every request for a console gets the recorded answer."""

    async def fault(request: web.Request) -> web.Response | None:
        if request.method != "POST":
            return None
        return web.Response(status=row.status, headers=row.headers, body=row.body)

    fake.fault = fault


def asked(fake: FakeCompute) -> list[str]:
    """The last word of each path that a console was asked for at."""
    return [path.rpartition("/")[2] for method, path in fake.requests if method == "POST"]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("row", GRANTED, ids=lambda row: row.title)
async def test_a_good_answer_is_a_console(fake: FakeCompute, http: CloudHttp, row: Granted) -> None:
    compute = site_of(fake, http, row.site)
    answer_all(fake, row)
    console = await compute.console(SERVER_ID, Kind(row.kind))
    assert console.url.reveal() == row.url
    assert console.request_id == row.request_id
    assert (console.asked_at, console.expires_at) == (1000.0, 1000.0 + CONSOLE_TTL)
    assert console.key.kind.value == row.kind
    assert len(asked(fake)) == 1


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.title)
async def test_every_other_answer_is_an_error_of_its_own(fake: FakeCompute, http: CloudHttp, row: Answer) -> None:
    compute = site_of(fake, http, row.site)
    answer_all(fake, row)
    with pytest.raises(LauncherError) as caught:
        await compute.console(SERVER_ID, Kind(row.kind))
    error = caught.value
    assert type(error) is row.error
    assert str(error) == row.sentence
    told = {name: value for name, value in vars(error).items() if name in row.holds or value is not None}
    assert told.pop("cloud", row.site.cloud) == row.site.cloud
    assert told == row.holds
    assert len(asked(fake)) == (2 if row.act in {RENEW, OTHER_API} else 1)


def test_the_page_is_gone_through_in_its_order_and_whole() -> None:
    statuses = [row.status for row in (*GRANTED, *PAGE)]
    told = list(dict.fromkeys(status for status in statuses))
    assert told == [200, 203, 400, 401, 403, 405, 409, 413, 500, 503]


def test_every_row_has_a_title_of_its_own() -> None:
    titles = [row.title for row in (*GRANTED, *REFUSED)]
    assert len(set(titles)) == len(titles)
