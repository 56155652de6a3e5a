from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy
import pytest

from launcher.demo.canvas import Rect
from launcher.demo.fleet import SITE
from launcher.demo.picture import HEIGHT, WIDTH, Picture
from launcher.demo.scene import Scene
from tests.unit.demo.test_scene import NOW, machine


@pytest.fixture
def scene() -> Scene:
    return Scene(machine(), NOW)


@pytest.fixture
def picture(scene: Scene) -> Picture:
    picture = Picture(scene)
    picture.update(NOW)
    return picture


def follow(picture: Picture, now: datetime = NOW) -> tuple[list[Rect], bool]:
    """What is said to have changed, and whether nothing else has."""
    before = picture.pixels.copy()
    rects = picture.update(now)
    for rect in rects:
        before[rect.y : rect.bottom, rect.x : rect.right] = picture.pixels[rect.y : rect.bottom, rect.x : rect.right]
    return rects, bool((before == picture.pixels).all())


def area(rects: list[Rect]) -> int:
    return sum(rect.width * rect.height for rect in rects)


def test_a_screen_that_nothing_happens_to_does_not_change(picture: Picture) -> None:
    assert follow(picture) == ([], True)


def test_a_second_changes_a_digit_or_two(picture: Picture) -> None:
    rects, honest = follow(picture, NOW + timedelta(seconds=1))
    assert honest
    assert 0 < area(rects) < 3000


def test_a_letter_changes_a_letter(picture: Picture, scene: Scene) -> None:
    scene.key(ord("a"), True, NOW)
    scene.last_key = ""
    rects, honest = follow(picture)
    assert honest
    assert 0 < area(rects) < 800


def test_the_pointer_leaves_no_trace(picture: Picture, scene: Scene) -> None:
    before = picture.pixels.copy()
    scene.point(400, 300, 0)
    rects, honest = follow(picture)
    assert honest
    assert any(rect.cut(Rect(400, 300, 1, 1)) for rect in rects)
    assert (picture.pixels[300, 400] != before[300, 400]).any()
    scene.point(1023, 639, 5)
    assert follow(picture)[1]
    scene.nobody_looks()
    assert follow(picture)[1]
    assert (picture.pixels == before).all()


def test_the_pointer_stays_on_top_of_what_changes_below_it(picture: Picture, scene: Scene) -> None:
    scene.point(150, 232, 0)  # on the line that is typed
    picture.update(NOW)
    crosshair = picture.pixels[232, 150].copy()
    scene.key(ord("a"), True, NOW)
    assert follow(picture)[1]
    assert (picture.pixels[232, 150] == crosshair).all()


def test_everything_that_arrives_can_be_seen(picture: Picture, scene: Scene) -> None:
    def another_looks() -> None:
        scene.viewers += 1

    text = "a clipboard of several words, longer than a line of its card is wide; and more and more"
    happenings: list[Callable[[], object]] = [
        partial(scene.paste, text),
        *(partial(scene.key, keysym, True, NOW) for keysym in (0xFFE3, 0xFFE9, 0xFFFF)),
        partial(scene.point, 10, 10, 4),
        another_looks,
    ]
    for happens in happenings:
        happens()
        rects, honest = follow(picture)
        assert rects
        assert honest


def test_each_server_has_its_own_colour() -> None:
    pictures = [Picture(Scene(one, NOW)).pixels for one, _ in SITE[:3]]
    assert len({tuple(pixels[80, 34].tolist()) for pixels in pictures}) == 3
    assert all(pixels.shape == (HEIGHT, WIDTH, 3) for pixels in pictures)


@pytest.mark.parametrize("name", ["x", "a" * 18, "a" * 30, "𝕏" * 255, "東京-web-01", "a\x1b[31m\n‮b"])
def test_any_name_fits(name: str) -> None:
    picture = Picture(Scene(machine(name), NOW))
    plain = Picture(Scene(machine(""), NOW))
    other = numpy.argwhere((picture.pixels != plain.pixels).any(axis=2))
    assert other[:, 1].max() < 740


def test_a_server_that_does_not_run_says_so() -> None:
    plain, badged = Picture(Scene(machine(), NOW)), Picture(Scene(machine(), NOW), "PAUSED")
    assert (plain.pixels != badged.pixels).any()


def test_the_clock_shows_the_time_that_it_is_told(scene: Scene) -> None:
    one, other = Picture(scene), Picture(scene)
    one.update(NOW)
    other.update(datetime(2026, 11, 24, 12, 3, 5, tzinfo=UTC))
    assert (one.pixels != other.pixels).any()
    other.update(NOW)
    assert (one.pixels == other.pixels).all()
