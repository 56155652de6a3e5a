"""Holds config/config.yaml and the models together, both ways."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import certifi
import pytest
import yaml

from launcher.config.fields import Model
from launcher.config.load import load
from launcher.config.models import Config, clouds_of
from launcher.config.translate import item_of, keys_of, models_in, provider_of
from tests.fakes.certificates import Authority
from tests.fakes.issued import issue

EXAMPLE = Path(__file__).parents[3] / "config" / "config.yaml"


CERTIFICATE = "/etc/ssl/jump.pem"


def uncommented() -> str:
    """The example with every commented key in force, and its certificate in the working directory.

    "#" goes where no space follows it.
    """
    return re.sub(r"(?m)^( *)#(?=[^\s#])", r"\1", EXAMPLE.read_text()).replace(CERTIFICATE, Path(CERTIFICATE).name)


@pytest.fixture(autouse=True)
def credentials(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A placeholder for every credential that the example names, and for its certificate."""
    certificate = Authority(nowhere / "authority", "authority of the test").file("jump.localhost")
    certificate.rename(Path(CERTIFICATE).name)
    for name in re.findall(r"\{credential: ([a-z0-9.-]+)\}", EXAMPLE.read_text()):
        text = "clouds: {prod: {}}\n" if name.endswith(".yaml") else issue()
        if name.endswith(".pem"):
            text = Path(certifi.where()).read_text()
        if name.endswith("-vnc"):
            text = text[:8]
        if name == "tls-key":
            text = Path(Path(CERTIFICATE).name).read_text()
        (nowhere / name).write_text(text)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(nowhere))


def keys_in(model: type[Model], value: dict[str, Any]) -> set[tuple[type[Model], str]]:
    """Every key that a value uses, with the model that it belongs to."""
    used = {(model, key) for key in value}
    for key, kind in keys_of(model).items():
        if key not in value:
            continue
        below, inner = value[key], item_of(kind)
        parts = (
            list(below.values()) if isinstance(below, dict) and inner else below if isinstance(below, list) else [below]
        )
        for part in parts:
            for one in models_in(inner or kind):
                if isinstance(part, dict) and part.get("provider", "") == provider_of(one):
                    used |= keys_in(one, part)
    return used


def all_keys(model: type[Model]) -> set[tuple[type[Model], str]]:
    """Every key of a model and of the models below it."""
    found = {(model, key) for key in keys_of(model)}
    for kind in keys_of(model).values():
        for one in models_in(item_of(kind) or kind):
            found |= all_keys(one)
    return found


def test_the_example_loads_as_it_is() -> None:
    assert [cloud.name for cloud in clouds_of(load(EXAMPLE))] == [
        "rax-dfw",
        "rax-ord",
        "rax-old",
        "prod",
        "bare",
        "rack7",
    ]


def test_the_example_loads_with_every_key_in_force(nowhere: Path) -> None:
    (nowhere / "config.yaml").write_text(uncommented())
    config = load(Path("config.yaml"), serving=True)
    assert {doubt.key for doubt in config.doubts} <= {"clouds.rack7.websockify_tokens"}, "it may be on no machine"


def test_every_key_of_the_models_stands_in_the_example() -> None:
    used = keys_in(Config, yaml.safe_load(uncommented()))
    shared = {key for model, key in used if provider_of(model)}
    missing = {
        f"{model.__name__}.{key}"
        for model, key in all_keys(Config) - used
        if not (provider_of(model) and key in shared)
    }
    assert missing == set()


def test_defaults_in_the_example_are_the_real_ones(nowhere: Path) -> None:
    (nowhere / "config.yaml").write_text(uncommented())
    config, bare = load(Path("config.yaml"), serving=True), Config.model_validate({"clouds": {
        "x": {"provider": "none", "endpoint": "http://h/"}
    }})  # fmt: skip
    elsewhere = {"sockets_directory", "sockets_group"}  # what they are without a word hangs on the machine
    assert config.relay.model_dump(exclude=elsewhere) == bare.relay.model_dump(exclude=elsewhere)
    assert config.sockets_directory == bare.sockets_directory
    for name in ("listen", "public_urls", "access", "consoles", "log_level"):
        assert getattr(config, name) == getattr(bare, name), name
    for name in ("console_ttl", "session_ends_with_token", "plain_console"):
        assert getattr(config.clouds["prod"], name) == getattr(bare.clouds["x"], name), name
