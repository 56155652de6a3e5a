"""Which setting says what is dialled."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher.config.models import BareEntry, Cloud, OpenStackEntry, RackspaceEntry
from launcher.doctor.places import compute_place, entry_name, identity_place, proxy_place, settings_of
from launcher.model import Carrier, Secret, Target

RAX = RackspaceEntry.model_construct(
    provider="rackspace", username="ops", api_key=Secret("key-of-a-test"), regions=("DFW", "ORD")
)
PROD = OpenStackEntry.model_construct(provider="openstack", cloud="prd", cacert=Path("/etc/ssl/prod.pem"))
BARE = BareEntry.model_construct(provider="none", endpoint="http://127.0.0.1:8774/v2.1")


def cloud(
    entry: RackspaceEntry | OpenStackEntry | BareEntry, name: str = "prod", region: str | None = None, *files: Path
) -> Cloud:
    clouds_yaml, secure_yaml = files or (None, None)
    return Cloud(name=name, region=region, entry=entry, clouds_yaml=clouds_yaml, secure_yaml=secure_yaml)


def test_one_of_several_regions_goes_by_its_entry() -> None:
    assert entry_name(cloud(RAX, "rax-dfw", "DFW")) == "rax"
    one = RAX.model_copy(update={"regions": ("DFW",)})
    assert entry_name(cloud(one, "rax-dfw", "DFW")) == "rax-dfw"
    assert entry_name(cloud(BARE)) == "prod"


def test_an_account_s_settings_stand_in_its_entry() -> None:
    settings = settings_of(cloud(RAX, "rax-dfw", "DFW"))
    assert settings.credentials == "clouds.rax.username and clouds.rax.api_key in config.yaml"
    assert settings.region == "clouds.rax.regions in config.yaml"
    assert settings.account == 'the account "ops"'


def test_a_keystone_s_settings_stand_in_clouds_yaml() -> None:
    settings = settings_of(cloud(PROD, "prod", None, Path("/c/clouds.yaml"), Path("/c/secure.yaml")))
    assert settings.credentials == 'auth of "prd" in /c/clouds.yaml or /c/secure.yaml'
    assert settings.auth_url == 'auth.auth_url of "prd" in /c/clouds.yaml'
    assert settings.region == 'region_name of "prd" in /c/clouds.yaml'
    assert settings.cacert == "clouds.prod.cacert in config.yaml (/etc/ssl/prod.pem)"
    usual = settings_of(cloud(PROD.model_copy(update={"cacert": None, "regions": ("A",)})))
    assert usual.cacert == 'clouds.prod.cacert in config.yaml, or cacert of "prd" in clouds.yaml'
    assert usual.region == "clouds.prod.regions in config.yaml"


def test_a_cloud_without_identity_may_have_a_token() -> None:
    assert settings_of(cloud(BARE)).credentials == "clouds.prod.api_token in config.yaml (there is none)"
    with_token = BARE.model_copy(update={"api_token": Secret("token-of-a-test")})
    assert settings_of(cloud(with_token)).credentials == "clouds.prod.api_token in config.yaml"


def test_an_address_has_the_scheme_s_port() -> None:
    settings = settings_of(cloud(PROD))
    place = identity_place(settings, "https://keystone.example.net/v3")
    assert (place.host, place.port, place.tls, place.address) == (
        "keystone.example.net",
        443,
        True,
        "keystone.example.net:443",
    )
    assert compute_place(settings, cloud(PROD), "http://[::1]:8774/v2.1").address == "[::1]:8774"
    assert compute_place(settings, cloud(PROD), "http://h/").said_by.startswith("the cloud's own catalog")
    assert (
        compute_place(settings_of(cloud(BARE)), cloud(BARE), "http://h/").said_by
        == "clouds.prod.endpoint in config.yaml"
    )
    proxy = proxy_place(settings, Target(True, "vnc.example.net", 6080, Secret("/?token=x")))
    assert (proxy.address, proxy.tls) == ("vnc.example.net:6080", True)
    assert "clouds.prod.console_url" in proxy.said_by
    assert "[vnc] novncproxy_base_url" in proxy.said_by
    xvp = proxy_place(settings, Target(True, "vnc.example.net", 443, Secret("/console?token=x"), Carrier.XVP))
    assert "[vnc] xvpvncproxy_base_url" in xvp.said_by


@pytest.mark.parametrize("url", ["ftp://h/", "https:///v3", "keystone"])
def test_what_is_no_url_is_no_place(url: str) -> None:
    with pytest.raises(ValueError, match="no http or https URL"):
        identity_place(settings_of(cloud(PROD)), url)
