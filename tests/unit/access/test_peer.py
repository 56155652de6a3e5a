"""Who is at the other end of real sockets, and of connections that end while we ask."""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import threading
from collections.abc import Iterator

import pytest

from launcher.access.peer import Peers, Tables, read_tables, unix_uid
from launcher.access.proctcp import Address
from launcher.access.sockdiag import asked_uid
from launcher.model import Actor

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(params=["127.0.0.1", "::1"])
def connection(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Our end and the peer's of a TCP connection."""
    host: str = request.param
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        theirs = socket.create_connection(server.getsockname()[:2])
        ours, _ = server.accept()
        with ours, theirs:
            yield ours, theirs


def me(via: str) -> Actor:
    return Actor(os.geteuid(), pwd.getpwuid(os.geteuid()).pw_name, via)


async def test_a_unix_sockets_peer_is_known_by_its_credentials() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert unix_uid(ours) == os.geteuid()
        assert await Peers().actor(ours) == me("unix")


def unread() -> Tables:
    raise AssertionError("the tables are read although the kernel has answered")


def unanswered(_local: Address, _remote: Address) -> None:
    """A kernel that may not be asked."""


async def test_a_tcp_peer_is_known_by_the_kernels_answer(connection: Pair) -> None:
    assert await Peers(unread).actor(connection[0]) == me("tcp")


async def test_the_kernel_is_not_asked_again_for_what_it_said_when_the_connection_came(connection: Pair) -> None:
    def answered_once(_local: Address, _remote: Address) -> int | None:
        return asked.pop()

    asked: list[int | None] = [os.geteuid()]
    peers = Peers(unread, answered_once)
    assert await peers.actor(connection[0], peers.uid_now(connection[0])) == me("tcp")


async def test_a_connection_that_ends_while_the_kernel_answers_is_nobodys(connection: Pair) -> None:
    def ask(local: Address, remote: Address) -> int | None:
        uid = asked_uid(local, remote)
        connection[1].close()
        return uid

    assert await Peers(ask=ask).actor(connection[0]) is None


async def test_a_tcp_peer_is_known_by_the_kernels_tables_where_it_may_not_be_asked(connection: Pair) -> None:
    assert await Peers(ask=unanswered).actor(connection[0]) == me("tcp")


async def test_a_peer_that_has_gone_is_nobody(connection: Pair) -> None:
    ours, theirs = connection
    theirs.close()
    assert await Peers().actor(ours) is None


async def test_a_connection_that_ends_while_we_read_is_nobodys(connection: Pair) -> None:
    ours, theirs = connection

    def read() -> Tables:
        tables = read_tables()
        theirs.close()
        return tables

    assert await Peers(read, unanswered).actor(ours) is None


async def test_our_own_closed_socket_is_nobodys(connection: Pair) -> None:
    connection[0].close()
    assert await Peers().actor(connection[0]) is None


async def test_a_row_that_slipped_through_is_looked_for_once_more(connection: Pair) -> None:
    readings: list[Tables] = [(b"", b""), read_tables()]
    assert await Peers(lambda: readings.pop(0), unanswered).actor(connection[0]) == me("tcp")


async def test_a_connection_in_no_table_is_nobodys(connection: Pair) -> None:
    assert await Peers(lambda: (b"",), unanswered).actor(connection[0]) is None


async def test_all_who_ask_during_a_reading_share_the_next(connection: Pair) -> None:
    count = 0
    begun, go_on = threading.Event(), threading.Event()

    def read() -> Tables:
        nonlocal count
        count += 1
        begun.set()
        go_on.wait(10)
        return read_tables()

    peers = Peers(read, unanswered)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(peers.actor(connection[0]))
        await asyncio.to_thread(begun.wait, 10)
        others = [group.create_task(peers.actor(connection[0])) for _ in range(50)]
        while peers._asking < 51:
            await asyncio.sleep(0)
        go_on.set()
    assert {task.result() for task in [first, *others]} == {me("tcp")}
    assert count == 2
    assert peers._last == (0, ())
    assert await peers.actor(connection[0]) == me("tcp")
    assert count == 3


async def test_one_who_gives_up_harms_nobody(connection: Pair) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def read() -> Tables:
        begun.set()
        go_on.wait(10)
        return read_tables()

    peers = Peers(read, unanswered)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(peers.actor(connection[0]))
        await asyncio.to_thread(begun.wait, 10)
        second = group.create_task(peers.actor(connection[0]))
        await asyncio.sleep(0)
        first.cancel()
        go_on.set()
    assert first.cancelled()
    assert second.result() == me("tcp")
    assert peers._asking == 0
