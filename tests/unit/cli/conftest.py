from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

GOOD = "clouds:\n  bare: {provider: none, endpoint: 'http://127.0.0.1:8774/v2.1'}\n"
BAD = "clouds:\n  bare: {provider: non}\nrelai: {}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with a good and a bad configuration; logging is afterwards as before."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(BAD)
    root, ours = logging.getLogger(), logging.getLogger("launcher")
    before = root.handlers[:], root.level, ours.level
    yield tmp_path
    root.handlers[:], root.level, ours.level = before
