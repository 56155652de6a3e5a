from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.relay.carriage import Plain, Unwrapping, Wrapping, carriage_of
from launcher.relay.frames import COSTLY, EMPTY_ROW, HEADERS, FrameWalker, Stop
from tests.fakes.console_proxy import frame
from tests.fakes.viewer import BINARY, CLOSE, PING, PONG

LIMIT = 1024**2
STREAM = (
    frame(b"RFB 003.008\n")
    + frame(b"")
    + frame(b"ask", PING)
    + frame(b"one ", fin=False)
    + frame(b"said", PONG)
    + frame(b"two", 0)
    + frame(bytes(70_000))
    + frame((1000).to_bytes(2) + b"bye", CLOSE)
    + frame(b"never seen")
)
PAYLOAD = b"RFB 003.008\n" + b"one two" + bytes(70_000)


def test_each_pair_of_carriers_has_its_carriage() -> None:
    found = [
        type(carriage_of(upstream_framed=upstream, viewer_framed=viewer, limit=LIMIT))
        for upstream in (True, False)
        for viewer in (True, False)
    ]
    assert found == [FrameWalker, Unwrapping, Wrapping, Plain]


def test_plain_bytes_pass_as_they_are_and_an_end_may_be_said_anywhere() -> None:
    plain = Plain()
    assert plain.walk(b"bytes") == b"bytes"
    assert (plain.at_boundary, plain.boundary, plain.stop) == (True, 0, None)


def test_each_chunk_is_wrapped_into_one_frame_of_the_shortest_form() -> None:
    for size in (1, 125, 126, 65_535, 65_536):
        assert Wrapping().walk(bytes(size)) == frame(bytes(size))


def test_payloads_come_out_of_frames_and_control_frames_do_not() -> None:
    unwrapping = Unwrapping(LIMIT)
    assert unwrapping.walk(STREAM) == PAYLOAD
    assert unwrapping.pings == [b"ask"]
    assert (unwrapping.stop, unwrapping.close) == (Stop.CLOSED, (1000, "bye"))
    assert unwrapping.walk(frame(b"more")) == b""


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_however_the_stream_is_cut_the_payload_is_the_same(cuts: list[int]) -> None:
    unwrapping, found, pings = Unwrapping(LIMIT), b"", []
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(STREAM)], strict=True):
        found += unwrapping.walk(STREAM[begin:end])
        pings += unwrapping.pings
    assert (found, pings, unwrapping.close) == (PAYLOAD, [b"ask"], (1000, "bye"))


def test_a_faulty_frame_stops_it_behind_what_was_good() -> None:
    for faulty, stop in (
        (frame(b"text", 1), Stop.PROTOCOL),
        (frame(b"rsv", rsv1=True), Stop.PROTOCOL),
        (frame(b"masked", mask=b"mask"), Stop.PROTOCOL),
        (frame(b"\x03", CLOSE), Stop.PROTOCOL),
        (bytes((0x80 | BINARY, 127)) + (2**40).to_bytes(8), Stop.TOO_LARGE),
    ):
        unwrapping = Unwrapping(LIMIT)
        assert unwrapping.walk(frame(b"good") + faulty) == b"good"
        assert unwrapping.stop is stop
        assert unwrapping.why


@pytest.mark.parametrize("empty", [b"\x82\x00", b"\x02\x00", b"\x00\x00"])
def test_a_row_of_empty_frames_is_a_breach(empty: bytes) -> None:
    unwrapping = Unwrapping(LIMIT)
    assert unwrapping.walk(frame(b"good") + empty * EMPTY_ROW) == b"good"
    assert unwrapping.stop is None
    assert unwrapping.walk(empty) == b""
    assert unwrapping.stop is Stop.PROTOCOL
    assert "empty frames" in unwrapping.why


@pytest.mark.parametrize(("small", "payload"), [(b"\x89\x00", b""), (b"\x00\x01x", b"x"), (b"\x82\x01x", b"x")])
def test_a_turn_reads_so_many_headers_and_no_more(small: bytes, payload: bytes) -> None:
    unwrapping, count = Unwrapping(LIMIT), 10_000
    buffer = bytearray(small * count)
    given, seen = [unwrapping.walk(memoryview(buffer))], [unwrapping.controls]
    given[0] = bytes(given[0])
    buffer[:] = bytes(len(buffer))
    while unwrapping.more:
        given.append(bytes(unwrapping.walk(b"")))
        seen.append(unwrapping.controls)
    assert b"".join(given) == payload * count
    assert max(map(len, given)) == len(payload) * HEADERS // COSTLY
    assert sum(seen) == (count if small[0] == 0x89 else 0)
