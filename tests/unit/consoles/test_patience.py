from __future__ import annotations

import pytest

from launcher.consoles.patience import BELIEVED, Patience
from launcher.errors import CloudBusyError


def busy(retry_after: float | None, cloud: str = "prod") -> CloudBusyError:
    return CloudBusyError("wait", cloud=cloud, request_id="req-1", retry_after=retry_after)


def left(patience: Patience, now: float, cloud: str = "prod") -> float:
    """Seconds that the cloud is not to be asked for."""
    try:
        patience.require(cloud, now)
    except CloudBusyError as error:
        return error.retry_after or -1
    return 0


def test_a_cloud_is_left_alone_for_as_long_as_it_asked() -> None:
    patience = Patience()
    assert left(patience, 0) == 0
    patience.note(busy(41), 100)
    assert [left(patience, now) for now in (100, 140.5, 141, 140)] == [41, 1, 0, 0]


def test_the_error_says_how_long_and_keeps_the_clouds_request_id() -> None:
    patience = Patience()
    patience.note(busy(41), 100)
    with pytest.raises(CloudBusyError) as caught:
        patience.require("prod", 100.5)
    assert str(caught.value) == "prod is busy or limits requests: it is asked for no console in the next 41 s."
    assert (caught.value.cloud, caught.value.request_id, caught.value.retry_after) == ("prod", "req-1", 41)


def test_other_clouds_are_asked_on() -> None:
    patience = Patience()
    patience.note(busy(41), 100)
    assert left(patience, 100, "stage") == 0


@pytest.mark.parametrize("retry_after", [None, 0.0])
def test_a_cloud_that_names_no_time_is_asked_again_at_once(retry_after: float | None) -> None:
    patience = Patience()
    patience.note(busy(retry_after), 100)
    assert left(patience, 100) == 0


def test_nobody_is_believed_for_longer_than_an_hour() -> None:
    patience = Patience()
    patience.note(busy(1e9), 100)
    assert left(patience, 100) == BELIEVED == 3600
    assert left(patience, 100 + BELIEVED) == 0


def test_a_shorter_wait_that_comes_in_later_takes_nothing_from_a_longer_one() -> None:
    patience = Patience()
    patience.note(busy(60), 100)
    patience.note(busy(5), 101)
    assert left(patience, 110) == 50
    patience.note(busy(60), 110)
    assert left(patience, 110) == 60
