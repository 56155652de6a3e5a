"""An entry of clouds.yaml, as the gateway takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from launcher.cloud import settings as clouds_yaml
from launcher.cloud.transport import hush
from launcher.config.models import Cloud, OpenStackEntry
from launcher.errors import CloudCredentialsError

AUTH = {"auth_url": "http://127.0.0.1:1/v3", "username": "ops", "user_domain_id": "default", "password": "-"}


WITHOUT_PASSWORD = {key: value for key, value in AUTH.items() if key != "password"}


@pytest.fixture(autouse=True)
def usual_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration names clouds.yaml: a variable does."""
    hush()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("OS_AUTH_URL", raising=False)
    for name, file in (("OS_CLIENT_CONFIG_FILE", "clouds.yaml"), ("OS_CLIENT_SECURE_FILE", "secure.yaml")):
        monkeypatch.setenv(name, str(tmp_path / file))


def entry(**more: Any) -> OpenStackEntry:
    return OpenStackEntry.model_construct(provider="openstack", cloud="prd", **more)


def cloud_with(settings: dict[str, Any], region: str | None = None) -> Cloud:
    """A cloud whose clouds.yaml no configuration names."""
    Path("clouds.yaml").write_text(yaml.safe_dump({"clouds": {"prd": settings}}))
    return Cloud(name="prod", region=region, entry=entry(), clouds_yaml=None, secure_yaml=None)


def test_where_no_file_is_named_the_usual_ones_are_read_and_relative_paths_are_as_openstacksdk_has_them() -> None:
    project = {"project_name": "ops", "project_domain_id": "default"}
    cloud = cloud_with({"auth": AUTH | project, "cert": "gateway.pem", "key": "gateway.key"}, region="One")
    settings = clouds_yaml.read(cloud, entry())
    assert clouds_yaml.certificates(cloud, entry(), settings) == (None, ("gateway.pem", "gateway.key"))
    assert clouds_yaml.wanted(cloud, settings).region == "One"
    assert not clouds_yaml.is_token(settings)


@pytest.mark.parametrize(
    ("listed", "region", "meant"),
    [
        ({"region_name": "RegionOne"}, "regionone", "RegionOne"),
        ({"regions": ["One", {"name": "Two"}]}, "TWO", "Two"),
        ({"regions": ["one", "One"]}, "One", "One"),
        ({"profile": "rackspace"}, "dfw", "DFW"),
        ({}, "anywhere", "anywhere"),
    ],
)
def test_regions_of_clouds_yaml_and_of_its_profile_are_meant_in_any_case(
    listed: dict[str, Any], region: str, meant: str
) -> None:
    auth = AUTH if "profile" in listed else AUTH | {"project_id": "a", "project_domain_id": "default"}
    cloud = cloud_with({"auth_type": "v3password", "auth": auth, **listed}, region)
    assert clouds_yaml.read(cloud, entry()).region_name == meant


@pytest.mark.parametrize("scope", [{"domain_id": "default"}, {"domain_name": "Default"}])
def test_one_domain_for_user_and_project_is_no_scope(scope: dict[str, str]) -> None:
    """openstacksdk takes it for both where a project is named."""
    auth = {key: value for key, value in AUTH.items() if key != "user_domain_id"}
    read = clouds_yaml.read(cloud_with({"auth": {**auth, "project_name": "ops", **scope}}), entry())
    assert not {"domain_id", "domain_name"} & set(read.config["auth"])
    with pytest.raises(CloudCredentialsError, match="scope of a domain"):
        clouds_yaml.read(cloud_with({"auth": {**AUTH, **scope}}), entry())


def test_a_key_that_the_auth_type_does_not_take_is_named() -> None:
    auth = {**AUTH, "passcode": "-", "project_id": "a"}
    with pytest.raises(
        CloudCredentialsError, match=r"its auth in clouds\.yaml has the key password, which its auth_type"
    ):
        clouds_yaml.read(cloud_with({"auth_type": "v3totp", "auth": auth}), entry())


def test_another_fault_of_an_entry_is_left_to_whoever_tells_faults() -> None:
    with pytest.raises(TypeError):
        clouds_yaml.read(cloud_with({"auth": {**AUTH, "project_id": "a"}, "networks": 5}), entry())


OIDC = {
    "auth_url": AUTH["auth_url"],
    "identity_provider": "sso",
    "protocol": "openid",
    "client_id": "gateway",
    "client_secret": "-",
    "access_token_endpoint": "http://127.0.0.1:1/token",
    "username": "ops",
    "password": "-",
}


@pytest.mark.parametrize(
    ("auth_type", "auth", "what"),
    [
        ("v3websso", {"auth_url": AUTH["auth_url"], "identity_provider": "sso", "protocol": "openid"}, "v3websso"),
        ("v3oidcpassword", {**OIDC, "idp_otp_key": "otp"}, "v3oidcpassword with idp_otp_key"),
        ("v3totp", {**WITHOUT_PASSWORD, "passcode": "-", "project_id": "a"}, "v3totp"),
    ],
)
def test_what_would_ask_a_person_is_refused(auth_type: str, auth: dict[str, str], what: str) -> None:
    with pytest.raises(CloudCredentialsError, match=f"auth_type {what} in clouds.yaml needs a person at each sign-in"):
        clouds_yaml.read(cloud_with({"auth_type": auth_type, "auth": auth}), entry())
    if auth_type == "v3oidcpassword":
        assert clouds_yaml.read(cloud_with({"auth_type": auth_type, "auth": OIDC}), entry()).get_auth()
