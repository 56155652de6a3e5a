from __future__ import annotations

import string

import pytest

from launcher.demo.font import ABOVE, ADVANCE, HEIGHT, glyph, strokes_of

BOX = strokes_of("\x00")


@pytest.mark.parametrize("char", string.ascii_letters + string.digits + string.punctuation)
def test_every_printable_ascii_character_has_a_shape_of_its_own(char: str) -> None:
    assert strokes_of(char) != BOX
    others = [strokes_of(other) for other in string.printable[:94] if other != char]
    assert strokes_of(char) not in others


def test_a_space_is_empty_and_what_is_unknown_is_a_box() -> None:
    assert not glyph(" ", 1, 2.0).any()
    assert strokes_of("東") == BOX


@pytest.mark.parametrize("char", "äöüÄÖÜéèêñçåÅšß€")
def test_europe_has_its_accents(char: str) -> None:
    assert strokes_of(char) != BOX
    assert strokes_of(char) != strokes_of(char.encode("ascii", "replace").decode())


@pytest.mark.parametrize("char", "абвгґдеєёжзиіїйклмнопрстуфхцчшщъыьэюя")
def test_cyrillic_is_written_small_and_in_capitals(char: str) -> None:
    assert BOX not in (strokes_of(char), strokes_of(char.upper()))
    assert strokes_of(char) != strokes_of(char.upper())


def test_an_accent_that_is_unknown_makes_a_box() -> None:
    assert strokes_of("ą") == BOX


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_glyph_fills_its_cell_at_any_size(scale: int) -> None:
    ink = glyph("H", scale, 2.0)
    assert ink.shape == (HEIGHT * scale, ADVANCE * scale)
    assert ink.min() == 0
    assert ink.max() == 1


def test_straight_strokes_are_crisp_at_the_smallest_size() -> None:
    through_both_stems = glyph("H", 1, 2.0)[ABOVE + 3]
    assert through_both_stems.tolist() == [0, 1, 1, 0, 0, 0, 0, 1, 1, 0]


def test_every_letter_stays_inside_its_cell() -> None:
    for char in string.printable[:94] + "ÄÖÜÅÇЩЮЙщйф":
        ink = glyph(char, 1, 2.0)
        assert max(ink[:, 0].max(), ink[:, -1].max(), ink[-1].max()) < 0.01, char
