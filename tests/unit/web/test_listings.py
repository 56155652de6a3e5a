"""What the API says of servers, and understands of a query."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from launcher.errors import BadRequestError, CloudError
from launcher.model import Server
from launcher.web.listings import age_of, limit_of, meant_object, seconds_of, server_object, tag_of

NOW = datetime(2026, 11, 24, 14, 3, tzinfo=UTC)
ID = "0f0e0d0c-0b0a-4908-8706-050403020100"
PUBLIC = "http://jump.localhost:6080"


@dataclass
class Known:
    errors: dict[str, CloudError] = field(default_factory=dict)
    as_of: dict[str, datetime] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=lambda: {"prod": 1})
    waiting: tuple[str, ...] = ()
    refreshing: tuple[str, ...] = ()


def test_the_age_is_that_of_the_oldest_and_none_is_below_nothing() -> None:
    assert age_of(Known(), NOW) == 0
    moments = {"prod": NOW - timedelta(seconds=7.9), "stage": NOW + timedelta(seconds=3)}
    assert age_of(Known(as_of=moments), NOW) == 7
    assert age_of(Known(as_of={"stage": moments["stage"]}), NOW) == 0, "a clock may be set back"


def test_a_tag_is_another_where_servers_or_problems_or_who_counts_them_are() -> None:
    tag = tag_of(Known(), "mark")
    assert tag == tag_of(Known(as_of={"prod": NOW}, waiting=("prod",), refreshing=("prod",)), "mark")
    others = [Known(versions={"prod": 2}), Known(errors={"prod": CloudError("no", cloud="prod")})]
    assert tag not in {*(tag_of(known, "mark") for known in others), tag_of(Known(), "another")}


def test_a_server_s_own_bookmark_is_by_what_it_was_asked_by() -> None:
    server = Server("prod", ID, "web-01", "ACTIVE")
    by_name, by_id = "/c/prod/web-01", f"/c/prod/{ID}"
    named = meant_object(server, "web-01", PUBLIC, alone=False)
    assert (named["path"], named["by_name"], named["by_id"], named["page"]) == (
        by_name,
        by_name,
        by_id,
        PUBLIC + by_name,
    )
    for alone, offered in ((True, by_name), (False, None)):
        found = meant_object(server, ID, PUBLIC, alone=alone)
        assert (found["path"], found["by_name"], found["page"]) == (by_id, offered, PUBLIC + by_id)
    assert server_object(server, PUBLIC, shared=True)["path"] == by_id


@pytest.mark.parametrize("text", ["", "x", "-1", "1e3", "nan", "100000", "1.0000", " 1", "\u0661"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match=r"^wait is a number of seconds"):
        seconds_of({"wait": text}, "wait", None)


def test_a_time_is_in_seconds_and_may_be_left_out() -> None:
    assert seconds_of({"wait": "0.25"}, "wait", 2.0) == 0.25
    assert seconds_of({}, "wait", 2.0) == 2.0
    assert seconds_of({}, "max_age", None) is None


@pytest.mark.parametrize("text", ["", "0", "1001", "many", "00001"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match=r"^limit is a number"):
        limit_of({"limit": text})
    assert (limit_of({"limit": "7"}), limit_of({})) == (7, 100)
