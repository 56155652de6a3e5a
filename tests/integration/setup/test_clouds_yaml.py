"""`init` with clouds.yaml, secure.yaml and `OS_*` against a real Keystone: what is found, copied, left where it is."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
import yaml

from launcher.clock import SystemClock
from launcher.cloud.signin import sign_in
from launcher.config.load import load
from launcher.config.models import api_clouds_of
from launcher.errors import SetupError, SetupFault
from launcher.model import Secret
from launcher.setup.places import Way
from launcher.setup.scene import Wishes
from tests.fakes.compute import FakeCompute
from tests.fakes.identity import FakeIdentity
from tests.fakes.issued import note
from tests.fakes.keystone import Keystone
from tests.fakes.person import FakePerson
from tests.integration.setup.conftest import Machine, Rackspace

pytestmark = pytest.mark.timeout(300)  # setting up a Keystone takes its time

WRONG = note("wrong-password-of-the-test")


@pytest.fixture(scope="module")
def keystone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keystone]:
    keystone = Keystone(tmp_path_factory.mktemp("keystone"))
    try:
        keystone.start()
        yield keystone
    finally:
        keystone.stop()


@pytest.fixture
async def compute(keystone: Keystone) -> AsyncIterator[FakeCompute]:
    async with FakeCompute(max_version="2.104") as compute:
        keystone.point_compute_at(compute.endpoint)
        compute.add_server("web-01")
        yield compute


class Account:
    """The account's clouds.yaml and secure.yaml."""

    def __init__(self, machine: Machine, keystone: Keystone) -> None:
        self._folder = machine.openstack
        self._keystone = keystone
        self._clouds: dict[str, Any] = {}
        self._secure: dict[str, Any] = {}

    def add(self, name: str, password: str | None = None, **more: Any) -> None:
        auth = {
            "auth_url": self._keystone.auth_url,
            "username": "ops",
            "project_name": "ops",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
        self._clouds[name] = {"auth": auth, "identity_api_version": "3", **more}
        self._secure[name] = {"auth": {"password": password or self._keystone.password}}
        for file, clouds in ((self.clouds, self._clouds), (self.secure, self._secure)):
            file.touch(0o600)
            file.write_text(yaml.safe_dump({"clouds": clouds}))

    @property
    def clouds(self) -> Path:
        return self._folder / "clouds.yaml"

    @property
    def secure(self) -> Path:
        return self._folder / "secure.yaml"


@pytest.fixture
def account(machine: Machine, keystone: Keystone, compute: FakeCompute) -> Account:
    return Account(machine, keystone)


def copy_in(folder: Path) -> dict[str, Any]:
    """What the copy of clouds.yaml says of each cloud."""
    file = folder / "credentials" / "clouds.yaml"
    assert file.stat().st_mode & 0o777 == 0o600
    found: dict[str, Any] = yaml.safe_load(file.read_text())["clouds"]
    return found


async def test_the_clouds_that_work_are_copied_with_their_secrets_and_no_others(
    machine: Machine, keystone: Keystone, account: Account
) -> None:
    account.add("prod", region_name="RegionOne")
    account.add("stage", password=WRONG)
    person = await machine.init(Wishes())
    folder = machine.root / "gw"
    assert list(copy_in(folder)) == ["prod"]
    assert copy_in(folder)["prod"]["auth"]["password"] == keystone.password
    assert f"Found {account.clouds}: prod, stage" in person.told
    assert "  prod: signed in, 1 server" in person.told
    [left] = person.warned
    assert left.startswith("  left out: stage does not accept the gateway's credentials")
    assert [cloud.name for cloud in api_clouds_of(load(folder / "config.yaml"))] == ["prod"]
    assert keystone.password not in person.heard + (folder / "config.yaml").read_text()


async def test_where_no_password_is_right_nothing_is_written(machine: Machine, account: Account) -> None:
    account.add("prod", password=WRONG)
    before = machine.state()
    with pytest.raises(SetupError) as refused:
        await machine.init(Wishes())
    assert refused.value.fault is SetupFault.REFUSED
    assert machine.state() == before


async def test_a_second_run_changes_nothing(machine: Machine, account: Account) -> None:
    account.add("prod")
    await machine.init(Wishes())
    before = machine.state()
    person = await machine.init(Wishes())
    assert machine.state() == before
    assert person.warned == []


async def test_a_second_run_tells_what_was_changed_in_clouds_yaml(machine: Machine, account: Account) -> None:
    account.add("prod")
    await machine.init(Wishes())
    account.add("prod", region_name="RegionOne")
    account.add("stage")
    before = machine.state()
    person = await machine.init(Wishes())
    assert machine.state() == before
    assert person.warned == [
        f"the configuration's own copy of prod differs from {account.clouds}.",
        f"the configuration has no cloud stage of {account.clouds}.",
    ]


async def test_an_account_of_its_own_reads_its_clouds_yaml_where_it_is(machine: Machine, account: Account) -> None:
    account.add("prod")
    await machine.init(Wishes(), target=machine.target(Way.USER))
    folder = machine.home / ".config" / "console-launcher"
    config = load(folder / "config.yaml")
    assert (config.clouds_yaml, config.secure_yaml) == (account.clouds, account.secure)
    assert list((folder / "credentials").iterdir()) == []
    assert config.listen == ("localhost:6080", f"unix:{machine.root}/run/console-launcher/web.sock")
    assert (machine.root / "run" / "console-launcher").stat().st_mode & 0o777 == 0o700
    person = await machine.init(Wishes(), target=machine.target(Way.USER))
    assert person.warned == []


async def test_the_clouds_that_are_named_are_taken(machine: Machine, account: Account) -> None:
    account.add("prod")
    account.add("stage")
    with pytest.raises(SetupError) as refused:
        await machine.init(Wishes(clouds=("prd",)))
    assert str(refused.value) == 'there is no cloud "prd" (there are: prod, stage). Did you mean "prod"?'
    await machine.init(Wishes(clouds=("stage",)))
    assert list(copy_in(machine.root / "gw")) == ["stage"]


async def test_a_rackspace_account_leaves_clouds_yaml_out_unless_it_is_named(
    machine: Machine, account: Account, rackspace: Rackspace
) -> None:
    account.add("prod")
    identity: FakeIdentity = rackspace.identity
    wishes = Wishes(
        rackspace_user="ops", api_key=Secret(identity.api_key), identity_url=identity.auth_url, dry_run=True
    )
    person = await machine.init(wishes)
    assert person.warned == ["left out, for a Rackspace account is asked for: prod (--cloud NAME takes one in)"]
    person = await machine.init(dataclasses.replace(wishes, clouds=("all",)))
    assert {"  prod: signed in, 1 server", "  rax-ord: signed in, 1 server"} <= set(person.told)


async def test_two_clouds_of_one_name_are_refused(machine: Machine, account: Account, rackspace: Rackspace) -> None:
    account.add("rax-dfw")
    before, identity = machine.state(), rackspace.identity
    wishes = Wishes(rackspace_user="ops", api_key=Secret(identity.api_key), identity_url=identity.auth_url)
    with pytest.raises(SetupError, match="two clouds would be called rax-dfw"):
        await machine.init(dataclasses.replace(wishes, clouds=("all",)))
    assert machine.state() == before


async def test_a_rackspace_api_key_in_clouds_yaml_becomes_an_entry_of_its_own_kind(
    machine: Machine, rackspace: Rackspace
) -> None:
    identity = rackspace.identity
    auth = {"username": "ops", "api_key": identity.api_key, "auth_url": identity.auth_url}
    clouds: dict[str, Any] = {
        "rs": {"profile": "rackspace", "auth": auth, "region_name": "ORD"},
        "half": {"profile": "rackspace"},
    }
    clouds["half"]["auth"] = {"api_key": "-"}
    (machine.openstack / "clouds.yaml").write_text(yaml.safe_dump({"clouds": clouds}))
    person = await machine.init(Wishes())
    config = load(machine.root / "gw" / "config.yaml")
    assert [cloud.name for cloud in api_clouds_of(config)] == ["rs"]
    assert person.warned == ["left out: half: its entry in clouds.yaml says no username or no api_key."]


async def test_the_variables_of_an_openrc_become_a_credential(
    machine: Machine, keystone: Keystone, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "OS_AUTH_URL": keystone.auth_url,
        "OS_USERNAME": "ops",
        "OS_PASSWORD": keystone.password,
        "OS_PROJECT_NAME": "ops",
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_IDENTITY_API_VERSION": "3",
        "OS_CACERT": certifi.where(),
    }.items():
        monkeypatch.setenv(name, value)
    person = await machine.init(Wishes(name="prod"), target=machine.target(Way.USER))
    folder = machine.home / ".config" / "console-launcher"
    assert list(copy_in(folder)) == ["prod"]
    config = load(folder / "config.yaml")
    assert config.clouds["prod"].cacert == folder / "credentials" / "prod-ca.pem"
    assert keystone.password not in person.heard
    monkeypatch.setenv("OS_CACERT", "/nowhere.pem")
    monkeypatch.setenv("OS_PASSWORD", WRONG)
    person = FakePerson()
    with pytest.raises(SetupError, match="no credentials are left to try"):
        await machine.init(Wishes(), person)
    assert person.warned == ["left out: ops: its cacert, /nowhere.pem, cannot be read: No such file or directory."]


async def test_a_client_certificate_is_copied_and_found_beside_the_copy(machine: Machine, account: Account) -> None:
    where = machine.openstack
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=ops", "-keyout", where / "key.pem", "-out", where / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    account.add("prod", cert="cert.pem", key="key.pem")
    await machine.init(Wishes())
    folder = machine.root / "gw" / "credentials"
    assert (folder / "prod-key.pem").read_text() == (where / "key.pem").read_text()
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "clouds.yaml": 0o600,
        "prod-cert.pem": 0o600,
        "prod-key.pem": 0o600,
    }
    passed = machine.root / "as-systemd-passes-them"
    passed.mkdir()
    for path in folder.iterdir():
        shutil.copy(path, passed / f"credentials_{path.name}")
    [cloud] = api_clouds_of(load(machine.root / "gw" / "config.yaml"))
    for file in (folder / "clouds.yaml", passed / "credentials_clouds.yaml"):
        assert sign_in(cloud.model_copy(update={"clouds_yaml": file}), SystemClock().now()).tls is not None


