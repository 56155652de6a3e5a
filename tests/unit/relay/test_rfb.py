"""An RFB conversation, followed by somebody who stands between."""

from __future__ import annotations

import struct
import sys

import pytest

from launcher.relay import rfb
from launcher.relay.rfb import Conversation
from launcher.relay.rfbhandshake import HELD_LIMIT
from launcher.relay.rfbmessages import ENCODINGS_LIMIT

RFB33, RFB37, RFB38 = (b"RFB 003.00%d\n" % minor for minor in (3, 7, 8))
OK = b"\0\0\0\0"
REQUEST = b"\3\1" + bytes(8)
KEY = b"\4\1\0\0\0\0\0a"
POINTER = b"\5\1\0\1\0\2"
ENCODINGS = struct.pack(">BxH2i", 2, 2, 7, 0)
MORE_BUTTONS = struct.pack(">BxH2i", 2, 2, 7, -316)
LONG_POINTER = b"\5\x81\0\1\0\2\1"
FENCE = b"\xf8\0\0\0\0\0\0\1\4ping"
CUT_TEXT = b"\6\0\0\0\0\0\0\5hello"
POWER = b"\xfa\0\1\2"
RESIZE = b"\xfb\0\4\0\3\0\1\0" + bytes(16)
GII = b"\xfd\x81\0\2\0\1"
QEMU_KEY = b"\xff\0\0\1\0\0\0a\0\0\0\x1e"
AUDIO = b"\xff\1\0\0"
INIT = struct.pack(">HH", 1920, 1080) + bytes(20)
INPUTS = (KEY, POINTER, CUT_TEXT, POWER, RESIZE, GII, QEMU_KEY)


def greeted(*, view_only: bool) -> Conversation:
    """A conversation whose messages may come."""
    conversation = Conversation(view_only=view_only, signed_in=True)
    assert conversation.from_viewer(b"\0") == (b"\1" if view_only else b"\0")
    return conversation


def test_a_viewer_is_let_in_and_speaks() -> None:
    conversation = Conversation(view_only=True)
    conversation.from_server(RFB38)
    assert conversation.from_viewer(RFB38) == RFB38
    conversation.from_server(b"\2\1\2")
    assert conversation.from_viewer(b"\1") == b"\1"
    assert not conversation.settled
    conversation.from_server(OK)
    assert not conversation.settled
    conversation.from_server(INIT)
    assert (conversation.settled, conversation.screen) == (True, (1920, 1080))
    assert not conversation.between
    assert conversation.from_viewer(b"\0") == b"\1", "somebody who only looks throws nobody out"
    assert not conversation.between, "the viewer may not have seen ServerInit yet"
    assert conversation.from_viewer(ENCODINGS + KEY + REQUEST) == ENCODINGS + REQUEST
    assert conversation.between
    assert conversation.trouble is None
    assert conversation.inputs == 1


def test_one_that_was_signed_in_begins_at_client_init() -> None:
    conversation = Conversation(view_only=False, signed_in=True)
    conversation.from_server(INIT[:3])
    assert not conversation.settled
    conversation.from_server(INIT[3:] + b"whatever it is, it is not looked at")
    assert (conversation.settled, conversation.screen) == (True, (1920, 1080))
    assert conversation.from_viewer(b"\0" + REQUEST) == b"\0" + REQUEST
    assert conversation.between


def test_nothing_is_no_message() -> None:
    for view_only in (True, False):
        conversation = Conversation(view_only=view_only, signed_in=True)
        assert conversation.from_viewer(b"") == b""
        assert not conversation.between


@pytest.mark.parametrize("message", INPUTS, ids=lambda message: message[:2].hex())
def test_what_a_person_does_does_not_pass_in_view_only(message: bytes) -> None:
    whole, cut = greeted(view_only=True), greeted(view_only=True)
    assert whole.from_viewer(message) == b""
    assert [cut.from_viewer(bytes((byte,))) for byte in message] == [b""] * len(message)
    assert whole.inputs == cut.inputs == 1
    assert whole.between
    assert cut.between
    assert cut.from_viewer(REQUEST) == REQUEST


@pytest.mark.parametrize("message", [REQUEST, ENCODINGS, FENCE, AUDIO, bytes(20), b"\x96\1" + bytes(8)])
def test_what_programs_settle_between_them_passes(message: bytes) -> None:
    whole, cut = greeted(view_only=True), greeted(view_only=True)
    assert whole.from_viewer(message) == message
    assert b"".join(cut.from_viewer(bytes((byte,))) for byte in message) == message
    assert whole.inputs == cut.inputs == 0


