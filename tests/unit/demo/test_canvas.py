from __future__ import annotations

import numpy
import pytest

from launcher.demo.canvas import Canvas, Rect, fitted, mixed, text_rect, text_width

RED, BLUE = (200, 0, 0), (0, 0, 200)


@pytest.fixture
def canvas() -> Canvas:
    return Canvas(numpy.zeros((40, 60, 3), numpy.uint8))


def test_rects_cut_join_and_grow() -> None:
    one, other = Rect(0, 0, 10, 10), Rect(5, 8, 10, 10)
    assert one.cut(other) == Rect(5, 8, 5, 2)
    assert one.joined(other) == Rect(0, 0, 15, 18)
    assert Rect(5, 5, 2, 2).grown(1) == Rect(4, 4, 4, 4)
    assert not one.cut(Rect(20, 20, 5, 5))
    assert one


def test_filling_is_cut_at_the_edges(canvas: Canvas) -> None:
    canvas.fill(Rect(50, 30, 100, 100), RED)
    assert (canvas.pixels[30:, 50:] == RED).all()
    assert not canvas.pixels[:30].any()


def test_ink_outside_is_lost(canvas: Canvas) -> None:
    canvas.text(100, 100, "out", RED)
    canvas.text(-100, 10, "out", RED)
    assert not canvas.pixels.any()


def test_ink_mixes_with_what_is_there(canvas: Canvas) -> None:
    canvas.fill(canvas.whole, BLUE)
    canvas.ink(0, 0, numpy.full((1, 1), 0.5, numpy.float32), RED)
    assert canvas.pixels[0, 0].tolist() == [100, 0, 100]


def test_a_box_has_round_corners_and_a_border(canvas: Canvas) -> None:
    canvas.box(Rect(10, 10, 30, 20), RED, radius=6, border=BLUE)
    assert canvas.pixels[20, 10].tolist() == list(BLUE)
    assert canvas.pixels[20, 20].tolist() == list(RED)
    assert not canvas.pixels[10, 10].any()
    canvas.box(Rect(10, 10, 30, 20), BLUE, radius=2)
    assert canvas.pixels[20, 20].tolist() == list(BLUE)


def test_a_dot_is_round(canvas: Canvas) -> None:
    canvas.dot(20.5, 20.5, 4, RED)
    assert canvas.pixels[20, 20].tolist() == list(RED)
    assert not canvas.pixels[16, 16].any()


def test_text_stays_in_the_rect_that_it_says(canvas: Canvas) -> None:
    canvas.text(10, 12, "g|", RED)
    rect = text_rect(10, 12, "g|")
    assert rect.width == text_width("g|") == 20
    inside = canvas.pixels[rect.y : rect.bottom, rect.x : rect.right].copy()
    assert inside.any()
    canvas.fill(rect, (0, 0, 0))
    assert not canvas.pixels.any()


def test_what_is_too_long_ends_with_an_ellipsis() -> None:
    assert fitted("short", 5) == "short"
    assert fitted("longer", 5) == "long…"
    assert fitted("longer", 0) == "…"


def test_a_mixed_colour_lies_between() -> None:
    assert mixed((0, 0, 0), (100, 200, 50), 0.5) == (50, 100, 25)
