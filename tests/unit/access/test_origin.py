"""Which names and origins are ours, to the letter."""

from __future__ import annotations

import dataclasses

import pytest

from launcher.access.origin import Names

NAMES = Names(("http://jump.localhost:6080", "https://Jump.example.net", "http://desk:80/", "http://[FD00:0::1]:8080"))


@pytest.mark.parametrize(
    "host",
    [
        "jump.localhost:6080",
        "jump.example.net",
        "JUMP.example.NET",
        "desk",
        "[fd00::1]:8080",
        "localhost",
        "LocalHost:6080",
        "prod.localhost:1",
        "a-b.c_d.localhost:65535",
        "127.0.0.1",
        "127.0.0.1:50000",
        "[::1]",
        "[::1]:50000",
    ],
)
def test_our_own_names_and_those_of_loopback_are_answered_to(host: str) -> None:
    assert NAMES.allows_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "evil.example",
        "evil.example:6080",
        "jump.example.net:443",
        "jump.example.net:8443",
        "jump.example.net.",
        "jump.example.net.evil.com",
        "evil-jump.example.net",
        "desk:80",
        "[fd00:0::1]:8080",
        "localhost.",
        "jump.localhost.:6080",
        "localhost.evil.com",
        "evillocalhost",
        ".localhost",
        "a..localhost",
        "-a.localhost",
        "loca\u017fhost",
        "jump.localhost:\u0661",
        "user@localhost",
        "user:pw@127.0.0.1:6080",
        "127.0.0.1.",
        "127.0.0.2",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:0:0:1]",
        "::1",
        "[::1",
        "localhost:",
        "localhost:0",
        "localhost:06080",
        "localhost:65536",
        "localhost:+80",
        "localhost:6080:6080",
        "localhost\n",
        "localhost/",
        "localhost,localhost",
        "a." * 200 + "localhost",
    ],
)
def test_no_other_name_is_answered_to(host: str) -> None:
    assert not NAMES.allows_host(host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://jump.localhost:6080", "jump.localhost:6080"),
        ("https://jump.example.net", "jump.example.net"),
        ("https://jump.example.net", "JUMP.example.NET"),
        ("http://desk", "desk"),
        ("http://[fd00::1]:8080", "[fd00::1]:8080"),
        ("http://localhost:7000", "localhost:7000"),
        ("http://localhost", "localhost"),
        ("http://127.0.0.1:7000", "127.0.0.1:7000"),
        ("http://[::1]:7000", "[::1]:7000"),
        ("http://prod.localhost:7000", "prod.LOCALHOST:7000"),
    ],
)
def test_our_own_pages_may_use_the_gateway(origin: str, host: str) -> None:
    assert NAMES.allows_origin(origin, host)


@pytest.mark.parametrize("host", ["localhost:7000", "localhost", "prod.localhost:7000", "[::1]:7000"])
def test_over_tls_a_loopback_page_is_our_own_by_https_and_no_other_way(host: str) -> None:
    assert NAMES.allows_origin(f"https://{host}", host, tls=True)
    assert not NAMES.allows_origin(f"http://{host}", host, tls=True)
    assert not NAMES.allows_origin(f"https://{host}", host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("", "localhost:7000"),
        ("null", "localhost:7000"),
        ("http://evil.example", "localhost:7000"),
        ("http://evil.example:6080", "evil.example:6080"),
        ("http://localhost:7001", "localhost:7000"),
        ("http://localhost", "localhost:7000"),
        ("http://127.0.0.1:7000", "localhost:7000"),
        ("https://localhost:7000", "localhost:7000"),
        ("HTTP://localhost:7000", "localhost:7000"),
        ("http://LOCALHOST:7000", "LOCALHOST:7000"),
        ("http://localhost.:7000", "localhost.:7000"),
        ("http://localhost:7000/", "localhost:7000"),
        ("http://localhost:7000.evil.com", "localhost:7000"),
        ("http://localhost:7000, http://localhost:7000", "localhost:7000"),
        ("http://localhost:7000 http://localhost:7000", "localhost:7000"),
        ("http://", ""),
        ("http://jump.example.net", "jump.example.net"),
        ("https://jump.example.net:443", "jump.example.net"),
        ("https://jump.example.net.", "jump.example.net"),
        ("https://jump.example.net.evil.com", "jump.example.net"),
        ("https://Jump.example.net", "jump.example.net"),
        ("https://user@jump.example.net", "jump.example.net"),
        ("http://jump.localhost", "jump.localhost:6080"),
        ("http://jump.localhost:6080", "localhost:6080"),
        ("http://jump.localhost:6080", "127.0.0.1:6080"),
        ("http://jump.localhost:6080", "[::1]:6080"),
        ("http://jump.localhost:6080", "jump.localhost:7000"),
        ("http://jump.localhost:6080", "jump.example.net"),
        ("https://jump.example.net", "127.0.0.1:6080"),
        ("https://jump.example.net", "desk"),
        ("http://desk", "jump.localhost:6080"),
    ],
)
def test_no_other_page_may_use_it(origin: str, host: str) -> None:
    assert not NAMES.allows_origin(origin, host)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "jump.localhost:6080",
        "ws://jump.localhost:6080",
        "http://",
        "http://jump.localhost:6080/console",
        "http://jump.localhost:6080?x",
        "http://jump.localhost:6080#x",
        "http://user@jump.localhost",
        "http://jump.localhost.",
        "http://jump.localhost:0",
        "http://jump.localhost:70000",
        "http://*.example.net",
        "http://j\u00fcmp.example.net",
        "http://[::1",
        "http://[:::1]:6080",
        " http://jump.localhost",
        "http://jump.localhost\n",
    ],
)
def test_a_public_url_is_scheme_host_and_port(url: str) -> None:
    with pytest.raises(ValueError):
        Names([url])


def test_names_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        NAMES._hosts = frozenset()  # type: ignore[misc]  # that it is refused is what is tested
    assert Names(["http://a:1"]) == Names(["http://a:1/"])
