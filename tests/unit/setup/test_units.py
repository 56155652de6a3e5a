from __future__ import annotations

import pytest

from launcher.setup.places import for_directory, for_system, for_user
from launcher.setup.units import Installation, system_service, user_service

SHIPPED = """\
# About it.
[Unit]
Description=It
Requires=console-launcher.socket
[Service]
Type=notify
ExecStart=/opt/console-launcher/bin/console-launcher serve
ExecReload=/bin/kill -HUP $MAINPID
ExecStopPost=/bin/false
DynamicUser=yes
StateDirectory=console-launcher
StateDirectoryMode=0700
ProtectSystem=strict
NoNewPrivileges=yes
# Programs.
ExecPaths=/usr /opt/console-launcher
ExecPaths=/more
LoadCredential=credentials:/etc/console-launcher/credentials
LoadCredential=other:/etc/console-launcher/credentials/other
LoadCredential=elsewhere
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
[Install]
WantedBy=multi-user.target
"""
HERE = Installation(("/srv/venv/bin/console-launcher",), ("/srv/venv", "/srv/python"), "console-launcher")


def lines(text: str, key: str) -> list[str]:
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{key}=")]


def test_the_systems_service_differs_from_the_shipped_one_in_its_paths_only() -> None:
    found = system_service(SHIPPED, HERE, for_system((), port=6080))
    assert lines(found, "ExecStart") == ["/srv/venv/bin/console-launcher serve"]
    assert lines(found, "ExecPaths") == ["/usr /srv/venv /srv/python"]
    rest = [line for line in SHIPPED.splitlines() if not line.startswith(("ExecStart=", "ExecPaths="))]
    assert [line for line in found.splitlines() if not line.startswith(("ExecStart=", "ExecPaths="))] == rest


def test_credentials_are_loaded_from_the_folder_of_this_set_up() -> None:
    found = system_service(SHIPPED, HERE, for_system((), port=6080, etc="/x%/etc"))
    assert lines(found, "LoadCredential") == [
        "credentials:/x%%/etc/console-launcher/credentials",
        "other:/x%%/etc/console-launcher/credentials/other",
        "elsewhere",
    ]


def test_an_accounts_service_keeps_what_its_manager_can_do_without_privileges() -> None:
    found = user_service(SHIPPED, HERE, for_user("/h/.config", "/run/user/7", port=6080))
    assert lines(found, "ExecStart") == [
        "/srv/venv/bin/console-launcher serve --config /h/.config/console-launcher/config.yaml"
    ]
    assert lines(found, "SystemCallFilter") == ["@system-service", "~@privileged"]
    assert lines(found, "RuntimeDirectory") == ["console-launcher"]
    assert lines(found, "StateDirectory") == ["console-launcher"]
    assert lines(found, "StateDirectoryMode") == ["0700"]
    assert lines(found, "WantedBy") == ["default.target"]
    for key in ("DynamicUser", "ProtectSystem", "LoadCredential", "ExecPaths", "Requires", "ExecStopPost"):
        assert lines(found, key) == [], key


def test_below_a_folder_the_socket_needs_no_folder_of_systemds() -> None:
    found = user_service(SHIPPED, HERE, for_directory("/srv/x", port=6080))
    assert lines(found, "RuntimeDirectory") == []
    assert lines(user_service(SHIPPED, HERE, for_user("/c", None, port=1)), "RuntimeDirectory") == []


@pytest.mark.parametrize(
    ("path", "start", "paths"),
    [
        ("/a b", '"/a b"', '"/a b"'),
        ("/50%", '"/50%%"', '"/50%%"'),
        ("/$HOME", '"/$HOME"', '"/$HOME"'),
        ('/"\\', '"/\\"\\\\"', '"/\\"\\\\"'),
    ],
)
def test_odd_paths_mean_themselves(path: str, start: str, paths: str) -> None:
    found = system_service(SHIPPED, Installation((path,), (path,), "x"), for_system((), port=6080))
    assert lines(found, "ExecStart") == [f"{start} serve"]
    assert lines(found, "ExecPaths") == [f"/usr {paths}"]


def test_a_variable_in_an_argument_means_itself() -> None:
    found = user_service(SHIPPED, HERE, for_directory("/srv/$x", port=6080))
    assert lines(found, "ExecStart") == ['/srv/venv/bin/console-launcher serve --config "/srv/$$x/config.yaml"']
