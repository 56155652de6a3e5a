"""Files and folders that another account could have put there: nobody's secret goes by their word."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from launcher.errors import SetupError, SetupFault
from launcher.model import Secret
from launcher.setup.scene import Wishes
from launcher.setup.write import chain_of
from tests.fakes.issued import issue
from tests.fakes.person import FakePerson
from tests.integration.setup.conftest import Machine, Rackspace

STRANGER = 12345


def write(path: Path, document: object) -> None:
    path.write_text(yaml.safe_dump(document))
    path.chmod(0o600)


@pytest.mark.parametrize("how", ["owner", "mode", "folder"])
async def test_a_clouds_yaml_that_a_stranger_could_have_written_is_not_signed_in_with(
    machine: Machine, rackspace: Rackspace, how: str
) -> None:
    here = machine.root / "here"
    auth = {"auth_url": rackspace.identity.auth_url, "username": "ops"}
    write(here / "clouds.yaml", {"clouds": {"trap": {"profile": "rackspace", "auth": auth}}})
    secret = issue()
    write(machine.openstack / "secure.yaml", {"clouds": {"trap": {"auth": {"api_key": secret}}}})
    if how == "owner":
        os.chown(here / "clouds.yaml", STRANGER, STRANGER)
    elif how == "mode":
        (here / "clouds.yaml").chmod(0o646)
    else:
        here.chmod(0o777)
    person = FakePerson()
    with pytest.raises(SetupError):
        await machine.init(Wishes(), person)
    assert rackspace.identity.requests == []
    assert f"left out: {here}/clouds.yaml: " in person.warned[0]
    assert "could have written it" in person.warned[0]


async def test_a_key_is_not_sent_to_an_identity_beyond_this_machine_without_tls(machine: Machine) -> None:
    auth = {"auth_url": "http://identity.example.net/v2.0", "username": "ops", "api_key": issue()}
    write(machine.openstack / "clouds.yaml", {"clouds": {"rax": {"profile": "rackspace", "auth": auth}}})
    person = FakePerson()
    with pytest.raises(SetupError) as refused:
        await machine.init(Wishes(), person)
    assert refused.value.fault is SetupFault.REFUSED
    assert "an Identity URL begins with https://" in person.warned[0]


async def test_nothing_is_written_where_a_stranger_could_exchange_the_folder(
    machine: Machine, rackspace: Rackspace
) -> None:
    wishes = Wishes(
        rackspace_user="ops", api_key=Secret(rackspace.identity.api_key), identity_url=rackspace.identity.auth_url
    )
    machine.root.chmod(0o777)
    before = machine.state()
    with pytest.raises(SetupError) as refused:
        await machine.init(wishes)
    assert refused.value.fault is SetupFault.UNWRITABLE
    assert f"every account may write {machine.root}" in str(refused.value)
    assert machine.state() == before


def test_a_path_is_looked_at_as_it_is_written_and_as_its_links_lead(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    found = [place.path for place in chain_of(tmp_path / "link" / "not-there")]
    assert found[0] == "/"
    assert found[-2:] == [str(tmp_path / "link"), str(tmp_path / "real")]
