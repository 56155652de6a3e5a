"""What is judged of a viewer's messages where a session must be understood, and how many of them are borne."""

from __future__ import annotations

import struct

import pytest

from launcher.model import EndReason
from launcher.relay.governor import FLOOD, RUNS_PER_SECOND, Governor
from launcher.relay.rfb import RUNS_AT_ONCE
from launcher.relay.terms import Rules

KEY = struct.pack(">BBHI", 4, 1, 0, 97)
REQUEST = struct.pack(">BBHHHH", 3, 1, 0, 0, 8, 8)
NO_ENCODINGS = b"\2\0\0\0"
MEBIBYTE = 1024**2


def governor(*, view_only: bool) -> Governor:
    """Of a session whose screen is there."""
    one = Governor(Rules(view_only=view_only), signed_in=False, framed=False, stays=True)
    for said, answer in ((b"RFB 003.008\n", b"RFB 003.008\n"), (b"\1\1", b"\1"), (b"\0\0\0\0", b"\1")):
        one.hear(said)
        one.judge(answer, 1000.0)
    one.hear(struct.pack(">HH", 1024, 768) + bytes(20))
    return one


@pytest.mark.parametrize("view_only", [True, False])
def test_a_mebibyte_of_tiny_messages_is_a_breach_and_not_read_to_its_end(view_only: bool) -> None:
    one = governor(view_only=view_only)
    one.judge(NO_ENCODINGS * (MEBIBYTE // 4), 1000.0)
    assert one.ending == (EndReason.VIEWER_PROTOCOL, 1008, FLOOD)
    assert one.inputs <= RUNS_AT_ONCE + 1
    assert len(FLOOD.encode()) <= 123


@pytest.mark.parametrize("view_only", [True, False])
def test_a_mebibyte_of_typed_text_is_none(view_only: bool) -> None:
    one = governor(view_only=view_only)
    one.judge(KEY * (MEBIBYTE // 8), 1000.0)
    assert one.ending is None
    assert one.inputs == MEBIBYTE // 8


def test_messages_in_many_payloads_are_counted_together() -> None:
    one = governor(view_only=True)
    for _ in range(RUNS_AT_ONCE // 100 + 1):
        one.judge((KEY + REQUEST) * 50, 1000.0)
    assert one.ending is not None


def test_what_comes_at_the_rate_is_borne_for_ever() -> None:
    one = governor(view_only=True)
    for second in range(60):
        one.judge((KEY + REQUEST) * (RUNS_PER_SECOND // 2), 1001.0 + second)
    assert one.ending is None


def test_in_a_run_of_like_messages_view_only_lets_through_what_it_lets_through_alone() -> None:
    one = governor(view_only=True)
    stream = KEY * 200 + REQUEST * 150 + KEY + REQUEST
    passed = b""
    for at in range(0, len(stream), 7):
        passed += one.judge(stream[at : at + 7], 1000.0).up or b""
    assert passed == REQUEST * 151
    assert one.inputs == 201


def test_what_the_page_types_is_borne_however_long_it_is() -> None:
    """static/tools.js: 16 characters, each pressed and let go, every 20 ms."""
    one = governor(view_only=False)
    for turn in range(50 * 60):
        for _ in range(2 * 16):
            one.judge(KEY, 1000.0 + turn * 0.02)
    assert one.ending is None


def test_a_server_that_begins_with_more_frames_than_a_turn_reads_breaks_the_protocol() -> None:
    one = Governor(Rules(view_only=True), signed_in=False, framed=True)
    one.hear(b"\x82\x01x" * 20_000)
    assert one.ending is not None
    assert (one.ending[0], one.ending[1]) == (EndReason.UPSTREAM_PROTOCOL, 1014)
    one.judge(KEY, 1000.0)
    assert one.ending[0] is EndReason.UPSTREAM_PROTOCOL, "the first cause counts"
