from __future__ import annotations

import pytest

from launcher.config.listen import PassedAddress, TcpAddress, UnixAddress, check_listen, parse_listen

GOOD = {
    "unix:/run/console-launcher/web.sock": UnixAddress("/run/console-launcher/web.sock"),
    "127.0.0.1:6080": TcpAddress("127.0.0.1", 6080),
    "127.8.8.8:0": TcpAddress("127.8.8.8", 0),
    "[::1]:65535": TcpAddress("::1", 65535),
    "localhost:1": TcpAddress("localhost", 1),
    "systemd": PassedAddress(),
    "systemd:web": PassedAddress("web"),
    "systemd:a b-ü": PassedAddress("a b-ü"),
}
BEYOND = "this gateway does not listen beyond loopback until TLS and sign-in are configured"
NO_ADDRESS = "an address like unix:/run/console-launcher/web.sock, localhost:6080 or systemd is expected"
BAD = {
    "0.0.0.0:6080": BEYOND,
    "192.0.2.1:6080": BEYOND,
    "[::]:443": BEYOND,
    "[::1%lo]:443": BEYOND,
    "[127.0.0.1]:443": BEYOND,
    "[localhost]:443": BEYOND,
    "jump.example.net:443": BEYOND,
    "localhost.example.net:443": BEYOND,
    "127.0.0.1:65536": "a port is a number from 0 to 65535",
    "127.0.0.1": NO_ADDRESS,
    "::1:6080": NO_ADDRESS,
    ":6080": NO_ADDRESS,
    "[]:6080": NO_ADDRESS,
    "127.0.0.1:٣": NO_ADDRESS,
    "": NO_ADDRESS,
    "systemd:": "systemd:NAME is expected",
    "systemd:a:b": "systemd:NAME is expected",
    "systemd:a\nb": "systemd:NAME is expected",
    "systemd:" + "x" * 256: "systemd:NAME is expected",
    "unix:web.sock": "a Unix socket needs the absolute path of a file",
    "unix:": "a Unix socket needs the absolute path of a file",
    "unix:/run/": "a Unix socket needs the absolute path of a file",
    "unix:/run/a\0b": "the path of a Unix socket holds no NUL",
    "unix:/" + "ä" * 54: "the path of a Unix socket has at most 107 bytes",
}


@pytest.mark.parametrize(("text", "address"), GOOD.items())
def test_addresses_of_this_machine_are_understood(text: str, address: object) -> None:
    assert parse_listen(text) == address
    assert str(parse_listen(text)) == text


def test_a_path_that_just_fits_the_kernel_is_taken() -> None:
    assert parse_listen("unix:/" + "x" * 106) == UnixAddress("/" + "x" * 106)


@pytest.mark.parametrize(("text", "message"), BAD.items())
def test_everything_else_is_refused_with_what_to_do(text: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_listen(text)
    assert str(refused.value).startswith(message)


def test_a_passed_socket_is_named_or_among_all_not_both() -> None:
    check_listen(["systemd:web", "systemd:other", "127.0.0.1:6080"])
    check_listen(["systemd", "127.0.0.1:6080"])
    with pytest.raises(ValueError, match='"systemd" takes every socket that is passed: leave "systemd:web" out'):
        check_listen(["systemd", "systemd:web"])
