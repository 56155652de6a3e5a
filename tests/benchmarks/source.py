"""The source: what stands behind the proxy under measure. A process of its own, a thread for each connection.

`python -m tests.benchmarks.source` listens on two ports of 127.0.0.1, prints them as one JSON line, and takes its
orders as JSON lines on stdin: `{"frame": F, "write": W, "bytes": N}` says what the next streams look like. It ends
with its stdin.

- **websocket** is a console proxy: `101`, the RFB greeting, and each time the viewer asks for an update, N bytes of
  payload in frames of F bytes.
- **tcp** is a plain VNC server, for raw upstreams: the same payload in the same writes, without frames around it.

Each `send` takes W bytes of payload (whole frames), from a buffer made before, with TCP_NODELAY: W of 256 KiB is a
console proxy that sends all it has at once, W of one frame is one that sends frame by frame. The next send follows
at once; the kernel blocks it while its buffers are full, so a slow proxy finds several frames in one read.
A viewer's pointer event is answered with one small frame: a round trip.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks import wire

_STACK = 256 * 1024  # a thousand idle sessions are a thousand threads here


@dataclass(frozen=True, slots=True)
class Stream:
    """Buffers of one stream: `block` is written `blocks` times, then `last`."""

    block: bytes
    blocks: int
    last: bytes
    payload: int


def make_stream(frame: int, write: int, size: int, wrap: Callable[[bytes], bytes]) -> Stream:
    """About `size` bytes of payload in whole writes: each holds `write` bytes of it, rounded down to whole frames."""
    frames = max(1, write // frame)
    writes = max(1, round(size / (frames * frame)))
    filler = wrap(bytes(range(256)) * (frame // 256) + bytes(frame % 256))
    last = filler * (frames - 1) + wrap(bytes(frame - len(wire.MARK)) + wire.MARK)
    return Stream(filler * frames, writes - 1, last, writes * frames * frame)


class Source:
    """Two listeners, and the stream that is ordered at the moment."""

    def __init__(self) -> None:
        self._framed = make_stream(256, 256, 256, wire.server_frame)
        self._raw = make_stream(256, 256, 256, bytes)

    def order(self, frame: int, write: int, size: int) -> int:
        """Streams asked for from now on look like this; returns their payload's bytes."""
        self._framed = make_stream(frame, write, size, wire.server_frame)
        self._raw = make_stream(frame, write, size, bytes)
        return self._raw.payload

    def websocket(self, sock: socket.socket) -> None:
        """One connection to the console proxy."""
        sock.sendall(wire.upgrade_answer(wire.read_head(sock)))
        hear = wire.hear_client(sock)
        _greet(lambda message: sock.sendall(wire.server_frame(message)), hear)
        try:
            while True:
                self._answer(sock, hear, self._framed, wire.server_frame(wire.ECHO))
        except EOFError:
            sock.sendall(wire.SERVER_CLOSE)

    def tcp(self, sock: socket.socket) -> None:
        """One connection to the plain VNC server."""

        def hear(size: int) -> bytes:
            return wire.read_exactly(sock, size)

        _greet(sock.sendall, hear)
        while True:
            self._answer(sock, hear, self._raw, wire.ECHO)

    def _answer(self, sock: socket.socket, hear: wire.Hear, stream: Stream, echo: bytes) -> None:
        """One message of the viewer's. Over frames it comes whole, raw it is read to its end."""
        begun = hear(1)
        size = len(wire.POINTER_EVENT if begun[:1] == wire.POINTER_EVENT[:1] else wire.UPDATE_REQUEST)
        if len(begun) < size:
            hear(size - len(begun))
        if size == len(wire.POINTER_EVENT):
            sock.sendall(echo)
        else:
            _pour(sock, stream)


def _greet(say: wire.Say, hear: wire.Hear) -> None:
    """The server's part of the greeting; an idle viewer says nothing more."""
    for spoken, answer in wire.GREETING:
        say(spoken)
        if hear(len(answer)) != answer:
            raise EOFError("the viewer's greeting is not the sink's")
    say(wire.SERVER_INIT)


def _pour(sock: socket.socket, stream: Stream) -> None:
    for _ in range(stream.blocks):
        sock.sendall(stream.block)
    sock.sendall(stream.last)


def _serve(conversation: Callable[[socket.socket], None], sock: socket.socket) -> None:
    """A viewer who leaves, at whatever point, ends this thread and nothing else."""
    with sock:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conversation(sock)
        except (EOFError, OSError):
            return


def _accept(listener: socket.socket, conversation: Callable[[socket.socket], None]) -> None:
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=_serve, args=(conversation, sock), daemon=True).start()


def _listen(conversation: Callable[[socket.socket], None]) -> int:
    """Serve on a free port of 127.0.0.1; the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    threading.Thread(target=_accept, args=(listener, conversation), daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


def main() -> None:
    """Serve until stdin ends."""
    threading.stack_size(_STACK)
    source = Source()
    print(json.dumps({"websocket": _listen(source.websocket), "tcp": _listen(source.tcp)}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps({"payload": source.order(order["frame"], order["write"], order["bytes"])}), flush=True)


if __name__ == "__main__":
    main()
