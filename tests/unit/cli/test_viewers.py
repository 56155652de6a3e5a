"""Which viewer a program is, and how each is started."""

from __future__ import annotations

import pytest

from launcher.cli.viewers import Brand, PortPlace, SocketPlace, Start, Viewer, own_command, recognized, start
from launcher.model import Secret
from tests.fakes.issued import note

SOCKET = SocketPlace("/run/user/1000/x/vnc.sock")
PASSWORD = note("k2v9x0q7")
PORT = PortPlace(40123, Secret(PASSWORD))
TIGERVNC = Viewer(("/usr/bin/xtigervncviewer",), Brand.TIGERVNC, takes_socket=True)
REMMINA = Viewer(("/usr/bin/remmina",), Brand.REMMINA)
REALVNC = Viewer(("/usr/bin/vncviewer",), Brand.REALVNC)


def started(
    viewer: Viewer, place: SocketPlace | PortPlace, *, name: str = "prod/web-01", view_only: bool = False
) -> Start:
    return start(
        viewer, place, folder="/tmp/private", name=name, view_only=view_only, obfuscated=lambda _: b"obfuscated"
    )


def test_tigervnc_is_led_to_the_socket_and_throws_nobody_out() -> None:
    assert started(TIGERVNC, SOCKET) == Start(("/usr/bin/xtigervncviewer", "-Shared", SOCKET.path))


def test_tigervnc_reads_the_password_of_a_port_from_a_file() -> None:
    how = started(TIGERVNC, PORT, view_only=True)
    assert how.command[1:] == ("-Shared", "-ViewOnly", "-PasswordFile", "/tmp/private/passwd", "127.0.0.1::40123")
    assert (how.files, how.typed) == ({"passwd": b"obfuscated"}, False)


@pytest.mark.parametrize("viewer", [TIGERVNC, REMMINA, REALVNC, Viewer(("gvncviewer",))])
def test_no_viewer_s_command_line_or_print_shows_the_password(viewer: Viewer) -> None:
    how = started(viewer, PORT)
    assert PASSWORD not in " ".join(how.command)
    assert PASSWORD not in repr((how, PORT))


def test_remmina_gets_a_profile_and_the_person_types_the_password() -> None:
    how = started(REMMINA, PORT, view_only=True)
    assert how.command == ("/usr/bin/remmina", "-c", "/tmp/private/console.remmina")
    profile = how.files["console.remmina"].decode()
    assert "server=127.0.0.1:40123\n" in profile
    assert "viewonly=1\n" in profile
    assert how.typed


def test_a_name_is_one_line_of_the_profile_and_no_setting() -> None:
    name = "prod/x\nserver=evil.example.net\r\npassword=\x1b[2J\u202e"
    lines = started(REMMINA, SOCKET, name=name).files["console.remmina"].decode().splitlines()
    assert [line for line in lines if line.startswith("server=")] == [f"server=unix://{SOCKET.path}"]
    assert not [line for line in lines if line.startswith("password=")]


def test_realvnc_asks_for_the_password_itself() -> None:
    assert started(REALVNC, PORT) == Start(("/usr/bin/vncviewer", "127.0.0.1::40123"), typed=True)
    assert "-ViewOnly" in started(REALVNC, PORT, view_only=True).command


def test_a_command_of_one_s_own_has_its_places_filled_in() -> None:
    viewer = own_command("krdc 'vnc://127.0.0.1:{port}' --fullscreen")
    assert started(viewer, PORT) == Start(("krdc", "vnc://127.0.0.1:40123", "--fullscreen"), typed=True)
    assert not viewer.takes_socket
    viewer = own_command("see {socket}")
    assert started(viewer, SOCKET) == Start(("see", SOCKET.path))
    assert viewer.takes_socket


def test_a_command_without_places_has_the_address_last() -> None:
    assert started(own_command("gvncviewer -q"), PORT).command == ("gvncviewer", "-q", "127.0.0.1::40123")
    assert started(own_command("gvncviewer"), SOCKET).command == ("gvncviewer", SOCKET.path)


@pytest.mark.parametrize("text", ["", "  ", "see 'that"])
def test_a_command_that_no_shell_would_take_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        own_command(text)


def test_a_viewer_is_known_by_what_it_says() -> None:
    said = "TigerVNC Viewer 64-bit v1.12.0\nusage: xtigervncviewer [parameters] [unix socket]\n"
    assert recognized("/usr/bin/vncviewer", said) == Viewer(("/usr/bin/vncviewer",), Brand.TIGERVNC, takes_socket=True)
    old = recognized("/usr/bin/vncviewer", "TigerVNC Viewer v1.3\nusage: vncviewer [parameters] [host:displayNum]\n")
    assert old is not None
    assert not old.takes_socket
    assert recognized("/usr/bin/vncviewer", "VNC(R) Viewer 7\nCopyright (C) RealVNC Ltd.\n") == REALVNC
    assert recognized("/usr/bin/vncviewer", "some other viewer") is None
    assert (old.title, own_command("see it").title) == ("TigerVNC", "see")
