"""Signing in: Rackspace's exchange to the letter, clouds.yaml's faults, hostile Identity services."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import certifi
import pytest
import yaml
from aiohttp import web

from launcher.clock import SystemClock
from launcher.cloud.compute import Compute
from launcher.cloud.identity import SharedAccess, regions_of
from launcher.config.models import Cloud, OpenStackEntry, RackspaceEntry
from launcher.errors import CloudBusyError, CloudCredentialsError, CloudError, CloudReplyError, CloudUnreachableError
from launcher.model import CLOUD_KINDS, Kind, Secret
from tests.fakes.compute import FakeCompute
from tests.fakes.identity import FakeIdentity
from tests.fakes.issued import note
from tests.integration.cloud.conftest import bare, cloud_of

Computes = Callable[[Cloud], Compute]
Identities = Callable[[Cloud], SharedAccess]


@pytest.fixture
async def dfw() -> AsyncIterator[FakeCompute]:
    async with FakeCompute(max_version="") as dfw:
        yield dfw


@pytest.fixture
async def rax(dfw: FakeCompute) -> AsyncIterator[FakeIdentity]:
    async with FakeIdentity({"ORD": "http://127.0.0.1:1/v2/610275", "DFW": dfw.endpoint}) as rax:
        dfw.api_tokens = rax.api_tokens
        yield rax


def rackspace(rax: FakeIdentity, region: str = "DFW", **more: Any) -> Cloud:
    entry: dict[str, Any] = {"username": rax.username, "api_key": Secret(rax.api_key), "auth_url": rax.auth_url, **more}
    return cloud_of(
        RackspaceEntry.model_construct(provider="rackspace", regions=(region,), **entry), "rax-dfw", region=region
    )


# Rackspace


async def test_the_exchange_is_to_the_letter(rax: FakeIdentity, identity: Identities) -> None:
    await identity(rackspace(rax)).access()
    assert rax.requests == [("POST", "/v2.0/tokens")]
    credentials = {"username": "ops", "apiKey": rax.api_key}
    assert rax.bodies == [{"auth": {"RAX-KSKEY:apiKeyCredentials": credentials}}]
    headers = rax.request_headers[0]
    assert headers["Content-Type"] == "application/json"
    assert headers["Accept"] == "application/json"
    assert "X-Auth-Token" not in headers


async def test_of_two_compute_services_the_one_with_regions_is_taken(
    rax: FakeIdentity, dfw: FakeCompute, identity: Identities
) -> None:
    access = await identity(rackspace(rax)).access()
    assert access.endpoint == dfw.endpoint
    assert access.token is not None
    assert access.token.reveal() in rax.api_tokens


async def test_a_console_of_the_legacy_api_is_the_action(
    rax: FakeIdentity, dfw: FakeCompute, compute: Computes
) -> None:
    server_id = dfw.add_server("web-01")
    cloud = compute(rackspace(rax))
    consoles = [await cloud.console(server_id, kind) for kind in CLOUD_KINDS]
    assert [asked.api for asked in dfw.console_requests] == ["action", "action"]
    assert [console.key.kind for console in consoles] == [Kind.NOVNC, Kind.XVPVNC]
    assert rax.sign_ins == 1


@pytest.mark.parametrize("offset", [timedelta(0), timedelta(hours=-5)])
async def test_the_end_of_a_token_is_read_with_z_and_with_an_offset(
    rax: FakeIdentity, identity: Identities, offset: timedelta
) -> None:
    rax.offset, rax.life = offset, timedelta(hours=3)
    shared = identity(rackspace(rax))
    expires_at = (await shared.access()).expires_at
    assert expires_at is not None
    assert abs(expires_at - shared._clock.monotonic() - 3 * 3600) < 60


async def test_a_token_that_is_over_when_it_comes_is_used_until_refused(
    rax: FakeIdentity, identity: Identities
) -> None:
    rax.life = timedelta(hours=-1)
    shared = identity(rackspace(rax))
    assert await shared.access() is await shared.access()


async def test_an_unknown_region_is_answered_with_the_regions_there_are(
    rax: FakeIdentity, identity: Identities
) -> None:
    with pytest.raises(CloudReplyError) as caught:
        await identity(rackspace(rax, "dwf")).access()
    assert str(caught.value) == ('rax-dfw has no region "dwf" for this account (has: DFW, ORD). Did you mean "DFW"?')


@pytest.mark.parametrize("region", ["DFW", "dfw", "Dfw"])
async def test_a_region_is_meant_in_any_case(
    rax: FakeIdentity, dfw: FakeCompute, identity: Identities, region: str
) -> None:
    assert (await identity(rackspace(rax, region)).access()).endpoint == dfw.endpoint


async def test_a_password_does_in_place_of_the_api_key(rax: FakeIdentity, dfw: FakeCompute, compute: Computes) -> None:
    dfw.add_server("web-01")
    cloud = compute(rackspace(rax, api_key=None, password=Secret(rax.password)))
    assert len(await cloud.servers()) == 1
    assert rax.bodies == [{"auth": {"passwordCredentials": {"username": "ops", "password": rax.password}}}]


@pytest.mark.parametrize("by_key", [True, False])
async def test_the_account_stands_beside_the_credentials(rax: FakeIdentity, identity: Identities, by_key: bool) -> None:
    rax.tenants.add("777888")
    credentials: dict[str, Any] = {} if by_key else {"api_key": None, "password": Secret(rax.password)}
    assert (await identity(rackspace(rax, tenant_id="777888", **credentials)).access()).token
    [body] = rax.bodies
    assert body["auth"].pop("tenantId") == "777888"
    assert list(body["auth"]) == ["RAX-KSKEY:apiKeyCredentials" if by_key else "passwordCredentials"]


async def test_an_account_that_the_user_may_not_use_is_an_error_of_the_credentials(
    rax: FakeIdentity, identity: Identities
) -> None:
    with pytest.raises(CloudCredentialsError, match="does not accept the gateway's credentials"):
        await identity(rackspace(rax, tenant_id="999999")).access()


async def test_a_user_with_multi_factor_authentication_is_told_to_use_the_api_key(
    rax: FakeIdentity, identity: Identities
) -> None:
    rax.multi_factor = True
    with pytest.raises(CloudCredentialsError) as caught:
        await identity(rackspace(rax, api_key=None, password=Secret(rax.password))).access()
    assert str(caught.value) == (
        "rax-dfw cannot sign in: its user signs in with multi-factor authentication, and a daemon has no one to ask "
        "for the code. Use the user's API key: write api_key: {credential: NAME} in place of password."
    )
    assert (await identity(rackspace(rax)).access()).token, "the API key is not touched by it"


@pytest.mark.parametrize("how", ["seconds", "date", "body"])
async def test_a_limit_of_identitys_is_obeyed(rax: FakeIdentity, identity: Identities, how: str) -> None:
    async def limit(request: web.Request) -> web.Response:
        until = datetime.now(UTC) + timedelta(seconds=41)
        header = {"seconds": "41", "date": format_datetime(until, usegmt=True)}.get(how)
        body = {"overLimit": {"code": 413, "message": "OverLimit Retry...", "retryAfter": until.isoformat()}}
        headers = {"Retry-After": header} if header else {}
        return web.json_response({} if header else body, status=413, headers=headers)

    rax.fault = limit
    shared = identity(rackspace(rax))
    for _ in range(3):
        with pytest.raises(CloudBusyError) as caught:
            await shared.access()
        assert caught.value.retry_after is not None
        assert 20 < caught.value.retry_after <= 42, "Date tells whole seconds"
    assert rax.sign_ins == 1


async def test_a_wrong_key_is_said_plainly_and_not_repeated(
    rax: FakeIdentity, compute: Computes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = note("0123456789abcdef-wrong-key")
    with pytest.raises(CloudCredentialsError, match="Unable to authenticate user") as caught:
        await compute(rackspace(rax, api_key=Secret(wrong))).servers()
    assert rax.sign_ins == 1
    assert wrong not in str(caught.value)
    assert wrong not in caplog.text


async def test_nothing_that_is_logged_holds_a_secret(
    rax: FakeIdentity, dfw: FakeCompute, compute: Computes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await compute(rackspace(rax)).servers()
    secrets = {rax.api_key, *rax.api_tokens}
    assert not [secret for secret in secrets if secret in caplog.text]


async def test_a_revoked_token_is_renewed_once_by_all_who_see_it(
    rax: FakeIdentity, dfw: FakeCompute, compute: Computes
) -> None:
    dfw.add_server("web-01")
    cloud = compute(rackspace(rax))
    await cloud.servers()
    rax.revoke()
    listings = await asyncio.gather(*(cloud.servers() for _ in range(100)))
    assert {len(listing) for listing in listings} == {1}
    assert rax.sign_ins == 2


async def test_a_token_refused_twice_is_an_error_of_the_credentials(
    rax: FakeIdentity, dfw: FakeCompute, compute: Computes
) -> None:
    dfw.api_tokens = set()
    with pytest.raises(CloudCredentialsError, match="does not accept the API token"):
        await compute(rackspace(rax)).servers()
    assert rax.sign_ins == 2


async def test_a_sign_in_survives_the_leaving_of_whoever_asked_first(rax: FakeIdentity, identity: Identities) -> None:
    rax.delay = 0.2
    shared = identity(rackspace(rax))
    async with asyncio.TaskGroup() as group:
        leaver = group.create_task(shared.access())
        stayers = [group.create_task(shared.access()) for _ in range(10)]
        await asyncio.sleep(0.05)
        leaver.cancel()
    assert leaver.cancelled()
    assert len({id(task.result()) for task in stayers}) == 1
    assert rax.sign_ins == 1


# Identity services that fail


def saying(status: int, text: str = "", content_type: str = "application/json", **headers: str) -> Any:
    async def fault(request: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=text, content_type=content_type, headers=named)

    return fault


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (saying(200, "<html>hello</html>", "text/html"), CloudReplyError, "text/html body is not an Identity"),
        (saying(200, ""), CloudReplyError, "not an Identity"),
        (saying(200, "[]"), CloudReplyError, "not an Identity"),
        (saying(200, '{"access": {}}'), CloudReplyError, "does not speak Identity"),
        (saying(200, '{"access": {"token": {"id": "x"}}}'), CloudReplyError, "does not speak Identity|catalog"),
        (saying(404, "<html>", "text/html"), CloudReplyError, "no Identity service at its auth_url"),
        (saying(500, "boom", "text/plain"), CloudReplyError, "status 500"),
        (
            saying(403, '{"userDisabled": {"code": 403, "message": "User disabled."}}'),
            CloudCredentialsError,
            r"sign in: User disabled\. Either this user is disabled, or multi-factor authentication is enforced",
        ),
        (saying(409, '{"conflict": {"message": "Twice."}}'), CloudReplyError, "answered with status 409: Twice"),
        (saying(413, '{"overLimit": {"message": "Slow down."}}', Retry_After="41"), CloudBusyError, "for 41 s"),
        (saying(302, Location="http://127.0.0.1:1/"), CloudReplyError, "status 302"),
        (saying(200, " " * (5 * 1024**2)), CloudUnreachableError, "larger than 4 MiB"),
    ],
)
async def test_every_fault_of_an_identity_service_is_a_clear_error(
    rax: FakeIdentity, identity: Identities, fault: Any, error: type[CloudError], message: str
) -> None:
    rax.fault = fault
    with pytest.raises(error, match=message) as caught:
        await identity(rackspace(rax)).access()
    assert rax.api_key not in str(caught.value)
    assert rax.sign_ins == 1


async def test_a_redirect_takes_no_key_to_another_server(rax: FakeIdentity, identity: Identities) -> None:
    async with FakeIdentity({}) as other:
        rax.fault = saying(307, Location=f"{other.auth_url}/tokens")
        with pytest.raises(CloudReplyError, match="status 307"):
            await identity(rackspace(rax)).access()
        assert other.requests == []


async def test_a_reply_that_breaks_off_is_said(rax: FakeIdentity, identity: Identities) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Length": "1000"})
        await reply.prepare(request)
        await reply.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return reply

    rax.fault = broken
    with pytest.raises(CloudUnreachableError, match="cannot be reached"):
        await identity(rackspace(rax)).access()


async def test_an_identity_service_that_is_away_is_said(rax: FakeIdentity, identity: Identities) -> None:
    cloud = rackspace(rax, auth_url="http://127.0.0.1:1/v2.0")
    with pytest.raises(CloudUnreachableError, match=r"http://127\.0\.0\.1:1 cannot be reached: Connection refused\."):
        await identity(cloud).access()


async def test_an_account_without_servers_is_said(rax: FakeIdentity, identity: Identities) -> None:
    rax.regions = {}
    with pytest.raises(CloudReplyError, match='no compute service "cloudServersOpenStack"'):
        await identity(rackspace(rax)).access()


@pytest.mark.parametrize("endpoint", ["ftp://c/v2", "http://user:pass@c/v2"])
async def test_an_endpoint_that_is_no_plain_url_is_refused(
    rax: FakeIdentity, identity: Identities, endpoint: str
) -> None:
    rax.regions = {"DFW": endpoint}
    with pytest.raises(CloudReplyError, match="is not an http or https URL"):
        await identity(rackspace(rax)).access()


async def test_a_cacert_that_was_spoilt_since_the_start_is_said(
    rax: FakeIdentity, identity: Identities, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text(Path(certifi.where()).read_text())
    cloud = rackspace(rax, cacert=tmp_path / "ca.pem")
    (tmp_path / "ca.pem").write_text("nonsense")
    with pytest.raises(CloudUnreachableError, match=r"ca\.pem cannot be used"):
        await identity(cloud).access()


# Provider none


async def test_without_identity_the_configured_token_is_sent_or_none(identity: Identities) -> None:
    token = note("token-of-a-bare-cloud")
    access = await identity(cloud_of(bare("http://127.0.0.1:1/v2.1/", token))).access()
    assert (access.token, access.endpoint, access.expires_at) == (Secret(token), "http://127.0.0.1:1/v2.1", None)
    assert (await identity(cloud_of(bare("http://127.0.0.1:1/v2.1"))).access()).token is None


async def test_a_token_that_cannot_stand_in_a_header_is_refused(identity: Identities) -> None:
    with pytest.raises(CloudReplyError, match="no API token that can be used"):
        await identity(cloud_of(bare("http://127.0.0.1:1/v2.1", note("two\nlines-of-a-token")))).access()


# clouds.yaml


def prd(folder: Path, entry: dict[str, Any] | None, name: str = "prd", region: str | None = None) -> Cloud:
    path = folder / "clouds.yaml"
    path.write_text(yaml.safe_dump({"clouds": {"prd": entry} if entry is not None else {}}))
    ours = OpenStackEntry.model_construct(provider="openstack", cloud=name)
    return cloud_of(ours, region=region, clouds_yaml=path)


AUTH = {"auth_url": "http://127.0.0.1:1/v3", "username": "ops", "project_name": "ops", "user_domain_id": "default"}


@pytest.mark.parametrize(
    ("entry", "name", "message"),
    [
        ({"auth": AUTH}, "prod", r'"prod" is not in .*clouds\.yaml \(has: prd\)\. Did you mean "prd"\?'),
        (None, "prod", r'"prod" is not in .* \(has: '),
        ({"profile": "https://vendor.invalid"}, "prd", "profile in .* is a URL, which is never fetched"),
        ({"cloud": "https://vendor.invalid"}, "prd", "profile in .* is a URL, which is never fetched"),
        ({"profile": "//vendor.invalid"}, "prd", "profile in .* is a URL, which is never fetched"),
        ({"auth": AUTH, "verify": False}, "prd", "turns the check of certificates off"),
        ({"auth_type": "no-such", "auth": AUTH}, "prd", 'the auth_type "no-such"'),
        ({"auth_type": "v3applicationcredential", "auth": {}}, "prd", "does not say|cannot sign in"),
        ({"auth": AUTH, "regions": [{"values": {}}]}, "prd", "its entry in clouds.yaml cannot be used"),
        (
            {"auth": {"auth_url": AUTH["auth_url"], "username": "a"}, "region_name": "R"},
            "prd",
            "its entry|does not say",
        ),
    ],
)
async def test_every_fault_of_clouds_yaml_is_a_clear_error(
    tmp_path: Path, identity: Identities, entry: dict[str, Any] | None, name: str, message: str
) -> None:
    with pytest.raises(CloudCredentialsError, match=message):
        await identity(prd(tmp_path, entry, name)).access()


@pytest.mark.parametrize("text", ["clouds: [", "\tclouds:"])
async def test_a_clouds_yaml_that_is_no_yaml_is_said(tmp_path: Path, identity: Identities, text: str) -> None:
    cloud = prd(tmp_path, {"auth": AUTH})
    (tmp_path / "clouds.yaml").write_text(text)
    with pytest.raises(CloudCredentialsError, match=r"cannot read .*clouds\.yaml as YAML"):
        await identity(cloud).access()


async def test_an_entry_without_identity_gives_its_own_endpoint(tmp_path: Path, identity: Identities) -> None:
    entry = {"auth_type": "none", "compute_endpoint_override": "http://127.0.0.1:1/v2.1"}
    access = await identity(prd(tmp_path, entry)).access()
    assert access.endpoint == "http://127.0.0.1:1/v2.1"
    assert access.token is not None


async def test_of_several_regions_one_must_be_named(
    rax: FakeIdentity, dfw: FakeCompute, identity: Identities, tmp_path: Path
) -> None:
    async def any_password(request: web.Request) -> web.Response:
        return web.json_response(rax._access())

    rax.fault = any_password
    auth = {"auth_url": rax.auth_url, "username": "ops", "password": note("password-of-an-old-cloud")}
    entry = {"auth_type": "v2password", "auth": auth, "compute_service_name": "cloudServersOpenStack"}
    with pytest.raises(CloudReplyError, match=r"name one of the cloud's regions in the configuration \(DFW, ORD\)"):
        await identity(prd(tmp_path, entry)).access()
    assert (await identity(prd(tmp_path, entry, region="DFW")).access()).endpoint == dfw.endpoint


async def test_an_unversioned_auth_url_that_is_away_is_unreachable(tmp_path: Path, identity: Identities) -> None:
    entry = {"auth": {**AUTH, "auth_url": "http://127.0.0.1:1", "password": note("password-for-nobody")}}
    with pytest.raises(CloudUnreachableError, match="Connection refused"):
        await identity(prd(tmp_path, entry)).access()


@pytest.mark.parametrize("status", [401, 403, 500])
async def test_an_identity_service_that_repeats_the_key_is_not_repeated(
    rax: FakeIdentity, identity: Identities, status: int
) -> None:
    rax.fault = saying(status, f'{{"unauthorized": {{"message": "Wrong: {rax.api_key}, says Identity"}}}}')
    with pytest.raises(CloudError, match=r"Wrong: \*\*\*, says Identity") as caught:
        await identity(rackspace(rax)).access()
    assert rax.api_key not in str(caught.value)


async def test_a_compute_api_that_repeats_the_token_is_not_repeated(
    rax: FakeIdentity, dfw: FakeCompute, compute: Computes
) -> None:
    async def repeat(request: web.Request) -> web.Response | None:
        if request.path.endswith("/servers/detail"):
            return saying_now(403, f'{{"forbidden": {{"message": "No: {request.headers["X-Auth-Token"]}."}}}}')
        return None

    dfw.fault = repeat
    with pytest.raises(CloudCredentialsError, match=r"No: \*\*\*"):
        await compute(rackspace(rax)).servers()


def saying_now(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text, content_type="application/json")


# Regions


async def test_the_regions_of_an_account_are_those_of_its_catalog(rax: FakeIdentity, pool: ThreadPoolExecutor) -> None:
    assert await regions_of(rackspace(rax, "SYD"), SystemClock(), pool) == ("DFW", "ORD")


async def test_without_a_catalog_there_are_no_regions(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    assert await regions_of(cloud_of(bare("http://127.0.0.1:1/v2.1")), SystemClock(), pool) == ()
    clouds = tmp_path / "clouds.yaml"
    without = {"auth_type": "none", "compute_endpoint_override": "http://127.0.0.1:1/v2.1"}
    clouds.write_text(yaml.safe_dump({"clouds": {"prd": without}}))
    entry = OpenStackEntry.model_construct(provider="openstack", cloud="prd")
    assert await regions_of(cloud_of(entry, clouds_yaml=clouds), SystemClock(), pool) == ()


async def test_regions_are_asked_for_with_credentials_that_must_be_right(
    rax: FakeIdentity, pool: ThreadPoolExecutor
) -> None:
    wrong = Secret(note("wrong-key-for-regions"))
    with pytest.raises(CloudCredentialsError, match="does not accept"):
        await regions_of(rackspace(rax, api_key=wrong), SystemClock(), pool)
    rax.regions.clear()
    with pytest.raises(CloudReplyError, match='catalog has no compute service "cloudServersOpenStack"'):
        await regions_of(rackspace(rax), SystemClock(), pool)


async def test_regions_of_a_silent_identity_service_are_not_waited_for_long(
    rax: FakeIdentity, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launcher.cloud.identity._LONGEST_SIGN_IN", 0.1)
    rax.delay = 1
    with pytest.raises(CloudUnreachableError, match="signing in takes longer than"):
        await regions_of(rackspace(rax), SystemClock(), pool)
    await rax.stop()  # else its thread would wait for the answer of a loop that waits for its thread
