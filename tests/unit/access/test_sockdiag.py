"""The kernel's answer about one TCP socket."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from launcher.access.sockdiag import asked_uid, owner, question

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture(params=["127.0.0.1", "::1", "mapped"])
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    """Both ends of a connection over loopback, ours first; `mapped`: ours is an IPv6 socket, the peer's IPv4."""
    family = socket.AF_INET if request.param == "127.0.0.1" else socket.AF_INET6
    with ExitStack() as stack:
        place = ("::" if request.param == "mapped" else request.param, 0)
        listener = stack.enter_context(
            socket.create_server(place, family=family, dualstack_ipv6=request.param == "mapped")
        )
        there = "127.0.0.1" if request.param == "mapped" else request.param
        theirs = stack.enter_context(socket.create_connection((there, listener.getsockname()[1])))
        ours = stack.enter_context(listener.accept()[0])
        yield ours, theirs


def asked(ours: socket.socket) -> int | None:
    return asked_uid(ours.getsockname()[:2], ours.getpeername()[:2])


def test_the_kernel_names_the_owner_of_the_other_end(ends: Ends) -> None:
    assert asked(ends[0]) == os.geteuid()


def test_a_closed_end_belongs_to_nobody_though_the_kernel_shows_roots_user_id(ends: Ends) -> None:
    ours, theirs = ends
    local, remote = ours.getsockname()[:2], ours.getpeername()[:2]
    theirs.close()
    assert asked_uid(local, remote) is None


def test_a_listener_is_no_end_of_a_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert asked_uid(("127.0.0.1", 9), listener.getsockname()) is None


def answer(state: int, uid: int, inode: int, kind: int = 20) -> bytes:
    body = struct.pack("=BBxx48xIIIII", socket.AF_INET, state, 0, 0, 0, uid, inode)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def test_an_answer_names_the_owner_of_an_established_socket() -> None:
    assert owner(answer(1, 1000, 77)) == 1000
    assert owner(answer(1, 0, 77)) == 0


@pytest.mark.parametrize(
    "said", [answer(1, 0, 0), answer(8, 1000, 77), answer(1, 1000, 77, kind=2), answer(1, 1, 1)[:-1], b""]
)
def test_any_other_answer_names_nobody(said: bytes) -> None:
    assert owner(said) is None


def test_the_question_has_the_peers_numbers_as_the_sockets_own() -> None:
    asked = question(("127.0.0.1", 6080), ("::ffff:127.0.0.2", 40000))
    assert len(asked) == int.from_bytes(asked[:4], "little") == 72
    assert asked[16:18] == bytes([socket.AF_INET, socket.IPPROTO_TCP])
    assert asked[24:28] == struct.pack("!HH", 40000, 6080)
    assert asked[28:32] == bytes([127, 0, 0, 2])
    assert asked[44:48] == bytes([127, 0, 0, 1])
