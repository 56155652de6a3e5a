"""Which names are kept, looked up, waited for or done without."""

from __future__ import annotations

from launcher.access.nametable import (
    KEPT_AT_MOST,
    KEPT_FOR,
    LIMIT,
    UNDER_WAY_AT_MOST,
    Answer,
    NameTable,
    nameless,
)


def never(_name: str) -> bool:
    return False


def always(_name: str) -> bool:
    return True


def looked_up(table: NameTable, uid: int, name: str, now: float) -> None:
    assert table.ask(uid, now, decides=always).begin
    table.ended(uid, name, now)


def full(now: float) -> NameTable:
    """As many look-ups under way as there may be, of the user ids from 0 on."""
    table = NameTable()
    for uid in range(UNDER_WAY_AT_MOST):
        assert table.ask(uid, now, decides=never).begin
    return table


def test_an_unknown_user_id_is_looked_up_and_waited_for() -> None:
    assert NameTable().ask(1000, 5.0, decides=never) == Answer("uid 1000", LIMIT, begin=True)


def test_all_who_ask_for_one_user_id_share_one_look_up_and_its_time() -> None:
    table = NameTable()
    table.ask(1000, 5.0, decides=never)
    assert table.ask(1000, 5.5, decides=never) == Answer("uid 1000", LIMIT - 0.5)
    assert table.under_way == 1


def test_nobody_waits_for_a_look_up_that_is_overdue_and_none_is_begun_beside_it() -> None:
    table = NameTable()
    table.ask(1000, 5.0, decides=never)
    for later in (LIMIT, 3600.0):
        assert table.ask(1000, 5.0 + later, decides=never) == Answer("uid 1000")
    assert table.under_way == 1


def test_strangers_beyond_the_look_ups_under_way_are_numbers_at_once() -> None:
    table = full(0.0)
    assert table.ask(1000, 0.0, decides=never) == Answer("uid 1000")
    assert table.ask(1000, 3600.0, decides=never) == Answer("uid 1000")
    assert table.under_way == UNDER_WAY_AT_MOST


def test_a_look_up_that_is_over_makes_room_for_the_next() -> None:
    table = full(0.0)
    table.ended(3, "carol", 100.0)
    assert table.ask(1000, 100.0, decides=never).begin
    assert table.ask(3, 100.0, decides=never) == Answer("carol")


def test_a_name_is_kept_for_a_minute() -> None:
    table = NameTable()
    looked_up(table, 1000, "alice", 5.0)
    assert table.ask(1000, 5.0 + KEPT_FOR - 0.1, decides=never) == Answer("alice")
    assert table.ask(1000, 5.0 + KEPT_FOR, decides=never).begin


def test_that_an_account_has_no_name_is_not_kept() -> None:
    table = NameTable()
    looked_up(table, 1000, nameless(1000), 5.0)
    assert table.ask(1000, 5.0, decides=never).begin
    assert len(table) == 0


def test_a_name_that_decides_who_is_let_in_is_looked_up_each_time() -> None:
    table = NameTable()
    looked_up(table, 1000, "alice", 5.0)
    assert table.ask(1000, 6.0, decides=always) == Answer("alice", LIMIT, begin=True)
    table.ended(1000, nameless(1000), 6.0)
    assert table.ask(1000, 6.0, decides=always) == Answer("uid 1000", LIMIT, begin=True)


def test_such_a_name_is_good_for_its_minute_while_its_look_up_hangs() -> None:
    table = NameTable()
    looked_up(table, 1000, "alice", 0.0)
    assert table.ask(1000, 1.0, decides=always).begin
    assert table.ask(1000, 10.0, decides=always) == Answer("alice")
    assert table.ask(1000, KEPT_FOR, decides=always) == Answer("uid 1000")


def test_such_a_name_is_good_for_its_minute_while_strangers_hold_all_look_ups() -> None:
    table = NameTable()
    looked_up(table, 1000, "alice", 0.0)
    for uid in range(UNDER_WAY_AT_MOST):
        table.ask(uid, 0.0, decides=never)
    assert table.ask(1000, 10.0, decides=always) == Answer("alice")


def test_a_name_that_comes_late_is_there_for_the_next_who_ask() -> None:
    table = NameTable()
    table.ask(1000, 0.0, decides=never)
    table.ended(1000, "alice", 600.0)
    assert table.ask(1000, 601.0, decides=never) == Answer("alice")


def test_of_too_many_names_the_oldest_is_forgotten() -> None:
    table = NameTable()
    for uid in range(KEPT_AT_MOST):
        looked_up(table, uid, f"name{uid}", 0.0)
    looked_up(table, 0, "name0", 1.0)  # the newest now
    looked_up(table, 99_999, "alice", 1.0)
    assert len(table) == KEPT_AT_MOST
    assert table.ask(0, 1.0, decides=never) == Answer("name0")
    assert table.ask(1, 1.0, decides=never).begin
