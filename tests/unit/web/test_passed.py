"""Sockets that systemd passes: served on as they are, never unlinked, and refused where they are not fit."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.config.listen import PassedAddress, TcpAddress
from launcher.errors import ListenError
from launcher.systemd import Passed
from launcher.web.listeners import listen
from tests.unit.web.test_listeners import ask, runner


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= before


def unix(path: Path, name: str = "web") -> Passed:
    """A listening Unix socket, as a descriptor."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()
        return Passed(name, os.dup(sock.fileno()))


def tcp(host: str = "127.0.0.7", name: str = "tcp") -> Passed:
    return tcp_at(host, 0, name)[0]


def tcp_at(host: str, port: int = 0, name: str = "tcp") -> tuple[Passed, int]:
    """A listening socket of loopback, as a descriptor; its port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as sock:
        return Passed(name, os.dup(sock.fileno())), sock.getsockname()[1]


def pair() -> list[Passed]:
    """127.0.0.1 and ::1 on one port."""
    four, port = tcp_at("127.0.0.1")
    return [four, tcp_at("::1", port)[0]]


async def test_all_sockets_or_those_of_a_name_are_served_on(tmp_path: Path) -> None:
    for names, count in ((["systemd"], 3), (["web", "tcp"], 3), (["web"], 1)):
        passed = [unix(tmp_path / f"{count}-{len(names)}"), *pair()]
        addresses = [PassedAddress(None if name == "systemd" else name) for name in names]
        async with runner() as made:
            listening = await listen(made, addresses, passed=passed)
            assert len(listening) == count
            assert [await ask(one) for one in listening] == ["hello"] * count
            for one in listening:
                one.close()


async def test_the_path_is_systemds_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    async with runner() as made:
        [one] = await listen(made, [PassedAddress()], passed=[unix(path)])
        assert one.where == str(path)
        one.close()
    assert path.is_socket()


async def test_a_socket_without_a_path_is_shown_as_systemd_writes_it(tmp_path: Path) -> None:
    name = f"launcher-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(f"\0{name}")
        sock.listen()
        passed = Passed("web", os.dup(sock.fileno()))
    async with runner() as made:
        [one] = await listen(made, [PassedAddress()], passed=[passed])
        assert one.where == f"@{name}"
        one.close()


async def test_what_listen_does_not_name_is_said_and_closed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with runner() as made:
        listening = await listen(made, [TcpAddress("127.0.0.7", 0)], passed=[unix(tmp_path / "s")])
        for one in listening:
            one.close()
    assert 'the socket "web" that systemd passed is not in `listen`, and is closed' in caplog.text


async def test_without_any_socket_it_is_said_how_to_start(tmp_path: Path) -> None:
    async with runner() as made:
        for name in (None, "web"):
            with pytest.raises(ListenError, match="systemd passed none: start the gateway through its units"):
                await listen(made, [PassedAddress(name)])


async def test_a_name_that_was_not_passed_is_said_with_those_that_were(tmp_path: Path) -> None:
    async with runner() as made:
        with pytest.raises(ListenError) as caught:
            await listen(made, [PassedAddress("webb")], passed=[unix(tmp_path / "s"), tcp()])
    assert str(caught.value) == (
        'systemd passed no socket named "webb" (FileDescriptorName= of the socket unit); there are: tcp, web.'
    )


def _unfit() -> dict[str, tuple[socket.socket, str]]:
    datagram = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    beyond = socket.create_server(("0.0.0.0", 0))
    six = socket.create_server(("::", 0), family=socket.AF_INET6)
    connection, other = socket.socketpair()
    other.close()
    return {
        "datagram": (datagram, "is neither a Unix socket nor TCP"),
        "beyond": (beyond, "is bound to 0.0.0.0, and this gateway does not listen beyond loopback"),
        "six": (six, "is bound to ::, and this gateway does not listen beyond loopback"),
        "connection": (connection, "is a connection already: leave Accept=yes out"),
    }


@pytest.mark.parametrize("what", ["datagram", "beyond", "six", "connection"])
async def test_a_socket_that_is_not_fit_is_refused_with_the_reason(what: str, tmp_path: Path) -> None:
    unfit = _unfit()
    passed = [unix(tmp_path / "s"), Passed("odd", os.dup(unfit[what][0].fileno())), tcp()]
    for sock, _ in unfit.values():
        sock.close()
    async with runner() as made:
        with pytest.raises(ListenError) as caught:
            await listen(made, [PassedAddress()], passed=passed)
    assert str(caught.value).startswith(f'the socket "odd" that systemd passed {unfit[what][1]}')


async def test_what_is_no_socket_is_refused() -> None:
    passed = Passed("odd", os.open(os.devnull, os.O_RDONLY))
    async with runner() as made:
        with pytest.raises(ListenError, match='the socket "odd" that systemd passed is no socket'):
            await listen(made, [PassedAddress("odd")], passed=[passed])


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_one_of_the_two_addresses_of_loopback_alone_is_refused_with_both_lines_to_write(host: str) -> None:
    passed, port = tcp_at(host)
    async with runner() as made:
        with pytest.raises(ListenError) as caught:
            await listen(made, [PassedAddress()], passed=[passed])
    there, missing = [f"127.0.0.1:{port}", f"[::1]:{port}"][:: -1 if host == "::1" else 1]
    assert str(caught.value) == (
        f"systemd passed the socket {there} without {missing}, where another account could serve pages that browsers "
        "take for the gateway's: they look for localhost at both. Write both lines into the socket unit: "
        f"ListenStream=127.0.0.1:{port} and ListenStream=[::1]:{port}"
    )


async def test_the_other_address_may_be_passed_under_another_name_that_listen_names_too() -> None:
    four, port = tcp_at("127.0.0.1", 0, "four")
    six, _ = tcp_at("::1", port, "six")
    async with runner() as made:
        listening = await listen(made, [PassedAddress("four"), PassedAddress("six")], passed=[four, six])
        assert [one.where for one in listening] == [f"http://127.0.0.1:{port}", f"http://[::1]:{port}"]
        for one in listening:
            one.close()


@pytest.mark.parametrize("line", ["::1", "localhost"])
async def test_the_other_address_may_be_one_of_our_own_wherever_it_stands_in_listen(line: str) -> None:
    four, port = tcp_at("127.0.0.1")
    async with runner() as made:
        listening = await listen(made, [TcpAddress(line, port), PassedAddress()], passed=[four])
        assert [one.where for one in listening] == [f"http://[::1]:{port}", f"http://127.0.0.1:{port}"]
        assert [await ask(one) for one in listening] == ["hello"] * 2
        for one in listening:
            one.close()
