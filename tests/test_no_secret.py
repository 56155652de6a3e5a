"""The search for secrets itself: that it finds what it is there for, and nothing else.

The search runs at the end of the suite, see conftest.py: no API key, password, API token or console token can be read
anywhere in what the project's programs and pages put out meanwhile.
"""

from __future__ import annotations

import uuid

import pytest

from tests.fakes.issued import ISSUED, found_in


def test_the_search_would_find_each_secret_that_was_issued() -> None:
    for secret in ISSUED:
        vnc_password = len(secret) == 8 and set(secret) - set("0123456789abcdef")  # VNC takes no longer ones
        assert len(secret) >= 12 or vnc_password, f"{secret} is so short that it stands somewhere by chance"
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
