"""What stands between Autobahn and its verdict on this gateway (`python -m tests.conformance.autobahn` is the run)."""

from __future__ import annotations

import pytest

from launcher.relay.frames import BINARY, CLOSE, CONTINUATION, PING, TEXT
from tests.conformance.autobahn.shim import texts_as_binary
from tests.conformance.autobahn.verdicts import LATER, NO_TEXT, NOT_LOOKED_INTO, Judgement, Report, judge
from tests.fakes.console_proxy import frame

GOOD = Report("OK", "OK", 1000)


def judged(ours: Report, reference: Report) -> Judgement:
    return judge({"1": ours}, {"1": reference})


@pytest.mark.parametrize(
    ("ours", "reference", "why"),
    [
        (Report("FAILED", "FAILED", 1003), GOOD, NO_TEXT),
        (Report("FAILED", "FAILED", None), Report("OK", "OK", 1007), NOT_LOOKED_INTO),
        (Report("NON-STRICT", "OK", 1002), Report("OK", "OK", 1002), LATER),
    ],
)
def test_what_a_rule_excuses_is_named_with_its_reason(ours: Report, reference: Report, why: str) -> None:
    assert judged(ours, reference) == Judgement({"1": why}, (), ())


@pytest.mark.parametrize(
    "ours",
    [
        Report("FAILED", "OK", 1000),
        Report("OK", "WRONG CODE", 1002),
        Report("FAILED", "FAILED", None),
        Report("NON-STRICT", "OK", 1002),
        Report("UNIMPLEMENTED", "OK", 1000),
    ],
)
def test_what_no_rule_excuses_is_worse(ours: Report) -> None:
    assert judged(ours, GOOD) == Judgement({}, ("1",), ())


def test_a_case_that_was_never_asked_is_worse() -> None:
    assert judge({}, {"1": GOOD}).worse == ("1",)


def test_as_good_is_no_news_and_better_is_told() -> None:
    assert judged(GOOD, GOOD) == Judgement({}, (), ())
    assert judged(GOOD, Report("FAILED", "WRONG CODE", 1000)).better == ("1",)


MASK = b"\x11\x22\x33\x44"
SAID = [
    (TEXT, b"a text", False), (PING, b"!", True), (CONTINUATION, b" in two", True), (BINARY, bytes(70_000), True),
    (TEXT, b"x" * 300, True), (TEXT, b"", True), (CLOSE, b"\x03\xe8", True),
]  # fmt: skip


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_texts_are_carried_as_binary_and_their_echoes_are_texts_again(size: int) -> None:
    there, back = texts_as_binary()
    said = b"".join(frame(payload, opcode, fin=fin, mask=MASK) for opcode, payload, fin in SAID)
    carried = b"".join(there(said[at : at + size]) for at in range(0, len(said), size))
    assert carried == b"".join(
        frame(payload, BINARY if opcode == TEXT else opcode, fin=fin, mask=MASK) for opcode, payload, fin in SAID
    )
    echoes = [(TEXT, b"a text in two"), (BINARY, bytes(70_000)), (TEXT, b"x" * 300), (PING, b"?"), (TEXT, b"")]
    echo = b"".join(frame(payload, BINARY if opcode == TEXT else opcode) for opcode, payload in echoes)
    returned = b"".join(back(echo[at : at + size]) for at in range(0, len(echo), size))
    assert returned == b"".join(frame(payload, opcode) for opcode, payload in echoes)
