"""Addresses of direct targets, and what their servers may be called."""

from __future__ import annotations

import pytest

from launcher.config.targets import parse_server_name, parse_target, target_of_words
from launcher.model import Carrier, Secret


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("tcp://10.7.0.11:5901", "tcp://10.7.0.11:5901"),
        ("tcp://10.7.0.11", "tcp://10.7.0.11:5900"),
        ("tls://VNC.example.net", "tls://vnc.example.net:5900"),
        ("tls://vnc.example.net:443", "tls://vnc.example.net:443"),
        ("tcp://[FD00::1]:5902", "tcp://[fd00::1]:5902"),
        ("tcp://[::1]", "tcp://[::1]:5900"),
        ("tcp://kvm_a:65535", "tcp://kvm_a:65535"),
        ("unix:/run/kvm a/:0.sock", "unix:/run/kvm a/:0.sock"),
    ],
)
def test_an_address_says_where_and_how_a_server_is_dialled(text: str, origin: str) -> None:
    secret = Secret("word")
    target = parse_target(text, secret)
    assert (target.origin, target.carrier, target.password) == (origin, Carrier.RAW, secret)
    assert parse_target(text).password is None


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("10.7.0.11:5900", 'Write "tcp://10.7.0.11:5900"'),
        ("kvm-a", 'Write "tcp://kvm-a"'),
        ("vnc://kvm-a:5901", 'Write "tcp://kvm-a:5901"'),
        ("https://kvm-a", 'Write "tcp://kvm-a"'),
        ("/run/kvm-a.vnc", 'Write "unix:/run/kvm-a.vnc"'),
        ("tcp://fd00::1", 'brackets: "tcp://[fd00::1]:5900"'),
        ("tls://::1", 'brackets: "tls://[::1]:5900"'),
        ("tcp://kvm-a:5900/path", "an address like tcp://10.7.0.11:5900"),
        ("tcp://ops@kvm-a", "an address like"),
        ("TCP://kvm-a", "an address like"),
        ("", "an address like"),
        ("tcp://", "its host is a name or an IP address"),
        ("tcp://a b", "its host is a name"),
        ("tcp://ä.example.net", "its host is a name"),
        ("tcp://[kvm-a]", "an IPv6 address is expected between the brackets"),
        ("tcp://[10.7.0.1]", "an IPv6 address is expected"),
        ("tcp://kvm-a:", "a port is a number from 1 to 65535"),
        ("tcp://kvm-a:0", "a port is a number"),
        ("tcp://kvm-a:65536", "a port is a number"),
        ("tcp://kvm-a:999999999999", "a port is a number"),
        ("unix:run/kvm-a", "needs the absolute path of a file: unix:/run/kvm-a.vnc"),
        ("unix:/run/", "needs the absolute path"),
        ("unix:/" + "a" * 107, "at most 107 bytes"),
        ("unix:/a\0b", "holds no NUL"),
    ],
)
def test_each_mistake_in_an_address_has_its_sentence(text: str, instead: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_target(text)
    assert instead in str(raised.value)


@pytest.mark.parametrize(
    ("words", "origin"),
    [
        (("10.7.0.11", "5901"), "tcp://10.7.0.11:5901"),
        (("::1", "5901"), "tcp://[::1]:5901"),
        (("[::1]", "5901"), "tcp://[::1]:5901"),
        (("unix_socket", "/run/a.vnc"), "unix:/run/a.vnc"),
    ],
)
def test_the_words_of_a_token_line_are_an_address_as_well(words: tuple[str, str], origin: str) -> None:
    assert target_of_words(*words).origin == origin


@pytest.mark.parametrize(
    "words", [("h", "vnc"), ("h", ""), ("h", "٣"), ("", "5900"), ("unix_socket", "5900"), ("h/", "1")]
)
def test_words_that_are_no_address_are_refused(words: tuple[str, str]) -> None:
    with pytest.raises(ValueError):
        target_of_words(*words)


@pytest.mark.parametrize(
    "name", ["kvm a", "rack/7", "<img src=x onerror=alert(1)>", "../../etc", "\u202eevil", "𝕏" * 255]
)
def test_a_server_may_be_called_anything(name: str) -> None:
    assert parse_server_name(name) == name


@pytest.mark.parametrize("name", ["", " ", " a", "a ", "a\nb", "a\x1b[31m", "a\0", "\ud800", "a\u2028b", "x" * 256])
def test_but_what_no_line_can_hold(name: str) -> None:
    with pytest.raises(ValueError, match="a server's name"):
        parse_server_name(name)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("tcp://::1:5900", '"tcp://[::1]:5900"'),
        ("tls://fd00::7:1:5901", '"tls://[fd00::7:1]:5901"'),
        ("tcp://fd00::7", '"tcp://[fd00::7]:5900"'),
        ("unix://run/kvm.vnc", '"unix:/run/kvm.vnc"'),
        ("unix:///run/kvm.vnc", '"unix:/run/kvm.vnc"'),
    ],
)
def test_what_was_meant_is_said(text: str, instead: str) -> None:
    with pytest.raises(ValueError, match="is expected") as refused:
        parse_target(text)
    assert instead in str(refused.value)
