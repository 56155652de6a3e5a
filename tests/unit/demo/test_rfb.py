from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.demo import rfb
from launcher.demo.canvas import Rect
from launcher.demo.pixels import OURS
from launcher.demo.rfb import (
    CutText,
    Event,
    ExtendedCutText,
    Init,
    Key,
    Pointer,
    Reader,
    RfbError,
    SetEncodings,
    SetFormat,
    UpdateRequest,
)
from tests.fakes import rfb_client

STREAM = b"".join(
    (
        b"\x01",
        b"\0\0\0\0" + OURS.packed(),
        rfb_client.set_encodings(7, 0, -223),
        rfb_client.update_request(1024, 640, incremental=True),
        rfb_client.key(0x61),
        rfb_client.pointer(3, 4, 1),
        rfb_client.cut_text("héllo"),
        rfb_client.extended(1 << 27 | 1),
        rfb_client.set_encodings(),
    )
)
EVENTS: list[Event] = [
    Init(),
    SetFormat(OURS),
    SetEncodings((7, 0, -223)),
    UpdateRequest(True, Rect(0, 0, 1024, 640)),
    Key(0x61, True),
    Pointer(3, 4, 1),
    CutText("héllo"),
    ExtendedCutText(b"\x08\0\0\x01"),
    SetEncodings(()),
]


def test_each_message_is_one_event() -> None:
    assert list(Reader().feed(STREAM)) == EVENTS


@given(st.lists(st.integers(1, 40), max_size=40))
def test_however_the_bytes_are_cut(sizes: list[int]) -> None:
    reader, rest = Reader(), STREAM
    events: list[Event] = []
    for size in sizes:
        events += reader.feed(rest[:size])
        rest = rest[size:]
    events += reader.feed(rest)
    assert events == EVENTS


def test_nothing_yields_nothing() -> None:
    assert list(Reader().feed(b"")) == []


@pytest.mark.parametrize(
    "wrong",
    [
        b"\x63",
        b"\xff\0",
        struct.pack(">BxH", 2, 1025),
        struct.pack(">B3xI", 6, 1_000_000),
        struct.pack(">B3xi", 6, -1_000_000),
        b"\0\0\0\0" + bytes(16),
    ],
)
def test_what_is_no_message_or_too_large_ends_it_at_once(wrong: bytes) -> None:
    with pytest.raises(RfbError):
        list(Reader().feed(b"\x01" + wrong))


@given(st.binary(max_size=300))
def test_a_hostile_viewer_gets_an_error_and_no_other(noise: bytes) -> None:
    with contextlib.suppress(RfbError):
        list(Reader().feed(b"\x01" + noise))


def test_server_init_says_size_format_and_name() -> None:
    raw = rfb.server_init("東京", 1024, 640)
    assert raw[:4] == struct.pack(">HH", 1024, 640)
    assert raw[4:20] == OURS.packed()
    assert raw[24:].decode() == "東京"


def test_an_update_counts_its_rectangles() -> None:
    assert rfb.update([b"one", b"two"]) == b"\0\0\0\x02onetwo"
