"""The one buffer that upstreams are read into, and how much of it each of them gets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from launcher.relay.basin import LARGE, MIDDLE, SMALL, Draught, basin


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
