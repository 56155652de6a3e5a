"""What the process asks of the kernel for itself."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

import pytest

from launcher.process import open_files, raise_file_limit


@pytest.fixture(autouse=True)
def limits() -> Iterator[None]:
    """This process's own limits are put back."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_soft_limit_is_raised_to_what_is_wanted_and_never_lowered() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    assert raise_file_limit(600) == 600
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (600, hard)
    assert raise_file_limit(100) == 600


def test_the_hard_limit_is_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [(512, 2048)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.append(wanted))
    assert raise_file_limit(2049) == 2048
    assert limits == [(512, 2048), (2048, 2048)]


def test_open_files_are_counted() -> None:
    before = open_files()
    descriptor = os.open("/dev/null", os.O_RDONLY)
    assert open_files() == before + 1
    os.close(descriptor)
    assert open_files() == before
