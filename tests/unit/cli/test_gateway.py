"""Which gateway a command asks."""

from __future__ import annotations

import pytest

from launcher.cli.failure import Failure
from launcher.cli.gateway import (
    Gateway,
    TcpGateway,
    UnixGateway,
    choose,
    manager,
    parse_gateway,
    places,
    trusting,
    ways_out,
)


@pytest.mark.parametrize(
    ("text", "gateway", "shown", "host", "dialled"),
    [
        ("unix:/run/x.sock", UnixGateway("/run/x.sock"), "unix:/run/x.sock", "localhost", None),
        ("/run/x.sock", UnixGateway("/run/x.sock"), "unix:/run/x.sock", "localhost", None),
        (
            "http://127.0.0.1:6080",
            TcpGateway("127.0.0.1", 6080),
            "http://127.0.0.1:6080",
            "127.0.0.1:6080",
            "127.0.0.1",
        ),
        (
            "https://Jump.localhost:6443",
            TcpGateway("jump.localhost", 6443, tls=True),
            "https://jump.localhost:6443",
            "jump.localhost:6443",
            "localhost",
        ),
        ("https://[::1]", TcpGateway("::1", 443, tls=True), "https://[::1]", "[::1]", "::1"),
        ("http://[::1]:443", TcpGateway("::1", 443), "http://[::1]:443", "[::1]:443", "::1"),
        ("http://[::1]:6080/", TcpGateway("::1", 6080), "http://[::1]:6080", "[::1]:6080", "::1"),
        (
            "http://Jump.localhost",
            TcpGateway("jump.localhost", 80),
            "http://jump.localhost",
            "jump.localhost",
            "localhost",
        ),
    ],
)
def test_a_gateway_is_a_socket_or_an_address(
    text: str, gateway: Gateway, shown: str, host: str, dialled: str | None
) -> None:
    found = parse_gateway(text)
    assert found == gateway
    assert (str(found), found.host_header) == (shown, host)
    assert not isinstance(found, TcpGateway) or found.dialled == dialled


def test_whoever_may_vouch_is_a_matter_of_addresses() -> None:
    assert trusting(TcpGateway("localhost", 6443, tls=True), "ca.pem") == TcpGateway(
        "localhost", 6443, tls=True, authorities="ca.pem"
    )
    assert trusting(UnixGateway("/run/x.sock"), "ca.pem") == UnixGateway("/run/x.sock")


@pytest.mark.parametrize(
    "text",
    [
        "", "unix:", "unix:web.sock", "jump:6080", "https://jump:0", "https://", "ftp://jump", "http://", "http://jump:x",
        "http://jump:0", "http://jump:99999", "http://jump/c/prod/web-01", "http://a@jump", "http://jump?x",
        "http://j p", "http://jump:6080\n", "/run/\x1b[31m",
    ],
)  # fmt: skip
def test_anything_else_is_none_and_says_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match="or unix:/run/console-launcher/web"):
        parse_gateway(text)


def test_the_first_socket_that_is_there_is_taken() -> None:
    sockets = places("/run/user/7")
    assert sockets == ("/run/console-launcher/web.sock", "/run/user/7/console-launcher/web.sock")
    assert choose(sockets, lambda _: True) == UnixGateway(sockets[0])
    assert choose(sockets, lambda path: path == sockets[1]) == UnixGateway(sockets[1])


@pytest.mark.parametrize(
    ("folder", "tried"),
    [
        ("/run/user/7", "neither /run/console-launcher/web.sock nor /run/user/7/console-launcher/web.sock"),
        (None, "no /run/console-launcher/web.sock"),
    ],
)
def test_where_none_is_there_the_places_and_the_ways_out_are_told(folder: str | None, tried: str) -> None:
    with pytest.raises(Failure) as failure:
        choose(places(folder), lambda _: False)
    assert failure.value.code == 69
    assert failure.value.sentence == f"no gateway runs on this machine: there is {tried}."
    advice = "\n".join(failure.value.advice)
    for way_out in (" systemctl start console-launcher", "console-launcher demo", "--gateway"):
        assert way_out in advice
    assert (" systemctl --user start console-launcher" in advice) == (folder is not None)


@pytest.mark.parametrize(
    ("where", "folder", "start"),
    [
        ("unix:/run/console-launcher/web.sock", "/run/user/7", "systemctl start console-launcher"),
        ("unix:/run/user/7/console-launcher/web.sock", "/run/user/7", "systemctl --user start console-launcher"),
        ("unix:/run/user/7/console-launcher/web.sock", None, "console-launcher serve --config FILE"),
        ("unix:/run/user/77/web.sock", "/run/user/7", "console-launcher serve --config FILE"),
        ("unix:/tmp/web.sock", "/run/user/7", "console-launcher serve --config FILE"),
        ("http://127.0.0.1:6080", "/run/user/7", "console-launcher serve --config FILE"),
    ],
)
def test_who_starts_a_gateway_is_known_by_its_place(where: str, folder: str | None, start: str) -> None:
    first, *rest = ways_out([manager(parse_gateway(where), folder)])
    assert first == f"Start {'the service:  ' if 'systemctl' in start else 'a gateway:    '}{start}"
    assert len(rest) == 2
