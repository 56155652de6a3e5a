"""However an RFB conversation is cut, and whatever is said: the same passes, and who may only look does no more."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launcher.relay.rfb import Conversation
from launcher.relay.security import SignIn
from tests.fakes.rfb_messages import random_messages, split
from tests.fakes.rfb_recorder import Words

OK, CHALLENGE, RESPONSE = bytes(4), bytes(range(16)), bytes(range(16, 32))
SERVER, VIEWER = "server", "viewer"

seeds = st.integers(0, 2**32)
versions = st.sampled_from([3, 7, 8])


@st.composite
def beginnings(draw: st.DrawFn) -> list[tuple[str, bytes]]:
    """A handshake that lets the viewer in: whose turn it is, and what it says."""
    offered, said = draw(versions), draw(versions)
    version, password = min(offered, said), draw(st.booleans())
    security = 2 if password else 1
    turns = [(SERVER, b"RFB 003.00%d\n" % offered), (VIEWER, b"RFB 003.00%d\n" % said)]
    if version == 3:
        turns.append((SERVER, security.to_bytes(4, "big")))
    else:
        turns += [(SERVER, bytes((2, security, 19))), (VIEWER, bytes((security,)))]
    if password:
        turns += [(SERVER, CHALLENGE), (VIEWER, RESPONSE)]
    if password or version == 8:
        turns.append((SERVER, OK))
    return turns


def played(conversation: Conversation, turns: list[tuple[str, bytes]], random: Random | None) -> bytes:
    """What passes of the viewer's words; they are cut at random, if there is chance."""
    passed = b""
    for side, said in turns:
        for piece in split(random, said) if random else [said]:
            if side == VIEWER:
                passed += conversation.from_viewer(piece)
            elif not conversation.settled:
                conversation.from_server(piece)
    return passed + conversation.from_viewer(b"")


@given(beginnings(), seeds, st.booleans(), st.integers(0, 60))
def test_a_conversation_may_be_cut_anywhere(
    beginning: list[tuple[str, bytes]], seed: int, view_only: bool, count: int
) -> None:
    random = Random(seed)
    stream = b"".join(message.raw for message in random_messages(random, count))
    turns = [*beginning, (VIEWER, b"\0"), (SERVER, b"\x07\x80\x04\x38" + bytes(20)), (VIEWER, stream)]
    whole, cut = (Conversation(view_only=view_only) for _ in range(2))
    expected = played(whole, turns, None)
    assert played(cut, turns, random) == expected
    for conversation in (whole, cut):
        assert (conversation.trouble, conversation.following, conversation.settled) == (None, True, True)
        assert conversation.screen == (1920, 1080)
        assert conversation.between == (count > 0)
    assert whole.inputs == cut.inputs


@given(beginnings(), seeds, st.booleans())
def test_haste_changes_nothing_of_what_passes(beginning: list[tuple[str, bytes]], seed: int, view_only: bool) -> None:
    """All that the viewer says comes before the server's first word."""
    random = Random(seed)
    stream = b"\1" + b"".join(message.raw for message in random_messages(random, 5, cut_text=1))[:2000]
    said = b"".join(said for side, said in beginning if side == VIEWER) + stream
    conversation, patient = Conversation(view_only=view_only), Conversation(view_only=view_only)
    passed = b"".join(conversation.from_viewer(piece) for piece in split(random, said))
    for side, word in beginning:
        if side == SERVER and not conversation.settled:
            conversation.from_server(word)
    passed += conversation.from_viewer(b"")
    assert passed == played(patient, [*beginning, (VIEWER, stream)], random)
    assert conversation.inputs == patient.inputs


@pytest.mark.parametrize("seed", range(4))
def test_of_ten_thousand_messages_only_those_pass_that_do_nothing(seed: int) -> None:
    random = Random(seed)
    sent = random_messages(random, 10_000)
    stream = b"".join(message.raw for message in sent)
    conversation = Conversation(view_only=True, signed_in=True)
    assert conversation.from_viewer(b"\0") == b"\1"
    heard = []
    words = Words()
    for piece in split(random, stream):
        heard += words.feed(conversation.from_viewer(piece))
    assert words.rest == b""
    assert not [message for message in heard if message.input]
    assert heard == [message for message in sent if not message.input]
    assert conversation.inputs == sum(message.input for message in sent)
    assert conversation.trouble is None


@given(seeds)
def test_without_view_only_not_a_byte_is_touched(seed: int) -> None:
    random = Random(seed)
    sent = random_messages(random, 100)
    stream = b"\0" + b"".join(message.raw for message in sent) + random.randbytes(50)
    conversation = Conversation(view_only=False, signed_in=True)
    for piece in split(random, stream):
        assert conversation.from_viewer(piece) is piece


@given(st.lists(st.tuples(st.sampled_from([SERVER, VIEWER]), st.binary(max_size=40)), max_size=30), st.booleans())
def test_noise_is_no_way_past(noise: list[tuple[str, bytes]], view_only: bool) -> None:
    """Whatever comes, it is either all passed, or cut into messages that do nothing."""
    conversation = Conversation(view_only=view_only, signed_in=True)
    said = passed = b""
    for side, piece in noise:
        if side == SERVER:
            conversation.from_server(piece)
        else:
            said += piece
            passed += conversation.from_viewer(piece)
    if not view_only:
        assert passed == said
    else:
        words = Words()
        assert not [message for message in words.feed(passed[1:]) if message.input]
        assert passed[:1] in (b"", b"\1")


@given(seeds, st.lists(st.binary(max_size=6), max_size=20))
def test_noise_among_messages_is_no_way_past(seed: int, noise: list[bytes]) -> None:
    random = Random(seed)
    pieces = [message.raw for message in random_messages(random, 30)] + noise
    random.shuffle(pieces)
    conversation = Conversation(view_only=True, signed_in=True)
    passed = conversation.from_viewer(b"\0" + b"".join(pieces))
    assert not [message for message in Words().feed(passed[1:]) if message.input]


@given(st.binary(max_size=60), st.lists(st.binary(max_size=40), max_size=6))
@settings(max_examples=50)
def test_a_server_of_noise_is_signed_in_to_or_not_but_never_answered_twice_at_once(
    tail: bytes, pieces: list[bytes]
) -> None:
    sign_in = SignIn(None)
    for piece in (b"RFB 003.008\n", *pieces, tail):
        assert sign_in.feed(piece) in (b"", b"RFB 003.008\n", b"\1")
    sign_in.hang_up()
    assert sign_in.done or sign_in.failure
