"""Runs after all other tests (see conftest.py): no API key, password, API token or console token can be read anywhere.

Searched is everything that the project's programs and pages put out while the suite ran: files under `suite_output`,
log records, and what commands, the API and pages said (`tests.fakes.issued.PUT_OUT`). Of that, one place may hold a
console URL: what a command that was told `--reveal`, or a request with `"reveal": true`, was answered with.
"""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest

from tests.fakes.issued import ISSUED, PUT_OUT

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_EVERY_UUID = re.compile(f"(?=({_UUID}))")
"""Even where one begins within another."""
_SHAPES = re.compile(
    rf"token['\"]?\s?(?:=|:|%3D|%253D|\\u003d|&#61;|&#x3d;)\s?['\"]?{_UUID}"  # Nova's console tokens
    r"|gAAAA[\w-]{60,}"  # Keystone's API tokens
    r"|X-(?:Auth|Subject)-Token\W{1,4}[\w-]{16,}",
    re.IGNORECASE,
)
"""Secrets that processes made among themselves, so that no fake could note them: the demo's, a real Keystone's."""


def found_in(text: str) -> set[str]:
    """What of it is secret. Most secrets are UUIDs, and are looked for all at once."""
    uuids = {secret for secret in ISSUED if re.fullmatch(_UUID, secret)}
    others = {secret for secret in ISSUED - uuids if secret in text}
    return others | (uuids & set(_EVERY_UUID.findall(text))) | set(_SHAPES.findall(text))


def test_no_output_of_the_suite_holds_a_secret(suite_output: Path) -> None:
    files = [path for path in suite_output.rglob("*") if path.is_file()]
    leaks = {str(path): len(found_in(path.read_text(errors="replace"))) for path in files}
    leaks["log records, prints and answers"] = len(found_in("\n".join(PUT_OUT)))
    assert {place: secrets for place, secrets in leaks.items() if secrets} == {}


def test_the_search_would_find_each_secret_that_was_issued() -> None:
    for secret in ISSUED:
        assert len(secret) >= 12, f"{secret} is so short that it stands somewhere by chance"
    for secret in list(ISSUED)[:50]:
        assert secret in found_in(f"GET /?path=%3ftoken%3d{secret}&x HTTP/1.1")


@pytest.mark.parametrize(
    "text",
    [
        "GET /?token={} HTTP/1.1", "vnc_lite.html?path=%3Ftoken%3D{}", "path=%253Ftoken%253D{}", "'token': {}",
        'href="?token&#x3d;{}"', "X-Auth-Token: {}", "'X-Subject-Token': '{}'", "gAAAAABm-_" + 6 * "0123456789",
    ],
)  # fmt: skip
def test_the_search_would_find_one_that_nobody_noted(text: str) -> None:
    assert found_in(text.replace("{}", str(uuid.uuid4())))


def test_what_is_no_secret_is_not_found() -> None:
    for text in (f"/c/prod/{uuid.uuid4()}", f"request id req-{uuid.uuid4()}", "the console token", "token=wrong"):
        assert found_in(text) == set()
