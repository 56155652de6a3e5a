from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from launcher.config.load import load
from launcher.errors import ConfigError

GOOD = "clouds:\n  bare: {provider: none, endpoint: 'http://127.0.0.1:8774/v2.1'}\n"
"""The smallest configuration there is: its two lines stand above whatever a test adds."""

Told = Callable[[str | bytes], Sequence[str]]


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own as working directory and home, and no OpenStack in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "CREDENTIALS_DIRECTORY", "OS_CLIENT_CONFIG_FILE", "OS_AUTH_URL", "OS_CLOUD_NAME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def told(nowhere: Path) -> Told:
    """What `load` says of a text: its problems as lines, empty when it is good."""

    def told(text: str | bytes) -> Sequence[str]:
        file = nowhere / "config.yaml"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        try:
            load(Path("config.yaml"))
        except ConfigError as error:
            return [str(problem) for problem in error.problems]
        return []

    return told
