"""What is said on a fresh connection to an upstream until its first bytes have proved a screen, for each carrier.

No I/O: bytes go in, bytes to send come out. Errors are the end of a sentence that begins with the upstream's name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Protocol

from launcher.errors import UpstreamError, UpstreamProtocolError, UpstreamStaleError
from launcher.model import Carrier, Secret, Target
from launcher.relay import handshake, xvp
from launcher.relay.firstbytes import FirstBytes, FirstVerdict, RawFirstBytes
from launcher.relay.frames import PONG, client_frame
from launcher.relay.security import SignIn, turned_away


class Response(Protocol):
    """A console proxy lets us through; `leftover`: what came behind that."""

    @property
    def leftover(self) -> bytes: ...


class Reader(Protocol):
    """Reads a console proxy's answer."""

    def feed(self, chunk: bytes) -> Response | None:
        """The answer, once it is whole. Raises UpstreamError."""
        ...


class Opening(Protocol):
    """One carrier's beginning."""

    proven: bool
    """Whether the first bytes have come: those of a screen."""
    signed_in: bool
    """Whether the gateway has done version and security with the server: the viewer must not do them again."""

    @property
    def first(self) -> bytes:
        """Once it is proven: the bytes, as they came, that are to be passed on first."""
        ...

    def begin(self) -> bytes:
        """What to send at once."""
        ...

    def feed(self, chunk: bytes) -> bytes:
        """What to send now. Raises UpstreamProtocolError, UpstreamStaleError, UpstreamUnreachableError."""
        ...

    def hung_up(self) -> UpstreamError:
        """What it means that the upstream hangs up now."""
        ...


def opening_of(target: Target, frame_limit: int, switched: Callable[[], None], gateways: Sequence[str] = ()) -> Opening:
    """How a target is begun with; `switched` is called when a console proxy lets us through, which proves nothing yet.

    `gateways` are those that the session has passed, for a carrier that can tell them.

    Raises UpstreamProtocolError where the console URL is not fit to be asked for.
    """
    match target.carrier:
        case Carrier.WEBSOCKET:
            return _WebSocket(target, frame_limit, switched, gateways)
        case Carrier.XVP:
            return _Xvp(target.path, switched)
        case Carrier.RAW:
            return _Raw() if target.password is None else _SignedIn(target.password)


class _Admission:
    """A console proxy: it answers a request before anything comes through, and that answer proves nothing."""

    signed_in = False

    def __init__(
        self, request: bytes, reader: Reader, judge: FirstBytes | RawFirstBytes, switched: Callable[[], None]
    ) -> None:
        self.proven = False
        self._request = request
        self._reader: Reader | None = reader
        self._judge = judge
        self._switched = switched

    @property
    def first(self) -> bytes:
        return self._judge.raw

    def begin(self) -> bytes:
        return self._request

    def feed(self, chunk: bytes) -> bytes:
        if self._reader is not None:
            response = self._reader.feed(chunk)
            if response is None:
                return b""
            self._reader, chunk = None, response.leftover
            self._switched()
        self.proven = self._judged(self._judge.feed(chunk))
        return b"".join(client_frame(PONG, payload, os.urandom(4)) for payload in self._judge.pings)

    def hung_up(self) -> UpstreamError:
        return UpstreamStaleError("hung up before the first bytes of a screen.")

    def _judged(self, verdict: FirstVerdict) -> bool:
        return _judged(verdict, self._judge.why)


class _WebSocket(_Admission):
    """An upgrade, then RFB in frames (nova-novncproxy, websockify)."""

    def __init__(self, target: Target, frame_limit: int, switched: Callable[[], None], gateways: Sequence[str]) -> None:
        key = os.urandom(16)
        host = f"[{target.host}]" if ":" in target.host else target.host
        own_port = target.port == (443 if target.tls else 80)
        request = handshake.request(host if own_port else f"{host}:{target.port}", target.path, key, gateways)
        super().__init__(request, handshake.ResponseReader(key), FirstBytes(frame_limit), switched)


class _Xvp(_Admission):
    """A CONNECT, silence until it is answered, then RFB as it is (nova-xvpvncproxy)."""

    def __init__(self, path: Secret, switched: Callable[[], None]) -> None:
        super().__init__(xvp.request(path), xvp.ResponseReader(), RawFirstBytes(), switched)

    def _judged(self, verdict: FirstVerdict) -> bool:
        if verdict is FirstVerdict.NOT_RFB:
            # Behind the console token is a session of the hypervisor's, which may have ended: another token mends it.
            raise UpstreamStaleError(f"let us through and shows no screen: {self._judge.why}.")
        return super()._judged(verdict)


class _Raw:
    """RFB as it is, at once (a VNC server)."""

    signed_in = False

    def __init__(self) -> None:
        self._judge = RawFirstBytes()
        self.proven = False

    @property
    def first(self) -> bytes:
        return self._judge.raw

    def begin(self) -> bytes:
        return b""

    def feed(self, chunk: bytes) -> bytes:
        self.proven = _judged(self._judge.feed(chunk), self._judge.why)
        refusal = turned_away(self._judge.raw)
        if refusal is not None:
            raise UpstreamProtocolError(refusal)
        return b""

    def hung_up(self) -> UpstreamError:
        return UpstreamProtocolError("took the connection and hung up before the first bytes of a screen.")


class _SignedIn:
    """The same, with a password that the gateway knows: people never see it."""

    def __init__(self, password: Secret) -> None:
        self._sign_in = SignIn(password)
        self.proven = False
        self.signed_in = True

    @property
    def first(self) -> bytes:
        return self._sign_in.leftover

    def begin(self) -> bytes:
        return b""

    def feed(self, chunk: bytes) -> bytes:
        reply = self._sign_in.answer(chunk)
        if self._sign_in.failure is not None:
            raise UpstreamProtocolError(self._sign_in.failure)
        self.proven = self._sign_in.done
        return reply

    def hung_up(self) -> UpstreamError:
        self._sign_in.hang_up()
        return UpstreamProtocolError(self._sign_in.failure or "hung up.")


def _judged(verdict: FirstVerdict, why: str) -> bool:
    """Whether the first bytes prove a screen yet. Raises UpstreamStaleError, UpstreamProtocolError."""
    match verdict:
        case FirstVerdict.WAITING:
            return False
        case FirstVerdict.PROVEN:
            return True
        case FirstVerdict.ENDED:
            raise UpstreamStaleError("closed before the first bytes of a screen.")
        case FirstVerdict.NOT_RFB:
            raise UpstreamProtocolError(f"shows no screen: {why}.")
        case FirstVerdict.FAULT:
            raise UpstreamProtocolError(f"breaks the WebSocket protocol: {why}.")
