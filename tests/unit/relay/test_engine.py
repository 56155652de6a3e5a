"""The viewer's end: websockify's engine in memory, hardened."""

from __future__ import annotations

import pytest

from launcher.errors import BadRequestError
from launcher.relay.engine import (
    Closed,
    Event,
    Message,
    Ping,
    Pong,
    ViewerEngine,
    Violation,
    _MemorySocket,
    cut_reason,
)
from launcher.relay.frames import EMPTY_ROW, client_frame

LIMIT = 1024**2
MASK = b"\x01\x80\xff\x3c"
GOOD = {
    "Host": "jump.localhost:6080",
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def frame(payload: bytes, first: int = 0x82) -> bytes:
    """A masked frame with this first byte."""
    return bytes((first,)) + client_frame(2, payload, MASK)[1:]


def opened(limit: int = LIMIT) -> ViewerEngine:
    engine = ViewerEngine(limit)
    engine.open(GOOD)
    return engine


def events(engine: ViewerEngine, *chunks: bytes) -> list[Event]:
    """All that these chunks come to."""
    found: list[Event] = []
    for chunk in chunks:
        engine.feed(chunk)
        while engine.pending:
            found += engine.take()
    return found


class TestOpening:
    def test_the_response_is_the_standards_and_nothing_more(self) -> None:
        assert ViewerEngine(LIMIT).open(GOOD) == (
            b"HTTP/1.1 101 Switching Protocols\r\n"
            b"Upgrade: websocket\r\n"
            b"Connection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        )

    @pytest.mark.parametrize(
        "offer", ["binary", "base64, binary", "binary,base64", "chat , binary , base64", ",binary"]
    )
    def test_binary_is_chosen_wherever_it_is_offered(self, offer: str) -> None:
        headers = {**GOOD, "sec-websocket-protocol": offer}
        ViewerEngine.check(headers)
        assert b"\r\nSec-WebSocket-Protocol: binary\r\n" in ViewerEngine(LIMIT).open(headers)

    def test_extensions_are_not_negotiated(self) -> None:
        headers = {**GOOD, "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
        assert b"xtension" not in ViewerEngine(LIMIT).open(headers)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("Upgrade", None),
            ("Upgrade", "h2c"),
            ("Connection", None),
            ("Connection", "keep-alive"),
            ("Connection", "upgraded"),
            ("Sec-WebSocket-Version", None),
            ("Sec-WebSocket-Version", "8"),
            ("Sec-WebSocket-Version", "13, 8"),
            ("Sec-WebSocket-Key", None),
            ("Sec-WebSocket-Key", ""),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j"),
            ("Sec-WebSocket-Key", "dGhl!IHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Key", "é" * 24),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Protocol", "base64"),
            ("Sec-WebSocket-Protocol", "chat, base64"),
        ],
    )
    def test_a_handshake_that_breaks_the_standard_is_refused(self, name: str, value: str | None) -> None:
        headers = {key: text for key, text in {**GOOD, name: value}.items() if text is not None}
        with pytest.raises(BadRequestError):
            ViewerEngine.check(headers)
        with pytest.raises(BadRequestError):
            ViewerEngine(LIMIT).open(headers)

    def test_an_empty_offer_of_subprotocols_is_none(self) -> None:
        assert b"Protocol:" not in ViewerEngine(LIMIT).open({**GOOD, "Sec-WebSocket-Protocol": " "})


class TestReceiving:
    def test_messages_come_whole_and_in_order(self) -> None:
        sent = [b"", b"a", bytes(125), bytes(126), bytes(range(256)) * 256, b"z" * LIMIT]
        assert events(opened(), b"".join(map(frame, sent))) == [Message(payload) for payload in sent]

    def test_a_message_may_come_byte_by_byte(self) -> None:
        stream = frame(b"hello") + frame(bytes(200))
        chunks = [bytes((byte,)) for byte in stream]
        assert events(opened(), *chunks) == [Message(b"hello"), Message(bytes(200))]

    def test_fragments_become_one_message(self) -> None:
        stream = frame(b"ab", 0x02) + frame(b"", 0x00) + frame(b"c", 0x00) + frame(b"d", 0x80) + frame(b"e")
        assert events(opened(), stream) == [Message(b"abcd"), Message(b"e")]

    def test_an_empty_first_fragment_begins_a_message(self) -> None:
        assert events(opened(), frame(b"", 0x02) + frame(b"x", 0x80)) == [Message(b"x")]
        assert events(opened(), frame(b"", 0x02) + frame(b"", 0x80)) == [Message(b"")]
        assert events(opened(), frame(b"", 0x02) + frame(b"x"))[0] == Violation(
            1002, "a message begins before the one before it has ended"
        )

    def test_messages_are_bytes_even_when_they_came_in_fragments(self) -> None:
        [message] = events(opened(), frame(b"a", 0x02) + frame(b"b", 0x80))
        assert isinstance(message, Message)
        assert type(message.payload) is bytes

    def test_pings_and_pongs_are_told_and_not_answered(self) -> None:
        engine = opened()
        stream = frame(b"a", 0x02) + frame(b"hi", 0x89) + frame(b"yo", 0x8A) + frame(b"b", 0x80)
        assert events(engine, stream) == [Ping(b"hi"), Pong(b"yo"), Message(b"ab")]
        assert engine._memory.taken() == b""

    def test_lengths_need_not_be_minimal(self) -> None:
        long = b"\x82\xff" + (1).to_bytes(8, "big") + bytes(4) + b"x"
        assert events(opened(), b"\x82\xfe\x00\x01" + bytes(4) + b"x" + long) == [Message(b"x"), Message(b"x")]

    def test_a_close_is_told_and_not_echoed(self) -> None:
        engine = opened()
        assert events(engine, frame(b"\x0f\xa1bye", 0x88)) == [Closed(4001, "bye")]
        assert engine._memory.taken() == b""

    def test_a_close_without_code_is_1005(self) -> None:
        assert events(opened(), frame(b"", 0x88)) == [Closed(1005, "")]

    def test_nothing_is_decoded_after_a_close(self) -> None:
        engine = opened()
        assert events(engine, frame(b"", 0x88) + frame(b"x") + frame(b"", 0x89), frame(b"y")) == [Closed(1005, "")]
        assert not engine.pending
        assert engine.take() == []


class TestTurns:
    def test_a_turn_has_its_share_and_says_when_there_is_more(self) -> None:
        engine = opened()
        engine.feed(frame(b"x") * 10)
        assert engine.pending
        assert len(engine.take(4)) == 4
        assert engine.pending
        assert len(engine.take(6)) == 6
        assert not engine.pending

    def test_fragments_and_pings_use_up_a_turn_too(self) -> None:
        engine = opened()
        engine.feed(frame(b"", 0x02) + frame(b"", 0x00) * 1000 + frame(b"", 0x80))
        assert engine.take(64) == []
        assert engine.pending
        assert len(engine._recv_buffer) == (1002 - 64) * 6

    def test_a_turn_that_ends_with_half_a_frame_asks_for_no_other(self) -> None:
        engine = opened()
        engine.feed(frame(b"x") + frame(b"y")[:-1])
        assert engine.take() == [Message(b"x")]
        assert not engine.pending
        engine.feed(b"")
        assert not engine.pending

    def test_several_chunks_may_wait_for_one_turn(self) -> None:
        engine = opened()
        stream = frame(b"z" * 10_000)
        for at in range(0, len(stream), 5000):
            engine.feed(stream[at : at + 5000])
        assert engine.take() == [Message(b"z" * 10_000)]

    def test_an_idle_viewer_keeps_nothing(self) -> None:
        engine = opened()
        assert len(events(engine, frame(b"x" * LIMIT))) == 1
        assert engine._recv_buffer.__sizeof__() < 100


class TestSending:
    def test_a_message_is_one_binary_frame(self) -> None:
        engine = opened()
        assert engine.message(b"abc") == b"\x82\x03abc"
        assert engine.message(b"") == b"\x82\x00"
        assert engine.message(bytes(70_000)) == b"\x82\x7f" + (70_000).to_bytes(8, "big") + bytes(70_000)

    def test_pings_and_pongs_are_control_frames(self) -> None:
        engine = opened()
        assert engine.ping() == b"\x89\x00"
        assert engine.ping(b"x") == b"\x89\x01x"
        assert engine.pong(b"y") == b"\x8a\x01y"
        assert len(engine.pong(bytes(200))) == len(engine.ping(bytes(200))) == 2 + 125

    def test_a_close_is_written_once_and_nothing_after_it(self) -> None:
        engine = opened()
        assert engine.close(4502, "no screen") == b"\x88\x0b\x11\x96no screen"
        assert engine.close(1000, "again") == b""
        assert engine.message(b"x") == engine.ping() == engine.pong() == b""

    @pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 70_000])
    def test_a_code_that_must_not_be_sent_becomes_1002(self, code: int) -> None:
        assert opened().close(code, "") == b"\x88\x02\x03\xea"

    def test_a_long_reason_is_cut_between_two_characters(self) -> None:
        assert opened().close(1000, "é" * 100) == b"\x88\x7c\x03\xe8" + ("é" * 61).encode()
        assert cut_reason("x" * 124) == "x" * 123
        assert cut_reason("\ud800") == "?"

    def test_a_viewers_close_may_be_answered(self) -> None:
        engine = opened()
        assert events(engine, frame(b"\x03\xe8", 0x88)) == [Closed(1000, "")]
        assert engine.close(1000, "") == b"\x88\x02\x03\xe8"
        assert engine.message(b"x") == b""

    def test_a_breach_may_be_answered(self) -> None:
        engine = opened()
        [violation] = events(engine, frame(b"x", 0x81))
        assert isinstance(violation, Violation)
        assert engine.close(violation.code, violation.reason).startswith(b"\x88")

    def test_after_our_close_only_the_viewers_counts(self) -> None:
        engine = opened()
        engine.close(1000, "")
        assert events(engine, frame(b"x") + frame(b"p", 0x89) + frame(b"q", 0x8A)) == []
        assert events(engine, frame(b"\x03\xe8", 0x88) + frame(b"y")) == [Closed(1000, "")]
        assert engine.close(1000, "") == b""

    def test_a_breach_after_our_close_counts_too(self) -> None:
        engine = opened()
        engine.close(1000, "")
        assert events(engine, frame(b"x", 0x81)) == [Violation(1003, "text messages are not understood here")]


