from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from launcher.config.changes import cloud_changes, fixed_changes
from launcher.config.models import Config

TLS = {"certificate": Path("/jump.pem"), "key": Path("/jump.pem")}


def config(**keys: Any) -> Config:
    clouds = {"prod": {"provider": "none", "endpoint": "http://127.0.0.1:1"}}
    return Config.model_validate({"clouds": clouds, **keys})


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, ()),
        ({"log_level": "debug", "aliases": {"db": "prod/db"}, "access": {"local_users": ("root",)}}, ()),
        ({"clouds": {"other": {"provider": "none", "endpoint": "http://127.0.0.1:1"}}}, ()),
        ({"listen": ("127.0.0.1:6080",)}, ("listen",)),
        ({"relay": {"ping": "10s", "sessions": 5}, "consoles": {"margin": "1s"}},
         ("consoles.margin", "relay.sessions", "relay.ping")),
        ({"tls": TLS}, ("tls",)),
    ],
)  # fmt: skip
def test_keys_that_wait_for_a_restart_are_named(keys: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert fixed_changes(config(), config(**keys)) == expected


def test_another_certificate_waits_for_no_restart() -> None:
    renewed = {"certificate": Path("/new.pem"), "key": Path("/new.pem")}
    assert fixed_changes(config(tls=TLS), config(tls=renewed)) == ()


def test_clouds_that_came_changed_and_went_are_named() -> None:
    assert cloud_changes(["a", "b", "c"], ["b", "c", "d", "e"], {"c", "d", "e"}) == "new: d, e; changed: c; gone: a"
    assert cloud_changes(["a"], ["a"], set()) == ""
