"""The report of a run."""

from __future__ import annotations

import json

from launcher.doctor.hops import (
    CLOUD_HOPS,
    SCREEN_HOPS,
    STATIC_HOPS,
    TARGET_HOPS,
    TITLES,
    CloudReport,
    Hop,
    HopName,
    Limits,
    Report,
    Verdict,
    completed,
    first_failed,
)

FINE = Hop(HopName.CONFIGURATION, Verdict.OK, 0.00012345, "clouds.prod")
BROKEN = Hop(HopName.IDENTITY_DNS, Verdict.FAILED, 5.0, "keystone", "No answer.", ("Ask again.",))


def cloud(*hops: Hop) -> CloudReport:
    return CloudReport("prod", "openstack", "RegionOne", hops)


def test_every_hop_has_a_title_and_belongs_to_a_cloud_or_a_screen() -> None:
    assert set(TITLES) == set(HopName) == {
        HopName.GATEWAY, *CLOUD_HOPS, *SCREEN_HOPS, *STATIC_HOPS, *TARGET_HOPS,
    }  # fmt: skip
    assert (CLOUD_HOPS[0], CLOUD_HOPS[-1]) == (HopName.CONFIGURATION, HopName.ROLE)
    assert (SCREEN_HOPS[0], SCREEN_HOPS[-1]) == (HopName.SERVER, HopName.FIRST_BYTES)
    assert (TARGET_HOPS[0], TARGET_HOPS[-1]) == (HopName.TARGET, HopName.GREETING)


def test_hops_that_were_not_come_to_are_not_reached() -> None:
    found = completed([FINE, BROKEN], CLOUD_HOPS)
    assert found[:2] == (FINE, BROKEN)
    assert [hop.name for hop in found] == list(CLOUD_HOPS)
    assert {hop.verdict for hop in found[2:]} == {Verdict.NOT_REACHED}
    assert first_failed(found) is BROKEN


def test_a_report_names_the_hop_that_is_to_be_mended_first() -> None:
    assert Report(None, (), (cloud(FINE),)).well
    report = Report("prod/web-01", (FINE,), (cloud(FINE), cloud(FINE, BROKEN)))
    assert (report.well, report.failed) == (False, BROKEN)
    gateway = Hop(HopName.GATEWAY, Verdict.FAILED)
    assert report.behind(gateway).failed is gateway


def test_its_json_says_all_of_it() -> None:
    said = json.loads(json.dumps(Report("prod/web-01", (FINE,), (cloud(FINE, BROKEN),)).as_json()))
    assert (said["well"], said["failed"], said["reference"]) == (False, "identity-dns", "prod/web-01")
    [one] = said["clouds"]
    assert (one["cloud"], one["region"], one["failed"], one["seconds"]) == ("prod", "RegionOne", "identity-dns", 5.0001)
    assert one["hops"][1] == {
        "name": "identity-dns", "title": "Identity DNS", "verdict": "failed", "seconds": 5.0, "seen": "keystone",
        "reason": "No answer.", "advice": ["Ask again."],
    }  # fmt: skip


def test_a_person_may_shorten_limits_and_lengthen_none() -> None:
    assert Limits().within(None) == Limits()
    assert Limits().within(1e9) == Limits()
    assert Limits().within(2) == Limits(2, 2, 2, 2, 2, 2)
