"""RFC 6455, as a viewer meets it: what is refused and with which code; and the stock websockify as the other side."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest
from websockify.websocket import WebSocket, WebSocketWantReadError

from launcher.relay.engine import Closed, Event, Message, Ping, Pong, ViewerEngine, Violation
from launcher.relay.firstbytes import FirstBytes, FirstVerdict
from launcher.relay.frames import BINARY, CLOSE, CONTINUATION, PING, TEXT, FrameWalker, Stop, client_frame, parse_close
from launcher.relay.handshake import ResponseReader, accept_for

LIMIT = 4096
MASK = b"\x9a\x00\xff\x11"
KEY = b"0123456789abcdef"
HEADERS = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    "Sec-WebSocket-Protocol": "base64, binary",
}


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """A masked frame, of whatever kind."""
    first = fin << 7 | rsv << 4 | opcode
    return bytes((first,)) + client_frame(0, payload, MASK)[1:]


def header(first: int, length: int, size: int) -> bytes:
    """A masked header that announces `length` in `size` bytes; no payload follows."""
    return bytes((first, 0x80 | {2: 126, 8: 127}[size])) + length.to_bytes(size, "big")


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


def opened() -> ViewerEngine:
    engine = ViewerEngine(LIMIT)
    engine.open(HEADERS)
    return engine


def everything(engine: ViewerEngine) -> list[Event]:
    found: list[Event] = []
    while engine.pending:
        found += engine.take()
    return found


REFUSED = {
    "§5.1 unmasked frame": (b"\x82\x01x", 1002),
    "§5.1 unmasked ping": (b"\x89\x00", 1002),
    "§5.2 RSV1 without extension": (frame(BINARY, b"x", rsv=4), 1002),
    "§5.2 RSV2": (frame(BINARY, b"x", rsv=2), 1002),
    "§5.2 RSV3": (frame(BINARY, b"x", rsv=1), 1002),
    "§5.2 RSV1 on a ping": (frame(PING, rsv=4), 1002),
    **{f"§5.2 reserved opcode 0x{code:X}": (frame(code), 1002) for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "§5.2 length with its highest bit": (header(0x82, 1 << 63, 8), 1002),
    "§5.4 continuation of nothing": (frame(CONTINUATION, b"x"), 1002),
    "§5.4 continuation after a whole message": (frame(CONTINUATION, b"x", fin=False), 1002),
    "§5.4 message within a message": (frame(BINARY, b"x", fin=False) + frame(BINARY, b"y"), 1002),
    "§5.4 the same, with an empty first fragment": (frame(BINARY, fin=False) + frame(BINARY, b"y", fin=False), 1002),
    "§5.5 fragmented ping": (frame(PING, fin=False), 1002),
    "§5.5 fragmented close": (frame(CLOSE, fin=False), 1002),
    "§5.5 ping of 126 bytes": (frame(PING, bytes(126)), 1002),
    "§5.5 ping with a long length form": (header(0x89, 5, 2), 1002),
    "§5.5 close of 70000 bytes": (frame(CLOSE, bytes(70_000)), 1002),
    "§5.5.1 close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "§5.5.1 reason that is not UTF-8": (close(1000, b"\xc3\x28"), 1002),
    **{
        f"§7.4 close with {code}": (close(code), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    },
    "§5.6 text": (frame(TEXT, b"x"), 1003),
    "§5.6 first fragment of a text": (frame(TEXT, b"x", fin=False), 1003),
    "§10.4 frame over the limit": (header(0x82, LIMIT + 1, 2), 1009),
    "§10.4 frame of 2^62 bytes": (header(0x82, 1 << 62, 8), 1009),
    "§10.4 fragments over the limit": (frame(BINARY, bytes(LIMIT), fin=False) + frame(CONTINUATION, b"x"), 1009),
    "§10.4 fragments without end": (frame(BINARY, fin=False) + frame(CONTINUATION, bytes(100), fin=False) * 50, 1009),
}


@pytest.mark.parametrize(("stream", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_and_nothing_comes_after_it(stream: bytes, code: int) -> None:
    engine = opened()
    engine.feed(frame(BINARY, b"before"))
    engine.feed(stream)
    engine.feed(frame(BINARY, b"after") + frame(PING))
    first, *rest = everything(engine)
    assert first == Message(b"before")
    assert [type(event) for event in rest] == [Violation]
    assert isinstance(rest[0], Violation)
    assert rest[0].code == code
    assert 0 < len(rest[0].reason.encode()) <= 123
    engine.feed(frame(BINARY, b"later"))
    assert engine.take() == []
    assert not engine.pending


@pytest.mark.parametrize(("stream", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_byte_by_byte_it_is_the_same_and_nothing_is_kept(stream: bytes, code: int) -> None:
    engine = opened()
    found: list[Event] = []
    for byte in stream:
        engine.feed(bytes((byte,)))
        found += everything(engine)
        assert len(engine._recv_buffer) + len(engine._partial_msg) <= LIMIT + 14
    assert [event.code for event in found if isinstance(event, Violation)] == [code]
    assert not engine._recv_buffer
    assert not engine._partial_msg
    assert not engine._recv_queue
    assert not engine._memory.pending()


ACCEPTED: dict[str, tuple[bytes, list[Event]]] = {
    "§5.2 any length form": (header(0x82, 1, 8) + bytes(4) + b"x", [Message(b"x")]),
    "§5.4 controls between fragments": (
        frame(BINARY, b"a", fin=False) + frame(PING, b"p") + frame(CONTINUATION, b"b"),
        [Ping(b"p"), Message(b"ab")],
    ),
    "§5.4 empty fragments": (frame(BINARY, fin=False) + frame(CONTINUATION), [Message(b"")]),
    "§5.5.2 ping of 125 bytes": (frame(PING, bytes(125)), [Ping(bytes(125))]),
    "§5.5.3 unsolicited pong": (frame(0xA, b"x"), [Pong(b"x")]),
    "§5.5.1 close without code": (frame(CLOSE), [Closed(1005, "")]),
    "§5.5.1 close with the longest reason": (close(1001, b"r" * 123), [Closed(1001, "r" * 123)]),
    **{
        f"§7.4 close with {code}": (close(code), [Closed(code, "")])
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999)
    },
    "§10.4 message of just the limit": (frame(BINARY, bytes(LIMIT)), [Message(bytes(LIMIT))]),
}


@pytest.mark.parametrize(("stream", "events"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_it_is_accepted(stream: bytes, events: list[Event]) -> None:
    engine = opened()
    engine.feed(stream)
    assert everything(engine) == events


def test_a_message_over_the_limit_is_refused_by_its_header_alone() -> None:
    engine = opened()
    engine.feed(header(0x82, LIMIT + 1, 2))
    assert [type(event) for event in engine.take()] == [Violation]


class Wire:
    """A socket of the stock websockify whose other end is a function."""

    def __init__(self, peer: Callable[[bytes], bytes]) -> None:
        self.peer = peer
        self.received = b""
        self.closed = False

    def send(self, chunk: bytes) -> int:
        self.received += self.peer(chunk)
        return len(chunk)

    def recv(self, most: int) -> bytes:
        if not self.received:
            raise BlockingIOError(errno.EWOULDBLOCK, "empty")
        chunk, self.received = self.received[:most], self.received[most:]
        return chunk

    def close(self) -> None:
        self.closed = True


def stock(wire: Wire, *, client: bool) -> WebSocket:
    """A stock websockify end, open, on this wire."""
    end = WebSocket()
    end.client, end.socket, end._state = client, wire, "done"
    return end


def received(end: WebSocket) -> bytes | None:
    """The next message of a stock end, which reads 4096 bytes at a time and asks to be called again."""
    for _ in range(100):
        try:
            message: bytes | None = end.recvmsg()
        except WebSocketWantReadError:
            continue
        return message
    raise AssertionError("no message came")


class EchoingViewersEnd:
    """Our engine behind a stock client: messages are echoed, pings answered, a close returned."""

    def __init__(self) -> None:
        self.engine = opened()
        self.events: list[Event] = []

    def __call__(self, chunk: bytes) -> bytes:
        self.engine.feed(chunk)
        return b"".join(map(self.answer, everything(self.engine)))

    def answer(self, event: Event) -> bytes:
        self.events.append(event)
        match event:
            case Message(payload):
                return self.engine.message(payload)
            case Ping(payload):
                return self.engine.pong(payload)
            case Closed(code, reason) | Violation(code, reason):
                return self.engine.close(code, reason)
            case Pong():
                return b""


@pytest.mark.parametrize("length", [0, 1, 125, 126, LIMIT])
def test_the_stock_client_and_our_engine_understand_each_other(length: int) -> None:
    ours = EchoingViewersEnd()
    client = stock(Wire(ours), client=True)
    payload = bytes(range(256)) * 16
    client.sendmsg(payload[:length])
    assert received(client) == payload[:length]


def test_the_stock_client_gets_its_pong_and_its_close() -> None:
    ours = EchoingViewersEnd()
    wire = Wire(ours)
    client = stock(wire, client=True)
    client.ping(b"there?")
    assert wire.received == b"\x8a\x06there?"
    with pytest.raises(WebSocketWantReadError):
        client.recvmsg()
    client.shutdown(None, 4001, "done")
    assert client.recvmsg() is None
    assert ours.events == [Ping(b"there?"), Closed(4001, "done")]
    assert wire.closed


def test_our_close_reaches_the_stock_client() -> None:
    ours = EchoingViewersEnd()
    wire = Wire(ours)
    client = stock(wire, client=True)
    wire.received += ours.engine.close(4502, "kaputt")
    assert client.recvmsg() is None
    assert (client.close_code, client.close_reason) == (4502, "kaputt")
    assert ours.events == [Closed(4502, "kaputt")]


def test_a_stock_server_understands_our_client_frames_and_we_its_frames() -> None:
    wire = Wire(lambda chunk: chunk)  # what the server sends comes to `received`
    server = stock(wire, client=False)
    wire.received = client_frame(BINARY, b"RFB 003.008\n", MASK) + client_frame(BINARY, bytes(70_000), MASK)
    assert received(server) == b"RFB 003.008\n"
    assert received(server) == bytes(70_000)
    server.sendmsg(b"RFB 003.008\n")
    server.sendmsg(bytes(300))
    server.shutdown(None, 1000, "Target closed")
    sent = wire.received
    first = FirstBytes(LIMIT)
    assert first.feed(sent) is FirstVerdict.PROVEN
    walker = FrameWalker(LIMIT)
    assert walker.walk(first.raw) == sent
    assert (walker.stop, walker.close) == (Stop.CLOSED, (1000, "Target closed"))


def test_our_frames_leave_no_difference_to_the_stock_ones() -> None:
    engine, server = opened(), WebSocket()
    for payload in (b"", b"x", bytes(125), bytes(126), bytes(65535), bytes(65536)):
        assert engine.message(payload) == server._encode_hybi(BINARY, payload)
        assert client_frame(BINARY, payload, MASK) == server._encode_hybi(BINARY, payload, MASK)


def test_our_reader_understands_the_stock_servers_response() -> None:
    wire = Wire(lambda chunk: chunk)
    server = WebSocket()
    headers = {"upgrade": "websocket", **HEADERS}
    del headers["Sec-WebSocket-Protocol"]
    server.accept(wire, headers)
    response = ResponseReader(KEY).feed(wire.received)
    assert response is not None
    assert response.protocol is None
    assert accept_for(KEY).encode() in wire.received


def test_a_close_of_ours_parses_as_what_it_says() -> None:
    assert parse_close(opened().close(4409, "SHUTOFF")[2:]) == (4409, "SHUTOFF")