async def test_what_is_no_certificate_is_left_out(machine: Machine, account: Account) -> None:
    (machine.openstack / "ca.pem").write_text("hello")
    account.add("prod", cacert="~/.config/openstack/ca.pem")
    person = FakePerson()
    with pytest.raises(SetupError):
        await machine.init(Wishes(), person)
    assert person.warned == [f"left out: prod: its cacert, {machine.openstack}/ca.pem, is no file in PEM."]


async def test_a_clouds_yaml_that_cannot_be_read_is_said(machine: Machine) -> None:
    (machine.openstack / "clouds.yaml").write_text("clouds: [\n")
    person = FakePerson()
    with pytest.raises(SetupError, match=r"no clouds\.yaml that can be used"):
        await machine.init(Wishes(), person)
    assert person.warned == [f"left out: {machine.openstack}/clouds.yaml:2 is not YAML that can be read"]
    (machine.openstack / "clouds.yaml").write_text("cloud: {}\n")
    person = FakePerson()
    with pytest.raises(SetupError):
        await machine.init(Wishes(), person)
    assert person.warned == [f'left out: {machine.openstack}/clouds.yaml has no "clouds:"']


async def test_behind_sudo_the_callers_own_clouds_yaml_is_found(
    machine: Machine, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.add("prod", cacert="~/ca.pem")
    shutil.copy(certifi.where(), machine.home / "ca.pem")
    monkeypatch.setenv("HOME", str(machine.root / "roots-home"))
    machine.sudo_user, machine.sudo_home = "alice", machine.home
    await machine.init(Wishes())
    assert list(copy_in(machine.root / "gw")) == ["prod"]
    assert (machine.root / "gw" / "credentials" / "prod-ca.pem").exists()
