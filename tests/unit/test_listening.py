"""Where this process listens: the sockets themselves are asked."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from launcher.listening import OwnListeners


def listener(address: str, family: int = socket.AF_INET) -> socket.socket:
    sock = socket.socket(family)
    sock.bind((address, 0))
    return sock


def test_a_listener_of_one_loopback_address_stands_for_both() -> None:
    own = OwnListeners()
    with listener("127.0.0.1") as sock:
        port = sock.getsockname()[1]
        own.add(sock)
        ours = [own.at(address, port) for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0")]
        assert ours == [True] * 4
        assert not own.at("127.0.0.1", port ^ 1)
        assert not own.at("10.255.255.1", port)
    assert not own.at("127.0.0.1", port)


def test_a_wildcard_stands_for_every_address_of_the_host() -> None:
    own = OwnListeners()
    with listener("0.0.0.0") as sock:
        own.add(sock)
        port = sock.getsockname()[1]
        assert own.at("127.0.0.9", port)
        assert not own.at("192.0.2.77", port)
        assert not own.at("2001:db8::77", port)


def test_a_closed_listener_is_forgotten_when_another_comes() -> None:
    own = OwnListeners()
    first = listener("127.0.0.1")
    own.add(first)
    first.close()
    with listener("127.0.0.1") as second:
        own.add(second)
        assert len(own._tcp) == 1


def test_a_unix_socket_is_known_by_whatever_path(tmp_path: Path) -> None:
    own = OwnListeners()
    path, link, other = tmp_path / "web.sock", tmp_path / "link.sock", tmp_path / "other.sock"
    with socket.socket(socket.AF_UNIX) as sock, socket.socket(socket.AF_UNIX) as another:
        sock.bind(str(path))
        another.bind(str(other))
        link.symlink_to(path)
        own.add(sock)
        assert own.at_path(str(path))
        assert own.at_path(str(link))
        assert not own.at_path(str(other))
        assert not own.at_path(str(tmp_path / "nowhere"))
    assert not own.at_path(str(path))


@pytest.mark.parametrize("name", [b"\0console-launcher-of-a-test"])
def test_an_abstract_socket_has_no_path_to_be_named_by(name: bytes) -> None:
    own = OwnListeners()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(name)
        own.add(sock)
    assert not own._unix
