from __future__ import annotations

import pytest

from launcher.access.claims import CLAIMS, claimed


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_case_14_each_header_that_says_who_asks_is_known_in_any_spelling(name: str) -> None:
    for spelling in (name, name.upper(), name.title()):
        assert claimed(["Host", spelling, spelling]) == (name,)


def test_other_headers_claim_nothing() -> None:
    assert claimed(["Host", "Origin", "Cookie", "User-Agent", "Authorization", "X-Requested-With"]) == ()
