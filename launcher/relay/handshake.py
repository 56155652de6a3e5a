"""Our side of the upgrade to a console proxy (RFC 6455 §4.1): the request built, the response read.

The request holds the console token, so nothing of it is ever repeated in an error. Errors are the end of a sentence
that begins with the console proxy's name.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from launcher import __version__
from launcher.errors import UpstreamProtocolError
from launcher.model import Secret
from launcher.relay import loops
from launcher.relay.head import Head, HeadReader, is_visible, request_target, shown

SUBPROTOCOL = "binary"

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass(frozen=True, slots=True)
class Response:
    """A `101` that keeps to the protocol."""

    status: int
    reason: str
    """The console proxy's own words: not for display."""
    protocol: str | None
    """The subprotocol chosen: `binary` or none."""
    leftover: bytes = field(repr=False)
    """What came behind the response: the first bytes of frames."""


def request(host: str, path: Secret, key: bytes, gateways: Sequence[str] = ()) -> bytes:
    """The upgrade request. `host`: as in the Host header, with the port unless it is the scheme's own; `path`: path and
    query; `key`: 16 bytes of chance; `gateways`: the ids of those that the session has passed (`loops`). It carries no
    Origin, as programs do. Raises UpstreamProtocolError.
    """
    target = request_target(path)
    if not is_visible(host):
        raise UpstreamProtocolError("has a console URL whose host is not a name.")
    lines = (
        f"GET {target} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(key).decode()}",
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
        f"User-Agent: console-launcher/{__version__}",
        *([f"{loops.HEADER}: {', '.join(gateways)}"] if gateways else []),
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def accept_for(key: bytes) -> str:
    """The `Sec-WebSocket-Accept` that answers a key (RFC 6455 §4.2.2)."""
    return base64.b64encode(hashlib.sha1(base64.b64encode(key) + _GUID, usedforsecurity=False).digest()).decode()


class ResponseReader:
    """Reads the response to `request`."""

    __slots__ = ("_key", "_reader")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._reader = HeadReader("the WebSocket handshake")

    def feed(self, chunk: bytes) -> Response | None:
        """The response, once it is whole. Raises UpstreamProtocolError; then, and after the response, feed no more."""
        head = self._reader.feed(chunk)
        return None if head is None else self._response(head)

    def _response(self, head: Head) -> Response:
        if head.status == HTTPStatus.LOOP_DETECTED:
            raise UpstreamProtocolError(
                "is a gateway, and answered 508 Loop Detected: the console URL leads back to where the session has "
                "been already. Correct the cloud's console URLs, or mend them with console_url."
            )
        if head.status != HTTPStatus.SWITCHING_PROTOCOLS:
            raise UpstreamProtocolError(f"answered {shown(head.status)} instead of a WebSocket.")
        if head.version != "1.1":
            raise UpstreamProtocolError(f"answered the WebSocket handshake in HTTP/{head.version} instead of HTTP/1.1.")
        headers = self._reader.headers(head)
        self._check(headers)
        return Response(head.status, head.reason, headers.get("sec-websocket-protocol"), head.leftover)

    def _check(self, headers: dict[str, str]) -> None:
        """Whether the headers of the `101` are what RFC 6455 §4.1 demands. Raises UpstreamProtocolError."""
        if headers.get("upgrade", "").lower() != "websocket":
            raise UpstreamProtocolError("answered 101 without `Upgrade: websocket`.")
        if "upgrade" not in (token.strip() for token in headers.get("connection", "").lower().split(",")):
            raise UpstreamProtocolError("answered 101 without `Connection: Upgrade`.")
        if headers.get("sec-websocket-accept") != accept_for(self._key):
            raise UpstreamProtocolError("answered 101, but its Sec-WebSocket-Accept is wrong.")
        if headers.get("sec-websocket-extensions"):
            raise UpstreamProtocolError("answered 101 with a WebSocket extension that was not asked for.")
        if headers.get("sec-websocket-protocol", SUBPROTOCOL) != SUBPROTOCOL:
            raise UpstreamProtocolError("answered 101 with a subprotocol that was not asked for.")
