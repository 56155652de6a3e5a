"""Where a viewer's messages end."""

from __future__ import annotations

import struct
from random import Random

import pytest

from launcher.relay.rfbmessages import (
    ENCODINGS_LIMIT,
    INPUTS,
    RUN,
    UNKNOWN,
    Sort,
    lists_extended_buttons,
    read_head,
    run_of,
)
from tests.fakes.rfb_messages import EXTENDED_MOUSE_BUTTONS, random_messages, set_encodings

MESSAGES = [
    (bytes(20), Sort.PIXEL_FORMAT),
    (struct.pack(">BxH3i", 2, 3, 7, 16, 0), Sort.ENCODINGS),
    (struct.pack(">BxH", 2, 0), Sort.ENCODINGS),
    (b"\3\1" + bytes(8), Sort.UPDATE_REQUEST),
    (b"\4\1\0\0\0\0\xff\x0d", Sort.KEY),
    (b"\5\x80\0\1\0\2", Sort.POINTER),
    (b"\6\0\0\0\0\0\0\0", Sort.CLIPBOARD),
    (b"\6\0\0\0\0\0\0\5hello", Sort.CLIPBOARD),
    (b"\6\0\0\0\xff\xff\xff\xfc\x08\0\0\1", Sort.CLIPBOARD),
    (b"\x96\1" + bytes(8), Sort.CONTINUOUS_UPDATES),
    (b"\xf8\0\0\0\x80\0\0\1\0", Sort.FENCE),
    (b"\xf8\0\0\0\x80\0\0\1\4ping", Sort.FENCE),
    (b"\xfa\0\1\2", Sort.POWER),
    (b"\xfb\0\4\0\3\0\1\0" + bytes(16), Sort.RESIZE),
    (b"\xfb\0\4\0\3\0\xff\0" + bytes(255 * 16), Sort.RESIZE),
    (b"\xfd\x81\0\2\0\1", Sort.DEVICE),
    (b"\xfd\x01\2\0\1\0", Sort.DEVICE),
    (b"\xff\0\0\1\0\0\0a\0\0\0\x1e", Sort.KEY),
    (b"\xff\1\0\0", Sort.AUDIO),
    (b"\xff\1\0\1", Sort.AUDIO),
    (b"\xff\1\0\2\3\2\0\0\xac\x44", Sort.AUDIO),
]


@pytest.mark.parametrize(("message", "sort"), MESSAGES, ids=[message[:8].hex() for message, _ in MESSAGES])
def test_a_message_tells_where_it_ends(message: bytes, sort: Sort) -> None:
    head = read_head(b"before" + message + b"after", 6, extended_buttons=False)
    assert head == (sort, len(message), sort in INPUTS)


@pytest.mark.parametrize(("message", "sort"), MESSAGES, ids=[message[:8].hex() for message, _ in MESSAGES])
def test_the_beginning_of_a_message_says_the_same_or_that_more_is_needed(message: bytes, sort: Sort) -> None:
    heads = [read_head(message[:size], 0, extended_buttons=False) for size in range(1, len(message) + 1)]
    known = next(place for place, head in enumerate(heads) if head is not None)
    assert known < 9, "what must be held back is short"
    assert set(heads[known:]) == {(sort, len(message), sort in INPUTS)}


@pytest.mark.parametrize(
    "message",
    [b"\1", b"\7\0", b"\x0d", b"\x7f\0\0\x08", b"\xfc\0\1\2", b"\xfe", b"\xff\2", b"\xff\1\0\3", b"\xff\1\1\0"],
)
def test_what_nobody_can_delimit_is_unknown(message: bytes) -> None:
    assert read_head(message, 0, extended_buttons=False) is UNKNOWN
    assert not UNKNOWN.input


def test_a_list_of_more_encodings_than_any_viewer_has_is_unknown() -> None:
    head = read_head(struct.pack(">BxH", 2, ENCODINGS_LIMIT), 0, extended_buttons=False)
    assert head is not None
    assert head.length == 4 + 4 * ENCODINGS_LIMIT
    assert read_head(struct.pack(">BxH", 2, ENCODINGS_LIMIT + 1), 0, extended_buttons=False) is UNKNOWN


def test_a_clipboard_may_be_as_large_as_its_length_can_say() -> None:
    for length in (2**31 - 1, -(2**31)):
        head = read_head(struct.pack(">B3xi", 6, length), 0, extended_buttons=False)
        assert head == (Sort.CLIPBOARD, 8 + abs(length), True)


def test_bit_7_of_a_button_mask_lengthens_the_event_of_a_viewer_that_listed_more_buttons() -> None:
    assert read_head(b"\5", 0, extended_buttons=False) == (Sort.POINTER, 6, True)
    assert read_head(b"\5", 0, extended_buttons=True) is None
    assert read_head(b"\5\x7f", 0, extended_buttons=True) == (Sort.POINTER, 6, True)
    assert read_head(b"\5\x80", 0, extended_buttons=True) == (Sort.POINTER, 7, True)


def test_more_buttons_are_found_wherever_they_stand_in_the_list_but_not_across_two_numbers() -> None:
    wanted = struct.pack(">i", EXTENDED_MOUSE_BUTTONS)
    head = struct.pack(">BxH", 2, 2)
    assert lists_extended_buttons(head + wanted + bytes(4))
    assert lists_extended_buttons(head + bytes(4) + wanted)
    assert not lists_extended_buttons(head + bytes(2) + wanted + bytes(2))
    assert not lists_extended_buttons(set_encodings(Random(1)).raw)


def test_random_messages_of_all_kinds_are_measured() -> None:
    for message in random_messages(Random(7), 2000):
        listed = message.name == "PointerEvent" and len(message.raw) == 7
        head = read_head(message.raw, 0, extended_buttons=listed)
        assert head is not None
        assert (head.length, head.input) == (len(message.raw), message.input), message.name


def test_a_run_is_of_one_kind_and_of_a_known_length_and_has_an_end() -> None:
    key, request, empty_text = b"\4\1\0\0\0\0\0a", b"\3\1" + bytes(8), b"\6" + bytes(7)
    stream = key * 3 + request * 100 + empty_text * 3 + key[:1]
    lengths = []
    at = 0
    while at < len(stream):
        head = read_head(stream, at, extended_buttons=False)
        assert head is not None
        lengths.append(run_of(stream, at, head))
        at += lengths[-1] * head.length
    assert lengths == [3, RUN, 100 - RUN, 1, 1, 1, 1]
