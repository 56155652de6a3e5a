"""The beginning of an RFB conversation, turn by turn."""

from __future__ import annotations

import pytest

from launcher.relay.rfbhandshake import HELD_LIMIT, Handshake, Outcome, Side, minor_version

S, V = Side.SERVER, Side.VIEWER
RFB33, RFB37, RFB38 = (b"RFB 003.00%d\n" % minor for minor in (3, 7, 8))
OK, FAILED, CHALLENGE, RESPONSE = b"\0\0\0\0", b"\0\0\0\1", bytes(range(16)), bytes(range(16, 32))

BEGINNINGS = {
    "3.8, none": ([(S, RFB38), (V, RFB38), (S, b"\1\1"), (V, b"\1"), (S, OK)], Outcome.READY),
    "3.8, password": (
        [(S, RFB38), (V, RFB38), (S, b"\2\1\2"), (V, b"\2"), (S, CHALLENGE), (V, RESPONSE), (S, OK)],
        Outcome.READY,
    ),
    "3.8, wrong password": (
        [(S, RFB38), (V, RFB38), (S, b"\1\2"), (V, b"\2"), (S, CHALLENGE), (V, RESPONSE), (S, FAILED)],
        Outcome.REFUSED,
    ),
    "3.8, refused": ([(S, RFB38), (V, RFB38), (S, b"\1\1"), (V, b"\1"), (S, FAILED)], Outcome.REFUSED),
    "3.8, no types": ([(S, RFB38), (V, RFB38), (S, b"\0")], Outcome.REFUSED),
    "3.8, VeNCrypt": ([(S, RFB38), (V, RFB38), (S, b"\2\x13\x12"), (V, b"\x13")], Outcome.VEILED),
    "3.8, a choice of nothing": ([(S, RFB38), (V, RFB38), (S, b"\1\1"), (V, b"\0")], Outcome.VEILED),
    "3.7, none": ([(S, RFB37), (V, RFB37), (S, b"\1\1"), (V, b"\1")], Outcome.READY),
    "3.7, password": (
        [(S, RFB37), (V, RFB37), (S, b"\1\2"), (V, b"\2"), (S, CHALLENGE), (V, RESPONSE), (S, OK)],
        Outcome.READY,
    ),
    "3.8 with a viewer of 3.7": ([(S, RFB38), (V, RFB37), (S, b"\1\1"), (V, b"\1")], Outcome.READY),
    "3.8 with a viewer of 3.3": ([(S, RFB38), (V, RFB33), (S, FAILED)], Outcome.READY),  # the same word: None (1)
    "3.3 with a viewer that asks for too much": ([(S, RFB33), (V, RFB38), (S, b"\0\0\0\1")], Outcome.READY),
    "3.3, none": ([(S, RFB33), (V, RFB33), (S, b"\0\0\0\1")], Outcome.READY),
    "3.3, password": (
        [(S, RFB33), (V, RFB33), (S, b"\0\0\0\2"), (S, CHALLENGE), (V, RESPONSE), (S, OK)],
        Outcome.READY,
    ),
    "3.3, invalid": ([(S, RFB33), (V, RFB33), (S, b"\0\0\0\0")], Outcome.REFUSED),
    "3.3, something else": ([(S, RFB33), (V, RFB33), (S, b"\0\0\0\x10")], Outcome.VEILED),
    "Apple": ([(S, b"RFB 003.889\n"), (V, b"RFB 003.889\n"), (S, b"\3\x1e\x21\x24"), (V, b"\x1e")], Outcome.VEILED),
    "a server of something else": ([(S, b"SSH-2.0-Open")], Outcome.BROKEN),
    "a viewer of something else": ([(S, RFB38), (V, b"GET / HTTP/1")], Outcome.BROKEN),
    "a repeater": ([(S, b"RFB 000.000\n")], Outcome.BROKEN),
}


def play(turns: list[tuple[Side, bytes]], largest: int) -> tuple[Handshake, bytes]:
    """The handshake after these turns, each cut in pieces, and what was passed of the viewer's words."""
    handshake, passed = Handshake(), b""
    for side, said in turns:
        assert handshake.outcome is None
        for at in range(0, len(said), largest):
            passed += handshake.hear(side, said[at : at + largest])
    return handshake, passed


@pytest.mark.parametrize("largest", [1, 5, 1000])
@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_handshake_is_followed_to_its_end(name: str, largest: int) -> None:
    turns, outcome = BEGINNINGS[name]
    handshake, passed = play(turns, largest)
    assert handshake.outcome is outcome
    said = b"".join(said for side, said in turns if side is V)
    if outcome in (Outcome.READY, Outcome.REFUSED):
        assert passed == said
    else:
        assert said.startswith(passed), "what is not understood does not pass"
        assert passed in (b"", RFB38, RFB33, b"RFB 003.889\n")
    assert handshake.rest == b""


def test_a_hasty_viewer_is_understood_when_the_server_has_caught_up() -> None:
    handshake = Handshake()
    assert handshake.hear(V, RFB38 + b"\1" + b"\0\3") == b""
    assert handshake.hear(S, RFB38[:5]) == b""
    assert handshake.hear(S, RFB38[5:]) == RFB38
    assert handshake.hear(S, b"\1\1") == b"\1"
    assert handshake.outcome is None
    assert handshake.rest == b"\0\3"
    assert handshake.hear(S, OK) == b""
    assert handshake.outcome is Outcome.READY
    assert handshake.rest == b"\0\3"


def test_a_server_may_be_hasty_too() -> None:
    handshake = Handshake()
    handshake.hear(S, RFB33 + b"\0\0\0\2" + CHALLENGE)
    assert handshake.hear(V, RFB33) == RFB33
    assert handshake.hear(V, RESPONSE) == RESPONSE
    handshake.hear(S, OK)
    assert handshake.outcome is Outcome.READY


@pytest.mark.parametrize("side", Side)
def test_what_comes_before_its_turn_is_kept_within_a_limit(side: Side) -> None:
    handshake = Handshake()
    handshake.hear(S, RFB38)
    if side is V:
        handshake.hear(V, RFB38)
    handshake.hear(side, bytes(HELD_LIMIT))
    assert handshake.outcome is None
    handshake.hear(side, b"\0")
    assert handshake.outcome is Outcome.BROKEN


@pytest.mark.parametrize(
    ("banner", "minor"),
    [
        (b"RFB 003.003\n", 3),
        (b"RFB 003.005\n", 3),
        (b"RFB 003.006\n", 3),
        (b"RFB 003.007\n", 7),
        (b"RFB 003.008\n", 8),
        (b"RFB 003.009\n", 8),
        (b"RFB 003.889\n", 8),
        (b"RFB 004.001\n", 8),
        (b"RFB 005.000\n", 8),
        (b"RFB 003.002\n", None),
        (b"RFB 000.000\n", None),
        (b"RFB 3.8\n\0\0\0\0", None),
        (b"RFB 003.008\r", None),
        (b"", None),
    ],
)
def test_a_version_is_one_of_three(banner: bytes, minor: int | None) -> None:
    assert minor_version(banner) == minor
