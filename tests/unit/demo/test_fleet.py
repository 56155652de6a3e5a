from __future__ import annotations

import uuid

import pytest

from launcher.demo.fleet import (
    ACTIVE,
    BUILD_TIME,
    BUILDING,
    PAUSED,
    PROD,
    RAX,
    REBOOT_TIME,
    REBOOTING,
    SHUTOFF,
    SITE,
    Fleet,
    State,
)


def test_the_site_has_servers_in_every_state_that_a_person_meets() -> None:
    states = [state.status for _, state in SITE]
    assert {"ACTIVE", "SHUTOFF", "PAUSED", "ERROR", "BUILD", "SHELVED_OFFLOADED"} == set(states)
    assert len(SITE) >= 12
    assert {machine.project for machine, _ in SITE} == {PROD, RAX}


def test_the_names_of_a_project_are_its_own() -> None:
    names = [(machine.project, machine.name) for machine, _ in SITE]
    assert len(set(names)) == len(names)


def test_a_name_that_is_markup_is_there_and_no_newcomer_s_first_row() -> None:
    assert max(machine.name for machine in Fleet(SITE, 0.0).of(PROD)) == "x-<img src=x onerror=alert(1)>"


def test_no_two_servers_have_one_colour() -> None:
    assert len({machine.accent for machine, _ in SITE}) == len(SITE)


def test_a_server_has_the_same_uuid_in_every_run() -> None:
    first, second = Fleet(SITE, 0.0), Fleet(SITE, 99.0)
    assert [machine.id for machine in first] == [machine.id for machine in second]
    assert all(str(uuid.UUID(machine.id)) == machine.id for machine in first)


def test_a_server_that_is_built_is_active_after_a_while() -> None:
    fleet = Fleet(SITE, 100.0)
    machine = fleet.named("ci-runner-07")
    assert fleet.state(machine, 100.0 + BUILD_TIME - 0.1) == BUILDING
    assert fleet.state(machine, 100.0 + BUILD_TIME) == ACTIVE
    assert fleet.state(machine, 100.0) == ACTIVE


def test_a_reboot_comes_to_its_end() -> None:
    fleet = Fleet(SITE, 0.0)
    machine = fleet.named("web-01")
    fleet.reboot(machine, 50.0)
    assert fleet.state(machine, 50.0 + REBOOT_TIME - 0.1) == REBOOTING
    assert fleet.state(machine, 50.0 + REBOOT_TIME) == ACTIVE


def test_off_lasts_as_long_as_it_was_told_to() -> None:
    fleet = Fleet(SITE, 0.0)
    machine = fleet.named("web-01")
    fleet.power_off(machine, 10.0, 30.0)
    assert fleet.state(machine, 39.9) == SHUTOFF
    assert fleet.state(machine, 40.0) == ACTIVE
    fleet.power_off(machine, 50.0)
    assert fleet.state(machine, 1e9) == SHUTOFF
    fleet.start(machine)
    assert fleet.state(machine, 1e9) == ACTIVE


def test_a_deleted_server_is_nowhere_and_stays_so() -> None:
    fleet = Fleet(SITE, 0.0)
    machine = fleet.named("web-01")
    fleet.delete(machine)
    fleet.reboot(machine, 1.0)
    fleet.delete(machine)
    assert fleet.find(machine.id) is None
    assert fleet.state(machine, 2.0) is None
    assert machine not in fleet.of(PROD)
    with pytest.raises(KeyError):
        fleet.named("web-01")


@pytest.mark.parametrize(
    ("state", "host", "screen", "power"),
    [
        (ACTIVE, True, True, 1),
        (PAUSED, True, True, 3),
        (SHUTOFF, True, False, 4),
        (REBOOTING, True, False, 1),
        (BUILDING, False, False, 0),
        (State("ERROR"), False, False, 0),
        (State("SHELVED_OFFLOADED"), False, False, 4),
    ],
)
def test_what_a_state_means(state: State, host: bool, screen: bool, power: int) -> None:
    assert (state.has_host, state.has_screen, state.power) == (host, screen, power)