def test_messages_keep_their_order_around_those_that_are_dropped() -> None:
    conversation = greeted(view_only=True)
    stream = b"".join((REQUEST, KEY, FENCE, POINTER, POINTER, ENCODINGS, CUT_TEXT, AUDIO))
    assert conversation.from_viewer(stream[:13]) == REQUEST
    assert not conversation.between
    assert conversation.from_viewer(stream[13:]) == FENCE + ENCODINGS + AUDIO
    assert conversation.inputs == 4


def test_without_view_only_every_byte_passes_at_once() -> None:
    conversation = greeted(view_only=False)
    for message in (*INPUTS, REQUEST, ENCODINGS, FENCE):
        for byte in message:
            assert conversation.from_viewer(bytes((byte,))) == bytes((byte,))
    assert conversation.inputs == len(INPUTS)
    assert conversation.between
    payload = KEY + REQUEST
    assert conversation.from_viewer(payload) is payload, "and is not even copied"


def test_it_is_only_between_messages_that_ours_may_be_put_in() -> None:
    for view_only in (True, False):
        conversation = greeted(view_only=view_only)
        for message in (REQUEST, FENCE, CUT_TEXT, ENCODINGS):
            for byte in message[:-1]:
                conversation.from_viewer(bytes((byte,)))
                assert not conversation.between
            conversation.from_viewer(message[-1:])
            assert conversation.between


def test_a_large_clipboard_is_dropped_as_it_comes() -> None:
    conversation = greeted(view_only=True)
    assert conversation.from_viewer(struct.pack(">B3xI", 6, 1 << 20)) == b""
    for _ in range(16):
        assert conversation.from_viewer(bytes(1 << 16)) == b""
        assert sum(sys.getsizeof(getattr(conversation, slot)) for slot in conversation.__slots__) < 1000
    assert conversation.between
    assert conversation.from_viewer(REQUEST) == REQUEST


def test_a_large_fence_streams_through() -> None:
    conversation = greeted(view_only=True)
    assert conversation.from_viewer(b"\xf8" + bytes(7)) == b""
    assert conversation.from_viewer(b"\xff") == b"\xf8" + bytes(7) + b"\xff"
    assert conversation.from_viewer(b"x" * 100) == b"x" * 100
    assert conversation.from_viewer(b"x" * 155 + KEY) == b"x" * 155
    assert conversation.between


def test_more_buttons_make_an_event_longer_once_the_viewer_has_listed_them() -> None:
    for view_only in (True, False):
        conversation = greeted(view_only=view_only)
        conversation.from_viewer(b"\5\x80\0\1\0\2" + REQUEST)
        assert conversation.between, "button 8 of a viewer that does not know of more"
        conversation.from_viewer(MORE_BUTTONS[:7])
        conversation.from_viewer(MORE_BUTTONS[7:])
        conversation.from_viewer(ENCODINGS)
        conversation.from_viewer(LONG_POINTER + POINTER + LONG_POINTER[:6])
        assert not conversation.between
        conversation.from_viewer(LONG_POINTER[6:])
        assert conversation.between
        assert conversation.inputs == 4


def test_a_viewer_in_breach_is_out_of_step_but_gets_nothing_past() -> None:
    """It has listed more buttons, and sets bit 7 in the short form, behind which a key event hides."""
    conversation = greeted(view_only=True)
    conversation.from_viewer(MORE_BUTTONS)
    assert conversation.from_viewer(b"\5\x80\0\1\0\2" + KEY) == b""
    assert conversation.trouble is not None


def test_a_message_that_nobody_knows_ends_view_only() -> None:
    conversation = greeted(view_only=True)
    assert conversation.from_viewer(REQUEST + b"\x07" + REQUEST) == REQUEST
    assert conversation.trouble == rfb.FOREIGN
    assert not conversation.following
    assert conversation.from_viewer(REQUEST) == b""
    assert not conversation.between


def test_what_is_not_understood_is_not_kept() -> None:
    for view_only in (True, False):
        conversation = greeted(view_only=view_only)
        conversation.from_viewer(b"\x07" + bytes(1 << 16))
        conversation.from_viewer(bytes(1 << 16))
        assert sum(sys.getsizeof(getattr(conversation, slot)) for slot in conversation.__slots__) < 1000


def test_a_message_that_nobody_knows_is_nothing_to_somebody_who_may_do_all() -> None:
    conversation = greeted(view_only=False)
    assert conversation.from_viewer(REQUEST + b"\x07" + KEY) == REQUEST + b"\x07" + KEY
    assert not conversation.following
    assert conversation.trouble is None
    assert conversation.from_viewer(KEY) == KEY
    assert conversation.inputs == 0
    assert not conversation.between


def test_a_list_of_encodings_without_end_is_not_held() -> None:
    conversation = greeted(view_only=True)
    conversation.from_viewer(struct.pack(">BxH", 2, ENCODINGS_LIMIT + 1))
    assert conversation.trouble == rfb.FOREIGN


