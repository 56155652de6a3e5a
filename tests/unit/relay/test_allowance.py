"""How many pings and pongs are borne."""

from __future__ import annotations

from launcher.relay.allowance import AT_ONCE, PER_SECOND, Allowance


def test_a_burst_is_borne_and_what_goes_beyond_is_not() -> None:
    allowance = Allowance(100.0)
    assert all(allowance.bears(1, 100.0) for _ in range(AT_ONCE))
    assert not allowance.bears(1, 100.0)


def test_what_comes_at_the_rate_is_borne_for_ever() -> None:
    allowance = Allowance(0.0)
    assert all(allowance.bears(PER_SECOND, float(second)) for second in range(1, 1000))


def test_a_long_silence_earns_no_more_than_one_burst() -> None:
    allowance = Allowance(0.0)
    assert allowance.bears(AT_ONCE, 86400.0)
    assert not allowance.bears(1, 86400.0)
    assert allowance.bears(1, 86401.0)


def test_a_share_that_brings_too_many_at_once_is_not_borne() -> None:
    assert not Allowance(0.0).bears(AT_ONCE + 1, 0.0)
