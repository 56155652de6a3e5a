"""Our side of the way in through an xvpvnc console proxy."""

from __future__ import annotations

import pytest

from launcher.errors import UpstreamError, UpstreamProtocolError, UpstreamStaleError, UpstreamUnreachableError
from launcher.model import Secret
from launcher.relay.head import HEADER_LIMIT, SIZE_LIMIT
from launcher.relay.xvp import Response, ResponseReader, request
from tests.fakes.issued import issue

EITHER = "the server's host gave it no screen, or a front end does not pass this request on"
GOOD = b"HTTP/1.1 200 OK\r\n\r\n"


def refused(text: str) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        ResponseReader().feed(text.encode("latin-1"))
    return caught.value


def test_the_request_is_one_line_and_an_empty_one() -> None:
    token = issue()
    assert request(Secret(f"/console?token={token}")) == f"CONNECT /console?token={token} HTTP/1.0\r\n\r\n".encode()


@pytest.mark.parametrize("tail", [" x", "\r\nX: y", "\x00", "#x", "é", "\x7f", "\n"])
def test_a_path_cannot_smuggle_anything(tail: str) -> None:
    token = issue()
    with pytest.raises(UpstreamProtocolError) as caught:
        request(Secret(f"/console?token={token}{tail}"))
    assert token not in str(caught.value)


@pytest.mark.parametrize("path", ["", "console", "proxy:443", "http://proxy/console"])
def test_a_path_begins_at_the_root(path: str) -> None:
    with pytest.raises(UpstreamProtocolError):
        request(Secret(path))


def test_nineteen_bytes_are_enough() -> None:
    assert len(GOOD) == 19
    assert ResponseReader().feed(GOOD) == Response(200, "OK", b"")


def test_the_banner_may_come_with_them() -> None:
    assert ResponseReader().feed(GOOD + b"RFB 003.003\n") == Response(200, "OK", b"RFB 003.003\n")


def test_byte_by_byte_it_is_the_same() -> None:
    reader = ResponseReader()
    answers = [reader.feed(bytes((byte,))) for byte in GOOD]
    assert answers == [None] * 18 + [Response(200, "OK", b"")]


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.0 200 Connection established\r\n\r\n",
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 200 OK\r\nVia: 1.1 front\r\nX-Served-By: a\r\nX-Served-By: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_a_front_end_adds_is_tolerated(head: str) -> None:
    answer = ResponseReader().feed(head.encode() + b"RFB 003.008\n")
    assert answer is not None
    assert (answer.status, answer.leftover) == (200, b"RFB 003.008\n")


@pytest.mark.parametrize(
    ("line", "error", "sentence"),
    [
        (
            "401 Not Authorized",
            UpstreamStaleError,
            "answered 401 Unauthorized: its console token is no longer good.",
        ),
        (
            "400 Invalid Request",
            UpstreamProtocolError,
            f"answered 400 Bad Request: {EITHER}.",
        ),
        (
            "500 Internal Server Error",
            UpstreamUnreachableError,
            "answered 500 Internal Server Error: it does not reach the server's host.",
        ),
        (
            "502 Proxy Error",
            UpstreamUnreachableError,
            "answered 502 Bad Gateway: what stands behind it does not answer.",
        ),
        (
            "503 No server is available",
            UpstreamUnreachableError,
            "answered 503 Service Unavailable: what stands behind it does not answer.",
        ),
        (
            "504 Gateway Time-out",
            UpstreamUnreachableError,
            "answered 504 Gateway Timeout: what stands behind it does not answer.",
        ),
        ("403 Forbidden", UpstreamProtocolError, "answered 403 Forbidden instead of a screen."),
        ("302 Found", UpstreamProtocolError, "answered 302 Found instead of a screen."),
        ("101 Switching Protocols", UpstreamProtocolError, "answered 101 Switching Protocols instead of a screen."),
        ("204", UpstreamProtocolError, "answered 204 No Content instead of a screen."),
        ("599 Odd", UpstreamProtocolError, "answered 599 instead of a screen."),
    ],
)
def test_another_status_is_named_in_our_own_words(line: str, error: type[UpstreamError], sentence: str) -> None:
    found = refused(f"HTTP/1.1 {line}\r\nContent-Type: text/html\r\n\r\nwhatever")
    assert (type(found), str(found)) == (error, sentence)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("RFB 003.008\n", "does not speak HTTP (greets as a VNC server does)."),
        ("<html>", "does not speak HTTP."),
        ("HTTP/1.1 ok\r\n\r\n", "answered the request for the console with a malformed status line."),
        ("HTTP/2.0 200 OK\r\n\r\n", "answered the request for the console in HTTP/2.0."),
        ("HTTP/1.1 200 OK\r\n folded\r\n\r\n", "answered the request for the console with a malformed header."),
        (
            "HTTP/1.1 200 OK" + "\r\nA: b" * (HEADER_LIMIT + 1) + "\r\n\r\n",
            "answered the request for the console with more than 100 headers.",
        ),
        (
            "HTTP/1.1 200 OK\r\nA: " + "b" * SIZE_LIMIT,
            "answered the request for the console with more than 16384 bytes.",
        ),
    ],
)
def test_what_is_no_response_is_refused(text: str, why: str) -> None:
    found = refused(text)
    assert (type(found), str(found)) == (UpstreamProtocolError, why)


@pytest.mark.parametrize(
    "echo",
    [
        "CONNECT /console?token={} HTTP/1.0\r\n\r\n",
        "{}",
        "HTTP/1.1 404 no /console?token={} here\r\nX: {}\r\n\r\n",
        "HTTP/1.1 {}\r\n\r\n",
        "HTTP/1.1 401 {}\r\n\r\n",
        "HTTP/1.1 200 OK\r\n{}\r\n\r\n",
    ],
)
def test_an_echo_of_the_request_is_not_repeated(echo: str) -> None:
    token = issue()
    assert token not in str(refused(echo.replace("{}", token)))


def test_a_response_does_not_show_what_follows_it() -> None:
    answer = ResponseReader().feed(GOOD + b"RFB 003.008\n")
    assert "RFB" not in repr(answer)
