"""How long a token holds, and a failure."""

from __future__ import annotations

import pytest

from launcher.cloud.holding import Holding, pause_after, retold
from launcher.errors import (
    CloudBusyError,
    CloudCredentialsError,
    CloudError,
    CloudReplyError,
    CloudUnreachableError,
)

REFUSED = CloudCredentialsError("prod says no.", cloud="prod", request_id="req-1")


def busy(retry_after: float | None) -> CloudBusyError:
    return CloudBusyError("prod is busy.", cloud="prod", request_id="req-2", retry_after=retry_after)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (REFUSED, 60.0),
        (CloudReplyError("what is this?", cloud="prod", status=500), 60.0),
        (CloudUnreachableError("nobody there.", cloud="prod"), 5.0),
        (busy(None), 60.0),
        (busy(41), 41.0),
        (busy(300.5), 300.5),
        (busy(0.0), 1.0),
        (busy(10.0**9), 3600.0),
    ],
)
def test_each_failure_is_kept_as_long_as_it_deserves(error: CloudError, seconds: float) -> None:
    assert pause_after(error) == seconds
    holding = Holding[str]()
    holding.failed(error, 100.0)
    assert isinstance(holding.known(100.0 + seconds - 0.5), type(error))
    assert holding.known(100.0 + seconds) is None


def test_a_failure_that_is_told_again_is_the_clouds_own_and_says_when_the_next_try_is() -> None:
    holding = Holding[str]()
    holding.failed(busy(41.0), 100.0)
    told = holding.known(110.5)
    assert isinstance(told, CloudBusyError)
    assert str(told) == "prod is busy. The next try is in 31 s."
    assert (told.cloud, told.request_id, told.retry_after) == ("prod", "req-2", 31.0)


def test_an_error_is_retold_without_what_led_to_it() -> None:
    try:
        try:
            raise ValueError("the request, with its password")
        except ValueError as cause:
            raise REFUSED from cause
    except CloudCredentialsError as error:
        copy = retold(error)
    assert (str(copy), copy.cloud, copy.request_id) == ("prod says no.", "prod", "req-1")
    assert (copy.__traceback__, copy.__cause__, copy.__context__) == (None, None, None)


def test_a_success_ends_a_failure() -> None:
    holding = Holding[str]()
    holding.failed(REFUSED, 100.0)
    holding.granted("token", 101.0, None)
    assert holding.known(10.0**9) == "token"


def test_a_token_is_given_up_once_a_minute_and_only_if_it_is_the_one_that_is_held() -> None:
    holding = Holding[str]()
    assert holding.refuse("token", 100.0) is None
    holding.granted("token", 100.0, 3600.0)
    assert holding.refuse("an earlier token", 100.0) is None
    assert holding.known(100.0) == "token"
    assert holding.refuse("token", 100.0) is None
    assert holding.known(100.0) is None
    holding.granted("another", 100.0, 3600.0)
    assert holding.refuse("another", 130.0) == 30.0
    assert holding.known(130.0) == "another"
    assert holding.refuse("another", 160.0) is None
    assert holding.known(160.0) is None


def test_a_refused_token_does_not_come_back_when_its_renewal_fails() -> None:
    holding = Holding[str]()
    holding.granted("token", 100.0, 3600.0)
    holding.refuse("token", 101.0)
    holding.failed(REFUSED, 101.0)
    assert isinstance(holding.known(102.0), CloudCredentialsError)
