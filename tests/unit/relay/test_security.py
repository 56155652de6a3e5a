"""Sign-ins that the gateway speaks itself, both ways."""

from __future__ import annotations

import struct

import pytest

from launcher.model import Secret
from launcher.relay.dialogue import HUNG_UP, Dialogue
from launcher.relay.security import NOT_RFB, Refusal, SignIn, Welcome, turned_away
from launcher.relay.vncauth import response_to
from tests.fakes.issued import note

RFB33, RFB37, RFB38 = (b"RFB 003.00%d\n" % minor for minor in (3, 7, 8))
OK, FAILED, TOO_MANY = b"\0\0\0\0", b"\0\0\0\1", b"\0\0\0\2"
CHALLENGE = bytes(range(16))
PASSWORD = Secret(note("sesame-1"))
RESPONSE = response_to(CHALLENGE, PASSWORD)
WRONG = response_to(CHALLENGE, Secret("sesame-2"))
THREE_NONE, THREE_VNC = b"\0\0\0\1", b"\0\0\0\2"


def string(text: bytes) -> bytes:
    return struct.pack(">I", len(text)) + text


def play(dialogue: Dialogue, *turns: tuple[bytes, bytes]) -> None:
    """Each turn: what the other side says, byte by byte, and what is answered to it as one piece."""
    for heard, answer in turns:
        answers = [dialogue.feed(bytes((byte,))) for byte in heard]
        assert answers[:-1] == [b""] * (len(heard) - 1)
        assert answers[-1] == answer
        assert dialogue.feed(b"") == b""


SIGN_INS = {
    "3.8, none": (None, [(RFB38, RFB38), (b"\2\1\x13", b"\1"), (OK, b"")]),
    "3.7, none": (None, [(RFB37, RFB37), (b"\1\1", b"\1")]),
    "3.3, none": (None, [(RFB33, RFB33), (THREE_NONE, b"")]),
    "3.5 is 3.3": (None, [(b"RFB 003.005\n", RFB33), (THREE_NONE, b"")]),
    "Apple": (PASSWORD, [(b"RFB 003.889\n", RFB38), (b"\3\x1e\x21\2", b"\2"), (CHALLENGE, RESPONSE), (OK, b"")]),
    "3.8, password": (PASSWORD, [(RFB38, RFB38), (b"\1\2", b"\2"), (CHALLENGE, RESPONSE), (OK, b"")]),
    "3.7, password": (PASSWORD, [(RFB37, RFB37), (b"\1\2", b"\2"), (CHALLENGE, RESPONSE), (OK, b"")]),
    "3.3, password": (PASSWORD, [(RFB33, RFB33), (THREE_VNC, b""), (CHALLENGE, RESPONSE), (OK, b"")]),
    "a password that is not needed": (PASSWORD, [(RFB38, RFB38), (b"\1\1", b"\1"), (OK, b"")]),
    "a password that would not be needed": (
        PASSWORD,
        [(RFB38, RFB38), (b"\2\1\2", b"\2"), (CHALLENGE, RESPONSE), (OK, b"")],
    ),
}


@pytest.mark.parametrize("name", SIGN_INS)
def test_a_server_is_signed_in_to(name: str) -> None:
    password, turns = SIGN_INS[name]
    sign_in = SignIn(password)
    play(sign_in, *turns)
    assert sign_in.done
    assert sign_in.failure is None
    assert sign_in.leftover == b""


def test_what_a_server_says_beyond_is_left_over() -> None:
    sign_in = SignIn(None)
    assert sign_in.feed(RFB38) == RFB38
    assert sign_in.leftover == b""
    assert sign_in.feed(b"\1\1") == b"\1"
    assert sign_in.feed(OK + b"sur") == b""
    assert sign_in.done
    assert sign_in.feed(b"plus") == b""
    assert sign_in.leftover == b"surplus"
    sign_in.hang_up()
    assert sign_in.failure is None


def test_messages_are_never_joined_even_for_a_hasty_server() -> None:
    sign_in = SignIn(PASSWORD)
    assert sign_in.feed(RFB38 + b"\1\2" + CHALLENGE + OK) == RFB38
    assert [sign_in.feed(b"") for _ in range(3)] == [b"\2", RESPONSE, b""]
    assert sign_in.done


