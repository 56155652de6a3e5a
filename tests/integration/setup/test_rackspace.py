"""`init` with a Rackspace user name and API key: what is asked, tried and written."""

from __future__ import annotations

import dataclasses
import errno
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from launcher.config.load import load
from launcher.config.models import clouds_of
from launcher.errors import ConfigError, SetupError, SetupFault
from launcher.model import Secret
from launcher.setup.places import Way
from launcher.setup.scene import Wishes
from launcher.setup.write import Disk
from tests.fakes.issued import note
from tests.fakes.person import FakePerson
from tests.integration.setup.conftest import Machine, Rackspace


@pytest.fixture
def wishes(rackspace: Rackspace) -> Wishes:
    """All options given: nobody need be asked."""
    return Wishes(
        rackspace_user="ops", api_key=Secret(rackspace.identity.api_key), identity_url=rackspace.identity.auth_url
    )


def config_of(machine: Machine, way: Way = Way.DIRECTORY) -> Path:
    return Path(machine.target(way).config)


async def test_what_was_tried_is_written_and_can_be_used(
    machine: Machine, rackspace: Rackspace, wishes: Wishes
) -> None:
    person = await machine.init(wishes)
    config = load(config_of(machine))
    assert [cloud.name for cloud in clouds_of(config)] == ["rax-dfw", "rax-ord"]
    [entry] = config.clouds.values()
    assert entry.provider == "rackspace"
    assert entry.api_key is not None
    assert entry.api_key.reveal() == rackspace.identity.api_key
    assert "  rax-dfw: signed in, 2 servers" in person.told
    assert "  rax-ord: signed in, 1 server" in person.told
    assert "http://localhost:6080/c/rax-dfw/web-01" in person.heard, "the one that runs"
    assert rackspace.identity.api_key not in person.heard
    assert rackspace.dfw.console_requests == rackspace.ord.console_requests == []


async def test_a_wrong_key_writes_nothing(machine: Machine, wishes: Wishes) -> None:
    before, wrong = machine.state(), note("wrong-key-of-the-test")
    person = FakePerson()
    with pytest.raises(SetupError) as refused:
        await machine.init(dataclasses.replace(wishes, api_key=Secret(wrong)), person)
    assert refused.value.fault is SetupFault.REFUSED
    assert str(refused.value) == "no cloud let the gateway in: nothing was written."
    assert person.warned[0].startswith("  left out: rax does not accept the gateway's credentials")
    assert wrong not in person.heard
    assert machine.state() == before


async def test_what_no_option_says_is_asked_for(machine: Machine, rackspace: Rackspace) -> None:
    person = FakePerson("ops", rackspace.identity.api_key, "dwf", "dfw")
    await machine.init(Wishes(identity_url=rackspace.identity.auth_url), person)
    assert person.asked == [
        "Rackspace user name: ",
        "API key of ops (it is not shown): ",
        "  Which of them? [all] ",
        "  Which of them? [all] ",
    ]
    assert person.warned == ['  there is no region "dwf" (there are: DFW, ORD). Did you mean DFW?']
    assert [cloud.name for cloud in clouds_of(load(config_of(machine)))] == ["rax-dfw"]
    assert rackspace.identity.api_key not in person.heard


async def test_the_empty_answer_takes_all_regions(machine: Machine, wishes: Wishes) -> None:
    await machine.init(wishes, FakePerson(""))
    assert [cloud.name for cloud in clouds_of(load(config_of(machine)))] == ["rax-dfw", "rax-ord"]


@pytest.mark.parametrize("answers", [("",), ("ops", "")])
async def test_an_answer_that_is_missing_ends_it(machine: Machine, answers: tuple[str, ...]) -> None:
    before, person = machine.state(), FakePerson(*answers)
    with pytest.raises(SetupError, match=r"no (user name|API key) was given: nothing was written\."):
        await machine.init(Wishes(), person)
    assert "There is no clouds.yaml that can be used" in person.told[0]
    assert machine.state() == before


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        (Wishes(), "There is no clouds.yaml that can be used"),
        (Wishes(rackspace_user="ops"), "--api-key-file FILE (- for standard input) is missing"),
        (Wishes(api_key=Secret("-")), "--rackspace-user NAME is missing"),
    ],
)
async def test_without_a_terminal_the_missing_option_is_named(machine: Machine, wishes: Wishes, told: str) -> None:
    with pytest.raises(SetupError) as refused:
        await machine.init(wishes)
    assert str(refused.value).startswith(told)
    assert refused.value.fault is SetupFault.USAGE


