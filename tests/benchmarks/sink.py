"""The sink: the viewers, in a process of their own that spends as little as it can.

`python -m tests.benchmarks.sink` takes its orders as JSON lines on stdin and answers each with one JSON line:

- `{"do": "open", "port": P, "path": PATH, "count": N}`: N sessions, each past the whole RFB greeting
- `{"do": "drain"}`: asks the first session for its stream and reads to the stream's mark; `seconds` and `wire` bytes
- `{"do": "close"}`: closes all sessions with 1000 and waits until the other end has hung up

What goes wrong is answered as `{"error": TEXT}`. It ends with its stdin.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.benchmarks import wire

_BUFFER = 1024 * 1024
_TAIL = 64
_AT_ONCE = 16


class Sink:
    """The sessions that are open."""

    def __init__(self) -> None:
        self._socks: list[socket.socket] = []
        self._buffer = bytearray(_BUFFER)

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order. Raises EOFError or OSError."""
        match order["do"]:
            case "open":
                return self._open(order["port"], order["path"], order["count"])
            case "drain":
                return self._drain(self._socks[0])
            case "close":
                return self._close()
            case other:
                raise ValueError(f"no such order: {other}")

    def _open(self, port: int, path: str, count: int) -> dict[str, Any]:
        """Several at a time, as people come in the morning. The first to fail is told of, once all have tried."""
        with ThreadPoolExecutor(min(count, _AT_ONCE)) as pool:
            opening = [pool.submit(open_session, port, path) for _ in range(count)]
        self._socks += [one.result() for one in opening if one.exception() is None]
        for one in opening:
            one.result()
        return {"open": len(self._socks)}

    def _drain(self, sock: socket.socket) -> dict[str, Any]:
        """Wire bytes are counted, frames not parsed: the stream's last bytes say that all of it has come."""
        view, total, tail = memoryview(self._buffer), 0, b""
        began = time.perf_counter()
        sock.sendall(wire.client_frame(wire.UPDATE_REQUEST))
        while wire.MARK not in tail:  # not always at the very end: a pong may come behind it
            size = sock.recv_into(view)
            if not size:
                raise EOFError(f"the stream ended early, after {total} bytes")
            total += size
            tail = (tail + bytes(view[max(0, size - _TAIL) : size]))[-_TAIL:]
        return {"seconds": time.perf_counter() - began, "wire": total}

    def _close(self) -> dict[str, Any]:
        closed = 0
        while self._socks:
            with self._socks.pop() as sock:
                sock.sendall(wire.CLIENT_CLOSE)
                while sock.recv_into(self._buffer):
                    pass
                closed += 1
        return {"closed": closed}


def open_session(port: int, path: str) -> socket.socket:
    """A session past the greeting. Raises EOFError when the other end says anything else."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(wire.upgrade_request(port, path))
    status = wire.read_head(sock).split("\r\n")[0]
    if " 101 " not in f"{status} ":
        raise EOFError(f"the upgrade was answered with: {status}")
    hear = wire.hear_server(sock)
    for spoken, answer in wire.GREETING:
        if hear(len(spoken)) != spoken:
            raise EOFError("the greeting is not the source's")
        sock.sendall(wire.client_frame(answer))
    hear(len(wire.SERVER_INIT))
    return sock


def main() -> None:
    """Obey until stdin ends."""
    sink = Sink()
    for line in sys.stdin:
        try:
            answer = sink.obey(json.loads(line))
        except (EOFError, OSError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
