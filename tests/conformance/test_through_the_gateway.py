"""Every answer to "Get console" through one running gateway: what it does, and what the viewer and the log are told.

The rows are in `answers`, to be read beside the page: answer, act, sentence, close code, log line.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from launcher.audit.events import LaunchEvent, fields
from launcher.audit.journal import sentence
from tests.conformance.__main__ import told
from tests.conformance.answers import GRANTED, REFUSED
from tests.conformance.gateway import AnyCloud, Asked, any_cloud, asks, asks_once, before
from tests.conformance.shapes import SERVER_ID, Answer, Granted


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cloud(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AnyCloud]:
    async with any_cloud(tmp_path_factory.mktemp("conformance")) as cloud:
        yield cloud


def roughly(asked: Sequence[Asked], quarter: bool) -> list[object]:
    """The same, pauses being a quarter longer or shorter if `quarter`."""
    return [pytest.approx(step, rel=0.25) if quarter and isinstance(step, float) else step for step in asked]


def log_line(event: LaunchEvent) -> str:
    """As a terminal and the journal show it; JSON lines have the event's fields."""
    return sentence(fields(event))


def of_request(row: Answer) -> str:
    known = row.holds["request_id"]
    return f", {known}" if known else ""


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("row", GRANTED, ids=lambda row: row.title)
async def test_a_good_answer_is_a_screen(cloud: AnyCloud, row: Granted) -> None:
    cloud.become(row)
    status, console = await cloud.post(row)
    assert (status, console["kind"], console["cached"], "url" in console) == (200, row.kind, False, False)
    cloud.become(row)
    seen = await cloud.view(row)
    assert cloud.asked == before(row.site) + asks(row.site, row.kind, row.act)
    assert (seen.code, seen.reason, seen.launch["state"]) == (None, "", "open")
    assert (seen.logged.outcome, seen.logged.reason, seen.logged.request_id) == ("open", None, row.request_id)
    assert seen.logged.kind == row.kind


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.title)
async def test_who_asks_for_a_console_by_the_api_is_told_at_once(cloud: AnyCloud, row: Answer) -> None:
    cloud.become(row)
    status, problem = await cloud.post(row)
    assert cloud.asked == before(row.site) + asks(row.site, row.kind, asks_once(row.act))
    assert (status, problem["status"], problem["type"]) == (row.problem[0], *row.problem)
    assert problem["detail"] == row.sentence
    assert problem.get("request_id") == row.holds["request_id"]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.title)
async def test_a_viewer_waits_where_that_helps_and_is_told_by_close_code_page_and_log(
    cloud: AnyCloud, row: Answer
) -> None:
    cloud.become(row)
    seen = await cloud.view(row)
    expected = before(row.site) + asks(row.site, row.kind, row.act)
    assert cloud.asked == roughly(expected, row.act.by_chance)
    assert (seen.code, seen.logged.outcome) == (row.closes, row.logs)
    if row.closes is None:
        assert seen.launch["state"] == "open"
        return
    read = row.reads or row.sentence
    problem = seen.launch["problem"]
    assert (problem["detail"], seen.logged.reason) == (read, read)
    assert problem["hint"] == row.hint
    assert f"{read} {row.hint}".startswith(seen.reason)
    assert seen.logged.request_id == problem.get("request_id") == row.holds["request_id"]
    assert log_line(seen.logged) == (
        f"launch by {seen.logged.actor}: {row.site.cloud}/web-01: {row.logs} ({read}), "
        f"{seen.logged.milliseconds} ms{of_request(row)}"
    )
    assert (seen.logged.server, seen.logged.name, seen.logged.cloud) == (SERVER_ID, "web-01", row.site.cloud)


def test_every_row_can_be_read_beside_the_page() -> None:
    for row in (*GRANTED, *REFUSED):
        title, *lines = told(row)
        assert title == row.title
        assert f"    closes  {(isinstance(row, Answer) and row.closes) or 'not'}" in lines
        assert all(len(line) <= 120 for line in lines)
