"""Both addresses of loopback on one port, or none."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.config.listen import TcpAddress
from launcher.errors import ListenError
from launcher.web import loopback
from launcher.web.bound import Bound
from launcher.web.listeners import listen
from launcher.web.loopback import bind_loopback, check_partners, end_of
from tests.unit.web.test_listeners import ask, runner, serving


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= before


def wheres(bound: list[Bound]) -> list[str]:
    found = [one.where for one in bound]
    for one in bound:
        one.close()
    return found


def taken(host: str, port: int = 0) -> socket.socket:
    """Another program at this address."""
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "0:0:0:0:0:0:0:1"])
async def test_every_name_of_the_pair_takes_both_addresses_on_one_port(host: str) -> None:
    async with serving(TcpAddress(host, 0)) as listening:
        ports = {one.where.rpartition(":")[2] for one in listening}
        assert {one.where.rpartition(":")[0] for one in listening} == {"http://127.0.0.1", "http://[::1]"}
        assert len(ports) == 1
        assert [await ask(one) for one in listening] == ["hello", "hello"]
        assert listening[0].where.startswith("http://[" if ":" in host else "http://127"), "what is named comes first"


def test_another_address_of_loopback_needs_no_partner() -> None:
    with taken("::1") as other:
        port = other.getsockname()[1]
        assert wheres(bind_loopback(TcpAddress("127.0.0.2", port))) == [f"127.0.0.2:{port}"]


@pytest.mark.parametrize("second", ["::1", "localhost", "127.0.0.1"])
async def test_a_line_for_each_address_is_the_same_as_one_for_both(second: str) -> None:
    with taken("127.0.0.1") as other:
        port = other.getsockname()[1]
    async with serving(TcpAddress("127.0.0.1", port), TcpAddress(second, port)) as listening:
        assert [one.where for one in listening] == [f"http://127.0.0.1:{port}", f"http://[::1]:{port}"]
        assert [await ask(one) for one in listening] == ["hello", "hello"]


@pytest.mark.parametrize(("named", "theirs"), [("127.0.0.1", "::1"), ("::1", "127.0.0.1"), ("localhost", "::1")])
async def test_case_1_beside_another_program_at_the_partner_nothing_is_served(named: str, theirs: str) -> None:
    with taken(theirs) as other:
        port = other.getsockname()[1]
        async with runner() as made:
            with pytest.raises(ListenError) as caught:
                await listen(made, [TcpAddress(named, port)])
        mine, partner = [f"127.0.0.1:{port}", f"[::1]:{port}"][:: -1 if named == "::1" else 1]
        assert str(caught.value) == (
            f"{partner} is in use by another program, and {mine} is not safe beside it: browsers look for localhost "
            "at both, and would take that program's pages for the gateway's. Stop it, or listen on another port."
        )
        with taken("::1" if named == "::1" else "127.0.0.1", port):
            """What was taken has been given up again."""


def test_with_port_0_the_kernel_chooses_again_where_its_choice_is_taken_at_the_partner(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bind, refused = loopback._bind, list[TcpAddress]()

    def refusing(address: TcpAddress) -> Bound:
        if address.host == "::1" and len(refused) < 3:
            refused.append(address)
            with taken("::1", address.port):
                return bind(address)
        return bind(address)

    monkeypatch.setattr(loopback, "_bind", refusing)
    four, six = wheres(bind_loopback(TcpAddress("127.0.0.1", 0)))
    assert len(refused) == 3
    assert four.rpartition(":")[2] == six.rpartition(":")[2]


def test_a_kernel_that_finds_no_port_for_both_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = loopback._bind

    def refusing(address: TcpAddress) -> Bound:
        if address.host == "::1":
            with taken("::1", address.port):
                return bind(address)
        return bind(address)

    monkeypatch.setattr(loopback, "_bind", refusing)
    with pytest.raises(ListenError, match="no port that is free at both"):
        bind_loopback(TcpAddress("localhost", 0))


@pytest.mark.parametrize("number", [errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
def test_an_address_that_this_machine_does_not_have_is_left_out_unless_it_is_named(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loopback, "_INTERFACES", tmp_path / "if_inet6")
    bind = loopback._bind

    def refusing(address: TcpAddress) -> Bound:
        if address.host == "::1":
            error = OSError(number, os.strerror(number))
            raise ListenError("no IPv6") from error
        return bind(address)

    monkeypatch.setattr(loopback, "_bind", refusing)
    for host in ("127.0.0.1", "localhost"):
        [one] = wheres(bind_loopback(TcpAddress(host, 0)))
        assert one.startswith("127.0.0.1:")
    with pytest.raises(ListenError, match="no IPv6"):
        bind_loopback(TcpAddress("::1", 0))


def test_an_address_that_only_this_process_may_not_have_is_not_left_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where RestrictAddressFamilies= of a unit leaves AF_INET6 out."""
    (tmp_path / "if_inet6").write_text("00000000000000000000000000000001 01 80 10 80       lo\n")
    monkeypatch.setattr(loopback, "_INTERFACES", tmp_path / "if_inet6")
    bind = loopback._bind

    def refusing(address: TcpAddress) -> Bound:
        if address.host == "::1":
            raise ListenError("no IPv6 for us") from OSError(errno.EAFNOSUPPORT, "no IPv6 for us")
        return bind(address)

    monkeypatch.setattr(loopback, "_bind", refusing)
    with pytest.raises(ListenError, match="no IPv6 for us"):
        bind_loopback(TcpAddress("127.0.0.1", 0))


def test_what_else_the_kernel_says_of_the_partner_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = loopback._bind

    def refusing(address: TcpAddress) -> Bound:
        if address.host == "::1":
            raise ListenError("odd") from OSError(errno.EACCES, "odd")
        return bind(address)

    monkeypatch.setattr(loopback, "_bind", refusing)
    with pytest.raises(ListenError, match=r"^odd$"):
        bind_loopback(TcpAddress("127.0.0.1", 0))


def test_a_partner_that_cannot_be_looked_for_counts_as_one_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_files(*_: object) -> socket.socket:
        raise ListenError("too many files") from OSError(errno.EMFILE, "too many files")

    monkeypatch.setattr(loopback, "open_socket", no_files)
    with pytest.raises(ListenError, match=r"ListenStream=127.0.0.1:6080 and ListenStream=\[::1\]:6080"):
        check_partners([TcpAddress("127.0.0.1", 6080)], {TcpAddress("127.0.0.1", 6080)})


def test_an_ipv4_address_that_an_ipv6_socket_has_is_the_ipv4_one() -> None:
    with socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::ffff:127.0.0.1", 0))
        assert end_of(sock).host == "127.0.0.1"
