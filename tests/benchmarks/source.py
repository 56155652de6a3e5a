"""The source: what stands behind the proxy under measure. A process of its own, a thread for each connection.

`python -m tests.benchmarks.source` listens on two ports of 127.0.0.1, prints them as one JSON line, and takes its
orders as JSON lines on stdin: `{"frame": F, "write": W, "bytes": N}` says what the next streams look like. It ends
with its stdin.

- **websocket** is a console proxy: `101`, the RFB greeting, and when the viewer asks for an update, N bytes of payload
  in frames of F bytes; W bytes of payload are written at a time, from a buffer made before.
- **tcp** is a plain VNC server, for websockify: the same payload bytes in the same writes, without frames around them.
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
        _pour(sock, self._framed)
        try:
            hear(1)
        except EOFError:
            sock.sendall(wire.SERVER_CLOSE)

    def tcp(self, sock: socket.socket) -> None:
        """One connection to the plain VNC server."""
        _greet(sock.sendall, lambda size: wire.read_exactly(sock, size))
        _pour(sock, self._raw)
        sock.recv(1)


def _greet(say: wire.Say, hear: wire.Hear) -> None:
    """The server's part of the greeting, until the viewer asks for an update: an idle one never does."""
    for spoken, answer in wire.GREETING:
        say(spoken)
        if hear(len(answer)) != answer:
            raise EOFError("the viewer's greeting is not the sink's")
    say(wire.SERVER_INIT)
    hear(len(wire.UPDATE_REQUEST))


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
