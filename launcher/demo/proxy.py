"""The simulated console proxy for novnc consoles, with a real Nova's manners.

It answers `101` before it looks at the console token. A token that is wrong or dead, an Origin that does not fit and a
server without a screen are all told in one way: after a moment the connection ends, by a bare FIN without a close
frame.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from launcher.demo import security
from launcher.demo.listener import Connection, Consoles, Listener, Pace, Reaches
from launcher.demo.screens import Screen
from launcher.demo.upgrade import HEAD_LIMIT, UpgradeError, parse_upgrade
from launcher.errors import BadRequestError
from launcher.relay.engine import Closed, Event, Message, Ping, Pong, ViewerEngine, Violation
from launcher.relay.frames import NO_CODE

_CLOSING_TIME: Final = 2.0
_MESSAGE_LIMIT: Final = 512 * 1024
_FRAME: Final = 32 * 1024
"""Bytes that one message to a viewer has at the most, as from a proxy that reads so many at once."""


class ConsoleProxy(Listener):
    """Listens for the WebSockets of novnc consoles."""

    def _connection(self) -> Connection:
        return _WebSocket(self._consoles, self._screens, self._pace, self._connections)


class _WebSocket(Connection):
    """One viewer's WebSocket."""

    def __init__(self, consoles: Consoles, screens: Reaches, pace: Pace, siblings: set[Connection]) -> None:
        super().__init__(siblings)
        self._consoles = consoles
        self._screens = screens
        self._pace = pace
        self._head: bytearray | None = bytearray()
        self._early: bytearray | None = None
        """What the viewer says before the screen is there; it waits for the greeting, if it is well-behaved."""
        self._engine = ViewerEngine(_MESSAGE_LIMIT)
        self._security = security.SecurityProxy()
        self._screen: Screen | None = None

    def send(self, payload: bytes) -> None:
        """Bytes of the screen's, in messages that are not too large."""
        for start in range(0, len(payload) or 1, _FRAME):
            self._write(self._engine.message(payload[start : start + _FRAME]))

    def target_closed(self) -> None:
        """The screen has hung up."""
        self._viewer = None
        self._close(1000, "Target closed")

    def data_received(self, data: bytes) -> None:
        if self._head is None:
            self._read_frames(data)
            return
        if self._early is not None:  # the screen is not there yet
            self._early += data
            if len(self._early) > HEAD_LIMIT:
                self.abort()
            return
        self._head += data
        head, end, rest = bytes(self._head).partition(b"\r\n\r\n")
        if end:
            self._early = bytearray(rest)
            self._answer(head)
        elif len(self._head) > HEAD_LIMIT:
            self._refuse(431, "The request's head is too large.")

    def _answer(self, head: bytes) -> None:
        """The 101, and only then a look at what it was given for."""
        try:
            upgrade = parse_upgrade(head)
            self._write(self._engine.open(upgrade.headers))
        except UpgradeError as error:
            self._refuse(error.status, str(error))
            return
        except BadRequestError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
            return
        server_id = self._consoles.server_of(upgrade.token or "")
        if server_id is None or not upgrade.origin_fits:
            self._later(self._pace.refuse, self._hang_up)
        else:
            self._later(self._pace.greet, lambda: self._greet(server_id))

    def _greet(self, server_id: str) -> None:
        self._screen = self._screens.reach(server_id)
        if self._screen is None:
            self._hang_up()
            return
        self._timer = None
        self.send(security.BANNER)
        early, self._head, self._early = bytes(self._early or b""), None, None
        self._read_frames(early)

    def _refuse(self, status: int, text: str) -> None:
        phrase = HTTPStatus(status).phrase
        head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain\r\nContent-Length: {len(text) + 1}\r\n"
        self._write(f"{head}Connection: close\r\n\r\n{text}\n".encode())
        self._hang_up()

    def _read_frames(self, data: bytes) -> None:
        self._engine.feed(data)
        while self._engine.pending:
            for event in self._engine.take():
                if self._over:
                    return
                self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case Message(payload):
                self._pass_on(payload)
            case Ping(payload):
                self._write(self._engine.pong(payload))
            case Pong():
                pass
            case Closed(code, reason):
                self._write(self._engine.close(1000 if code == NO_CODE else code, reason))
                self._hang_up()
            case Violation(code, reason):
                self._close(code, reason)

    def _pass_on(self, payload: bytes) -> None:
        """To the screen; before it is joined, to the security handshake."""
        if self._viewer is not None:
            self._viewer.feed(payload)
            return
        answer = self._security.feed(payload)
        for frame in answer.frames:
            self._write(self._engine.message(frame))
        if answer.step is security.Step.REFUSED:
            self._close(1000, "The security handshake failed")
        elif answer.step is security.Step.DONE:
            assert self._screen is not None
            self._viewer = self._screen.join(self)

    def _close(self, code: int, reason: str) -> None:
        """A close frame, and the end once the viewer has echoed it, or has not for a while."""
        if self._over:
            return
        self._write(self._engine.close(code, reason))
        self._over = True
        if self._viewer is not None:
            self._viewer.leave()
            self._viewer = None
        assert self._transport is not None
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._later(_CLOSING_TIME, self.abort)
