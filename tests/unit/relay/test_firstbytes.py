"""A fresh upstream is believed by its first bytes alone."""

from __future__ import annotations

import pytest

from launcher.relay.firstbytes import FRAMES, FirstBytes, FirstVerdict, RawFirstBytes

GREETING = b"\x82\x0cRFB 003.008\n"


def first_bytes() -> FirstBytes:
    return FirstBytes(1024**2)


def test_a_screen_is_believed() -> None:
    first = first_bytes()
    assert first.feed(GREETING) is FirstVerdict.PROVEN
    assert first.raw == GREETING


def test_four_bytes_are_enough() -> None:
    first = first_bytes()
    assert first.feed(GREETING[:5]) is FirstVerdict.WAITING
    assert first.feed(GREETING[5:6]) is FirstVerdict.PROVEN
    assert first.raw == GREETING[:6]


def test_what_follows_the_proof_is_kept_as_it_is() -> None:
    first = first_bytes()
    assert first.feed(GREETING + b"\x89\x00\x82") is FirstVerdict.PROVEN
    assert first.pings == []
    assert first.feed(b"\x00") is FirstVerdict.PROVEN
    assert first.raw == GREETING + b"\x89\x00\x82\x00"


def test_byte_by_byte_it_is_the_same() -> None:
    first = first_bytes()
    stream = b"\x82\x00\x89\x02hi\x02\x02RF\x8a\x00\x80\x0aB 003.008\n"
    verdicts, pings = [], []
    for byte in stream:
        verdicts.append(first.feed(bytes((byte,))))
        pings += first.pings
    assert verdicts[-1] is FirstVerdict.PROVEN
    assert pings == [b"hi"]
    assert first.raw == b"\x82\x00\x02\x02RF\x80\x0aB 003.008\n"


def test_pings_before_the_proof_are_answered_here_and_do_not_pass() -> None:
    first = first_bytes()
    assert first.feed(b"\x89\x01a\x89\x01b\x8a\x01c") is FirstVerdict.WAITING
    assert first.pings == [b"a", b"b"]
    assert first.feed(GREETING) is FirstVerdict.PROVEN
    assert first.pings == []
    assert first.raw == GREETING


def test_half_a_ping_is_waited_for() -> None:
    first = first_bytes()
    assert first.feed(b"\x89\x02a") is FirstVerdict.WAITING
    assert first.pings == []
    assert first.feed(b"b") is FirstVerdict.WAITING
    assert first.pings == [b"ab"]


def test_a_close_before_the_greeting_is_the_end() -> None:
    first = first_bytes()
    assert first.feed(b"\x82\x00\x88\x05\x03\xe8bye") is FirstVerdict.ENDED
    assert first.close == (1000, "bye")
    assert first.feed(GREETING) is FirstVerdict.ENDED


def test_half_a_close_is_waited_for_and_a_malformed_one_is_the_end_too() -> None:
    first = first_bytes()
    assert first.feed(b"\x88\x01") is FirstVerdict.WAITING
    assert first.feed(b"\x03") is FirstVerdict.ENDED
    assert first.close is None


@pytest.mark.parametrize("stream", [b"\x82\x04SSH-", b"\x82\x01Q", b"\x02\x02RF\x80\x02C ", b"\x82\x7e\x10\x00\x1b"])
def test_something_else_than_a_screen_is_refused(stream: bytes) -> None:
    first = first_bytes()
    assert first.feed(stream) is FirstVerdict.NOT_RFB
    assert "RFB" in first.why


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        (b"\x81\x04RFB ", "text"),
        (b"\x82\x80abcd", "masked"),
        (b"\xc2\x04RFB ", "reserved bit"),
        (b"\x82\x7f" + (1 << 40).to_bytes(8, "big"), "frame_limit"),
    ],
)
def test_a_breach_of_the_protocol_is_a_fault(stream: bytes, why: str) -> None:
    first = first_bytes()
    assert first.feed(stream) is FirstVerdict.FAULT
    assert why in first.why


@pytest.mark.parametrize("frame", [b"\x82\x00", b"\x02\x00", b"\x89\x00", b"\x8a\x00"])
def test_frames_without_end_are_a_fault_and_only_so_many_are_read(frame: bytes) -> None:
    first = first_bytes()
    assert first.feed(frame * FRAMES) is FirstVerdict.WAITING
    assert first.feed(frame) is FirstVerdict.FAULT
    assert str(FRAMES) in first.why
    flooded = first_bytes()
    assert flooded.feed(frame * 32768) is FirstVerdict.FAULT
    assert len(flooded.pings) <= FRAMES + 1


def test_a_greeting_with_a_whole_screen_behind_it_is_no_flood() -> None:
    first = first_bytes()
    stream = GREETING + b"\x82\x7e\xff\xff" + bytes(65535) + b"\x82\x7e\xff\xff" + bytes(65535)
    assert first.feed(stream) is FirstVerdict.PROVEN
    assert first.raw == stream


def test_a_raw_screen_is_believed_and_what_follows_is_kept() -> None:
    first = RawFirstBytes()
    assert first.feed(b"") is FirstVerdict.WAITING
    assert first.feed(b"RFB 003.003\n") is FirstVerdict.PROVEN
    assert first.feed(b"\x00\x00\x00\x01") is FirstVerdict.PROVEN
    assert first.raw == b"RFB 003.003\n\x00\x00\x00\x01"
    assert (first.pings, first.close, first.why) == ([], None, "")


def test_a_raw_screen_is_believed_byte_by_byte() -> None:
    first = RawFirstBytes()
    verdicts = [first.feed(bytes((byte,))) for byte in b"RFB 003.008\n"]
    assert verdicts == [FirstVerdict.WAITING] * 3 + [FirstVerdict.PROVEN] * 9
    assert first.raw == b"RFB 003.008\n"


@pytest.mark.parametrize("stream", [b"<html>", b"RFC ", b"RFBx", b"\x00", b"HTTP/1.1 404 Not Found\r\n\r\n"])
def test_raw_garbage_is_refused_for_good(stream: bytes) -> None:
    first = RawFirstBytes()
    assert first.feed(stream) is FirstVerdict.NOT_RFB
    assert first.why == "it does not begin with `RFB `"
    assert first.feed(b"RFB 003.008\n") is FirstVerdict.NOT_RFB
    assert first.raw == stream