class TestWebsockifysOwnChecks:
    """What websockify finds itself, should a frame ever come past the checks before it."""

    @pytest.mark.parametrize(
        ("spoiled", "code"),
        [({"masked": False}, 1002), ({"opcode": 0x3}, 1003), ({"opcode": 0x9, "fin": False}, 1003)],
    )
    def test_its_breaches_become_violations(self, spoiled: dict[str, object], code: int) -> None:
        engine = opened()
        good = {"opcode": 2, "fin": True, "masked": True, "length": 6, "payload": b""}
        engine._recv_queue.append({**good, **spoiled})
        engine._dispatch()
        [violation] = engine._events
        assert isinstance(violation, Violation)
        assert violation.code == code


class TestTheSocketInMemory:
    def test_it_honours_the_size_asked_for(self) -> None:
        memory = _MemorySocket()
        memory.give(b"abcde")
        memory.give(b"")
        memory.give(b"f")
        assert [bytes(memory.recv(n)) for n in (2, 9, 9)] == [b"ab", b"cde", b"f"]

    def test_it_would_block_when_empty(self) -> None:
        with pytest.raises(BlockingIOError):
            _MemorySocket().recv(1)

    def test_it_keeps_what_was_sent_in_order(self) -> None:
        memory = _MemorySocket()
        assert memory.send(b"ab") == 2
        memory.send(b"c")
        assert memory.taken() == b"abc"
        assert memory.taken() == b""


