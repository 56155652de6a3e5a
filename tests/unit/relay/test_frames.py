"""Frame headers read, server frames walked, client frames made."""

from __future__ import annotations

import pytest
from websockify.websocket import WebSocket

from launcher.relay.frames import (
    BINARY,
    CLOSE,
    COSTLY,
    EMPTY_ROW,
    HEADERS,
    PING,
    Fault,
    FrameWalker,
    Header,
    Stop,
    client_frame,
    may_close_with,
    parse_close,
    read_header,
    xor,
)

LIMIT = 1024**2
MASK = b"\x01\x80\xff\x3c"


def server_frame(payload: bytes, first: int = 0x82) -> bytes:
    """One frame as a server sends it."""
    length = len(payload)
    if length < 126:
        return bytes((first, length)) + payload
    if length < 1 << 16:
        return bytes((first, 126)) + length.to_bytes(2, "big") + payload
    return bytes((first, 127)) + length.to_bytes(8, "big") + payload


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535, 65536])
def test_headers_of_every_length_form_are_read(length: int) -> None:
    frame = server_frame(bytes(length))
    assert read_header(b"??" + frame, 2, LIMIT) == Header(BINARY, True, 2 + len(frame) - length, length)


@pytest.mark.parametrize("length", [0, 126, 65536])
def test_a_header_is_waited_for_until_its_length_is_there(length: int) -> None:
    header = server_frame(bytes(length))[: -length or None]
    assert [read_header(header[:have], 0, LIMIT) for have in range(len(header))] == [None] * len(header)


def test_a_clients_header_ends_with_its_mask() -> None:
    assert read_header(client_frame(BINARY, b"abc", MASK), 0, LIMIT, masked=True) == Header(BINARY, True, 6, 3)


@pytest.mark.parametrize(
    ("frame", "stop", "why"),
    [
        (b"\xc2\x00", Stop.PROTOCOL, "reserved bit"),
        (b"\xa2\x00", Stop.PROTOCOL, "reserved bit"),
        (b"\x92\x00", Stop.PROTOCOL, "reserved bit"),
        (b"\x83\x00", Stop.PROTOCOL, "opcode 0x3 is reserved"),
        (b"\x8b\x00", Stop.PROTOCOL, "opcode 0xB is reserved"),
        (b"\x09\x00", Stop.PROTOCOL, "fragmented"),
        (b"\x89\x7e", Stop.PROTOCOL, "longer than 125"),
        (b"\x82\x80", Stop.PROTOCOL, "masked"),
        (b"\x82\x7f\x80" + bytes(7), Stop.PROTOCOL, "highest bit"),
        (b"\x82\x7f" + (LIMIT + 1).to_bytes(8, "big"), Stop.TOO_LARGE, "frame_limit"),
    ],
)
def test_what_is_wrong_with_a_servers_header_is_said(frame: bytes, stop: Stop, why: str) -> None:
    fault = read_header(frame, 0, LIMIT)
    assert isinstance(fault, Fault)
    assert fault.stop is stop
    assert why in fault.why


def test_a_clients_frame_without_mask_is_a_fault() -> None:
    assert read_header(b"\x82\x00", 0, LIMIT, masked=True) == (Stop.PROTOCOL, "a client's frame is not masked")


def test_control_frames_are_not_bound_by_the_limit_of_data() -> None:
    assert read_header(b"\x89\x7d", 0, 10) == Header(PING, True, 2, 125)


@pytest.mark.parametrize(
    ("payload", "close"),
    [(b"", (1005, "")), (b"\x03\xe8", (1000, "")), (b"\x0f\xa1gr\xc3\xbc\xc3\x9f", (4001, "grüß"))],
)
def test_a_close_is_parsed(payload: bytes, close: tuple[int, str]) -> None:
    assert parse_close(payload) == close


