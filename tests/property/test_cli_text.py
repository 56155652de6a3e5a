from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from launcher.cli.text import cut, escaped, width

TEXTS = st.text(st.characters(codec=None, categories=None), max_size=60)


@given(TEXTS)
def test_nothing_that_steers_a_terminal_is_left(text: str) -> None:
    shown = escaped(text)
    assert shown.isprintable()
    assert not shown or unicodedata.combining(shown[0]) == 0
    assert escaped(shown) == shown


@given(TEXTS, st.integers(1, 30))
def test_a_cut_text_fits(text: str, columns: int) -> None:
    shown = cut(escaped(text), columns)
    assert width(shown) <= columns
    assert shown == escaped(text) or shown.endswith("…")
