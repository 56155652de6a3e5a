"""What the tests of the cloud room share: a Compute over a cloud, as the daemon would build it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from launcher.clock import SystemClock
from launcher.cloud.compute import Compute
from launcher.cloud.http import CloudHttp, open_http
from launcher.cloud.identity import SharedAccess, identity_of
from launcher.config.models import BareEntry, Cloud, OpenStackEntry, RackspaceEntry
from launcher.model import Secret

Entry = RackspaceEntry | OpenStackEntry | BareEntry


def cloud_of(entry: Entry, name: str = "prod", region: str | None = None, **files: Path) -> Cloud:
    """A cloud as the configuration makes it."""
    clouds_yaml, secure_yaml = files.get("clouds_yaml"), files.get("secure_yaml")
    return Cloud(name=name, region=region, entry=entry, clouds_yaml=clouds_yaml, secure_yaml=secure_yaml)


def bare(endpoint: str, api_token: str | None = None, **more: Any) -> BareEntry:
    """An entry without Identity."""
    token = Secret(api_token) if api_token else None
    return BareEntry.model_construct(provider="none", endpoint=endpoint, api_token=token, **more)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
async def http() -> AsyncIterator[CloudHttp]:
    async with open_http() as http:
        yield http


@pytest.fixture
def identity(pool: ThreadPoolExecutor) -> Callable[[Cloud], SharedAccess]:
    return lambda cloud: identity_of(cloud, SystemClock(), pool)


@pytest.fixture
def compute(identity: Callable[[Cloud], SharedAccess], http: CloudHttp) -> Callable[..., Compute]:
    """`compute(cloud)`, or with a time limit of its own."""

    def build(cloud: Cloud, timeout: float = 40.0) -> Compute:
        return Compute(cloud, identity(cloud), http, SystemClock(), timeout=timeout)

    return build
