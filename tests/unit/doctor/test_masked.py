"""What is shown of a console URL."""

from __future__ import annotations

import uuid
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.doctor.masked import shape_of

TOKEN = "3f0c7c5a-9c1f-4e2b-8d7a-0123456789ab"
NESTED = TOKEN
for name in "cba":
    NESTED = quote(f"{name}?path={NESTED}", safe="")


@pytest.mark.parametrize(
    ("url", "shape"),
    [
        (f"https://vnc.example.net:6080/vnc_auto.html?token={TOKEN}", "https://vnc.example.net:6080/vnc_auto.html?token=***"),
        (f"http://10.0.0.5:6080/vnc_lite.html?path=%3Ftoken%3D{TOKEN}", "http://10.0.0.5:6080/vnc_lite.html?path=/?token=***"),
        (f"http://h/novnc/vnc_lite.html?path=novnc%3Ftoken%3D{TOKEN}", "http://h/novnc/vnc_lite.html?path=/novnc?token=***"),
        (f"http://h/vnc.html?path=%2F%2Fx%3Ftoken%3D{TOKEN}", "http://h/vnc.html?path=/x?token=***"),
        (f"http://h/?path=wss%3A%2F%2Fw%3A443%2Fx%3Ftoken%3D{TOKEN}", "http://h/?path=wss://w:443/x?token=***"),
        (f"http://h/?path={NESTED}", "http://h/?path=/a?path=/b?path=/c?path=***"),
        (f"ws://[::1]:6083/?token={TOKEN}", "ws://[::1]:6083/?token=***"),
        (f"http://ops:{TOKEN}@h/?token=", "http://***@h/?token="),
        (f"http://h/console/{TOKEN}", "http://h/console/***"),
        (f"http://h/x;token={TOKEN}?{TOKEN}", "http://h/***?***"),
        (f"http://h/%3Ftoken%3D{TOKEN}", "http://h/***"),
        (f"http://h/?title=web-01&autoconnect=1&{TOKEN}=1#{TOKEN}", "http://h/?title=***&autoconnect=***&***#***"),
        ("http://h/?path=%C3%A9%3Ftoken%3Dx", "http://h/?path=***"),
        (f"javascript:{TOKEN}", "javascript:***"),
        (f"a{TOKEN}:x", "***:***"),
        (f"http://h/x.{TOKEN}.y", "http://h/***"),
        (f"//h/?token={TOKEN}", "://h/?token=***"),
        (TOKEN, "***"),
        (f"http://h:99999/?token={TOKEN}", "(no URL that can be read)"),
        (f"http://[/?token={TOKEN}", "(no URL that can be read)"),
    ],
)  # fmt: skip
def test_the_shape_of_a_console_url_has_no_secret(url: str, shape: str) -> None:
    assert shape_of(url) == shape


@pytest.mark.parametrize("url", [f"http://h/ ?token={TOKEN}", f"http://h/\x1b?token={TOKEN}", f"http://é/{TOKEN}"])
def test_what_no_url_has_is_not_shown_at_all(url: str) -> None:
    assert shape_of(url).startswith("(a text with")


def test_a_long_one_is_cut() -> None:
    assert len(shape_of("http://h/" + "a/" * 1000)) == 300


@given(st.text(max_size=20).filter(lambda text: "//" not in text), st.text(max_size=20), st.integers(0, 3))
def test_wherever_a_token_stands_behind_the_host_it_is_not_shown(before: str, behind: str, quotings: int) -> None:
    token = str(uuid.uuid4())
    written = f"{before}{token}{behind}"
    for _ in range(quotings):
        written = quote(written, safe="")
    for place in ("http://h/{}", "http://h/?{}", "http://h/?path={}", "http://h/?token={}", "http://h/#{}", "{}"):
        assert token not in shape_of(place.format(written))
