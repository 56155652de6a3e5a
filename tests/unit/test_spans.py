from __future__ import annotations

import pytest

from launcher.spans import span


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (41, "41 s"), (120, "120 s"), (120.1, "3 min"), (2400, "40 min"), (7200, "120 min"), (7201, "3 h")],
)
def test_a_span_is_said_in_the_unit_that_is_easily_read(seconds: float, said: str) -> None:
    assert span(seconds) == said
