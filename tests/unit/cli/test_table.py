"""Tables for people and for programs."""

from __future__ import annotations

import pytest

from launcher.cli.table import Cell, Tone, aligned_lines, fitting, tab_lines
from launcher.cli.text import width

TITLES = ("SERVER", "STATE", "ID")
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
    lines = aligned_lines(TITLES, ROWS, columns=80, colour=False)
    assert lines == [
        "SERVER                  STATE    ID",
        "prod/web-01             ACTIVE   0f0e",
        "prod/日本               ERROR    1f1e",
        "prod/new\\nline\\x1b[31m  SHUTOFF  2f2e",
    ]


def test_cells_are_cut_until_the_table_fits() -> None:
    lines = aligned_lines(TITLES, ROWS, columns=28, colour=False)
    assert lines[3] == "prod/new\\nli…  SHUTOFF  2f2e"
    assert max(width(line) for line in lines) == 28


def test_colour_surrounds_a_cell_and_changes_no_width() -> None:
    lines = aligned_lines(TITLES, ROWS, columns=80, colour=True)
    assert lines[0].startswith("\x1b[1mSERVER\x1b[0m                  \x1b[1mSTATE")
    assert "\x1b[32mACTIVE\x1b[0m   0f0e" in lines[1]
    assert "\x1b[31mERROR\x1b[0m    1f1e" in lines[2]
    assert "\x1b" not in lines[3]


@pytest.mark.parametrize(
    ("wanted", "columns", "elastic", "widths"),
    [
        ([10, 6, 36], 80, 0, [10, 6, 36]),
        ([100, 6, 36], 80, 0, [34, 6, 36]),
        ([12, 100, 6], 60, 1, [12, 38, 6]),
        ([100, 6, 36], 50, 0, [8, 6, 32]),
        ([100, 6, 36], 10, 0, [8, 6, 8]),
        ([3], 1, 0, [3]),
    ],
)
def test_one_column_gives_way_first_and_then_the_widest_alike(
    wanted: list[int], columns: int, elastic: int, widths: list[int]
) -> None:
    assert fitting(wanted, columns, elastic) == widths


def test_where_names_would_be_cut_short_the_ids_go_first() -> None:
    titles, rows = ("SERVER", "STATE", "ID"), [[Cell("prod/web-server-01"), Cell("ACTIVE"), Cell("u" * 36)]]
    narrow = aligned_lines(titles, rows, columns=40, colour=False, spare=2)
    assert narrow == ["SERVER              STATE", "prod/web-server-01  ACTIVE"]
    wide = aligned_lines(titles, rows, columns=80, colour=False, spare=2)
    assert wide[1].endswith("u" * 36)
    long = [[Cell("x" * 255), Cell("ACTIVE"), Cell("u" * 36)]]
    assert aligned_lines(titles, long, columns=80, colour=False, spare=2)[1].endswith("u" * 36)