REFUSALS = {
    "no password": (None, [RFB38, b"\1\2"], "asks for a password, and none is configured."),
    "no password, 3.3": (None, [RFB33, THREE_VNC], "asks for a password, and none is configured."),
    "VeNCrypt and TLS": (
        PASSWORD,
        [RFB38, b"\2\x13\x12"],
        "offers only sign-ins that the gateway does not know: TLS (18), VeNCrypt (19).",
    ),
    "Tight in 3.3": (
        PASSWORD,
        [RFB33, b"\0\0\0\x10"],
        "offers only sign-ins that the gateway does not know: Tight (16).",
    ),
    "many": (
        PASSWORD,
        [RFB38, b"\x0b" + bytes(range(200, 211))],
        (
            "offers only sign-ins that the gateway does not know: unnamed (200), unnamed (201), unnamed (202), "
            "unnamed (203), unnamed (204), unnamed (205), unnamed (206), unnamed (207), 3 more."
        ),
    ),
    "wrong": (
        PASSWORD,
        [RFB38, b"\1\2", CHALLENGE, FAILED + string(b"Authentication failed")],
        "refuses the configured password.",
    ),
    "wrong, libvncserver": (
        PASSWORD,
        [RFB38, b"\1\2", CHALLENGE, FAILED + string(b"password check failed!")],
        "refuses the configured password.",
    ),
    "wrong, without a word": (
        PASSWORD,
        [RFB38, b"\1\2", CHALLENGE, FAILED + string(b"")],
        "refuses the configured password.",
    ),
    "wrong, 3.7": (PASSWORD, [RFB37, b"\1\2", CHALLENGE, FAILED], "refuses the configured password."),
    "wrong, 3.3": (PASSWORD, [RFB33, THREE_VNC, CHALLENGE, FAILED], "refuses the configured password."),
    "something else than the password": (
        PASSWORD,
        [RFB38, b"\1\2", CHALLENGE, FAILED + string(b"The person at the desk said no")],
        'refuses the gateway and says "The person at the desk said no".',
    ),
    "too many, in a word": (
        PASSWORD,
        [RFB38, b"\1\2", CHALLENGE, FAILED + string(b"Too many tries")],
        "takes no sign-ins for the moment: too many have failed. Wait, and see that the password is right.",
    ),
    "too many, in a number": (
        PASSWORD,
        [RFB33, THREE_VNC, CHALLENGE, TOO_MANY],
        "takes no sign-ins for the moment: too many have failed. Wait, and see that the password is right.",
    ),
    "too many, at once": (
        PASSWORD,
        [RFB38, b"\0" + string(b"Too many security failures")],
        "takes no sign-ins for the moment: too many have failed. Wait, and see that the password is right.",
    ),
    "none at all": (None, [RFB38, b"\0" + string(b"")], "refuses the gateway and does not say why."),
    "none at all, 3.3": (None, [RFB33, OK + string(b"Go away")], 'refuses the gateway and says "Go away".'),
    "refused though nothing was asked": (
        None,
        [RFB38, b"\1\1", FAILED + string(b"I am full")],
        'refuses the gateway and says "I am full".',
    ),
    "a stranger's words": (
        None,
        [RFB38, b"\0" + string("<b>\n\x1b[31m\u202eevil".encode() + b"\xff" + b"x" * 5000)],
        'refuses the gateway and says "<b>\\n\\x1b[31m\\u202eevil\N{REPLACEMENT CHARACTER}' + "x" * 104 + '…".',
    ),
    "SSH": (None, [b"SSH-2.0-OpenSSH_9.6\r\n"], NOT_RFB),
    "a version of its own": (
        None,
        [b"RFB 000.000\n"],
        "speaks a version of RFB that the gateway does not know.",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_server_that_cannot_be_signed_in_to_gets_a_sentence(name: str) -> None:
    password, turns, sentence = REFUSALS[name]
    for largest in (1, 10_000):
        sign_in = SignIn(password)
        for said in turns:
            assert sign_in.failure is None
            for at in range(0, len(said), largest):
                sign_in.feed(said[at : at + largest])
        assert sign_in.failure == sentence
        assert not sign_in.done
        assert sign_in.leftover == b""
        assert sign_in.feed(b"more") == b""
        assert "sesame" not in sentence


def test_a_server_that_hangs_up_is_told_from_one_that_refuses() -> None:
    sign_in = SignIn(PASSWORD)
    sign_in.feed(RFB38)
    sign_in.hang_up()
    assert sign_in.failure == HUNG_UP
    sign_in = SignIn(PASSWORD)
    for said in (RFB38, b"\1\2", CHALLENGE, FAILED + b"\0\0\0\x15Authen"):
        sign_in.feed(said)
    assert sign_in.failure is None, "the reason is not whole"
    sign_in.hang_up()
    assert sign_in.failure == "refuses the configured password."
    sign_in.hang_up()
    assert sign_in.failure == "refuses the configured password."


def test_a_reason_without_end_is_not_waited_for() -> None:
    sign_in = SignIn(None)
    sign_in.feed(RFB38)
    sign_in.feed(b"\0\xff\xff\xff\xff" + b"x" * 1023)
    assert sign_in.failure is None
    sign_in.feed(b"x")
    assert sign_in.failure == f'refuses the gateway and says "{"x" * 119}…".'


WELCOMES = {
    "3.8, none": (None, [(RFB38, b"\1\1"), (b"\1", OK)]),
    "3.7, none": (None, [(RFB37, b"\1\1"), (b"\1", b"")]),
    "3.3, none": (None, [(RFB33, THREE_NONE)]),
    "3.5, none": (None, [(b"RFB 003.005\n", THREE_NONE)]),
    "3.8, password": (PASSWORD, [(RFB38, b"\1\2"), (b"\2", CHALLENGE), (RESPONSE, OK)]),
    "3.7, password": (PASSWORD, [(RFB37, b"\1\2"), (b"\2", CHALLENGE), (RESPONSE, OK)]),
    "3.3, password": (PASSWORD, [(RFB33, THREE_VNC + CHALLENGE), (RESPONSE, OK)]),
}


def welcome(password: Secret | None) -> Welcome:
    return Welcome() if password is None else Welcome(password=password, challenge=CHALLENGE)


@pytest.mark.parametrize("name", WELCOMES)
def test_a_viewer_is_welcomed(name: str) -> None:
    password, turns = WELCOMES[name]
    host = welcome(password)
    assert host.begin == RFB38
    play(host, *turns)
    assert host.done
    host.feed(b"\1\0")
    assert host.leftover == b"\1\0"


WRONG_WORD = b"Authentication failed: the password is wrong."
DISMISSALS = {
    "wrong, 3.8": (PASSWORD, [(RFB38, b"\1\2"), (b"\2", CHALLENGE), (WRONG, FAILED + string(WRONG_WORD))]),
    "wrong, 3.7": (PASSWORD, [(RFB37, b"\1\2"), (b"\2", CHALLENGE), (WRONG, FAILED)]),
    "wrong, 3.3": (PASSWORD, [(RFB33, THREE_VNC + CHALLENGE), (WRONG, FAILED)]),
}


@pytest.mark.parametrize("name", DISMISSALS)
def test_a_viewer_with_a_wrong_password_is_told_so(name: str) -> None:
    password, turns = DISMISSALS[name]
    host = welcome(password)
    play(host, *turns)
    assert not host.done
    assert host.failure == "gave a wrong password."


def test_a_viewer_that_chooses_what_was_not_offered_is_dismissed() -> None:
    for version, last in ((RFB38, FAILED + string(b"This sign-in was not offered.")), (RFB37, FAILED)):
        host = welcome(PASSWORD)
        play(host, (version, b"\1\2"), (b"\1", last))
        assert host.failure == "chose a sign-in that was not offered (1)."


def test_a_viewer_of_another_protocol_is_left() -> None:
    for host in (Welcome(), Refusal("no reason")):
        assert host.feed(b"GET / HTTP/1.1\r\n\r\n") == b""
        assert host.failure == "does not answer in RFB."


def test_a_hasty_viewer_gets_its_answers_one_by_one() -> None:
    host = welcome(PASSWORD)
    assert host.feed(RFB38 + b"\2" + RESPONSE + b"\1") == b"\1\2"
    assert [host.feed(b"") for _ in range(3)] == [CHALLENGE, OK, b""]
    assert host.leftover == b"\1"


def test_a_hasty_viewer_may_get_them_all_at_once() -> None:
    host = welcome(PASSWORD)
    assert host.answer(RFB38) == b"\1\2"
    assert not host.over
    assert host.answer(b"\2" + RESPONSE + b"\1") == CHALLENGE + OK
    assert host.over
    assert host.answer(b"\0") == b""
    failed = welcome(PASSWORD)
    assert failed.answer(RFB38 + b"\2" + WRONG) == b"\1\2" + CHALLENGE + FAILED + string(WRONG_WORD)
    assert failed.over


def test_a_password_is_not_asked_for_without_a_challenge() -> None:
    with pytest.raises(ValueError, match="challenge"):
        Welcome(password=PASSWORD)


@pytest.mark.parametrize(("version", "before"), [(RFB38, b"\0"), (RFB37, b"\0"), (RFB33, OK)])
def test_a_viewer_is_told_why_there_is_no_screen(version: bytes, before: bytes) -> None:
    refusal = Refusal("The server “web-01” is off.")
    assert refusal.begin == RFB38
    play(refusal, (version, before + string("The server “web-01” is off.".encode())))
    assert refusal.done
    assert refusal.failure is None


def test_our_two_sides_understand_each_other() -> None:
    for password in (None, PASSWORD):
        host, guest = welcome(password), SignIn(password)
        said = host.begin
        while not (host.done and guest.done):
            said = host.feed(guest.feed(said))
        assert said in (OK, b"")


def test_a_server_that_turns_everybody_away_says_so_behind_its_greeting() -> None:
    told = b"RFB 003.003\n" + bytes(4) + (26).to_bytes(4) + b"Too many security failures"
    assert str(turned_away(told)).startswith("takes no sign-ins for the moment: too many have failed.")
    assert turned_away(told[:20]) == "refuses the gateway and does not say why."
    for other in (b"RFB 003.003\n", b"RFB 003.003\n\0\0\0\1", b"RFB 003.008\n" + bytes(8), b"RFB 0"):
        assert turned_away(other) is None
