"""Runs after all other tests (see conftest.py)."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import PUT_OUT
from tests.fakes.issued import ISSUED


def found_in(text: str) -> list[str]:
    return [secret for secret in ISSUED if secret in text]


def test_no_output_of_the_suite_holds_a_secret_that_it_issued(suite_output: Path) -> None:
    files = [path for path in suite_output.rglob("*") if path.is_file()]
    leaks = {str(path): found_in(path.read_text(errors="replace")) for path in files}
    leaks["log records and prints"] = found_in("\n".join(PUT_OUT))
    assert {place: len(secrets) for place, secrets in leaks.items() if secrets} == {}


def test_the_search_would_find_one() -> None:
    secret = next(iter(ISSUED), None)
    if secret is not None:
        assert found_in(f"GET /?token={secret} HTTP/1.1") == [secret]