@pytest.mark.parametrize(
    ("payload", "why"),
    [(b"\x03", "half a code"), (b"\x03\xed", "1005"), (b"\x00\x00", "code 0"), (b"\x03\xe8\xff", "UTF-8")],
)
def test_a_close_that_makes_no_sense_is_refused(payload: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_close(payload)


def test_the_codes_that_may_be_sent() -> None:
    allowed = [code for code in range(65536) if may_close_with(code)]
    assert allowed == [1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)]


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 1022, 1023, 1024, 1025, 1026, 1027, 5000])
def test_masking_is_that_of_websockify(length: int) -> None:
    payload = bytes(range(256)) * 20
    assert xor(payload[:length], MASK) == WebSocket()._unmask(payload[:length], MASK)
    assert xor(bytearray(payload[:length]), MASK) == xor(payload[:length], MASK)


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 65536])
def test_a_client_frame_is_that_of_websockify(length: int) -> None:
    payload = b"\xa5" * length
    assert client_frame(BINARY, payload, MASK) == WebSocket()._encode_hybi(BINARY, payload, MASK)


def test_frames_pass_as_they_are() -> None:
    walker = FrameWalker(LIMIT)
    stream = b"".join(server_frame(bytes(n)) for n in (0, 5, 125, 126, 300, 65535, 65536)) + b"\x89\x02hi\x8a\x00"
    assert walker.walk(stream) is stream
    assert walker.at_boundary
    assert walker.stop is None


def test_inside_a_payload_is_no_boundary() -> None:
    walker = FrameWalker(LIMIT)
    frame = server_frame(bytes(1000))
    assert walker.walk(frame[:400]) == frame[:400]
    assert not walker.at_boundary
    assert walker.walk(frame[400:500]) == frame[400:500]
    assert walker.boundary is None
    assert walker.walk(frame[500:] + frame[:10]) == frame[500:] + frame[:10]
    assert walker.boundary == len(frame) - 500
    assert not walker.at_boundary


def test_the_first_boundary_may_be_the_end_of_the_chunk() -> None:
    walker = FrameWalker(LIMIT)
    walker.walk(b"\x82\x04ab")
    assert walker.walk(b"cd") == b"cd"
    assert walker.boundary == 2
    assert walker.at_boundary


@pytest.mark.parametrize("cut", range(1, 10))
def test_half_a_header_is_held_back(cut: int) -> None:
    walker = FrameWalker(LIMIT)
    frame = server_frame(bytes(70_000))
    assert walker.walk(b"\x82\x01x" + frame[:cut]) == b"\x82\x01x"
    assert walker.at_boundary
    assert walker.walk(frame[cut:]) == frame
    assert walker.boundary == 0
    assert walker.at_boundary


def test_nothing_passes_after_a_close_frame() -> None:
    walker = FrameWalker(LIMIT)
    close = server_frame(b"\x03\xe8bye", 0x88)
    assert walker.walk(b"\x82\x01x" + close + b"\x82\x01y") == b"\x82\x01x" + close
    assert walker.stop is Stop.CLOSED
    assert walker.close == (1000, "bye")
    assert walker.walk(b"\x82\x01z") == b""
    assert walker.at_boundary
    assert walker.boundary == 0


def test_a_close_frame_passes_whole_or_not_at_all() -> None:
    walker = FrameWalker(LIMIT)
    close = server_frame(b"\x0f\xa1later", 0x88)
    assert walker.walk(b"\x82\x01x" + close[:6]) == b"\x82\x01x"
    assert walker.at_boundary
    assert walker.stop is None
    assert walker.walk(close[6:]) == close
    assert walker.close == (4001, "later")


def test_a_close_that_makes_no_sense_does_not_pass() -> None:
    walker = FrameWalker(LIMIT)
    assert walker.walk(b"\x82\x01x\x88\x01?") == b"\x82\x01x"
    assert walker.stop is Stop.PROTOCOL
    assert walker.why == "a close frame carries half a code"
    assert walker.at_boundary


@pytest.mark.parametrize(
    ("faulty", "stop"),
    [
        (b"\xc2\x01x", Stop.PROTOCOL),
        (b"\x82\x81abcdx", Stop.PROTOCOL),
        (b"\x82\xfe\x00\x7e", Stop.PROTOCOL),
        (b"\x82\x7e\x10\x01", Stop.TOO_LARGE),
        (b"\x82\x7f" + (1 << 62).to_bytes(8, "big"), Stop.TOO_LARGE),
    ],
)
def test_what_came_before_a_faulty_frame_passes(faulty: bytes, stop: Stop) -> None:
    walker = FrameWalker(4096)
    before = server_frame(bytes(4096)) + b"\x89\x00"
    assert walker.walk(before + faulty + b"more") == before
    assert walker.stop is stop
    assert walker.why
    assert walker.at_boundary


