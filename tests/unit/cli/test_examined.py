"""What the doctor found, as a person reads it."""

from __future__ import annotations

from typing import Any

import pytest

from launcher.cli.examined import ASCII, FINE, Look, exit_of, is_report, report_lines, signs_for
from launcher.cli.exits import Exit
from launcher.cli.text import width


def hop(name: str, verdict: str = "ok", **more: Any) -> dict[str, Any]:
    return {
        "name": name, "title": name, "verdict": verdict, "seconds": 0.0123, "seen": "seen", "reason": "", "advice": [],
    } | more  # fmt: skip


BROKEN = hop("catalog", "failed", reason="There is no region.", advice=["Correct the region: clouds.prod.regions."])
LATER = hop("role", "not reached", seconds=None, seen="")


def report(*hops: dict[str, Any]) -> dict[str, Any]:
    failed = next((one["name"] for one in hops if one["verdict"] == "failed"), None)
    cloud = {"cloud": "prod", "provider": "openstack", "region": None, "hops": list(hops)}
    return {"well": failed is None, "failed": failed, "hops": [hop("configuration")], "clouds": [cloud]}


def test_a_hop_is_a_line_and_the_failed_one_says_what_to_change() -> None:
    look = Look(FINE, None, colour=False)
    assert report_lines(report(hop("identity", "skipped", seconds=None, seen="none"), BROKEN, LATER), look) == [
        "  ✓ configuration       0.012 s  seen",
        "",
        "prod (openstack)",
        "  – identity                     none",
        "  ✗ catalog             0.012 s  seen",
        "    There is no region.",
        "    → Correct the region: clouds.prod.regions.",
        "  – role                         not reached",
        "",
        "Failed: prod at catalog.",
    ]


def test_all_is_well_is_said() -> None:
    lines = report_lines(report(hop("role", seen="")), Look(ASCII, None, colour=False))
    assert lines[-1] == "All is well."
    assert lines[-3] == "  ok role                0.012 s"


@pytest.mark.parametrize("columns", [34, 50, 80])
def test_lines_are_wrapped_to_the_terminal(columns: int) -> None:
    long = hop("catalog", "failed", seen="one " * 30, reason="two " * 40, advice=["three " * 40])
    lines = report_lines(report(long), Look(FINE, columns, colour=False))
    assert max(width(line) for line in lines) <= columns
    assert " ".join(" ".join(lines).split()).count("three") == 40


def test_an_address_stays_whole_so_that_it_can_be_copied() -> None:
    url = "https://keystone.example.net:5000/" + "v" * 60
    lines = report_lines(report(hop("catalog", seen=f"at {url} there")), Look(FINE, 50, colour=False))
    assert any(url in line for line in lines)


def test_colours_are_for_who_wants_them() -> None:
    coloured = "\n".join(report_lines(report(BROKEN, LATER), Look(FINE, None, colour=True)))
    assert "\x1b[31m✗\x1b[0m" in coloured
    assert "\x1b[1mprod (openstack)\x1b[0m" in coloured
    assert "\x1b" not in "\n".join(report_lines(report(BROKEN), Look(FINE, None, colour=False)))


def test_strangers_words_steer_no_terminal() -> None:
    hostile = "\x1b[31m\u202e"
    body = report(hop("server", "failed", seen=hostile, reason=hostile, advice=[hostile]))
    body["clouds"][0]["cloud"] = hostile
    assert not any("\x1b" in line or "\u202e" in line for line in report_lines(body, Look(FINE, 80, colour=False)))


def test_signs_are_those_that_can_be_written() -> None:
    assert signs_for("utf-8") is FINE
    assert signs_for("ascii") is signs_for("latin-1") is signs_for("no-such-encoding") is ASCII


def test_the_exit_code_follows_the_hop_that_failed() -> None:
    assert exit_of(report(hop("role"))) is Exit.OK
    assert exit_of(report(BROKEN)) is Exit.NO_GATEWAY
    assert exit_of(report(hop("configuration", "failed"))) is Exit.CONFIG


@pytest.mark.parametrize(
    "body",
    [
        {}, {"clouds": []}, {"clouds": [], "hops": []}, {"clouds": [], "hops": [{}], "well": True},
        {"clouds": [5], "hops": [], "well": True}, {"clouds": [{"cloud": "x"}], "hops": [], "well": True},
        {"clouds": [], "hops": [hop("x", advice="y")], "well": True},
        {"clouds": [], "hops": [hop("x", seconds="y")], "well": True},
    ],
)  # fmt: skip
def test_what_is_no_report_is_told_from_one(body: dict[str, Any]) -> None:
    assert not is_report(body)
    assert is_report(report(BROKEN, LATER))
