"""The parts of a sign-in that need no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from launcher.cloud.signin import ApiKey, sign_in
from launcher.cloud.transport import hush
from launcher.config.models import BareEntry, Cloud, OpenStackEntry
from launcher.errors import CloudReplyError
from launcher.model import Secret
from tests.fakes.issued import issue
from tests.unit.cloud.fakes import HandClock

NOW = HandClock().now()


def bare(endpoint: str, token: Secret | None = None) -> Cloud:
    entry = BareEntry.model_construct(provider="none", endpoint=endpoint, api_token=token)
    return Cloud(name="bare", region=None, entry=entry, clouds_yaml=None, secure_yaml=None)


def test_a_bare_cloud_signs_in_without_asking_anybody() -> None:
    token = Secret(issue())
    grant = sign_in(bare("http://c:8774/v2.1/", token), NOW)
    assert (grant.token, grant.endpoint, grant.life, grant.tls) == (token, "http://c:8774/v2.1", None, None)


@pytest.mark.parametrize("endpoint", ["", "c:8774/v2.1", "unix:/run/c", "http:///v2.1", "https://ops:word@c/v2.1"])
def test_an_endpoint_must_be_a_plain_url(endpoint: str) -> None:
    with pytest.raises(CloudReplyError, match="is not an http or https URL"):
        sign_in(bare(endpoint), NOW)


def test_an_api_key_is_sent_as_rackspaces_extension() -> None:
    key = issue()
    data: dict[str, Any] = ApiKey("http://c/v2.0", "ops", Secret(key)).get_auth_data({})
    assert data == {"RAX-KSKEY:apiKeyCredentials": {"username": "ops", "apiKey": key}}


def test_an_entry_without_identity_sends_what_its_plugin_says(tmp_path: Path) -> None:
    hush()
    entry = {"auth_type": "none", "auth": {"endpoint": "http://c:8774/v2.1/"}}
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {"prd": entry}}))
    ours = OpenStackEntry.model_construct(provider="openstack", cloud="prd")
    cloud = Cloud(name="prod", region=None, entry=ours, clouds_yaml=tmp_path / "clouds.yaml", secure_yaml=None)
    grant = sign_in(cloud, NOW)
    assert (grant.token, grant.endpoint, grant.life) == (Secret("notused"), "http://c:8774/v2.1", None)
