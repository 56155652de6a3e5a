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
    with pytest.raises(CloudReplyError, match=r"RegionTwo is not a valid region .* RegionOne"):
        await compute(written(region="RegionTwo", regions=["RegionOne"])).servers()


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
    auth = {"auth_url": keystone.auth_url, "username": "ops", "user_domain_name": "Default", "unscoped": True}
    with pytest.raises(CloudReplyError, match="Are the credentials those of a project"):
        await compute(written(auth_type="v3password", auth=auth)).servers()


async def test_an_entry_that_lacks_a_domain_is_said(written: Written, keystone: Keystone, compute: Computes) -> None:
    cloud = written(auth_type="v3password", auth={"auth_url": keystone.auth_url, "username": "ops"})
    with pytest.raises(CloudCredentialsError, match="user_domain_name"):
        await compute(cloud).servers()


async def test_a_keystone_that_is_away_is_said(written: Written, compute: Computes) -> None:
    names = {"username": "ops", "project_name": "ops", "user_domain_name": "Default", "project_domain_name": "Default"}
    cloud = written(auth_type="v3password", auth={"auth_url": "http://127.0.0.1:1/v3", **names})
    with pytest.raises(CloudUnreachableError, match=r"http://127\.0\.0\.1:1 cannot be reached: Connection refused"):
        await compute(cloud).servers()
