"""Whatever a console proxy answers the request for an xvpvnc console: it is a screen, or an error of ours."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from launcher.errors import UpstreamError
from launcher.relay.firstbytes import FirstVerdict, RawFirstBytes
from launcher.relay.xvp import ResponseReader

HEADS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\n",
        b"HTTP/1.1 401 Not Authorized\r\n\r\n",
        b"HTTP/1.1 ",
        b"RFB 003.008\n",
        b"",
    ]
)
STREAMS = st.builds(
    bytes.__add__, HEADS, st.one_of(st.binary(max_size=64), st.binary(max_size=8).map(lambda more: b"RFB " + more))
)


def outcome(chunks: list[bytes]) -> tuple[str, bytes]:
    """What it comes to, and the bytes that a viewer would get first."""
    reader, first, verdict = ResponseReader(), RawFirstBytes(), FirstVerdict.WAITING
    opened = False
    for chunk in chunks:
        try:
            response = None if opened else reader.feed(chunk)
        except UpstreamError as error:
            return type(error).__name__, b""
        if opened or response is not None:
            verdict = first.feed(chunk if response is None else response.leftover)
            opened = True
    return verdict.value, first.raw if verdict is FirstVerdict.PROVEN else b""


@given(stream=STREAMS, cuts=st.lists(st.integers(0, 128), max_size=6))
def test_it_is_the_same_however_it_is_cut(stream: bytes, cuts: list[int]) -> None:
    places = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
    pieces = [stream[begin:end] for begin, end in itertools.pairwise(places)]
    assert outcome(pieces) == outcome([stream])
