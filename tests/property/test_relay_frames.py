"""Whatever the frames and however the network cuts them: the walker and the engine see the same stream."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from websockify.websocket import WebSocket

from launcher.relay.engine import Closed, Event, Message, Ping, Pong, ViewerEngine, Violation
from launcher.relay.firstbytes import FirstBytes, FirstVerdict
from launcher.relay.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    CONTROL_LIMIT,
    PING,
    PONG,
    FrameWalker,
    Stop,
    client_frame,
    xor,
)

LIMIT = 70_000

masks = st.binary(min_size=4, max_size=4)
few = st.integers(0, 130)
lengths = st.one_of(few, few, few, st.sampled_from([300, 1023, 1024, 1025, 65535, 65536, LIMIT]))
payloads = lengths.map(lambda length: (bytes(range(251)) * (length // 251 + 1))[:length])
controls = st.tuples(st.sampled_from([PING, PONG]), st.just(True), st.binary(max_size=125))
data = st.tuples(st.sampled_from([BINARY, CONTINUATION]), st.booleans(), payloads)
cuts = st.lists(st.integers(0, 1 << 20), max_size=12)


@dataclass(frozen=True)
class Sent:
    """A frame of the model."""

    opcode: int
    fin: bool
    payload: bytes


frames = st.lists(st.one_of(controls, data).map(lambda parts: Sent(*parts)), max_size=12)


def server_bytes(frame: Sent, spare: int = 0) -> bytes:
    """The frame as a server sends it; `spare` > 0 takes a longer length form than needed, where one is allowed."""
    length = len(frame.payload)
    size = 0 if length < 126 else 2 if length < 1 << 16 else 8
    if spare and frame.opcode < CLOSE:
        size = 8 if size or spare > 1 else 2
    short = {0: length, 2: 126, 8: 127}[size]
    form = length.to_bytes(size, "big") if size else b""
    return bytes((frame.fin << 7 | frame.opcode, short)) + form + frame.payload


def opened(limit: int) -> ViewerEngine:
    engine = ViewerEngine(limit)
    engine.open(
        {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
    )
    return engine


def chopped(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream in pieces."""
    offsets = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    return [stream[start:end] for start, end in pairwise(offsets)]


@settings(deadline=None)
@given(frames, st.integers(0, 2), cuts)
def test_the_walker_passes_all_bytes_and_knows_the_boundaries(sent: list[Sent], spare: int, places: list[int]) -> None:
    pieces = [server_bytes(frame, spare) for frame in sent]
    boundaries = {sum(map(len, pieces[:count])) for count in range(len(pieces) + 1)}
    walker, passed = FrameWalker(LIMIT), b""
    for chunk in chopped(b"".join(pieces), places):
        out = walker.walk(chunk)
        inside = [place - len(passed) for place in boundaries if len(passed) <= place <= len(passed) + len(out)]
        assert walker.boundary == min(inside, default=None)
        passed += out
        assert walker.at_boundary == (len(passed) in boundaries)
        assert len(walker._held) < 2 + CONTROL_LIMIT, "at most what lacks a byte of a whole pong"
    assert passed == b"".join(pieces)
    assert walker.stop is None
    assert walker.at_boundary


@settings(deadline=None)
@given(
    frames,
    st.sampled_from(
        [
            (b"\x88\x02\x03\xe8", Stop.CLOSED),
            (b"\x88\x00", Stop.CLOSED),
            (b"\x88\x01\x03", Stop.PROTOCOL),
            (b"\xc2\x00", Stop.PROTOCOL),
            (b"\x82\x80abcd", Stop.PROTOCOL),
            (b"\x89\x7e\x00\x7e", Stop.PROTOCOL),
            (b"\x82\x7f" + (LIMIT + 1).to_bytes(8, "big"), Stop.TOO_LARGE),
        ]
    ),
    st.binary(max_size=50),
    cuts,
)
def test_the_walker_stops_at_the_same_place_however_it_is_cut(
    sent: list[Sent], last: tuple[bytes, Stop], behind: bytes, places: list[int]
) -> None:
    before = b"".join(map(server_bytes, sent))
    end, stop = last
    walker = FrameWalker(LIMIT)
    passed = b"".join(map(walker.walk, chopped(before + end + behind, places)))
    assert passed == (before + end if stop is Stop.CLOSED else before)
    assert walker.stop is stop
    assert walker.at_boundary


