from __future__ import annotations

import struct
import zlib

import pytest

from launcher.demo import clipboard
from launcher.demo.clipboard import Heard, hear

TEXT, CAPS, REQUEST, PEEK, NOTIFY, PROVIDE = 1, 1 << 24, 1 << 25, 1 << 26, 1 << 27, 1 << 28


def flags(value: int, body: bytes = b"") -> bytes:
    return struct.pack(">I", value) + body


def provided(text: str, size: int | None = None) -> bytes:
    raw = text.encode() + b"\0"
    return flags(PROVIDE | TEXT, zlib.compress(struct.pack(">I", len(raw) if size is None else size) + raw))


def test_a_plain_text_is_latin_1() -> None:
    assert clipboard.cut_text("Grüße €\r\n") == b"\x03\0\0\0\0\0\0\x08Gr\xfc\xdfe ?\n"


def test_an_extended_message_has_a_negative_length() -> None:
    assert clipboard.notice() == b"\x03\0\0\0" + struct.pack(">iI", -4, NOTIFY | TEXT)
    assert clipboard.capabilities()[:8] == b"\x03\0\0\0" + struct.pack(">i", -8)


def test_who_has_a_new_text_is_asked_for_it() -> None:
    assert hear(flags(NOTIFY | TEXT), "") == Heard(answer=b"\x03\0\0\0" + struct.pack(">iI", -4, REQUEST | TEXT))
    assert hear(flags(NOTIFY), "") == Heard()


def test_a_text_that_is_provided_arrives_whole() -> None:
    assert hear(provided("Grüße, 東京 €\r\nzwei"), "") == Heard(text="Grüße, 東京 €\nzwei")
    assert hear(flags(PROVIDE), "") == Heard()


def test_our_text_is_given_to_who_asks() -> None:
    answer = hear(flags(REQUEST | TEXT), "zwei\nZeilen €").answer
    assert struct.unpack(">I", answer[8:12]) == (PROVIDE | TEXT,)
    raw = zlib.decompress(answer[12:])
    assert raw[4:].decode() == "zwei\r\nZeilen €\0"
    assert int.from_bytes(raw[:4], "big") == len(raw) - 4
    assert hear(flags(REQUEST | TEXT), "") == Heard()
    assert hear(flags(REQUEST), "x") == Heard()


def test_a_peek_is_told_whether_there_is_a_text() -> None:
    assert hear(flags(PEEK), "x").answer == clipboard.notice()
    assert hear(flags(PEEK), "").answer == b"\x03\0\0\0" + struct.pack(">iI", -4, NOTIFY)


def test_capabilities_are_taken_note_of_silently() -> None:
    assert hear(flags(CAPS | PROVIDE | TEXT, b"\0\0\0\0"), "x") == Heard()


def test_a_bomb_is_not_unpacked() -> None:
    heard = hear(provided("x" * 50_000_000), "")
    assert heard.text is not None
    assert len(heard.text) == clipboard.TEXT_LIMIT
    assert hear(provided("abc", size=2), "") == Heard(text="ab")
    assert hear(provided("abc", size=0), "") == Heard(text="")


@pytest.mark.parametrize("wrong", [b"", b"\0\0", flags(0), flags(NOTIFY | REQUEST), flags(PROVIDE | TEXT, b"no zlib")])
def test_what_makes_no_sense_is_refused(wrong: bytes) -> None:
    with pytest.raises(ValueError):
        hear(wrong, "")
