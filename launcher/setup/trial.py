"""Tries credentials: signs in, tells the regions, counts the servers. Costs no console.

The credentials lie meanwhile in a folder for this account alone, just as the service will get them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from launcher.clock import Clock
from launcher.cloud.compute import Compute
from launcher.cloud.http import open_http
from launcher.cloud.identity import identity_of, regions_of
from launcher.config.models import Cloud, OpenStackEntry, RackspaceEntry
from launcher.config.values import parse_identity_url
from launcher.errors import CloudError
from launcher.model import Server
from launcher.setup.accounts import Account, Source
from launcher.setup.plan import CLOUDS_YAML, credential_files, pem_name

_T = TypeVar("_T")

_SECURE_YAML = "secure.yaml"
_NOTHING_MORE = {_SECURE_YAML: "clouds: {}\n", "clouds-public.yaml": "public-clouds: {}\n"}
"""Lie beside the copy of clouds.yaml, which has all that was found in such files: openstacksdk looks no further."""

Outcomes = Mapping[str, _T | CloudError]
"""By the cloud's name: what it answered, or why it did not."""


def lay_out(folder: Path, sources: Sequence[Source]) -> None:
    """Puts the credentials into a folder as a service would find them there."""
    for file in credential_files(str(folder), sources):
        path = Path(file.path)
        path.touch(0o600, exist_ok=False)
        path.write_text(file.text)
    for name, empty in _NOTHING_MORE.items():
        (folder / name).write_text(empty)


def cloud_of(source: Source, name: str, region: str | None, folder: Path) -> Cloud:
    """A cloud as the daemon would have it, with its credentials in `folder`. Raises ValueError."""
    if isinstance(source, Account):
        account = RackspaceEntry.model_construct(
            provider="rackspace",
            username=source.username,
            api_key=source.api_key,
            regions=(),
            auth_url=parse_identity_url(source.auth_url or RackspaceEntry.model_fields["auth_url"].default),
        )
        return Cloud(name=name, region=region, entry=account, clouds_yaml=None, secure_yaml=None)
    cacert = folder / pem_name(source, "cacert") if "cacert" in source.pem else None
    entry = OpenStackEntry.model_construct(provider="openstack", cloud=source.profile, regions=(), cacert=cacert)
    return Cloud(
        name=name, region=region, entry=entry, clouds_yaml=folder / CLOUDS_YAML, secure_yaml=folder / _SECURE_YAML
    )


def regions(clouds: Sequence[Cloud], clock: Clock) -> Outcomes[tuple[str, ...]]:
    """Signs in to each; the regions in which the account has a Compute endpoint, none where there is no catalog."""

    async def each(pool: ThreadPoolExecutor) -> Outcomes[tuple[str, ...]]:
        return await _ask_each(clouds, lambda cloud: regions_of(cloud, clock, pool))

    return _with_threads(clouds, each)


def servers(clouds: Sequence[Cloud], clock: Clock) -> Outcomes[tuple[Server, ...]]:
    """Signs in to each and lists its servers."""

    async def each(pool: ThreadPoolExecutor) -> Outcomes[tuple[Server, ...]]:
        async with open_http() as http:
            return await _ask_each(
                clouds, lambda cloud: Compute(cloud, identity_of(cloud, clock, pool), http, clock).servers()
            )

    return _with_threads(clouds, each)


def _with_threads(
    clouds: Sequence[Cloud], ask: Callable[[ThreadPoolExecutor], Awaitable[Outcomes[_T]]]
) -> Outcomes[_T]:
    """A thread for each cloud; one that is held by a cloud is not waited for."""
    pool = ThreadPoolExecutor(max(1, len(clouds)), thread_name_prefix="sign-in")

    async def run() -> Outcomes[_T]:
        return await ask(pool)

    try:
        return asyncio.run(run())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


async def _ask_each(clouds: Sequence[Cloud], ask: Callable[[Cloud], Awaitable[_T]]) -> Outcomes[_T]:
    found: dict[str, _T | CloudError] = {}

    async def one(cloud: Cloud) -> None:
        try:
            found[cloud.name] = await ask(cloud)
        except CloudError as error:
            found[cloud.name] = error

    async with asyncio.TaskGroup() as group:
        for cloud in clouds:
            group.create_task(one(cloud))
    return {cloud.name: found[cloud.name] for cloud in clouds}
