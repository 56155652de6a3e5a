from __future__ import annotations

from pathlib import Path

import pytest

from launcher.config.models import OpenStackEntry, RackspaceEntry
from launcher.model import Secret
from launcher.setup.accounts import Account, Profile
from launcher.setup.trial import cloud_of, lay_out
from tests.fakes.issued import issue


def account(auth_url: str | None) -> Account:
    return Account("rax", "ops", Secret(issue()), "here", auth_url=auth_url)


def test_a_key_is_never_sent_to_where_a_configuration_would_not_send_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="an Identity URL begins with https"):
        cloud_of(account("http://127.0.0.2:5000/v2.0"), "rax", None, tmp_path)
    entry = cloud_of(account("http://127.0.0.1:5000/v2.0"), "rax", None, tmp_path).entry
    assert isinstance(entry, RackspaceEntry)
    assert entry.auth_url == "http://127.0.0.1:5000/v2.0"


def test_a_key_goes_to_rackspace_unless_somewhere_else_is_named(tmp_path: Path) -> None:
    entry = cloud_of(account(None), "rax", None, tmp_path).entry
    assert isinstance(entry, RackspaceEntry)
    assert entry.auth_url == "https://identity.api.rackspacecloud.com/v2.0"


def test_all_files_of_openstacksdk_are_laid_out_so_that_none_is_looked_for_elsewhere(tmp_path: Path) -> None:
    profile = Profile("prod", "prod", {}, "/x/clouds.yaml", in_files=True)
    lay_out(tmp_path, [profile])
    assert {path.name for path in tmp_path.iterdir()} == {"clouds.yaml", "secure.yaml", "clouds-public.yaml"}
    cloud = cloud_of(profile, "prod", None, tmp_path)
    assert isinstance(cloud.entry, OpenStackEntry)
    assert (cloud.clouds_yaml, cloud.secure_yaml) == (tmp_path / "clouds.yaml", tmp_path / "secure.yaml")
