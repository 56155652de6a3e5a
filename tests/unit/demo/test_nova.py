from __future__ import annotations

from dataclasses import replace

import pytest

from launcher.demo import nova
from launcher.demo.fleet import ACTIVE, BUILDING, PROD, SITE, Fleet
from launcher.demo.nova import Refusal
from launcher.model import Kind

MACHINES = Fleet(SITE, 0.0).of(PROD)
MACHINE = MACHINES[0]


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ({}, (2, 1)),
        ({"OpenStack-API-Version": "compute 2.6"}, (2, 6)),
        ({"X-OpenStack-Nova-API-Version": "2.30"}, (2, 30)),
        ({"OpenStack-API-Version": "compute latest"}, nova.MAX_VERSION),
        ({"OpenStack-API-Version": "volume 3.1"}, (2, 1)),
    ],
)
def test_the_microversion_is_what_the_headers_ask_for(headers: dict[str, str], version: tuple[int, int]) -> None:
    assert nova.asked_version(headers, legacy=False) == version


def test_the_legacy_endpoint_drops_both_headers() -> None:
    assert nova.asked_version({"OpenStack-API-Version": "compute 2.6"}, legacy=True) == (2, 1)


@pytest.mark.parametrize(("asked", "status"), [("2.999", 406), ("2.0", 406), ("two", 400)])
def test_a_microversion_that_is_not_there_is_refused(asked: str, status: int) -> None:
    with pytest.raises(Refusal) as refused:
        nova.asked_version({"X-OpenStack-Nova-API-Version": asked}, legacy=False)
    assert refused.value.status == status


def test_a_listing_has_a_marker_only_when_there_is_a_next_page() -> None:
    first, marker = nova.page(MACHINES, {"limit": "4"})
    assert ([machine.name for machine in first], marker) == ([m.name for m in MACHINES[:4]], MACHINES[3].id)
    rest, marker = nova.page(MACHINES, {"marker": MACHINES[3].id, "limit": str(len(MACHINES) - 4)})
    assert (list(rest), marker) == (list(MACHINES[4:]), None)
    assert nova.page(MACHINES, {"marker": MACHINES[-1].id}) == ([], None)


def test_a_page_is_never_larger_than_the_cloud_allows() -> None:
    assert len(nova.page(MACHINES, {"limit": "100"}, 3)[0]) == 3


def test_a_name_is_a_regular_expression_found_anywhere() -> None:
    assert [machine.name for machine in nova.page(MACHINES, {"name": "^web-0[12]$"})[0]] == ["web-01", "web-02"]
    assert [machine.name for machine in nova.page(MACHINES, {"name": "aster"})[0]] == ["db-master-01"]


@pytest.mark.parametrize("query", [{"marker": "nobody"}, {"limit": "-1"}, {"limit": "many"}, {"name": "("}])
def test_a_listing_that_makes_no_sense_is_a_bad_request(query: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        nova.page(MACHINES, query)
    assert (refused.value.status, refused.value.fault) == (400, "badRequest")


def test_the_action_ends_where_remote_consoles_begins() -> None:
    body = {"os-getVNCConsole": {"type": "novnc"}}
    assert nova.asked_action(body, (2, 5)) == ("os-getVNCConsole", "novnc")
    with pytest.raises(Refusal) as gone:
        nova.asked_action(body, (2, 6))
    with pytest.raises(Refusal) as not_yet:
        nova.asked_remote_console({"remote_console": {"protocol": "vnc", "type": "novnc"}}, (2, 5))
    assert (gone.value.status, gone.value.message) == (404, nova.NO_SUCH_PATH)
    assert (not_yet.value.status, not_yet.value.message) == (404, nova.NO_SUCH_PATH)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"os-start": None, "os-stop": None},
        {"fly": None},
        {"os-getVNCConsole": {"type": "rdp"}},
        {"os-getVNCConsole": {"type": "novnc", "more": 1}},
        {"os-getVNCConsole": "novnc"},
    ],
)
def test_an_action_that_makes_no_sense_is_a_bad_request(body: object) -> None:
    with pytest.raises(Refusal) as refused:
        nova.asked_action(body, (2, 1))
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"remote_console": {"protocol": "vnc"}},
        {"remote_console": {"protocol": "vnc", "type": "rdp"}},
        {"remote_console": {"protocol": "spice", "type": "novnc"}},
        {"remote_console": {}, "more": {}},
    ],
)
def test_a_remote_console_that_makes_no_sense_is_a_bad_request(body: object) -> None:
    with pytest.raises(Refusal) as refused:
        nova.asked_remote_console(body, (2, 6))
    assert refused.value.status == 400


def test_other_actions_keep_their_argument() -> None:
    assert nova.asked_action({"reboot": {"type": "HARD"}}, (2, 90)) == ("reboot", {"type": "HARD"})
    assert nova.asked_remote_console({"remote_console": {"protocol": "vnc", "type": "xvpvnc"}}, (2, 6)) == "xvpvnc"


@pytest.mark.parametrize(("action", "status"), [(True, 500), (False, 400)])
def test_xvpvnc_is_refused_in_two_ways(action: bool, status: int) -> None:
    with pytest.raises(Refusal) as refused:
        nova.check_console(MACHINE, ACTIVE, "xvpvnc", action=action)
    assert refused.value.status == status


@pytest.mark.parametrize("action", [True, False])
def test_a_server_of_xvpvnc_consoles_has_no_others(action: bool) -> None:
    other = replace(MACHINE, kind=Kind.XVPVNC)
    nova.check_console(other, ACTIVE, "xvpvnc", action=action)
    with pytest.raises(Refusal) as refused:
        nova.check_console(other, ACTIVE, "novnc", action=action)
    assert (refused.value.status, refused.value.message) == (400, "Unavailable console type novnc")


def test_a_server_without_a_host_is_not_ready() -> None:
    nova.check_console(MACHINE, ACTIVE, "novnc", action=True)
    with pytest.raises(Refusal) as refused:
        nova.check_console(MACHINE, BUILDING, "novnc", action=True)
    assert (refused.value.status, refused.value.fault) == (409, "conflictingRequest")
    assert refused.value.message == f"Instance {MACHINE.id} is not ready"


def test_the_version_document_says_which_endpoint_has_microversions() -> None:
    legacy, modern = nova.versions("http://x", legacy=True, modern=True)
    assert (legacy["id"], legacy["version"]) == ("v2.0", "")
    assert (modern["id"], modern["version"], modern["min_version"]) == ("v2.1", "2.104", "2.1")
    assert nova.versions("http://x", legacy=True, modern=False) == [legacy]
    assert nova.versions("http://x", legacy=False, modern=True) == [modern]


def test_a_server_is_shown_with_its_states() -> None:
    shown = nova.server_document(MACHINES[6], BUILDING, "http://x", "p", "2026-01-01T00:00:00Z")
    assert (shown["status"], shown["OS-EXT-STS:task_state"], shown["OS-EXT-STS:vm_state"]) == (
        "BUILD",
        "spawning",
        "building",
    )
    assert shown["hostId"] == ""
    assert nova.not_found("x").message == "Instance x could not be found."
