"""Addresses of a noVNC that stood before a websockify with tokens."""

from __future__ import annotations

import pytest
from yarl import URL

from launcher.web.novnc import token_of


@pytest.mark.parametrize(
    "query",
    [
        "path=websockify?token=kvm-a",
        "path=websockify%3Ftoken%3Dkvm-a",
        "path=/websockify?token=kvm-a",
        "path=%2Fwebsockify%3Ftoken%3Dkvm-a&autoconnect=true",
        "autoconnect=1&path=websockify/?token=kvm-a",
        "path=%3Ftoken%3Dkvm-a",
        "token=kvm-a",
        "path=websockify&token=kvm-a",
        "path=websockify?token=kvm-a&token=other",
        "path=websockify%3Fx%3D1%26token%3Dkvm-a%26token%3Dother",
    ],
)
def test_the_token_is_found_wherever_novnc_takes_it_from(query: str) -> None:
    assert token_of(URL(f"/vnc.html?{query}", encoded=True).query) == "kvm-a"


@pytest.mark.parametrize(
    ("query", "token"),
    [
        ("path=websockify%3Ftoken%3Dkvm%2520a%252Fb", "kvm a/b"),
        ("path=websockify?token=kvm%20a", "kvm a"),
        ("", None),
        ("path=websockify", None),
        ("path=websockify?token=", None),
        ("token=", None),
    ],
)
def test_a_token_may_be_any_text_but_none(query: str, token: str | None) -> None:
    assert token_of(URL(f"/vnc.html?{query}", encoded=True).query) == token