async def test_the_wished_regions_are_taken(machine: Machine, wishes: Wishes) -> None:
    await machine.init(dataclasses.replace(wishes, regions=("ORD",), name="rackspace"))
    assert [cloud.name for cloud in clouds_of(load(config_of(machine)))] == ["rackspace-ord"]


async def test_a_region_that_the_account_has_not_is_said_with_those_it_has(machine: Machine, wishes: Wishes) -> None:
    person = FakePerson()
    with pytest.raises(SetupError, match="no cloud let the gateway in"):
        await machine.init(dataclasses.replace(wishes, regions=("SYD",)), person)
    assert person.warned == ['  left out: rax has no region "SYD" (has: DFW, ORD).']


async def test_a_region_that_does_not_work_is_left_out_and_the_names_stay(
    machine: Machine, rackspace: Rackspace, wishes: Wishes
) -> None:
    async def fail(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    rackspace.dfw.fault = fail
    person = await machine.init(wishes)
    assert [cloud.name for cloud in clouds_of(load(config_of(machine)))] == ["rax-ord"]
    assert person.warned[0].startswith("  left out: rax-dfw")


async def test_no_region_that_works_is_no_cloud(machine: Machine, rackspace: Rackspace, wishes: Wishes) -> None:
    await rackspace.dfw.stop()
    await rackspace.ord.stop()
    with pytest.raises(SetupError, match="no cloud let the gateway in"):
        await machine.init(wishes)


async def test_servers_with_hostile_names_do_nothing_to_the_terminal(
    machine: Machine, rackspace: Rackspace, wishes: Wishes
) -> None:
    rackspace.dfw.servers.clear()
    rackspace.ord.servers.clear()
    server_id = rackspace.ord.add_server("\x1b[2J\u202e../../etc\n<img src=x onerror=alert(1)>")
    person = await machine.init(wishes)
    assert f"http://localhost:6080/c/rax-ord/{server_id}" in person.heard
    assert "\x1b" not in person.heard
    assert "\u202e" not in person.heard


async def test_a_second_run_changes_nothing_and_tries_what_is_there(machine: Machine, wishes: Wishes) -> None:
    await machine.init(wishes)
    before = machine.state()
    person = await machine.init(wishes)
    assert machine.state() == before
    folder = machine.root / "gw"
    assert [line for line in person.told if line.startswith("kept")] == [
        f"kept {folder}/config.yaml: it exists",
        f"kept {folder}/credentials/rax-api-key: it exists",
        f"kept {folder}/systemd/console-launcher.service: it exists",
    ]
    assert "  rax-dfw: signed in, 2 servers" in person.told
    assert person.warned == []
    assert "start afresh" not in person.heard


async def test_a_second_run_asks_nothing(machine: Machine, wishes: Wishes) -> None:
    await machine.init(wishes)
    person = await machine.init(Wishes(), FakePerson("unused"))
    assert person.asked == []


async def test_a_second_run_tells_what_differs_and_how_to_start_afresh(machine: Machine, wishes: Wishes) -> None:
    await machine.init(wishes)
    unit = machine.root / "gw" / "systemd" / "console-launcher.service"
    unit.write_text("[Service]\n# mine\n")
    before = machine.state()
    person = await machine.init(dataclasses.replace(wishes, rackspace_user="eve"))
    assert machine.state() == before
    assert f"kept {unit}: it exists, and differs from what would be written now" in person.told
    assert person.warned == ["the configuration has no entry of the Rackspace user eve."]
    assert f"  mv {machine.root}/gw {machine.root}/gw.old\n  console-launcher init" in person.heard
    assert "service.old" not in person.heard, "it is in that folder"


async def test_a_first_run_keeps_a_unit_that_is_there(machine: Machine, wishes: Wishes) -> None:
    unit = machine.root / "gw" / "systemd" / "console-launcher.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\n# mine\n")
    person = await machine.init(wishes)
    assert unit.read_text() == "[Service]\n# mine\n"
    assert f"kept {unit}: it exists, and differs from what would be written now" in person.told
    assert f"  mv {unit} {unit}.old\n  console-launcher init" in person.heard


async def test_a_unit_that_is_missing_is_written_later(machine: Machine, wishes: Wishes) -> None:
    await machine.init(wishes)
    unit = machine.root / "gw" / "systemd" / "console-launcher.service"
    unit.unlink()
    before = machine.state()
    person = await machine.init(dataclasses.replace(wishes, dry_run=True))
    assert machine.state() == before
    assert "Nothing was written, because of --dry-run." in person.heard
    person = await machine.init(wishes)
    assert unit.read_text() == "[Service]\n"
    assert f"\nWrote:\n  {unit} (0644)" in person.told


