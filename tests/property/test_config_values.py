from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.config.strict_yaml import read
from launcher.config.values import format_duration, format_size, parse_duration, parse_size

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
SIZES = {"B": 1, "KiB": 1024, "MiB": 1024**2}


@given(st.integers(0, 999_999_999), st.sampled_from(sorted(UNITS)))
def test_a_duration_is_its_number_times_its_unit(number: int, unit: str) -> None:
    assert parse_duration(f"{number}{unit}") == pytest.approx(number * UNITS[unit])


@given(st.integers(0, 10_000_000))
def test_a_duration_written_and_read_is_the_same(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.integers(0, 999_999_999), st.sampled_from(sorted(SIZES)))
def test_a_size_written_and_read_is_the_same(number: int, unit: str) -> None:
    count = parse_size(f"{number}{unit}")
    assert count == number * SIZES[unit]
    assert count >= 10**9 or parse_size(format_size(count)) == count


@given(st.text())
def test_any_other_text_is_refused_in_one_way_only(text: str) -> None:
    for parse in (parse_duration, parse_size):
        if not re.fullmatch(r"[0-9.]+[a-zA-Z]+", text):
            with pytest.raises(ValueError, match=r"is expected$"):
                parse(text)


@given(st.one_of(st.binary(max_size=400), st.text("ab:-[]{}&*!|>'\"%@#,?~<\t\n 01", max_size=200).map(str.encode)))
def test_no_bytes_make_the_reader_fail_otherwise_than_by_a_problem(content: bytes) -> None:
    document = read(content, "f.yaml")
    assert isinstance(document.value, dict) or document.problems
