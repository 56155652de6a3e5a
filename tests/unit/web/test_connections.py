"""How many connections there may be, and whose gives way."""

from __future__ import annotations

import pytest

from launcher.web.connections import RESERVE, Caps, Connection, Connections, Standing, caps, files_for

ALICE, BOB, MALLORY, EVE = 1000, 1001, 2000, 2001
SMALL = Caps(admitted=4, account=3, pending=4, stranger=2)


@pytest.fixture
def connections() -> Connections:
    return Connections(SMALL)


def begun(connections: Connections, uid: int | None, *, admitted: bool = False) -> Connection:
    """A connection that got in, and pushed nobody out."""
    connection, gone = connections.begin(uid, admitted=admitted)
    assert connection is not None
    assert gone is None
    return connection


def test_an_account_holds_no_more_than_its_share_and_leaves_the_rest_to_others(connections: Connections) -> None:
    for _ in range(3):
        begun(connections, ALICE, admitted=True)
    assert connections.begin(ALICE, admitted=True) == (None, None)
    begun(connections, BOB, admitted=True)
    assert connections.begin(BOB, admitted=True) == (None, None)
    assert connections.admitted == 4


def test_what_ends_makes_room_once(connections: Connections) -> None:
    first, *_ = [begun(connections, ALICE, admitted=True) for _ in range(3)]
    connections.end(first)
    connections.end(first)
    assert connections.admitted == 2
    begun(connections, ALICE, admitted=True)
    assert connections.begin(ALICE, admitted=True) == (None, None)
    pending = begun(connections, MALLORY)
    connections.end(pending)
    connections.end(pending)
    assert connections.pending == 0


def test_an_account_that_is_gone_is_forgotten(connections: Connections) -> None:
    connections.end(begun(connections, ALICE, admitted=True))
    assert connections.admitted == 0
    assert not connections._admitted


def test_a_stranger_holds_no_more_than_a_strangers_share(connections: Connections) -> None:
    begun(connections, MALLORY)
    begun(connections, MALLORY)
    assert connections.begin(MALLORY) == (None, None)
    begun(connections, EVE)


def test_the_longest_silent_one_of_the_account_with_most_gives_way(connections: Connections) -> None:
    begun(connections, EVE)
    oldest = begun(connections, None)
    begun(connections, None)
    begun(connections, None)
    newcomer, gone = connections.begin(BOB)
    assert newcomer is not None
    assert gone is oldest
    assert (oldest.standing, connections.pending) == (Standing.OVER, 4)


def test_one_that_is_being_answered_does_not_give_way(connections: Connections) -> None:
    busy = [begun(connections, None) for _ in range(4)]
    for one in busy:
        one.busy = True
    assert connections.begin(BOB) == (None, None)
    busy[2].busy = False
    assert connections.begin(BOB)[1] is busy[2]


def test_pending_ones_never_cost_an_admitted_one(connections: Connections) -> None:
    admitted = begun(connections, ALICE, admitted=True)
    for _ in range(50):
        connections.begin(None)
    assert admitted.standing is Standing.ADMITTED
    begun(connections, BOB, admitted=True)


def test_whoever_is_let_in_later_counts_as_admitted_from_then_on(connections: Connections) -> None:
    later = begun(connections, None)
    assert connections.admit(later, ALICE)
    assert connections.admit(later, ALICE)
    assert (later.uid, connections.pending, connections.admitted) == (ALICE, 0, 1)
    connections.end(later)
    assert connections.admitted == 0
    assert not connections.admit(later, ALICE)


def test_whoever_is_let_in_later_is_refused_where_there_is_no_room(connections: Connections) -> None:
    for _ in range(3):
        begun(connections, ALICE, admitted=True)
    later = begun(connections, None)
    assert not connections.admit(later, ALICE)
    assert later.standing is Standing.PENDING


def test_root_on_the_unix_socket_is_never_counted(connections: Connections) -> None:
    for _ in range(100):
        connection, gone = connections.begin(0, admitted=True, free=True)
        assert connection is not None
        assert gone is None
        assert connections.admit(connection, 0)
        connections.end(connection)
    assert (connections.admitted, connections.pending) == (0, 0)


def test_twenty_thousand_files_carry_nine_thousand_sessions_of_one_account() -> None:
    assert files_for(9000, 100) <= 20_000
    assert caps(20_000, 100).account >= 9000


@pytest.mark.parametrize("sessions", [1, 2, 5, 100, 4000, 10_000])
def test_so_many_files_are_enough_for_the_sessions_of_one_account(sessions: int) -> None:
    files = files_for(sessions, 60)
    assert caps(files, 60).account >= sessions
    assert files < 60 + RESERVE + 2.4 * (sessions + 128) + 2


@pytest.mark.parametrize("files", [64, 256, 1024, 65_536])
def test_all_connections_together_leave_the_reserve_free(files: int) -> None:
    held = 30
    found = caps(files, held)
    assert found.pending + 2 * found.admitted + held <= files - min(RESERVE, files // 4)
    assert found.account < found.admitted
    assert found.stranger <= max(1, found.pending // 8)


def test_where_nothing_is_free_a_few_come_in_all_the_same() -> None:
    assert caps(64, 64) == Caps(admitted=2, account=2, pending=8, stranger=1)