async def test_a_second_run_tells_which_cloud_lets_it_in_no_more(
    machine: Machine, rackspace: Rackspace, wishes: Wishes
) -> None:
    await machine.init(wishes)
    rackspace.identity.api_key = note("another-key-of-the-test")
    person = await machine.init(wishes)
    assert len(person.warned) == 2
    assert all("does not accept the gateway's credentials" in line for line in person.warned)


async def test_a_configuration_that_is_there_and_not_good_is_told_like_any_other(
    machine: Machine, wishes: Wishes
) -> None:
    config = config_of(machine)
    config.parent.mkdir()
    config.write_text("listen: x\n")
    before = machine.state()
    with pytest.raises(ConfigError):
        await machine.init(wishes)
    config.unlink()
    config.symlink_to("nowhere")
    with pytest.raises(ConfigError, match="there is no such file"):
        await machine.init(wishes)
    assert set(machine.state()) == set(before)


async def test_a_dry_run_tries_all_and_writes_nothing(machine: Machine, rackspace: Rackspace, wishes: Wishes) -> None:
    before = machine.state()
    person = await machine.init(dataclasses.replace(wishes, dry_run=True))
    assert machine.state() == before
    assert rackspace.identity.sign_ins > 0
    assert f"  {machine.root}/gw/credentials/rax-api-key (0600)\n    ***" in person.heard
    assert "    api_key: {credential: rax-api-key}" in person.heard
    assert rackspace.identity.api_key not in person.heard


async def test_a_full_disk_leaves_nothing(machine: Machine, wishes: Wishes) -> None:
    class Full(Disk):
        def link(self, staged: Path, place: Path) -> None:
            if place.name == "config.yaml":
                raise OSError(errno.ENOSPC, "No space left on device", str(staged), None, str(place))
            super().link(staged, place)

    before = machine.state()
    with pytest.raises(SetupError, match=r"No space left on device\): nothing was written"):
        await machine.init(wishes, disk=Full())
    assert machine.state() == before


async def test_the_configuration_is_loaded_before_it_is_there(machine: Machine, wishes: Wishes) -> None:
    before, target = machine.state(), machine.target(Way.SYSTEM, "no-such-account")
    with pytest.raises(ConfigError) as refused:
        await machine.init(wishes, target=target)
    assert [str(problem) for problem in refused.value.problems] == [
        f'{target.config}:22 access.local_users[0]: there is no account "no-such-account" on this machine'
    ]
    assert machine.state() == before


async def test_the_service_of_the_machine_has_its_files_where_systemd_looks(
    machine: Machine, rackspace: Rackspace, wishes: Wishes
) -> None:
    person = await machine.init(wishes, target=machine.target(Way.SYSTEM, "root"))
    modes = {path: mode for path, (mode, *_) in machine.state().items() if path.startswith("etc/")}
    assert modes == {
        "etc/console-launcher": 0o755,
        "etc/console-launcher/config.yaml": 0o644,
        "etc/console-launcher/credentials": 0o700,
        "etc/console-launcher/credentials/rax-api-key": 0o600,
        "etc/systemd": 0o755,
        "etc/systemd/system": 0o755,
        "etc/systemd/system/console-launcher.service": 0o644,
        "etc/sysusers.d": 0o755,
        "etc/sysusers.d/console-launcher.conf": 0o644,
    }
    assert yaml.safe_load(config_of(machine, Way.SYSTEM).read_text())["access"] == {"local_users": ["root"]}
    assert rackspace.identity.api_key not in config_of(machine, Way.SYSTEM).read_text()
    assert "http://jump.localhost:6080/c/rax-dfw/web-01" in person.heard


async def test_a_credential_that_is_there_already_is_used_if_it_is_the_same(
    machine: Machine, rackspace: Rackspace, wishes: Wishes
) -> None:
    folder = machine.root / "gw" / "credentials"
    folder.mkdir(parents=True, mode=0o700)
    key = folder / "rax-api-key"
    key.touch(0o600)
    key.write_text("something else\n")
    before = machine.state()
    with pytest.raises(SetupError) as refused:
        await machine.init(wishes)
    assert str(refused.value) == f"{key} exists and holds something else: nothing was written."
    assert f"  mv {key} {key}.old" in refused.value.advice
    assert machine.state() == before
    key.write_text(f"{rackspace.identity.api_key}\n")
    person = await machine.init(wishes)
    assert f"kept {key}: it exists" in person.told
    load(config_of(machine))
