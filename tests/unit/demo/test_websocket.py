from __future__ import annotations

import os

import pytest

from launcher.demo import websocket
from launcher.demo.websocket import Broken, Closed, Frames, Incoming, Message, Ping, UpgradeError, parse_upgrade
from tests.fakes.console_proxy import frame as client_frame

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


def masked(payload: bytes, opcode: int = 2, *, fin: bool = True) -> bytes:
    return client_frame(payload, opcode, fin=fin, mask=os.urandom(4))


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


def test_the_answer_is_the_one_that_the_key_asks_for() -> None:
    answer = parse_upgrade(head()).answer
    assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
    assert b"Protocol" not in answer.partition(b"\r\n")[2]
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("offered", ["binary", "binary, base64", "base64,binary"])
def test_binary_is_chosen_where_it_is_offered(offered: str) -> None:
    assert b"Sec-WebSocket-Protocol: binary\r\n\r\n" in parse_upgrade(head(Sec_WebSocket_Protocol=offered)).answer


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


def test_messages_come_whole_however_they_are_cut() -> None:
    stream = masked(b"one") + masked(b"tw", fin=False) + masked(b"?", 9) + masked(b"o", 0) + masked(b"", 10)
    stream += masked(bytes(70_000)) + masked(b"x" * 200)
    frames = Frames()
    found: list[Incoming] = []
    for place in range(0, len(stream), 7):
        found += frames.feed(stream[place : place + 7])
    assert found == [Message(b"one"), Ping(b"?"), Message(b"two"), Message(bytes(70_000)), Message(b"x" * 200)]


def test_a_close_is_echoed_and_the_last_word() -> None:
    frames = Frames()
    assert list(frames.feed(masked(b"\x0f\xa1bye", 8) + masked(b"late"))) == [Closed(b"\x88\x05\x0f\xa1bye")]
    assert list(frames.feed(masked(b"late"))) == []
    assert list(Frames().feed(masked(b"", 8))) == [Closed(b"\x88\x00")]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (masked(b"hello", 1), 1003),
        (client_frame(b"hello"), 1002),
        (masked(b"more", 0), 1002),
        (masked(b"a", fin=False) + masked(b"b"), 1002),
        (masked(b"\x03", 8), 1002),
        (masked(bytes(websocket.MESSAGE_LIMIT + 1)), 1009),
        (masked(bytes(websocket.MESSAGE_LIMIT - 5), fin=False) + masked(bytes(9), 0), 1009),
    ],
)
def test_who_breaks_the_protocol_is_told_so_once(raw: bytes, code: int) -> None:
    frames = Frames()
    *_, broken = frames.feed(raw)
    assert isinstance(broken, Broken)
    assert broken.code == code
    assert list(frames.feed(masked(b"late"))) == []


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_frames_of_ours_are_not_masked(size: int) -> None:
    assert websocket.frame(bytes(size)) == client_frame(bytes(size))


def test_a_close_of_ours_has_a_code_and_a_reason() -> None:
    assert websocket.close_frame(1000, "Target closed") == b"\x88\x0f\x03\xe8Target closed"
