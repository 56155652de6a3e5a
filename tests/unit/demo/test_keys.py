from __future__ import annotations

import pytest

from launcher.demo import keys


@pytest.mark.parametrize(
    ("keysym", "char"),
    [
        (0x61, "a"),
        (0xFC, "ü"),
        (0x010020AC, "€"),
        (0x20AC, "€"),
        (0x01006771, "東"),
        (0xFFB7, "7"),
        (0xFFAB, "+"),
        (0x0100200B, None),
        (0x0100D800, None),
        (0xFF0D, None),
        (0x7F, None),
        (0xFFFFFFFF, None),
    ],
)
def test_which_character_a_key_types(keysym: int, char: str | None) -> None:
    assert keys.character(keysym) == char


@pytest.mark.parametrize(
    ("keysym", "name"),
    [
        (0xFFBE, "F1"),
        (0xFFC9, "F12"),
        (0xFFE3, "Ctrl"),
        (0xFF51, "Left"),
        (0x20, "Space"),
        (0x71, "q"),
        (0xFFFFFFFF, "0xFFFFFFFF"),
    ],
)
def test_what_a_person_calls_a_key(keysym: int, name: str) -> None:
    assert keys.name(keysym) == name
