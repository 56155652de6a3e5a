from __future__ import annotations

import pytest

from launcher.consoles.patience import BELIEVED, TRIES, Patience, passes, pause
from launcher.errors import (
    CloudBusyError,
    CloudCredentialsError,
    CloudError,
    CloudReplyError,
    CloudUnreachableError,
    ConsoleRefusedError,
)


def busy(retry_after: float | None) -> CloudBusyError:
    return CloudBusyError("wait", cloud="prod", request_id="req-1", retry_after=retry_after)


def bad(status: int) -> CloudReplyError:
    return CloudReplyError(f"status {status}", cloud="prod", request_id="req-2", status=status)


def left(patience: Patience, now: float, server: str = "one") -> float:
    """Seconds that the cloud is not to be asked for the server."""
    try:
        patience.require(server, now)
    except CloudError as error:
        return error.retry_after or -1
    return 0


def test_a_cloud_is_left_alone_for_as_long_as_it_asked() -> None:
    patience = Patience()
    assert left(patience, 0) == 0
    assert patience.note(busy(41), "one", 100, 0.5) == 41
    assert [left(patience, now, "another") for now in (100, 140.5, 141, 140)] == [41, 0.5, 0, 1]


def test_the_error_says_how_long_and_keeps_the_clouds_request_id() -> None:
    patience = Patience()
    patience.note(busy(41), "one", 100, 0.5)
    with pytest.raises(CloudBusyError) as caught:
        patience.require("one", 100.5)
    assert str(caught.value) == "prod asks for patience: it is asked for no console in the next 41 s."
    assert (caught.value.cloud, caught.value.request_id, caught.value.retry_after) == ("prod", "req-1", 40.5)


def test_nobody_is_believed_for_longer_than_an_hour() -> None:
    patience = Patience()
    assert patience.note(busy(1e9), "one", 100, 0.5) == BELIEVED == 3600
    assert left(patience, 100 + BELIEVED) == 0


def test_a_shorter_wait_that_comes_in_later_takes_nothing_from_a_longer_one() -> None:
    patience = Patience()
    patience.note(busy(60), "one", 100, 0.5)
    assert patience.note(busy(5), "two", 101, 0.5) == 59
    assert left(patience, 110) == 50
    patience.note(busy(60), "one", 110, 0.5)
    assert left(patience, 110) == 60


def test_a_cloud_that_has_asked_for_patience_is_watched_until_it_gives_a_console() -> None:
    patience = Patience()
    for error in (busy(3), busy(None)):
        patience.note(error, "one", 100, 0.5)
        assert patience.wary
        patience.good("one", 103)
        assert not patience.wary
        assert left(patience, 100) == 0


def test_a_passing_failure_pauses_longer_each_time_and_is_then_given_out_for_what_it_is() -> None:
    patience, now, pauses = Patience(), 100.0, []
    for _ in range(TRIES):
        pauses.append(patience.note(bad(504), "one", now, 0.5))
        now += pauses[-1] or 0
        assert left(patience, now) == 0
    assert pauses == [1, 2, 4, None]
    assert patience.note(bad(504), "one", now, 0.5) == 1


def test_chance_moves_a_pause_by_a_quarter() -> None:
    assert (pause(1, 0), pause(1, 1), pause(3, 0)) == (0.75, 1.25, 3.0)


def test_what_fails_behind_the_api_for_one_server_holds_up_no_other() -> None:
    patience = Patience()
    patience.note(bad(502), "one", 100, 0.5)
    assert (left(patience, 100, "one"), left(patience, 100, "two")) == (1, 0)
    with pytest.raises(CloudReplyError, match="502") as caught:
        patience.require("one", 100)
    assert (caught.value.status, caught.value.request_id) == (502, "req-2")


def test_a_cloud_that_does_not_answer_is_left_alone_by_all_for_a_moment() -> None:
    patience = Patience()
    patience.note(CloudUnreachableError("away", cloud="prod"), "one", 100, 0.5)
    assert left(patience, 100, "two") == 1
    with pytest.raises(CloudUnreachableError, match="away"):
        patience.require("two", 100)


def test_failures_long_past_do_not_count_as_in_a_row() -> None:
    patience = Patience()
    assert [patience.note(bad(504), "one", now, 0.5) for now in (100, 200, 300, 400)] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "error",
    [bad(500), bad(400), CloudCredentialsError("no", cloud="prod"), ConsoleRefusedError("no", cloud="prod")],
)
def test_what_does_not_pass_by_itself_is_not_waited_for(error: CloudError) -> None:
    patience = Patience()
    assert patience.note(error, "one", 100, 0.5) is None
    assert left(patience, 100) == 0
    assert not passes(error)


@pytest.mark.parametrize("error", [bad(502), bad(504), busy(None), CloudUnreachableError("away", cloud="prod")])
def test_what_may_pass_is_known(error: CloudError) -> None:
    assert passes(error)


def test_requests_that_fail_together_are_one_failure() -> None:
    patience = Patience()
    away = CloudUnreachableError("away", cloud="prod")

    def fail(now: float, asked_at: float) -> float | None:
        return patience.note(away, "one", now, 0.5, asked_at)

    assert [fail(100, 60), fail(100, 60), fail(100.25, 60)] == [1, 1, 0.75]
    assert fail(105, 65) == 1  # sent before that pause, too
    assert [fail(106, 106) for _ in range(5)] == [2] * 5


def test_a_console_that_was_asked_for_before_a_pause_does_not_end_it() -> None:
    patience = Patience()
    patience.note(busy(41), "one", 100, 0.5, 99)
    patience.note(bad(504), "two", 100, 0.5, 99)
    for server in ("one", "two"):
        patience.good(server, 98)
    assert (left(patience, 102), patience.wary) == (39, True)
    patience.good("one", 141)
    assert (left(patience, 141), patience.wary) == (0, False)


@pytest.mark.parametrize("answer", [bad(500), bad(504), ConsoleRefusedError("no", cloud="prod")])
def test_any_other_answer_says_that_the_cloud_holds_nothing_back_any_more(answer: CloudError) -> None:
    patience = Patience()
    patience.note(busy(3), "one", 100, 0.5)
    patience.note(CloudUnreachableError("away", cloud="prod"), "one", 103, 0.5)
    assert patience.wary
    patience.note(answer, "one", 106, 0.5)
    assert not patience.wary


def test_a_time_that_is_over_already_is_none() -> None:
    patience, now, pauses = Patience(), 100.0, []
    for _ in range(TRIES):
        pauses.append(patience.note(busy(0.0), "one", now, 0.5))
        now += pauses[-1] or 0
    assert pauses == [1, 2, 4, None]