class TestRowsOfEmptyFrames:
    @pytest.mark.parametrize("first", [0x02, 0x82])
    def test_they_are_a_breach(self, first: int) -> None:
        engine = opened()
        stream = frame(b"", first) + frame(b"", 0x00 if first == 0x02 else first) * (EMPTY_ROW - 1)
        assert Violation not in map(type, events(engine, stream))
        (end,) = [one for one in events(engine, frame(b"", 0x00 if first == 0x02 else first)) if one != Message(b"")]
        assert isinstance(end, Violation)
        assert end.code == 1008
        assert "empty frames" in end.reason
        assert events(engine, frame(b"more")) == []

    def test_single_ones_are_none(self) -> None:
        stream = (frame(b"") * EMPTY_ROW + frame(b"x")) * 3
        assert events(opened(), stream).count(Message(b"x")) == 3

    def test_a_mebibyte_of_them_is_not_decoded(self) -> None:
        engine = opened()
        engine.feed(frame(b"", 0x02) + frame(b"", 0x00) * 174_000)
        found = engine.take() + engine.take()
        assert [type(one) for one in found] == [Violation]
        assert not engine.pending


def test_who_owns_it_may_refuse_the_viewer_and_nothing_more_is_decoded() -> None:
    engine = opened()
    engine.feed(frame(b"one") + frame(b"two"))
    assert engine.take(1) == [Message(b"one")]
    refusal = Violation(1008, "enough")
    assert engine.refuse(refusal) is refusal
    assert not engine.pending
    assert events(engine, frame(b"three")) == []
    assert engine.close(1008, "enough")
