"""The simulated console proxy for xvpvnc consoles, with the manners of nova-xvpvncproxy.

A request's one line names the console token, whatever else it says. Its answer is a bare 200, and from there on RFB as
it is; a bad token is a 401, a server without a screen a 500. What a viewer sends in one piece with its request is lost.
"""

from __future__ import annotations

from typing import Final

from launcher.demo import security
from launcher.demo.listener import Connection, Consoles, Listener, Pace, Reaches
from launcher.demo.screens import Screen
from launcher.demo.upgrade import HEAD_LIMIT, token_of

_OPENED: Final = b"HTTP/1.1 200 OK\r\n\r\n"


class XvpProxy(Listener):
    """Listens for the viewers of xvpvnc consoles."""

    def _connection(self) -> Connection:
        return _Raw(self._consoles, self._screens, self._pace, self._connections)


class _Raw(Connection):
    """One viewer's connection."""

    def __init__(self, consoles: Consoles, screens: Reaches, pace: Pace, siblings: set[Connection]) -> None:
        super().__init__(siblings)
        self._consoles = consoles
        self._screens = screens
        self._pace = pace
        self._head: bytearray | None = bytearray()
        self._security = security.SecurityProxy()
        self._screen: Screen | None = None

    def send(self, payload: bytes) -> None:
        """Bytes of the screen's."""
        self._write(payload)

    def target_closed(self) -> None:
        """The screen has hung up."""
        self._viewer = None
        self._hang_up()

    def data_received(self, data: bytes) -> None:
        if self._head is None:
            self._pass_on(data)
            return
        self._head += data
        head, end, _lost = bytes(self._head).partition(b"\r\n\r\n")
        if end:
            self._head = None
            self._answer(head)
        elif len(self._head) > HEAD_LIMIT:
            self.abort()

    def _answer(self, head: bytes) -> None:
        """A real proxy does not read on until it knows."""
        assert self._transport is not None
        self._transport.pause_reading()
        token = token_of(head.decode("latin-1").partition("\r\n")[0])
        server_id = self._consoles.server_of(token or "")
        if not token:
            self._refuse("400 Invalid Request", "Invalid Request")
        elif server_id is None:
            self._later(self._pace.refuse, lambda: self._refuse("401 Not Authorized", "Not Authorized"))
        else:
            self._later(self._pace.greet, lambda: self._greet(server_id))

    def _greet(self, server_id: str) -> None:
        self._timer = None
        self._screen = self._screens.reach(server_id)
        if self._screen is None:
            self._refuse("500 Internal Server Error", "")
            return
        self._write(_OPENED)
        self._write(security.BANNER)
        assert self._transport is not None
        self._transport.resume_reading()

    def _refuse(self, status: str, text: str) -> None:
        headers = f"Content-Type: text/html\r\nContent-Length: {len(text)}\r\nConnection: close"
        self._write(f"HTTP/1.1 {status}\r\n{headers}\r\n\r\n{text}".encode())
        self._hang_up()

    def _pass_on(self, payload: bytes) -> None:
        """To the screen; before it is joined, to the security handshake."""
        if self._viewer is not None:
            self._viewer.feed(payload)
            return
        answer = self._security.feed(payload)
        if answer.step is not security.Step.DONE:
            self._write(b"".join(answer.frames))
            if answer.step is security.Step.REFUSED:
                self._hang_up()
            return
        # What the handshake has read beyond itself is the screen's here: nothing of it goes back.
        *answers, rest = answer.frames
        self._write(b"".join(answers))
        assert self._screen is not None
        self._viewer = self._screen.join(self)
        self._viewer.feed(rest)
