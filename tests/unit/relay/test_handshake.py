"""Our side of the upgrade to a console proxy."""

from __future__ import annotations

import pytest

from launcher import __version__
from launcher.errors import UpstreamProtocolError
from launcher.model import Secret
from launcher.relay.handshake import Response, ResponseReader, accept_for, request
from launcher.relay.head import HEADER_LIMIT, SIZE_LIMIT
from tests.fakes.issued import issue

KEY = b"the sample nonce"
GOOD = (
    "HTTP/1.1 101 Switching Protocols\r\n"
    "Upgrade: WebSocket\r\n"
    "connection: keep-alive, Upgrade\r\n"
    f"Sec-WebSocket-Accept:  {accept_for(KEY)} \r\n"
    "Sec-WebSocket-Protocol: binary\r\n\r\n"
)


def answered(text: str) -> Response | None:
    return ResponseReader(KEY).feed(text.encode("latin-1"))


def refused(text: str) -> str:
    with pytest.raises(UpstreamProtocolError) as caught:
        answered(text)
    return str(caught.value)


def test_the_accept_is_that_of_the_standards_example() -> None:
    assert accept_for(b"the sample nonce") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_the_request_is_what_a_program_sends() -> None:
    token = issue()
    assert request("[::1]:6080", Secret(f"/websockify?token={token}"), KEY).decode() == (
        f"GET /websockify?token={token} HTTP/1.1\r\n"
        "Host: [::1]:6080\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Protocol: binary\r\n"
        f"User-Agent: console-launcher/{__version__}\r\n\r\n"
    )


def test_it_names_the_gateways_that_the_session_has_passed() -> None:
    sent = request("proxy", Secret("/"), KEY, ("gateway-a", "gateway-b")).decode()
    assert sent.endswith("\r\nConsole-Launcher-Via: gateway-a, gateway-b\r\n\r\n")


def test_a_gateway_that_was_passed_already_is_told_as_such() -> None:
    assert "leads back to where the session has been" in refused("HTTP/1.1 508 Loop Detected\r\n\r\n")


@pytest.mark.parametrize("tail", [" x", "\r\nX: y", "\x00", "#x", "é", "\x7f", "\n"])
def test_a_path_cannot_smuggle_anything(tail: str) -> None:
    token = issue()
    with pytest.raises(UpstreamProtocolError) as caught:
        request("proxy", Secret(f"/?token={token}{tail}"), KEY)
    assert token not in str(caught.value)


@pytest.mark.parametrize(("host", "path"), [("proxy", "x"), ("proxy", ""), ("pro xy", "/"), ("proxy\r\n", "/")])
def test_a_path_begins_at_the_root_and_a_host_is_one_word(host: str, path: str) -> None:
    with pytest.raises(UpstreamProtocolError):
        request(host, Secret(path), KEY)


def test_a_good_answer_is_understood_with_what_follows_it() -> None:
    assert answered(GOOD + "\x82\x00") == Response(101, "Switching Protocols", "binary", b"\x82\x00")
    assert answered(GOOD.replace("Sec-WebSocket-Protocol: binary\r\n", "")) == Response(
        101, "Switching Protocols", None, b""
    )


def test_byte_by_byte_it_is_the_same() -> None:
    reader = ResponseReader(KEY)
    answers = [reader.feed(bytes((byte,))) for byte in GOOD.encode()]
    assert answers[:-1] == [None] * (len(GOOD) - 1)
    assert answers[-1] == Response(101, "Switching Protocols", "binary", b"")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("HTTP/1.1 403 Forbidden", "answered 403 Forbidden instead of a WebSocket."),
        ("HTTP/1.0 302 Found", "answered 302 Found instead of a WebSocket."),
        ("HTTP/1.1 400 Invalid protocol selected", "answered 400 Bad Request instead of a WebSocket."),
        ("HTTP/1.1 599 Odd", "answered 599 instead of a WebSocket."),
        ("HTTP/1.1 404", "answered 404 Not Found instead of a WebSocket."),
        ("HTTP/1.1 200 OK", "answered 200 OK instead of a WebSocket."),
        ("HTTP/1.0 101 Switching Protocols", "answered the WebSocket handshake in HTTP/1.0 instead of HTTP/1.1."),
        ("HTTP/1.1 one", "answered the WebSocket handshake with a malformed status line."),
    ],
)
def test_another_status_is_named(line: str, shown: str) -> None:
    assert refused(f"{line}\r\nLocation: https://elsewhere/\r\n\r\n") == shown


@pytest.mark.parametrize(
    ("greeting", "shown"),
    [
        ("RFB 003.008\n", "does not speak HTTP (greets as a VNC server does)."),
        ("SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP (greets as an SSH server does)."),
        ("\x15\x03\x01\x00\x02", "does not speak HTTP (speaks TLS)."),
        ("HTTX", "does not speak HTTP."),
    ],
)
def test_something_else_than_http_is_named(greeting: str, shown: str) -> None:
    assert refused(greeting) == shown


def test_an_echo_of_the_request_is_not_repeated() -> None:
    token = issue()
    assert refused(f"GET /{token} HTTP/1.1\r\n") == "does not speak HTTP."
    assert refused(token) == "does not speak HTTP."


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("Upgrade: WebSocket\r\n", "", "without `Upgrade: websocket`"),
        ("Upgrade: WebSocket", "Upgrade: h2c", "without `Upgrade: websocket`"),
        ("keep-alive, Upgrade", "keep-alive", "without `Connection: Upgrade`"),
        ("Sec-WebSocket-Accept:  ", "Sec-WebSocket-Accept: x", "Sec-WebSocket-Accept is wrong"),
        ("Sec-WebSocket-Accept", "Sec-WebSocket-Other", "Sec-WebSocket-Accept is wrong"),
        ("Protocol: binary", "Protocol: base64", "subprotocol"),
        ("Protocol: binary", "Protocol: binary\r\nSec-WebSocket-Protocol: binary", "subprotocol"),
        ("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "extension"),
        ("\r\n\r\n", "\r\n folded\r\n\r\n", "malformed header"),
        ("\r\n\r\n", "\r\nno colon\r\n\r\n", "malformed header"),
        ("\r\n\r\n", "\r\nA : b\r\n\r\n", "malformed header"),
        ("\r\n\r\n", "\r\nA: b\nC: d\r\n\r\n", "malformed header"),
        ("\r\n\r\n", "\r\nA: b" * (HEADER_LIMIT + 1) + "\r\n\r\n", "more than 100 headers"),
        ("\r\n\r\n", "\r\nA: " + "b" * SIZE_LIMIT + "\r\n\r\n", "more than 16384 bytes"),
        ("\r\n\r\n", "\r\nA: " + "b" * SIZE_LIMIT, "more than 16384 bytes"),
    ],
)
def test_an_upgrade_that_breaks_the_standard_is_refused(old: str, new: str, why: str) -> None:
    assert old in GOOD
    assert why in refused(GOOD.replace(old, new))
