"""Holds many connections and opens those anew that end: `python3 -c SOURCE WHERE REQUEST COUNT PAUSE`.

Like `opener.py` it is handed over as text to other accounts' `python3`. WHERE is a port of 127.0.0.1 or the path of a
Unix socket; REQUEST is sent on each connection at once, and again after each answer (none where it is empty). PAUSE is
the seconds between two connections. Each line that it prints has how many connections are `held`, and how often one was
`opened`, `refused` by the kernel, `answered` (by status: `"403": 12`) and `closed` from the other side.
"""

import json
import select
import socket
import sys
import time
from collections import Counter

TELL = 0.2


class Crowd:
    """All connections of one account."""

    def __init__(self, where: str, request: str) -> None:
        self.where = where
        self.request = request.encode()
        self.held: dict[int, socket.socket] = {}
        self.poll = select.poll()
        self.counts: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()

    def open(self) -> None:
        """One more connection."""
        is_path = self.where.startswith("/")
        sock = socket.socket(socket.AF_UNIX if is_path else socket.AF_INET)
        sock.settimeout(2)
        try:
            sock.connect(self.where if is_path else ("127.0.0.1", int(self.where)))
            sock.sendall(self.request)
        except OSError:
            sock.close()
            self.counts["refused"] += 1
            return
        sock.setblocking(False)
        self.held[sock.fileno()] = sock
        self.poll.register(sock, select.POLLIN)
        self.counts["opened"] += 1

    def look(self, seconds: float) -> None:
        """Take in what comes within these seconds."""
        for number, _ in self.poll.poll(seconds * 1000):
            self.take(self.held[number])

    def take(self, sock: socket.socket) -> None:
        """What has come on one connection: an answer, or its end."""
        try:
            came = sock.recv(65536)
            if came.startswith(b"HTTP/1.1 "):
                self.answers[came[9:12].decode()] += 1
            if came:
                sock.sendall(self.request)
                return
        except OSError:
            pass
        self.poll.unregister(sock)
        del self.held[sock.fileno()]
        sock.close()
        self.counts["closed"] += 1


def main(where: str, request: str, count: str, pause: str) -> None:
    """For ever."""
    crowd = Crowd(where, request)
    told = 0.0
    while True:
        if len(crowd.held) < int(count):
            crowd.open()
        crowd.look(float(pause))
        if time.monotonic() - told > TELL:
            told = time.monotonic()
            told_now = {"held": len(crowd.held), "answered": crowd.answers, **crowd.counts}
            print(json.dumps(told_now), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:5])
