"""Tables for people and for programs."""

from __future__ import annotations

import pytest

from launcher.cli.servers import _STEPS
from launcher.cli.table import Cell, Tone, aligned_lines, fitting, tab_lines
from launcher.cli.text import width

TITLES = ("SERVER", "STATE", "ID")
STEPS = _STEPS
ROWS = [
    (Cell("prod/web-01"), Cell("ACTIVE", Tone.GOOD), Cell("0f0e")),
    (Cell("prod/日本"), Cell("ERROR", Tone.BAD), Cell("1f1e")),
    (Cell("prod/new\nline\x1b[31m"), Cell("SHUTOFF"), Cell("2f2e")),
]


def test_a_program_gets_whole_cells_with_tabs_between_them() -> None:
    assert tab_lines(TITLES, ROWS) == [
        "SERVER\tSTATE\tID",
        "prod/web-01\tACTIVE\t0f0e",
        "prod/日本\tERROR\t1f1e",
        "prod/new\\nline\\x1b[31m\tSHUTOFF\t2f2e",
    ]


def test_a_person_gets_columns_that_stand_below_each_other() -> None:
    lines = aligned_lines(TITLES, ROWS, columns=80, colour=False, steps=STEPS)
    assert lines == [
        "SERVER                  STATE    ID",
        "prod/web-01             ACTIVE   0f0e",
        "prod/日本               ERROR    1f1e",
        "prod/new\\nline\\x1b[31m  SHUTOFF  2f2e",
    ]


def test_what_tells_rows_apart_is_cut_last() -> None:
    lines = aligned_lines(TITLES, ROWS, columns=31, colour=False, steps=STEPS)
    assert lines[0] == "SERVER                  STATE"
    assert lines[3] == "prod/new\\nline\\x1b[31m  SHUTOFF"
    lines = aligned_lines(TITLES, ROWS, columns=28, colour=False, steps=STEPS)
    assert lines[3] == "prod/new\\nline\\x1b…  SHUTOFF"
    assert max(width(line) for line in lines) == 28


def test_on_forty_columns_a_list_of_servers_shows_whole_names() -> None:
    servers = [(f"prod/{name}", "BUILD (spawning)") for name in ("web-01", "web-02", "ci-runner-07")]
    rows = [(Cell(name), Cell(state), Cell("e1573f44-2e88-5f1c-8d0c-2f7f5f0b8a11")) for name, state in servers]
    shown = "\n".join(aligned_lines(TITLES, rows, columns=40, colour=False, steps=STEPS))
    assert all(name in shown for name, _ in servers)
    shown = "\n".join(aligned_lines(TITLES, rows, columns=30, colour=False, steps=STEPS))
    assert "prod/ci-runner-07  BUILD (spa…" in shown


def test_colour_surrounds_a_cell_and_changes_no_width() -> None:
    lines = aligned_lines(TITLES, ROWS, columns=80, colour=True, steps=STEPS)
    assert lines[0].startswith("\x1b[1mSERVER\x1b[0m                  \x1b[1mSTATE")
    assert "\x1b[32mACTIVE\x1b[0m   0f0e" in lines[1]
    assert "\x1b[31mERROR\x1b[0m    1f1e" in lines[2]
    assert "\x1b" not in lines[3]


@pytest.mark.parametrize(
    ("wanted", "columns", "widths"),
    [
        ([10, 6, 36], 56, [10, 6, 36]),
        ([10, 6, 36], 55, [10, 6, 35]),
        ([10, 6, 36], 29, [10, 6, 9]),
        ([10, 6, 36], 28, [10, 6, 8]),
        ([10, 6, 36], 27, [10, 6, 0]),
        ([20, 17, 36], 39, [20, 17, 0]),
        ([20, 17, 36], 32, [20, 10, 0]),
        ([20, 17, 36], 25, [15, 8, 0]),
        ([60, 7, 36], 80, [60, 7, 9]),
        ([60, 17, 36], 80, [50, 17, 9]),
        ([255, 17, 36], 80, [50, 17, 9]),
        ([255, 17, 36], 70, [48, 17, 0]),
        ([20, 6, 36], 10, [8, 6, 0]),
        ([3, 5, 2], 8, [3, 5, 0]),
    ],
)
def test_columns_give_way_step_by_step(wanted: list[int], columns: int, widths: list[int]) -> None:
    found = fitting(dict(zip(TITLES, wanted, strict=True)), columns, STEPS)
    assert list(found.values()) == widths


def test_a_column_may_give_way_twice() -> None:
    steps = (("A", 20), ("B", 0), ("A", 8))
    assert fitting({"A": 50, "B": 9}, 40, steps) == {"A": 29, "B": 9}
    assert fitting({"A": 50, "B": 9}, 30, steps) == {"A": 20, "B": 8}
    assert fitting({"A": 50, "B": 9}, 22, steps) == {"A": 20, "B": 0}
    assert fitting({"A": 50, "B": 9}, 12, steps) == {"A": 12, "B": 0}
