from __future__ import annotations

import uuid

import pytest

from launcher.audit.cutting import FIELD_LIMIT, LINE_LIMIT, MARK, cut, cut_arguments, cut_fields, fitted


def test_what_is_short_stays_and_what_is_cut_is_marked() -> None:
    assert cut("web-01", 6) == "web-01"
    assert cut("a b c d", 4) == "a b" + MARK
    assert cut("x" * 60_000, 100) == "x" * 99 + MARK


def test_a_cut_through_a_word_goes_before_it() -> None:
    text = "y" * 80 + " " + str(uuid.uuid4())
    assert cut(text + " z" * 90, 100).startswith("y" * 80 + " " + MARK)


@pytest.mark.parametrize("most", [10, 50, 90, 99, 100, 101, 140])
def test_an_id_is_never_cut(most: int) -> None:
    one = f"req-{uuid.uuid4()}"
    for text in (f"{'n ' * 30}{one}{' m' * 300}", f"{'n' * 60_000} {one}", f"{one} {'n' * 300} {one}"):
        assert one in cut(text, most)


def test_ids_stay_whole_and_what_is_called_so_but_is_none_does_not() -> None:
    one = "a" * 128
    found = cut_fields({"server": one, "name": "n" * 500, "uid": 7, "request_id": "r\n" * 500, "session": None}, 8)
    assert (found["server"], found["uid"], found["session"]) == (one, 7, None)
    assert len(str(found["name"])) == FIELD_LIMIT // 8
    assert len(str(found["request_id"])) <= FIELD_LIMIT


def test_numbers_stay_numbers_and_all_else_becomes_a_text() -> None:
    assert cut_arguments([1, 2.5, None, True, ValueError("x"), "y"]) == (1, 2.5, None, True, "x", "y")
    assert len(str(cut_arguments(["z" * 60_000])[0])) == 1000


def test_a_line_shrinks_until_it_fits() -> None:
    asked: list[int] = []

    def render(share: int) -> bytes:
        asked.append(share)
        return b"x" * (30_000 // share)

    assert len(fitted(render)) == 7500
    assert asked == [1, 2, 4]
    assert len(fitted(lambda share: b"x" * (LINE_LIMIT * 16 // share))) == LINE_LIMIT
    assert fitted(lambda _share: b"x" * 9000) == b"x" * 9000
