"""Our side of the way in through an xvpvnc console proxy: the request built, the response read.

nova-xvpvncproxy is asked by one CONNECT that names path and query instead of a host, without a header, as the Java
viewer that came with it asks (cloudbuilders/nova-xvpvncviewer, HTTPSConnectSocket.java): no other form is known to pass
the front ends before it. It answers a bare `HTTP/1.1 200 OK`, and from the empty line on the connection is the screen's
own, raw and both ways.

Whoever sends the request must stay silent until the response is whole: the proxy reads the request through a buffer
that it throws away, and with it every byte that came too early. And a 200 proves nothing: the proxy misreads a refusal
of the server's host as consent, so that only first bytes tell (`launcher.relay.firstbytes.RawFirstBytes`).

The request holds the console token, so nothing of it is ever repeated in an error. Errors are the end of a sentence
that begins with the console proxy's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from launcher.errors import UpstreamError, UpstreamProtocolError, UpstreamStaleError, UpstreamUnreachableError
from launcher.model import Secret
from launcher.relay.head import HeadReader, request_target, shown

_VERSIONS = frozenset({"1.0", "1.1"})
_FAR_HOST = "it does not reach the server's host"
_BEHIND = "what stands behind it does not answer"
_FAILURES: Mapping[int, tuple[type[UpstreamError], str]] = {
    # The sender of a bad console token and of one that has died read the same.
    401: (UpstreamStaleError, "its console token is no longer good"),
    # Said by the proxy when the server's host breaks off, and by front ends that do not know this form of CONNECT.
    400: (UpstreamProtocolError, "the server's host gave it no screen, or a front end does not pass this request on"),
    # The proxy's own when it cannot connect to the server's host; the rest are front ends'.
    500: (UpstreamUnreachableError, _FAR_HOST),
    502: (UpstreamUnreachableError, _BEHIND),
    503: (UpstreamUnreachableError, _BEHIND),
    504: (UpstreamUnreachableError, _BEHIND),
}


@dataclass(frozen=True, slots=True)
class Response:
    """A `200`: the way in seems to be open."""

    status: int
    reason: str
    """The console proxy's own words: not for display."""
    leftover: bytes = field(repr=False)
    """What came behind the response: the first bytes of RFB."""


def request(path: Secret) -> bytes:
    """The request, all of it. `path`: path and query. Raises UpstreamProtocolError."""
    return f"CONNECT {request_target(path)} HTTP/1.0\r\n\r\n".encode()


class ResponseReader:
    """Reads the response to `request`. Headers that a front end adds are nothing to it, even those that announce a
    body: what follows the 200 of a CONNECT is never one (RFC 9110 §9.3.6).
    """

    __slots__ = ("_reader",)

    def __init__(self) -> None:
        self._reader = HeadReader("the request for the console")

    def feed(self, chunk: bytes) -> Response | None:
        """The response, once it is whole; after it, and after an error, feed no more.

        Raises UpstreamStaleError when the console token is refused, UpstreamUnreachableError when something behind the
        proxy is not reached, and UpstreamProtocolError otherwise.
        """
        head = self._reader.feed(chunk)
        if head is None:
            return None
        if head.status != HTTPStatus.OK:
            raise _failure(head.status)
        if head.version not in _VERSIONS:
            raise UpstreamProtocolError(f"answered the request for the console in HTTP/{head.version}.")
        self._reader.headers(head)
        return Response(head.status, head.reason, head.leftover)


def _failure(status: int) -> UpstreamError:
    if status not in _FAILURES:
        return UpstreamProtocolError(f"answered {shown(status)} instead of a screen.")
    error, meaning = _FAILURES[status]
    return error(f"answered {shown(status)}: {meaning}.")