def begun(view_only: bool, server: bytes, *turns: tuple[bytes, bytes]) -> tuple[Conversation, list[bytes]]:
    """A conversation in which viewer and server took turns after the server's first word; what passed of the viewer."""
    conversation, passed = Conversation(view_only=view_only), []
    conversation.from_server(server)
    for viewer, then in turns:
        passed.append(conversation.from_viewer(viewer))
        if then and not conversation.settled:
            conversation.from_server(then)
    return conversation, passed


def test_a_screen_that_encrypts_by_itself_cannot_be_kept_view_only() -> None:
    conversation, passed = begun(True, RFB38, (RFB38, b"\2\x13\x12"), (b"\x13", b"\0\2"), (b"\0\2", b""))
    assert passed == [RFB38, b"", b""]
    assert conversation.settled
    assert conversation.trouble == rfb.VEILED
    conversation, passed = begun(False, RFB38, (RFB38, b"\2\x13\x12"), (b"\x13", b"\0\2"), (b"\0\2", b""))
    assert passed == [RFB38, b"\x13", b"\0\2"]
    assert conversation.settled
    assert not conversation.following
    assert conversation.trouble is None


def test_a_beginning_that_is_not_understood_cannot_be_kept_view_only() -> None:
    for view_only, trouble in ((True, rfb.UNSEEN), (False, None)):
        conversation, passed = begun(view_only, b"RFB 000.000\n", (b"ID:web-01" + bytes(241), b""))
        assert passed == [b"" if view_only else b"ID:web-01" + bytes(241)]
        assert conversation.trouble == trouble
        assert conversation.settled
        assert not conversation.following


def test_a_server_that_refuses_says_so_itself() -> None:
    for view_only in (True, False):
        conversation, passed = begun(view_only, RFB38, (RFB38, b"\0\0\0\0\4full"), (KEY, b""))
        assert passed == [RFB38, b"" if view_only else KEY]
        assert conversation.settled
        assert conversation.trouble is None


def test_a_hasty_viewer_is_held_back_until_the_server_has_spoken() -> None:
    conversation = Conversation(view_only=True)
    conversation.from_server(RFB38)
    assert conversation.from_viewer(RFB38 + b"\1\0" + REQUEST + KEY + FENCE[:5]) == RFB38
    assert conversation.due == 0
    conversation.from_server(b"\1\1")
    assert conversation.due == 1
    assert conversation.from_viewer(b"") == b"\1"
    assert conversation.from_viewer(b"") == b""
    conversation.from_server(OK + INIT)
    assert (conversation.settled, conversation.screen) == (True, (1920, 1080))
    assert conversation.from_viewer(FENCE[5:]) == b"\1" + REQUEST + FENCE
    assert conversation.due == 0
    assert conversation.inputs == 1


def test_a_hasty_viewer_passes_at_once_without_view_only() -> None:
    conversation = Conversation(view_only=False)
    hasty = RFB37 + b"\1\0" + REQUEST + KEY
    assert conversation.from_viewer(hasty) == hasty
    assert conversation.inputs == 0
    conversation.from_server(RFB38)
    conversation.from_server(b"\1\1")
    assert not conversation.settled
    conversation.from_server(INIT)
    assert (conversation.settled, conversation.screen) == (True, (1920, 1080))
    assert conversation.due == 0
    assert conversation.inputs == 1
    assert conversation.between


@pytest.mark.parametrize("view_only", [True, False])
def test_haste_has_a_limit(view_only: bool) -> None:
    conversation = Conversation(view_only=view_only)
    conversation.from_server(RFB38)
    conversation.from_viewer(RFB38 + bytes(HELD_LIMIT))
    assert conversation.following
    conversation.from_viewer(b"\0")
    assert not conversation.following
    assert conversation.trouble == (rfb.UNSEEN if view_only else None)


def test_trouble_met_on_the_servers_word_still_lets_go_what_was_understood() -> None:
    conversation = Conversation(view_only=True)
    conversation.from_viewer(RFB38 + b"\x13")
    conversation.from_server(RFB38)
    conversation.from_server(b"\1\x13")
    assert conversation.trouble == rfb.VEILED
    assert conversation.from_viewer(KEY) == RFB38
    assert conversation.from_viewer(KEY) == b""


def test_every_sentence_fits_into_a_close_frame() -> None:
    for sentence in (rfb.VEILED, rfb.UNSEEN, rfb.FOREIGN):
        assert len(sentence.encode()) <= 123


def test_an_idle_conversation_is_small() -> None:
    conversation = greeted(view_only=True)
    conversation.from_viewer(REQUEST)
    assert sys.getsizeof(conversation) < 300
    assert not hasattr(conversation, "__dict__")
