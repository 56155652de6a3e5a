"""Opens consoles one after another and prints a line of JSON for each: `python3 -c SOURCE WHERE PATH PAUSE PATIENCE`.

Another account may not be able to read this file or the suite's interpreter: the source is handed over as text, to the
system's own `python3`, and uses nothing but the standard library. WHERE is a port of 127.0.0.1 or the path of a Unix
socket. A console is open when its first `RFB ` bytes have come. Each line has `ok`, `ms`, and `why` where it is not.
"""

import json
import socket
import struct
import sys
import time


def opened(where: str, path: str, patience: float) -> str:
    """Open a console, and leave it; returns why it did not open, or nothing."""
    is_path = where.startswith("/")
    host = "127.0.0.1" if is_path else f"127.0.0.1:{where}"
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    due = time.monotonic() + patience
    with socket.socket(socket.AF_UNIX if is_path else socket.AF_INET) as sock:
        # As ssh does: a Unix socket whose queue is full lets those wait who wait in the kernel, and no others.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(patience), 0))
        sock.connect(where if is_path else ("127.0.0.1", int(where)))
        sock.sendall(request.encode())
        came = b""
        while b"RFB " not in came.partition(b"\r\n\r\n")[2]:
            sock.settimeout(max(0.001, due - time.monotonic()))
            more = sock.recv(65536)
            if not more:
                return "closed after " + (came.split(b"\r\n")[0].decode("latin-1") or "nothing")
            came += more
            if b"\r\n" in came and not came.startswith(b"HTTP/1.1 101 "):
                return "refused: " + came.split(b"\r\n")[0].decode("latin-1")
        sock.sendall(b"\x88\x82\x00\x00\x00\x00\x03\xe8")
    return ""


def main(where: str, path: str, pause: str, patience: str) -> None:
    """For ever."""
    while True:
        began = time.monotonic()
        try:
            why = opened(where, path, float(patience))
        except OSError as error:
            why = f"{type(error).__name__}: {error}"
        took = (time.monotonic() - began) * 1000
        print(json.dumps({"ok": not why, "ms": took, "why": why}), flush=True)
        time.sleep(float(pause))


if __name__ == "__main__":
    main(*sys.argv[1:5])
