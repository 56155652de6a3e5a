from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from launcher.config.document import Document
from launcher.config.strict_yaml import read
from launcher.model import Secret
from launcher.setup.accounts import Account, Profile
from launcher.setup.places import Target, for_directory, for_system, for_user
from launcher.setup.plan import (
    Chosen,
    OriginalFiles,
    config_text,
    credential_files,
    folders,
    masked,
    plan_of,
    scalar,
)
from tests.fakes.issued import issue

HOSTILE = [
    "no", "1", "1.5", "~", "", " x", "a: b", "a#b", "é", "'", '"', "\\", "{a}", "[a]", "*a", "&a", "!a", "2026-01-01",
    "null", "<<", "=", "0x1", "𝕏" * 255, "<img src=x onerror=alert(1)>", "../../etc",
]  # fmt: skip


def account(key: str = "-") -> Account:
    return Account("rax", "ops", Secret(key), "the Rackspace user ops")


def profile(**more: Any) -> Profile:
    settings = {"auth": {"auth_url": "https://k/v3", "username": "ops", "password": "-"}, **more}
    return Profile("prod", "my prod", settings, "/home/a/clouds.yaml", in_files=True)


def document(target: Target, *chosen: Chosen, originals: OriginalFiles | None = None) -> Any:
    """The configuration as our own strict reader sees it."""
    found: Document = read(config_text(target, chosen, originals).encode(), "config.yaml")
    assert found.problems == []
    return found.value


def test_the_configuration_of_the_machines_service() -> None:
    entries = [Chosen("rax", account(), ("DFW", "ORD")), Chosen("prod", profile(), ())]
    assert document(for_system(("alice",), port=6080), *entries) == {
        "listen": ("systemd",),
        "public_urls": ("http://jump.localhost:6080",),
        "clouds_yaml": {"credential": "clouds.yaml"},
        "clouds": {
            "rax": {
                "provider": "rackspace",
                "username": "ops",
                "api_key": {"credential": "rax-api-key"},
                "regions": ("DFW", "ORD"),
            },
            "prod": {"provider": "openstack", "cloud": "my prod"},
        },
        "access": {"local_users": ("alice",)},
    }


def test_an_account_of_its_own_reads_clouds_yaml_where_it_is() -> None:
    target, originals = for_user("/h/.config", "/run/user/7", port=6080), OriginalFiles("/h/c.yaml", "/h/s.yaml")
    named = profile(cacert="/h/ca.pem")
    entry = Chosen("prod", dataclasses.replace(named, pem={"cacert": "PEM", "key": "PEM"}), ())
    found = document(target, entry, originals=originals)
    assert found["clouds_yaml"] == "/h/c.yaml"
    assert found["secure_yaml"] == "/h/s.yaml"
    assert found["clouds"]["prod"] == {"provider": "openstack", "cloud": "my prod", "cacert": "/h/ca.pem"}
    assert "access" not in found
    alone = document(target, entry, originals=OriginalFiles("/h/c.yaml", None))
    assert "secure_yaml" not in alone
    plan = plan_of(target, [entry], [], originals)
    assert [file.path for file in plan.files] == [target.config], "no secret is copied"


def test_a_rackspace_account_alone_needs_no_clouds_yaml() -> None:
    other = dataclasses.replace(account(), auth_url="https://identity.example.net/v2.0")
    found = document(for_directory("/d", port=6080), Chosen("rax", other, ("DFW",)))
    assert "clouds_yaml" not in found
    assert found["clouds"]["rax"]["auth_url"] == "https://identity.example.net/v2.0"


@pytest.mark.parametrize("text", HOSTILE)
def test_every_text_is_read_back_as_it_was(text: str) -> None:
    assert yaml.safe_load(f"[{scalar(text)}]") == [text]


def test_every_secret_is_a_file_of_the_credentials_folder_for_its_owner_alone() -> None:
    key, password, pem = issue(), issue(), issue()
    secret = profile(cert="/c.pem", key="/k.pem", cacert="/ca.pem", region_name="One")
    secret = dataclasses.replace(
        secret,
        settings={**secret.settings, "auth": {"auth_url": "u", "username": "ops", "password": password}},
        pem={"cacert": "CA", "cert": "CERT", "key": pem},
    )
    plan = plan_of(
        for_system((), port=6080), [Chosen("rax", account(key), ("DFW",)), Chosen("prod", secret, ())], [], None
    )
    found = {Path(file.path).name: file for file in plan.files}
    assert list(found) == [
        "rax-api-key", "prod-ca.pem", "prod-cert.pem", "prod-key.pem", "clouds.yaml", "config.yaml",
    ], "the configuration comes last"  # fmt: skip
    for name, file in found.items():
        assert file.mode == (0o644 if name == "config.yaml" else 0o600)
        for one in (key, password, pem):
            assert one not in repr(file)
            assert one not in file.shown
    assert found["rax-api-key"].text == f"{key}\n"
    assert found["prod-key.pem"].text == pem
    assert yaml.safe_load(found["clouds.yaml"].text) == {
        "clouds": {
            "my prod": {
                "auth": {"auth_url": "u", "username": "ops", "password": password},
                "cert": "prod-cert.pem",
                "key": "prod-key.pem",
                "region_name": "One",
            }
        }
    }
    assert not any(one in found["config.yaml"].text for one in (key, password, pem))
    assert "cacert: {credential: prod-ca.pem}" in found["config.yaml"].text


def test_a_copy_says_where_it_comes_from_on_one_line() -> None:
    odd = dataclasses.replace(profile(), origin="/x/\nclouds:\u2028{}")
    [file] = credential_files("/f", [odd])
    assert file.text.splitlines()[0].startswith("# Made by `console-launcher init` from /x/\\nclouds:")
    assert list(yaml.safe_load(file.text)["clouds"]) == ["my prod"]


def test_values_that_stand_twice_are_written_out() -> None:
    shared = {"a": "b"}
    [file] = credential_files("/f", [profile(one=shared, two=shared)])
    assert "&" not in file.text


def test_whatever_may_be_a_secret_is_masked() -> None:
    assert masked({
        "auth": {"auth_url": "u", "password": "x", "token": "x", "username": "ops"},
        "regions": ["One", {"name": "Two", "values": {"a": 1}}],
        "something_new": ["x"],
        "verify": True,
    }) == {
        "auth": {"auth_url": "u", "password": "***", "token": "***", "username": "ops"},
        "regions": ["One", {"name": "***", "values": {"a": "***"}}],
        "something_new": ["***"],
        "verify": "***",
    }  # fmt: skip


def test_folders_with_secrets_are_closed_to_others() -> None:
    assert dict(folders(for_system((), port=1))) == {
        "/etc/console-launcher": 0o755,
        "/etc/console-launcher/credentials": 0o700,
        "/etc/systemd/system": 0o755,
        "/etc/sysusers.d": 0o755,
    }
    assert dict(folders(for_user("/c", "/r", port=1))) == {
        "/c/console-launcher": 0o700,
        "/c/console-launcher/credentials": 0o700,
        "/c/systemd/user": 0o755,
        "/r/console-launcher": 0o700,
    }
    assert "/r/console-launcher" not in dict(folders(for_user("/c", None, port=1)))
