"""The openstack provider signs in to a real Keystone and asks a simulated Compute API with what it got."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from launcher.cloud.compute import Compute
from launcher.cloud.identity import SharedAccess
from launcher.config.models import Cloud, OpenStackEntry
from launcher.errors import CloudCredentialsError, CloudReplyError, CloudUnreachableError
from launcher.model import Kind
from tests.fakes.compute import FakeCompute
from tests.fakes.issued import ISSUED, note
from tests.fakes.keystone import Keystone, KeystoneMissingError
from tests.fakes.oidc import FakeOidc
from tests.integration.cloud.conftest import cloud_of

pytestmark = pytest.mark.timeout(300)  # setting up a Keystone takes its time

Computes = Callable[[Cloud], Compute]


@pytest.fixture(scope="module")
def keystone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keystone]:
    keystone = Keystone(tmp_path_factory.mktemp("keystone"))
    try:
        keystone.start()
        yield keystone
    finally:
        keystone.stop()


@pytest.fixture
async def fake(keystone: Keystone) -> AsyncIterator[FakeCompute]:
    async with FakeCompute(max_version="2.104") as fake:
        keystone.point_compute_at(fake.endpoint)
        yield fake


Written = Callable[..., Cloud]


@pytest.fixture
def written(keystone: Keystone, tmp_path: Path) -> Written:
    """Writes clouds.yaml and secure.yaml, and gives the cloud that reads them."""

    def write(region: str | None = "RegionOne", password: str | None = None, **more: Any) -> Cloud:
        user = {"user_domain_name": "Default", "project_domain_name": "Default"}
        auth = {"auth_url": keystone.auth_url, "username": "ops", "project_name": "ops", **user}
        entry = {"auth": auth, "identity_api_version": "3", **more}
        secret = {"auth": {"password": password or keystone.password}}
        return save(tmp_path, entry, secret, region)

    return write


def save(folder: Path, entry: dict[str, Any], secret: dict[str, Any], region: str | None) -> Cloud:
    clouds, secure = folder / "clouds.yaml", folder / "secure.yaml"
    clouds.write_text(yaml.safe_dump({"clouds": {"prd": entry}}))
    secure.write_text(yaml.safe_dump({"clouds": {"prd": secret}}))
    entry_of_ours = OpenStackEntry.model_construct(provider="openstack", cloud="prd")
    return cloud_of(entry_of_ours, region=region, clouds_yaml=clouds, secure_yaml=secure)


def test_without_a_keystone_the_tests_fail_and_say_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYSTONE_PYTHON", str(tmp_path / "no-python"))
    with pytest.raises(KeystoneMissingError, match="run `bash tests/run`"):
        Keystone(tmp_path)


async def test_a_password_lists_servers_and_gets_a_console(
    keystone: Keystone, written: Written, fake: FakeCompute, compute: Computes
) -> None:
    server_id = fake.add_server("web-01")
    cloud = compute(written())
    assert [server.name for server in await cloud.servers()] == ["web-01"]
    console = await cloud.console(server_id, Kind.NOVNC)
    assert "token" in console.url.reveal()
    [asked] = fake.console_requests
    assert asked.api == "remote-consoles"
    assert len(asked.token or "") > 100, "a fernet token of Keystone's came along"
    assert {asked.token, keystone.password} <= ISSUED


async def test_an_application_credential_lists_servers_and_gets_a_console(
    keystone: Keystone, tmp_path: Path, fake: FakeCompute, compute: Computes
) -> None:
    server_id = fake.add_server("web-01")
    credential = keystone.application_credential
    auth = {"auth_url": keystone.auth_url, "application_credential_id": credential["id"]}
    entry = {"auth_type": "v3applicationcredential", "auth": auth}
    secret = {"auth": {"application_credential_secret": credential["secret"]}}
    cloud = compute(save(tmp_path, entry, secret, "RegionOne"))
    assert len(await cloud.servers()) == 1
    assert (await cloud.console(server_id, Kind.NOVNC)).url
    assert {fake.console_requests[0].token, credential["secret"]} <= ISSUED


async def test_the_token_lives_as_long_as_keystone_says(
    written: Written, fake: FakeCompute, identity: Callable[[Cloud], SharedAccess]
) -> None:
    access = await identity(written()).access()
    assert access.expires_at is not None
    assert access.token is not None
    note(access.token.reveal())
    assert access.endpoint == fake.endpoint


async def test_a_wrong_password_is_said_plainly(written: Written, fake: FakeCompute, compute: Computes) -> None:
    wrong = note("wrong-password-of-a-test")
    with pytest.raises(CloudCredentialsError, match="does not accept the gateway's credentials") as caught:
        await compute(written(password=wrong)).servers()
    assert wrong not in str(caught.value)
    assert caught.value.request_id is not None
    assert fake.requests == []


async def test_an_application_credential_that_is_not_there_is_said_plainly(
    keystone: Keystone, tmp_path: Path, compute: Computes
) -> None:
    auth = {"auth_url": keystone.auth_url, "application_credential_id": "a" * 32}
    secret = {"auth": {"application_credential_secret": note("secret-of-no-credential")}}
    cloud = save(tmp_path, {"auth_type": "v3applicationcredential", "auth": auth}, secret, None)
    with pytest.raises(CloudCredentialsError, match="Could not find Application Credential"):
        await compute(cloud).servers()


async def test_an_unknown_region_is_answered_with_the_regions_there_are(
    written: Written, fake: FakeCompute, compute: Computes
) -> None:
    with pytest.raises(CloudReplyError, match=r'no region "RegionTwo" .*RegionOne') as caught:
        await compute(written(region="RegionTwo")).servers()
    assert 'Did you mean "RegionOne"?' in str(caught.value)


async def test_a_region_that_clouds_yaml_does_not_list_is_said(
    written: Written, fake: FakeCompute, compute: Computes
) -> None:
    with pytest.raises(CloudReplyError, match=r'clouds.yaml lists no region "RegionTwo" for it \(has: RegionOne\)'):
        await compute(written(region="RegionTwo", regions=["RegionOne"])).servers()


@pytest.mark.parametrize(
    "listed", [{}, {"regions": ["RegionOne"]}, {"region_name": "RegionOne"}, {"region_name": "REGIONONE"}]
)
async def test_a_region_is_meant_in_any_case(
    written: Written, fake: FakeCompute, compute: Computes, listed: dict[str, Any]
) -> None:
    fake.add_server("web-01")
    assert len(await compute(written(region="regionone", **listed)).servers()) == 1
    assert len(await compute(written(region=None, **listed)).servers()) == 1


async def test_the_only_region_need_not_be_named(written: Written, fake: FakeCompute, compute: Computes) -> None:
    fake.add_server("web-01")
    assert len(await compute(written(region=None)).servers()) == 1


async def test_a_service_that_is_not_in_the_catalog_is_said(written: Written, compute: Computes) -> None:
    with pytest.raises(CloudReplyError, match='no compute service "cells"'):
        await compute(written(compute_service_name="cells")).servers()


async def test_an_endpoint_of_clouds_yaml_goes_before_the_catalog(
    written: Written, fake: FakeCompute, keystone: Keystone, compute: Computes
) -> None:
    fake.add_server("web-01")
    keystone.point_compute_at("http://127.0.0.1:1/v2.1")
    assert len(await compute(written(compute_endpoint_override=fake.endpoint)).servers()) == 1


async def test_a_wrong_path_at_keystone_is_said(written: Written, keystone: Keystone, compute: Computes) -> None:
    auth = {"auth_url": keystone.auth_url.replace("/v3", "/v2.0")}
    cloud = written(auth_type="v2password", auth={**auth, "username": "ops", "tenant_name": "ops"})
    with pytest.raises(CloudReplyError, match="no Identity service"):
        await compute(cloud).servers()


async def test_credentials_without_a_project_are_said(written: Written, keystone: Keystone, compute: Computes) -> None:
    auth = {"auth_url": keystone.auth_url, "username": "ops", "user_domain_name": "Default"}
    for auth_type, more in (("v3password", {"unscoped": True}), ("password", {})):
        with pytest.raises(
            CloudCredentialsError, match=r"names no project, .*: set project_name and project_domain_name"
        ):
            await compute(written(auth_type=auth_type, auth={**auth, **more})).servers()


@pytest.mark.parametrize("auth_type", ["password", "v3password"])
async def test_the_scope_of_the_whole_system_is_refused_with_the_keys_to_set_instead(
    written: Written, keystone: Keystone, compute: Computes, auth_type: str
) -> None:
    auth = {"auth_url": keystone.auth_url, "username": "ops", "user_domain_name": "Default", "system_scope": "all"}
    with pytest.raises(CloudCredentialsError) as caught:
        await compute(written(auth_type=auth_type, auth=auth)).servers()
    assert str(caught.value) == (
        "prod cannot sign in: clouds.yaml asks for the scope of the whole system (system_scope: all), but consoles "
        "belong to projects. Remove system_scope there and set project_name and project_domain_name, or project_id."
    )


@pytest.mark.parametrize("key", ["domain_name", "domain_id"])
async def test_the_scope_of_a_domain_is_refused_with_the_keys_to_set_instead(
    written: Written, keystone: Keystone, compute: Computes, key: str
) -> None:
    auth = {"auth_url": keystone.auth_url, "username": "ops", "user_domain_name": "Default", key: "default"}
    with pytest.raises(
        CloudCredentialsError, match=rf"scope of a domain \({key}\).* Write user_{key} instead of {key}"
    ):
        await compute(written(auth_type="password", auth=auth)).servers()


# A token


def with_token(keystone: Keystone, folder: Path, token: str, auth_type: str = "token") -> Cloud:
    auth = {"auth_url": keystone.auth_url, "project_name": "ops", "project_domain_name": "Default"}
    return save(folder, {"auth_type": auth_type, "auth": auth}, {"auth": {"token": token}}, None)


@pytest.mark.parametrize("auth_type", ["token", "v3token"])
async def test_a_token_signs_in_as_long_as_it_lives_and_then_says_that_it_cannot_be_renewed(
    keystone: Keystone, tmp_path: Path, fake: FakeCompute, compute: Computes, auth_type: str
) -> None:
    fake.add_server("web-01")
    token = keystone.new_token()
    cloud = compute(with_token(keystone, tmp_path, token, auth_type))
    assert len(await cloud.servers()) == 1
    note(fake.request_headers[-1]["X-Auth-Token"])
    keystone.revoke(token)
    fake.api_tokens = set()
    with pytest.raises(CloudCredentialsError) as caught:
        await cloud.servers()
    assert str(caught.value).startswith("prod: the token in clouds.yaml is over or was revoked")
    assert "A token cannot be renewed: put a new one there or, better, an application cred" in str(caught.value)
    assert token not in str(caught.value)


async def test_what_is_no_token_is_said_plainly(keystone: Keystone, tmp_path: Path, compute: Computes) -> None:
    wrong = note("gAAAA-a-token-that-nobody-gave")
    with pytest.raises(CloudCredentialsError, match=r"the token in clouds.yaml is over or was revoked") as caught:
        await compute(with_token(keystone, tmp_path, wrong)).servers()
    assert wrong not in str(caught.value)


async def test_a_token_at_a_wrong_address_is_said_to_be_one(
    keystone: Keystone, tmp_path: Path, compute: Computes
) -> None:
    cloud = with_token(keystone, tmp_path, note("gAAAA-a-token-for-nobody"), "v3token")
    path = tmp_path / "clouds.yaml"
    path.write_text(path.read_text().replace("/v3", "/v9"))
    with pytest.raises(CloudReplyError, match="no Identity service at its auth_url"):
        await compute(cloud).servers()


async def test_an_entry_that_lacks_a_domain_is_said(written: Written, keystone: Keystone, compute: Computes) -> None:
    cloud = written(auth_type="v3password", auth={"auth_url": keystone.auth_url, "username": "ops"})
    with pytest.raises(CloudCredentialsError, match="user_domain_name"):
        await compute(cloud).servers()


async def test_a_keystone_that_is_away_is_said(written: Written, compute: Computes) -> None:
    names = {"username": "ops", "project_name": "ops", "user_domain_name": "Default", "project_domain_name": "Default"}
    cloud = written(auth_type="v3password", auth={"auth_url": "http://127.0.0.1:1/v3", **names})
    with pytest.raises(CloudUnreachableError, match=r"http://127\.0\.0\.1:1 cannot be reached: Connection refused"):
        await compute(cloud).servers()


# OpenID Connect, as a client


@pytest.fixture
async def oidc(keystone: Keystone) -> AsyncIterator[FakeOidc]:
    async with FakeOidc(keystone.accept) as oidc:
        yield oidc


def with_oidc(keystone: Keystone, oidc: FakeOidc, folder: Path, secret: str | None = None, **more: Any) -> Cloud:
    auth = {
        "auth_url": keystone.auth_url,
        "identity_provider": "sso",
        "protocol": "openid",
        "client_id": oidc.client_id,
        "access_token_endpoint": oidc.token_endpoint,
        "project_name": "ops",
        "project_domain_name": "Default",
        **more,
    }
    entry = {"auth_type": "v3oidcclientcredentials", "auth": {key: value for key, value in auth.items() if value}}
    return save(folder, entry, {"auth": {"client_secret": secret or oidc.client_secret}}, "RegionOne")


@pytest.mark.parametrize("discovered", [False, True])
async def test_a_client_of_openid_connect_lists_servers_and_gets_a_console(
    keystone: Keystone, oidc: FakeOidc, tmp_path: Path, fake: FakeCompute, compute: Computes, discovered: bool
) -> None:
    server_id = fake.add_server("web-01")
    more = {"access_token_endpoint": None, "discovery_endpoint": oidc.discovery_endpoint} if discovered else {}
    cloud = compute(with_oidc(keystone, oidc, tmp_path, **more))
    assert len(await cloud.servers()) == 1
    assert (await cloud.console(server_id, Kind.NOVNC)).url
    assert len(note(fake.console_requests[0].token or "")) > 100, "a fernet token of Keystone's came along"
    assert oidc.scopes == ["openid profile"]


async def test_a_client_that_its_provider_refuses_is_said_plainly(
    keystone: Keystone, oidc: FakeOidc, tmp_path: Path, fake: FakeCompute, compute: Computes
) -> None:
    wrong = note("secret-of-another-client")
    cloud = compute(with_oidc(keystone, oidc, tmp_path, wrong))
    with pytest.raises(CloudCredentialsError) as caught:
        await cloud.servers()
    place = oidc.token_endpoint.removesuffix("/token")
    assert str(caught.value) == (
        f"prod cannot sign in: its OpenID Connect provider at {place} says no: invalid_client: Client authentication "
        "failed for Basic ***. Check client_id and client_secret in clouds.yaml."
    )
    with pytest.raises(CloudCredentialsError):
        await cloud.servers()
    assert oidc.requests == 1


async def test_an_access_token_that_keystone_does_not_trust_is_said_and_not_repeated(
    keystone: Keystone, tmp_path: Path, compute: Computes
) -> None:
    async with FakeOidc(note) as stranger:
        with pytest.raises(CloudCredentialsError, match="does not accept the gateway's credentials"):
            await compute(with_oidc(keystone, stranger, tmp_path)).servers()


async def test_a_user_of_openid_connect_without_a_role_in_the_project_is_said(
    keystone: Keystone, oidc: FakeOidc, tmp_path: Path, compute: Computes
) -> None:
    with pytest.raises(CloudCredentialsError, match="does not accept the gateway's credentials: "):
        await compute(with_oidc(keystone, oidc, tmp_path, project_name="admin")).servers()


async def test_a_client_of_openid_connect_without_an_endpoint_is_told_which_keys_there_are(
    keystone: Keystone, oidc: FakeOidc, tmp_path: Path, compute: Computes
) -> None:
    with pytest.raises(CloudCredentialsError, match="'access-token-endpoint' or a 'discovery-endpoint'"):
        await compute(with_oidc(keystone, oidc, tmp_path, access_token_endpoint=None)).servers()


# More than a password


async def test_a_user_who_needs_more_than_a_password_is_told_to_use_an_application_credential(
    written: Written, keystone: Keystone, compute: Computes
) -> None:
    password = note("password-of-a-careful-user")
    keystone.add_careful_user(password)
    auth = {"auth_url": keystone.auth_url, "username": "careful", "user_domain_name": "Default"}
    with pytest.raises(CloudCredentialsError, match=r"Put an application credential of that user into clouds.yaml"):
        await compute(written(auth_type="v3password", password=password, auth=auth)).servers()
