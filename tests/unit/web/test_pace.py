"""The console page's pace: `pace.js`, in Node.js."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_MODULE = Path(__file__).parents[3] / "launcher/web/static/pace.js"
_RUN = """
const { START, pause, tallied } = await import(process.argv[1]);
const { shown, chance, where } = JSON.parse(process.argv[2]);
let tally = START;
const waits = shown.map((seconds) => pause((tally = tallied(tally, seconds)), chance, where));
console.log(JSON.stringify(waits));
"""
SEEN = {"reached": True, "hidden": False}
HIDDEN = {"reached": True, "hidden": True}
UNREACHED = {"reached": False, "hidden": False}


def waits(shown: list[float | None], where: dict[str, bool] = SEEN, chance: float = 0.5) -> list[float]:
    """Seconds before the next attempt behind each of these, which showed a screen for so long, or none."""
    node = Path(sys.executable).with_name("node")
    said = json.dumps({"shown": shown, "chance": chance, "where": where})
    command = [str(node), "--input-type=module", "--eval", _RUN, _MODULE.as_uri(), said]
    found: Any = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=30).stdout)
    return [round(float(wait), 3) for wait in found]


def test_a_screen_that_keeps_falling_is_tried_again_soon_however_often() -> None:
    assert waits([3.0] * 10) == [1, 2, 3, 5, 8, 10, 10, 10, 10, 10]


def test_one_that_stood_for_a_while_begins_anew() -> None:
    assert waits([3.0, 3.0, 3.0, 60.0, 3.0]) == [1, 2, 3, 1, 2]


def test_what_shows_no_screen_is_tried_ever_more_seldom() -> None:
    assert waits([None] * 10) == [1, 2, 4, 8, 16, 32, 64, 120, 120, 120]
    assert waits([60.0, *[None] * 8]) == [1, 2, 4, 8, 16, 32, 64, 120, 120]
    assert waits([None] * 8, UNREACHED) == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_screen_between_failures_begins_them_anew() -> None:
    assert waits([*[None] * 6, 3.0, None, None]) == [1, 2, 4, 8, 16, 32, 1, 2, 4]


def test_failures_behind_many_falls_wait_no_less_than_the_falls() -> None:
    assert waits([*[1.0] * 6, *[None] * 5])[6:] == [10, 10, 10, 16, 32]


def test_nobody_looks_at_a_hidden_tab() -> None:
    assert waits([3.0] * 8, HIDDEN) == [1, 2, 4, 8, 16, 32, 60, 60]
    assert waits([None] * 11, HIDDEN)[-2:] == [300, 300]


@pytest.mark.parametrize(("chance", "wait"), [(0.0, 0.8), (1.0, 1.2)])
def test_pages_that_fall_together_come_back_apart(chance: float, wait: float) -> None:
    assert waits([3.0, 3.0], chance=chance) == [wait, 2 * wait]
