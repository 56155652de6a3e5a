from __future__ import annotations

from typing import Any

import pytest

from launcher.config.changes import cloud_changes, fixed_changes
from launcher.config.models import Config


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
    ],
)  # fmt: skip
def test_keys_that_wait_for_a_restart_are_named(keys: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert fixed_changes(config(), config(**keys)) == expected


def test_clouds_that_came_changed_and_went_are_named() -> None:
    assert cloud_changes(["a", "b", "c"], ["b", "c", "d", "e"], {"c", "d", "e"}) == "new: d, e; changed: c; gone: a"
    assert cloud_changes(["a"], ["a"], set()) == ""
