from __future__ import annotations

from launcher.audit.queues import OTHER_KINDS, Backlog, Limits, Line, Loss

SMALL = Limits(event_lines=2, event_bytes=100, chatter_lines=2, chatter_bytes=100)


def chatter(text: str, kind: str = "info a") -> Line:
    return Line(text.encode(), kind)


def event(text: str) -> Line:
    return Line(text.encode(), "launch", is_event=True)


def all_of(backlog: Backlog) -> list[str | dict[str, int]]:
    """Everything that is left, losses as their counts."""
    found: list[str | dict[str, int]] = []
    while (one := backlog.take()) is not None:
        found.append(dict(one.counts) if isinstance(one, Loss) else one.data.decode())
    return found


def test_lines_come_out_in_the_order_in_which_they_came_whatever_they_are() -> None:
    backlog = Backlog(SMALL)
    for line in (chatter("1"), event("2"), chatter("3"), event("4")):
        assert backlog.put(line)
    assert len(backlog) == 4
    assert all_of(backlog) == ["1", "2", "3", "4"]
    assert len(backlog) == 0


def test_chatter_takes_no_room_from_events() -> None:
    backlog = Backlog(SMALL)
    for number in range(50):
        backlog.put(chatter(str(number)))
    assert backlog.has_room()
    assert backlog.put(event("launch"))
    assert all_of(backlog) == ["0", "1", "launch", {"info a": 48}]


def test_what_is_missing_is_told_at_its_place() -> None:
    backlog = Backlog(SMALL)
    for text in "abcd":
        backlog.put(chatter(text, f"info {text}"))
    backlog.take()
    assert backlog.put(chatter("e"))
    assert all_of(backlog) == ["b", {"info c": 1, "info d": 1}, "e"]


def test_events_that_are_owed_always_have_room_and_others_are_counted() -> None:
    backlog = Backlog(SMALL)
    for number in range(4):
        assert backlog.put(event(str(number)), owed=True)
    assert not backlog.has_room()
    assert not backlog.put(event("left while it waited"))
    assert all_of(backlog) == ["0", "1", "2", "3", {"launch": 1}]
    assert backlog.has_room()


def test_bytes_are_bounded_too() -> None:
    backlog = Backlog(SMALL)
    assert backlog.put(chatter("x" * 100))
    assert not backlog.put(chatter("y"))
    assert backlog.put(event("z" * 100))
    assert not backlog.has_room()


def test_kinds_are_bounded() -> None:
    backlog = Backlog(SMALL)
    for number in range(100):
        backlog.lose(f"info {number}")
    backlog.put(chatter("next"))
    [loss, _] = all_of(backlog)
    assert isinstance(loss, dict)
    assert (len(loss), loss[OTHER_KINDS], sum(loss.values())) == (31, 70, 100)


def test_what_could_not_be_told_is_told_with_the_next_line_and_not_before() -> None:
    backlog = Backlog(SMALL)
    backlog.put(chatter("a"))
    assert all_of(backlog) == ["a"]
    backlog.lose("info a")
    assert (len(backlog), all_of(backlog)) == (0, [])
    backlog.put(chatter("b"))
    assert all_of(backlog) == [{"info a": 1}, "b"]
