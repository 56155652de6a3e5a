from __future__ import annotations

import pytest

from launcher.demo.upgrade import UpgradeError, parse_upgrade

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def head(target: str = "/?token=abc", **headers: str) -> bytes:
    lines = {
        "Host": "127.0.0.1:6080",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    return "\r\n".join([f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items())]).encode()


@pytest.mark.parametrize(
    ("target", "token"),
    [
        ("/?token=abc", "abc"),
        ("/any/path?x=1&token=abc", "abc"),
        ("/?token=abc&token=def", "def"),
        ("/?path=%3Ftoken%3Dabc", None),
        ("/?token=", ""),
        ("/", None),
        ("//[", None),
    ],
)
def test_the_token_is_the_last_of_the_query(target: str, token: str | None) -> None:
    assert parse_upgrade(head(target)).token == token


def test_a_cookie_will_do_and_the_query_beats_it() -> None:
    assert parse_upgrade(head("/", Cookie="a=b; token=abc")).token == "abc"
    assert parse_upgrade(head("/?token=def", Cookie="token=abc")).token == "def"
    assert parse_upgrade(head("/", Cookie="\x01=;;")).token is None


@pytest.mark.parametrize("offered", ["binary", "binary, base64", "base64,binary"])
def test_binary_may_be_among_what_is_offered(offered: str) -> None:
    assert parse_upgrade(head(Sec_WebSocket_Protocol=offered)).headers["sec-websocket-protocol"] == offered


@pytest.mark.parametrize("offered", ["base64", "chat", "base64, binary", ""])
def test_other_subprotocols_are_refused(offered: str) -> None:
    with pytest.raises(UpgradeError, match="Invalid protocol selected") as refused:
        parse_upgrade(head(Sec_WebSocket_Protocol=offered))
    assert refused.value.status == 400


def test_what_is_no_upgrade_is_told_where_to_go() -> None:
    for wrong, status in ((b"POST / HTTP/1.1\r\nHost: x", 405), (b"GET / HTTP/1.1\r\nHost: x", 404), (b"", 405)):
        with pytest.raises(UpgradeError) as refused:
            parse_upgrade(wrong)
        assert refused.value.status == status


@pytest.mark.parametrize(
    ("origin", "fits"),
    [
        ("http://127.0.0.1:6080", True),
        ("http://127.0.0.1:9", True),
        ("https://127.0.0.1:6080", False),
        ("http://evil.example", False),
        ("null", False),
        ("", False),
        ("http://[", False),
    ],
)
def test_a_page_must_be_of_our_own_host(origin: str, fits: bool) -> None:
    assert parse_upgrade(head(Origin=origin)).origin_fits is fits


def test_programs_send_no_origin_and_a_front_end_may_tell_the_scheme() -> None:
    assert parse_upgrade(head()).origin_fits
    assert not parse_upgrade(head(Origin="http://127.0.0.1", X_Forwarded_Proto="https")).origin_fits
