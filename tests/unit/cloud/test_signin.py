"""The parts of a sign-in that need no network."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from keystoneauth1.access import AccessInfoV2

from launcher.cloud.signin import SignedIn, life_of, sign_in
from launcher.cloud.transport import hush
from launcher.config.models import BareEntry, Cloud, OpenStackEntry
from launcher.errors import CloudReplyError
from launcher.model import Secret
from tests.fakes.clock import FakeClock
from tests.fakes.issued import issue

NOW = FakeClock().now()


def bare(endpoint: str, token: Secret | None = None) -> Cloud:
    entry = BareEntry.model_construct(provider="none", endpoint=endpoint, api_token=token)
    return Cloud(name="bare", region=None, entry=entry, clouds_yaml=None, secure_yaml=None)


def test_a_bare_cloud_signs_in_without_asking_anybody() -> None:
    token = Secret(issue())
    grant = sign_in(bare("http://c:8774/v2.1/", token), NOW)
    assert (grant.token, grant.endpoint, grant.life, grant.tls) == (token, "http://c:8774/v2.1", None, None)


@pytest.mark.parametrize(
    "endpoint", ["", "c:8774/v2.1", "unix:/run/c", "http:///v2.1", "https://ops:word@c/v2.1", "http://[::1/v2.1"]
)
def test_an_endpoint_must_be_a_plain_url(endpoint: str) -> None:
    with pytest.raises(CloudReplyError, match="is not an http or https URL"):
        sign_in(bare(endpoint), NOW)


@pytest.mark.parametrize(
    ("expires", "seconds"),
    [
        ("2015-06-05T16:24:57.637Z", 3600.637),
        ("2015-06-05T16:24:57Z", 3600.0),
        ("2015-06-05T11:24:57.637-05:00", 3600.637),
        ("2015-06-06T02:24:57.637+10:00", 3600.637),
        ("2015-06-05T15:24:56.999Z", None),
    ],
)
def test_rackspaces_tokens_say_their_end_in_several_ways_and_never_their_beginning(
    expires: str, seconds: float | None
) -> None:
    body = {"access": {"token": {"id": issue(), "expires": expires, "tenant": {"id": "610275"}}, "user": {}}}
    now = datetime(2015, 6, 5, 15, 24, 57, tzinfo=UTC)
    life = life_of(SignedIn(None, None, access=AccessInfoV2(body)), now)
    assert life == (pytest.approx(seconds) if seconds else None)


def test_an_entry_without_identity_sends_what_its_plugin_says(tmp_path: Path) -> None:
    hush()
    entry = {"auth_type": "none", "auth": {"endpoint": "http://c:8774/v2.1/"}}
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {"prd": entry}}))
    ours = OpenStackEntry.model_construct(provider="openstack", cloud="prd")
    cloud = Cloud(name="prod", region=None, entry=ours, clouds_yaml=tmp_path / "clouds.yaml", secure_yaml=None)
    grant = sign_in(cloud, NOW)
    assert (grant.token, grant.endpoint, grant.life) == (Secret("notused"), "http://c:8774/v2.1", None)


def test_an_api_token_without_end_is_refused() -> None:
    with pytest.raises(CloudReplyError, match="an API token of 40000 characters"):
        sign_in(bare("http://c:8774/v2.1", Secret("t" * 40_000)), NOW)
