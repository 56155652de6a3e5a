"""Strangers' texts on a terminal."""

from __future__ import annotations

import pytest

from launcher.cli.text import cut, escaped, size, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("web-01", "web-01"),
        ("日本 été", "日本 été"),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31mred\x07\x9b", "\\x1b[31mred\\x07\\x9b"),
        ("rtl\u202egnp.exe\u2066", "rtl\\u202egnp.exe\\u2066"),
        ("\u200bzero\ufeff", "\\u200bzero\\ufeff"),
        ("\U000e0041tag", "\\U000e0041tag"),
        ("\ud800lone", "\\ud800lone"),
        ("a\xa0b", "a\\xa0b"),
    ],
)
def test_what_is_no_visible_character_is_written_out(text: str, shown: str) -> None:
    assert escaped(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("e\u0301te\u0301", "e\u0301te\u0301"),
        ("\u0301alone", "\\u0301alone"),
        ("a \u0301", "a \\u0301"),
        ("\n\u0301", "\\n\\u0301"),
        ("z" + "\u0301" * 6, "z" + "\u0301" * 4 + "\\u0301" * 2),
    ],
)
def test_combining_marks_stand_on_letters_and_in_no_heaps(text: str, shown: str) -> None:
    assert escaped(text) == shown


@pytest.mark.parametrize(
    ("text", "columns"), [("", 0), ("web", 3), ("日本", 4), ("e\u0301", 1), ("𝕏", 1), ("❤\ufe0f", 2)]
)
def test_width_is_what_a_terminal_gives(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("web-01", 6, "web-01"),
        ("web-01", 5, "web-…"),
        ("web-01", 1, "…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("日本語", 1, "…"),
        ("e\u0301te\u0301s", 3, "e\u0301t…"),
        ("𝕏" * 255, 4, "𝕏𝕏𝕏…"),
    ],
)
def test_a_text_is_cut_between_whole_letters(text: str, columns: int, shown: str) -> None:
    assert cut(text, columns) == shown
    assert width(shown) <= columns


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (3 * 1024**5, "3072.0 TiB"),
    ],
)
def test_sizes_are_for_people(count: int, shown: str) -> None:
    assert size(count) == shown
