"""The sink: the viewers, in a process of their own that spends as little as it can.

`python -m tests.benchmarks.sink` takes its orders as JSON lines on stdin and answers each with one JSON line:

- `{"do": "open", "port": P, "path": PATH, "tls": BOOL, "count": N, "at_once": M}`: N sessions more, each past the
  whole RFB greeting, M at a time
- `{"do": "drain"}`: asks the first session for its stream and reads to the stream's mark; `seconds`, `wire` bytes
- `{"do": "trips", "count": N}`: N pointer events by the first session, each sent when the one before is answered;
  `p50` and `p99` in microseconds
- `{"do": "busy", "every": S}`: from now on every session asks for its stream every S seconds, until they are closed
- `{"do": "close"}`: closes all sessions with 1000 and waits until the other end has hung up

What goes wrong is answered as `{"error": TEXT}`. It ends with its stdin.
"""

from __future__ import annotations

import json
import socket
import ssl
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.benchmarks import wire

_BUFFER = 1024 * 1024
_TAIL = 64


class Sink:
    """The sessions that are open."""

    def __init__(self) -> None:
        self._socks: list[socket.socket] = []
        self._buffer = bytearray(_BUFFER)
        self._calm = threading.Event()
        self._busy: list[threading.Thread] = []

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order. Raises EOFError or OSError."""
        match order["do"]:
            case "open":
                return self._open(order["port"], order["path"], order["tls"], order["count"], order["at_once"])
            case "drain":
                return drain(self._socks[0], self._buffer)
            case "trips":
                return trips(self._socks[0], order["count"])
            case "busy":
                return self._begin(order["every"])
            case "close":
                return self._close()
            case other:
                raise ValueError(f"no such order: {other}")

    def _open(self, port: int, path: str, tls: bool, count: int, at_once: int) -> dict[str, Any]:
        """Several at a time, as people come in the morning. The first to fail is told of, once all have tried."""
        with ThreadPoolExecutor(min(count, at_once)) as pool:
            opening = [pool.submit(open_session, port, path, tls) for _ in range(count)]
        self._socks += [one.result() for one in opening if one.exception() is None]
        for one in opening:
            one.result()
        last = self._socks[-1]
        return {"open": len(self._socks), "tls": spoken_tls(last) if isinstance(last, ssl.SSLSocket) else ""}

    def _begin(self, every: float) -> dict[str, Any]:
        self._calm.clear()
        self._busy = [threading.Thread(target=self._ask_again, args=(sock, every)) for sock in self._socks]
        for thread in self._busy:
            thread.start()
        return {"busy": len(self._busy)}

    def _ask_again(self, sock: socket.socket, every: float) -> None:
        buffer = bytearray(_BUFFER)
        while not self._calm.wait(every):
            drain(sock, buffer)

    def _close(self) -> dict[str, Any]:
        self._calm.set()
        for thread in self._busy:
            thread.join()
        self._busy = []
        closed = 0
        while self._socks:
            with self._socks.pop() as sock:
                sock.sendall(wire.CLIENT_CLOSE)
                while sock.recv_into(self._buffer):
                    pass
                closed += 1
        return {"closed": closed}


def drain(sock: socket.socket, buffer: bytearray) -> dict[str, Any]:
    """Wire bytes are counted, frames not parsed: the stream's last bytes say that all of it has come."""
    view, total, tail = memoryview(buffer), 0, b""
    began = time.perf_counter()
    sock.sendall(wire.client_frame(wire.UPDATE_REQUEST))
    while wire.MARK not in tail:  # not always at the very end: a pong may come behind it
        size = sock.recv_into(view)
        if not size:
            raise EOFError(f"the stream ended early, after {total} bytes")
        total += size
        tail = (tail + bytes(view[max(0, size - _TAIL) : size]))[-_TAIL:]
    return {"seconds": time.perf_counter() - began, "wire": total}


def trips(sock: socket.socket, count: int) -> dict[str, Any]:
    """Round trips, one after another: there and back, the source's and the sink's own part included."""
    hear, event, took = wire.hear_server(sock), wire.client_frame(wire.POINTER_EVENT), []
    for _ in range(count):
        began = time.perf_counter_ns()
        sock.sendall(event)
        if hear(len(wire.ECHO)) != wire.ECHO:
            raise EOFError("a pointer event is not answered as the source answers it")
        took.append((time.perf_counter_ns() - began) / 1000)
    hundredths = statistics.quantiles(took, n=100)
    return {"p50": hundredths[49], "p99": hundredths[98]}


def open_session(port: int, path: str, tls: bool) -> socket.socket:
    """A session past the greeting. Raises EOFError when the other end says anything else."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        sock = _TLS.wrap_socket(sock)
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


def spoken_tls(sock: ssl.SSLSocket) -> str:
    """Version and cipher, as agreed: the report says them, because what is compared must speak the same."""
    cipher = sock.cipher()
    return f"{sock.version()} {cipher[0] if cipher else ''}"


def _trusting() -> ssl.SSLContext:
    """The run's own certificate, on loopback, for nobody's secrets: no need to check it a thousand times."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


_TLS = _trusting()


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