def test_the_limit_holds_for_the_smallest_frames_too() -> None:
    walker = FrameWalker(3)
    assert walker.walk(b"\x82\x03abc\x82\x04abcd") == b"\x82\x03abc"
    assert walker.stop is Stop.TOO_LARGE


def test_close_frames_are_found_at_any_cut() -> None:
    stream = b"\x82\x00" + server_frame(bytes(200)) + server_frame(b"\x03\xe9", 0x88)
    for cut in range(len(stream)):
        walker = FrameWalker(LIMIT)
        assert bytes(walker.walk(stream[:cut])) + bytes(walker.walk(stream[cut:])) == stream
        assert walker.close == (1001, "")


def test_the_opcodes_are_those_of_the_standard() -> None:
    assert (BINARY, CLOSE, PING) == (2, 8, 9)


def in_turns(walker: FrameWalker, stream: bytes) -> list[bytes]:
    """What the walker gives in each turn until nothing is left."""
    given = [bytes(walker.walk(stream))]
    while walker.more:
        given.append(bytes(walker.walk(b"")))
    return given


EMPTY = [b"\x82\x00", b"\x02\x00", b"\x00\x00", b"\x80\x00"]


@pytest.mark.parametrize("frame", EMPTY)
def test_a_row_of_empty_frames_is_a_breach(frame: bytes) -> None:
    walker = FrameWalker(LIMIT)
    assert walker.walk(b"\x82\x01x" + frame * EMPTY_ROW) == b"\x82\x01x" + frame * EMPTY_ROW
    assert walker.stop is None
    assert walker.walk(frame) == b""
    assert walker.stop is Stop.PROTOCOL
    assert "empty frames" in walker.why
    assert walker.at_boundary


@pytest.mark.parametrize("between", [b"\x82\x01x", b"\x00\x01x", b"\x82\x7e\x01\x00" + bytes(256)])
def test_single_empty_frames_among_others_are_none(between: bytes) -> None:
    stream = (b"\x82\x00" * EMPTY_ROW + between) * 5
    assert b"".join(in_turns(walker := FrameWalker(LIMIT), stream)) == stream
    assert walker.stop is None


def test_pings_among_empty_frames_do_not_hide_them() -> None:
    walker = FrameWalker(LIMIT)
    assert walker.walk(b"\x82\x00\x89\x00" * 1000) == b"\x82\x00\x89\x00" * EMPTY_ROW
    assert walker.stop is Stop.PROTOCOL


@pytest.mark.parametrize("frame", [b"\x89\x00", b"\x8a\x00", b"\x00\x01x", b"\x02\x01x"])
def test_a_turn_reads_so_many_headers_and_no_more(frame: bytes) -> None:
    stream = frame * (1024**2 // len(frame))
    given = in_turns(walker := FrameWalker(LIMIT), stream)
    assert b"".join(given) == stream
    assert max(map(len, given)) == len(frame) * HEADERS // COSTLY
    assert walker.stop is None


def test_messages_of_one_byte_are_read_in_turns_too() -> None:
    stream = b"\x82\x01x" * 300_000
    given = in_turns(FrameWalker(LIMIT), stream)
    assert b"".join(given) == stream
    assert max(map(len, given)) == 3 * HEADERS


def test_a_buffer_that_is_not_ours_may_be_written_to_while_something_is_left() -> None:
    stream = b"\x82\x01x" * 20_000
    buffer = bytearray(stream)
    walker = FrameWalker(LIMIT)
    given = bytes(walker.walk(memoryview(buffer)))
    buffer[:] = bytes(len(buffer))
    assert walker.more
    assert walker.at_boundary
    given += walker.walk(b"\x82\x03end")  # the upstream's end may bring more before the next turn
    while walker.more:
        given += walker.walk(b"")
    assert given == stream + b"\x82\x03end"


def test_control_frames_are_counted_for_each_walk() -> None:
    walker = FrameWalker(LIMIT)
    walker.walk(b"\x89\x00\x82\x01x\x8a\x00")
    assert walker.controls == 2
    walker.walk(b"\x82\x01x")
    assert walker.controls == 0
