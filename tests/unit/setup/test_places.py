from __future__ import annotations

from launcher.setup.places import Way, for_directory, for_system, for_user


def test_the_service_of_the_machine_lives_in_etc_and_gets_its_socket_from_systemd() -> None:
    target = for_system(("alice",), port=6080)
    assert target.way is Way.SYSTEM
    assert target.config == "/etc/console-launcher/config.yaml"
    assert target.credentials == "/etc/console-launcher/credentials"
    assert target.units == "/etc/systemd/system"
    assert target.sysusers == "/etc/sysusers.d/console-launcher.conf"
    assert target.listen == ("systemd",)
    assert target.public_url == "http://jump.localhost:6080"
    assert target.local_users == ("alice",)
    assert for_system((), port=1).local_users == ()


def test_an_account_has_its_configuration_units_and_socket_where_its_other_programs_have_them() -> None:
    target = for_user("/home/a/.config", "/run/user/7", port=6081)
    assert target.config == "/home/a/.config/console-launcher/config.yaml"
    assert target.units == "/home/a/.config/systemd/user"
    assert target.listen == ("localhost:6081", "unix:/run/user/7/console-launcher/web.sock")
    assert target.socket == "/run/user/7/console-launcher/web.sock"
    assert target.public_url == "http://localhost:6081"


def test_without_a_folder_for_sockets_there_is_none() -> None:
    target = for_user("/home/a/.config", None, port=6080)
    assert target.listen == ("localhost:6080",)
    assert target.socket is None


def test_a_folder_holds_everything_and_the_socket_where_its_path_fits() -> None:
    target = for_directory("/srv/x", port=6080)
    assert (target.config, target.units, target.socket) == ("/srv/x/config.yaml", "/srv/x/systemd", "/srv/x/web.sock")
    fits, too_long = "/" + "x" * (107 - len("//web.sock")), "/" + "x" * (108 - len("//web.sock"))
    assert for_directory(fits, port=1).socket is not None
    assert for_directory(too_long, port=1).listen == ("localhost:1",)
