"""This gateway against the stock `websockify`: the same conversations end alike, but where a difference is meant."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.conformance.conversations import CONVERSATIONS
from tests.conformance.differential import Ending, hold_all, table


@dataclass(frozen=True, slots=True)
class Meant:
    """A difference that is meant: what the client's close frame says here, which fields differ, and why."""

    code: int
    fields: frozenset[str]
    reason: str


def _meant(code: int, *differing: str, reason: str) -> Meant:
    return Meant(code, frozenset(differing), reason)


_NOTHING_AFTER_A_BREACH = "the stock command closes, and delivers all the same what comes after a breach"
_STRICTER = "design §8: the stock command lets it pass"
_CODE_OF_THE_RFC = "RFC 6455 §7.4.1: a breach of the protocol is 1002; the stock command says 1003, and goes on"
_LIMITED = "design §8: a message is bounded by frame_limit; the stock command buffers any"
_NOT_TO_BE_SENT = "RFC 6455 §7.4: such a code must not be sent; the stock command echoes it"

MEANT: dict[str, Meant] = {
    "a message that begins with an empty fragment": _meant(
        1000, "upstream_got", "code", reason="RFC 6455 §5.4 allows it; the stock command takes it for no fragment"
    ),
    "a close without a code": _meant(1000, "code", reason="the stock command puts 1005 on the wire, which none may"),
    "a screen that hangs up before its first byte": _meant(
        4502, "code", reason="design §6: no console was there, tried twice; the stock command says 1000 Target closed"
    ),
    "an unmasked message": _meant(1002, "upstream_got", reason=_NOTHING_AFTER_A_BREACH),
    "an unmasked ping": _meant(1002, "upstream_got", reason=_NOTHING_AFTER_A_BREACH),
    "a text message": _meant(1003, "upstream_got", reason=_NOTHING_AFTER_A_BREACH),
    "the first fragment of a text": _meant(1003, "upstream_got", reason=_NOTHING_AFTER_A_BREACH),
    "a continuation of nothing": _meant(1002, "upstream_got", reason=_NOTHING_AFTER_A_BREACH),
    **{f"RSV{n} on a message": _meant(1002, "upstream_got", "code", reason=_STRICTER) for n in (1, 2, 3)},
    "RSV1 on a ping": _meant(1002, "upstream_got", "pongs", "code", reason=_STRICTER),
    "a ping of 126 bytes": _meant(1002, "upstream_got", "pongs", "code", reason=_STRICTER),
    "a close of 126 bytes": _meant(1002, "code", reason=_STRICTER),
    "a length with its highest bit": _meant(1002, "code", reason="the stock command waits for its 2^63 bytes"),
    **{
        f"the reserved opcode 0x{code:X}": _meant(1002, "upstream_got", "code", reason=_CODE_OF_THE_RFC)
        for code in (3, 7, 0xB, 0xF)
    },
    "a fragmented ping": _meant(1002, "upstream_got", "code", reason=_CODE_OF_THE_RFC),
    "a fragmented close": _meant(1002, "code", reason=_CODE_OF_THE_RFC),
    "a message one byte over 1 MiB": _meant(1009, "upstream_got", "code", reason=_LIMITED),
    "fragments that come to more than 1 MiB": _meant(1009, "upstream_got", "code", reason=_LIMITED),
    "more than 4 KiB before the first byte": _meant(
        1002, "upstream_got", "client_got", "code", reason="the server speaks first in RFB: a launch buffers little"
    ),
    "a close of one byte": _meant(1002, "code", reason="RFC 6455 §5.5.1: half a code; the stock command says 1005"),
    **{
        f"a close with {code}, which none may send": _meant(1002, "code", reason=_NOT_TO_BE_SENT)
        for code in (0, 999, 1005, 1006, 1015, 5000)
    },
}


def _unlike(name: str, stock: Ending, ours: Ending) -> str | None:
    """What is neither as in the stock command nor as it is meant; None if all is well."""
    differs = stock.differs(ours)
    meant = MEANT.get(name)
    if meant is None:
        return f"{name}: differs in {sorted(differs)}" if differs else None
    if differs != meant.fields or ours.code != meant.code:
        return f"{name}: {ours.code}, differs in {sorted(differs)}, meant is {meant}"
    return None


async def test_every_conversation_ends_as_with_the_stock_command_or_as_it_is_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("launcher.relay.viewer.CLOSING_TIME", 0.2)
    monkeypatch.setattr("launcher.relay.pump.CLOSING_TIME", 0.2)
    endings = await hold_all(list(CONVERSATIONS))
    unlike = [
        found
        for name, by_way in endings.items()
        for way, ending in by_way.items()
        if way != "stock" and (found := _unlike(name, by_way["stock"], ending))
    ]
    assert unlike == [], table(endings)


def test_no_difference_is_meant_that_no_conversation_looks_for() -> None:
    assert set(MEANT) <= set(CONVERSATIONS)
