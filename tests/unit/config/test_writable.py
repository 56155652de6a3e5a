"""Files that decide where credentials go, and who else may write them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from launcher.config.load import load
from launcher.config.writable import writable
from launcher.errors import ConfigError
from tests.fakes.sshd import second_account

_CONFIG = "listen: ['unix:/tmp/x.sock']\npublic_urls: ['http://jump.localhost:6080']\n"
_STATIC = "clouds: {lab: {provider: static, websockify_tokens: %s}}\n"
_NOBODYS_GROUP = 54_321


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(_CONFIG + "clouds: {lab: {provider: none, endpoint: 'http://127.0.0.1:9/v2.1'}}\n")
    path.chmod(0o644)
    return path


def test_a_file_of_its_owner_alone_is_taken(file: Path) -> None:
    assert writable(file) is None
    assert not load(file).doubts


def test_what_every_account_may_write_is_refused_with_the_command_to_type(file: Path) -> None:
    file.chmod(0o646)
    with pytest.raises(ConfigError, match=f"every account of this machine may write {file}: chmod o-w {file}"):
        load(file, serving=True)


def test_a_directory_that_every_account_may_write_is_served_with_a_doubt_unless_it_is_sticky(file: Path) -> None:
    file.parent.chmod(0o777)
    (doubt,) = load(file, serving=True).doubts
    assert f"chmod o-w {file.parent} (the next release refuses it)" in doubt.message
    file.parent.chmod(0o1777)
    assert writable(file) is None


def test_a_link_is_judged_by_where_it_lies_and_by_where_it_leads(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "links"
    folder.mkdir()
    link = folder / "config.yaml"
    link.symlink_to(file)
    assert writable(link) is None
    folder.chmod(0o777)
    found = writable(link)
    assert found is not None
    assert str(folder) in found.message
    folder.chmod(0o755)
    file.chmod(0o666)
    assert writable(link) is not None


def test_what_a_group_may_write_is_served_with_a_doubt(file: Path) -> None:
    os.chown(file, -1, _NOBODYS_GROUP)
    file.chmod(0o664)
    (doubt,) = load(file, serving=True).doubts
    assert f"chmod g-w {file}" in doubt.message
    with pytest.raises(ConfigError, match="the group 54321 may write"):
        load(file)


def test_an_accounts_own_group_and_roots_may_write(file: Path) -> None:
    file.chmod(0o664)
    assert writable(file) is None
    with second_account() as account:
        os.chown(file, account.pw_uid, account.pw_gid)
        assert writable(file) is None
        os.chown(file, 0, account.pw_gid)
        found = writable(file)
        assert found is not None
        assert account.pw_name in found.message
    os.chown(file, _NOBODYS_GROUP, _NOBODYS_GROUP)
    assert writable(file) is None


def test_token_files_and_their_directories_are_looked_at(tmp_path: Path, file: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    file.write_text(_CONFIG + _STATIC % tokens)
    assert not load(file).doubts
    tokens.chmod(0o777)
    with pytest.raises(ConfigError, match=f"chmod o-w {tokens}") as caught:
        load(file, serving=True)
    assert caught.value.problems[0].key == "clouds.lab.websockify_tokens"


def test_a_clouds_yaml_that_every_account_may_write_is_refused(tmp_path: Path, file: Path) -> None:
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text("clouds: {prod: {auth: {auth_url: 'https://keystone.example:5000/v3'}}}\n")
    file.write_text(_CONFIG + f"clouds_yaml: {clouds}\nclouds: {{prod: {{provider: openstack, cloud: prod}}}}\n")
    assert not load(file).doubts
    clouds.chmod(0o666)
    with pytest.raises(ConfigError, match=f"chmod o-w {clouds}"):
        load(file, serving=True)


def test_what_is_not_there_is_told_elsewhere(tmp_path: Path) -> None:
    assert writable(tmp_path / "nothing") is None