@settings(deadline=None)
@given(st.binary(max_size=400), cuts)
def test_the_walker_gives_nothing_but_what_came(stream: bytes, places: list[int]) -> None:
    walker = FrameWalker(200)
    passed = b"".join(map(walker.walk, chopped(stream, places)))
    assert stream.startswith(passed)
    whole = FrameWalker(200)
    assert whole.walk(stream) == passed
    assert (whole.stop, whole.close, whole.at_boundary) == (walker.stop, walker.close, walker.at_boundary)


def expected(sent: list[Sent], limit: int) -> list[Event]:
    """What a viewer's frames mean, written as plainly as can be."""
    events: list[Event] = []
    message: bytes | None = None
    for frame in sent:
        if frame.opcode in (PING, PONG):
            events.append(Ping(frame.payload) if frame.opcode == PING else Pong(frame.payload))
            continue
        if len(message or b"") + len(frame.payload) > limit:
            return [*events, Violation(1009, "")]
        if (frame.opcode == CONTINUATION) is (message is None):
            return [*events, Violation(1002, "")]
        message = (message or b"") + frame.payload
        if frame.fin:
            events.append(Message(message))
            message = None
    return events


def without_words(events: list[Event]) -> list[Event]:
    return [Violation(event.code, "") if isinstance(event, Violation) else event for event in events]


@settings(deadline=None)
@given(frames, st.lists(masks, min_size=12, max_size=12), cuts, st.integers(1, 5))
def test_the_engine_agrees_with_a_plain_reading(
    sent: list[Sent], keys: list[bytes], places: list[int], most: int
) -> None:
    stream = b"".join(
        bytes((frame.fin << 7 | frame.opcode,)) + client_frame(0, frame.payload, key)[1:]
        for frame, key in zip(sent, keys, strict=False)
    )
    engine, found = opened(LIMIT), list[Event]()
    for chunk in chopped(stream, places):
        engine.feed(chunk)
        while engine.pending:
            share = engine.take(most)
            assert len(share) <= most
            found += share
    assert without_words(found) == expected(sent, LIMIT)


@settings(deadline=None)
@given(st.binary(max_size=300), cuts)
def test_the_engine_survives_anything_and_ends_once(stream: bytes, places: list[int]) -> None:
    engine, found = opened(100), list[Event]()
    for chunk in chopped(stream, places):
        engine.feed(chunk)
        while engine.pending:
            found += engine.take()
    ends = [at for at, event in enumerate(found) if isinstance(event, Closed | Violation)]
    assert ends in ([], [len(found) - 1])
    assert len(engine._recv_buffer) <= 114


@settings(deadline=None)
@given(payloads, masks)
def test_stock_websockify_decodes_our_client_frames(payload: bytes, mask: bytes) -> None:
    frame = client_frame(BINARY, payload, mask)
    decoded = WebSocket()._decode_hybi(frame)
    assert decoded == {"fin": True, "opcode": BINARY, "masked": True, "length": len(frame), "payload": payload}


@settings(deadline=None)
@given(payloads, masks)
def test_masking_twice_changes_nothing(payload: bytes, mask: bytes) -> None:
    assert xor(xor(payload, mask), mask) == payload


@settings(deadline=None)
@given(st.lists(st.integers(1, 4), max_size=4), st.lists(controls, max_size=4), cuts)
def test_a_greeting_proves_a_screen_however_it_is_split(
    splits: list[int], between: list[tuple[int, bool, bytes]], places: list[int]
) -> None:
    greeting, pieces, kept = b"RFB 003.008\n", [], b""
    for at, size in enumerate((*splits, 99)):
        part = Sent(CONTINUATION if at else BINARY, size == 99, greeting[:size])
        greeting = greeting[size:]
        pieces.append(server_bytes(part))
        kept += pieces[-1]
        if sum(splits[: at + 1]) < 4 and size != 99 and between:
            pieces.append(server_bytes(Sent(*between[at % len(between)])))
    first = FirstBytes(LIMIT)
    verdicts = [first.feed(chunk) for chunk in chopped(b"".join(pieces), places)]
    assert verdicts[-1] is FirstVerdict.PROVEN
    assert first.raw == kept
