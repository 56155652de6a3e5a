"""The one buffer that upstreams are read into, and how much of it each of them gets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from launcher.relay.basin import LARGE, MIDDLE, SMALL, Draught, Pace, basin


def test_all_of_one_thread_have_the_same_buffer_and_another_thread_has_its_own() -> None:
    assert basin() is basin()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(basin).result() is not basin()


def test_what_somebody_has_kept_is_theirs() -> None:
    kept = basin().view
    kept[:4] = b"kept"
    basin().renew()
    basin().view[:4] = b"next"
    assert bytes(kept[:4]) == b"kept"
    assert len(basin().view) == LARGE


def test_full_reads_that_pass_on_become_larger_up_to_the_most() -> None:
    draught, rooms = Draught(LARGE), []
    for _ in range(4):
        rooms.append(draught.room)
        draught.drawn(draught.room, passed_on=True)
    assert rooms == [SMALL, MIDDLE, LARGE, LARGE]


def test_a_read_that_is_not_full_changes_nothing() -> None:
    draught = Draught(LARGE)
    draught.drawn(SMALL - 1, passed_on=True)
    assert draught.room == SMALL


def test_a_viewer_who_does_not_take_it_gets_little_again() -> None:
    draught = Draught(LARGE)
    draught.drawn(SMALL, passed_on=True)
    draught.drawn(10, passed_on=False)
    assert draught.room == SMALL


def flooded() -> Pace:
    """After sixteen small reads in a row, a tenth of a millisecond apart; the last was at 10.0015."""
    pace = Pace()
    rests = [pace.rests(256, 10 + number / 10_000) for number in range(16)]
    assert rests == [False] * 15 + [True]
    return pace


def test_a_flood_of_small_reads_is_left_to_gather() -> None:
    pace = flooded()
    assert pace.rests(100_000, 10.003)
    assert pace.rests(256, 10.004)


def test_small_reads_with_a_pause_between_them_are_no_flood() -> None:
    pace = Pace()
    assert not any(pace.rests(256, 10 + number / 100) for number in range(100))


def test_a_flood_ends_with_a_pause() -> None:
    assert not flooded().rests(256, 10.01)


def test_a_flood_ends_with_a_large_read() -> None:
    pace = flooded()
    assert not pace.rests(MIDDLE, 10.003)
    assert not pace.rests(256, 10.004)


def test_a_flood_ends_where_the_viewer_says_something() -> None:
    pace = flooded()
    pace.spoken()
    assert not pace.rests(256, 10.003)
