"""Signing in over TLS: an authority of the cloud's own, and servers that demand a client certificate."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from launcher.cloud.compute import Compute
from launcher.config.models import Cloud, OpenStackEntry
from launcher.errors import CloudUnreachableError
from tests.fakes.compute import FakeCompute
from tests.fakes.identity import FakeIdentity
from tests.fakes.issued import note
from tests.fakes.tls import Authority, doorkeeper, in_front_of
from tests.integration.cloud.conftest import cloud_of

Computes = Callable[[Cloud], Compute]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


class Site:
    """A cloud whose Identity service and Compute API speak TLS."""

    def __init__(self, folder: Path, authority: Authority, identity: FakeIdentity) -> None:
        self.folder = folder
        self.authority = authority
        self.auth_url = ""
        self.identity = identity

    def cloud(self, settings: dict[str, Any], cacert: Path | None = None) -> Cloud:
        """A cloud with these settings in clouds.yaml, and `cacert` in our own configuration."""
        auth = {"auth_url": self.auth_url, "username": self.identity.username, "password": self.identity.password}
        entry = {"auth_type": "v2password", "auth": auth, "compute_service_name": "cloudServersOpenStack"} | settings
        path = self.folder / "clouds.yaml"
        path.write_text(yaml.safe_dump({"clouds": {"prd": entry}}))
        ours = OpenStackEntry.model_construct(provider="openstack", cloud="prd", cacert=cacert)
        return cloud_of(ours, clouds_yaml=path)


async def site_of(stack: AsyncExitStack, folder: Path, authority: Authority, *, demands_certificate: bool) -> Site:
    context = authority.server(demands_certificate=demands_certificate)
    fake = await stack.enter_async_context(FakeCompute())
    fake.add_server("web-01")
    compute_port = await stack.enter_async_context(in_front_of(fake.port, context))
    identity = await stack.enter_async_context(FakeIdentity({"DFW": f"https://127.0.0.1:{compute_port}/v2.1"}))
    site = Site(folder, authority, identity)
    site.auth_url = f"https://127.0.0.1:{await stack.enter_async_context(in_front_of(identity.port, context))}/v2.0"
    return site


@pytest.fixture
async def open_site(tmp_path: Path, authority: Authority) -> AsyncIterator[Site]:
    """It has an authority of its own."""
    async with AsyncExitStack() as stack:
        yield await site_of(stack, tmp_path, authority, demands_certificate=False)


@pytest.fixture
async def strict_site(tmp_path: Path, authority: Authority) -> AsyncIterator[Site]:
    """It demands a client certificate as well."""
    async with AsyncExitStack() as stack:
        yield await site_of(stack, tmp_path, authority, demands_certificate=True)


async def test_the_authority_that_clouds_yaml_names_is_trusted(open_site: Site, compute: Computes) -> None:
    cloud = open_site.cloud({"cacert": str(open_site.authority.certificate)})
    assert len(await compute(cloud).servers()) == 1


async def test_the_authority_of_our_own_configuration_goes_first(open_site: Site, compute: Computes) -> None:
    cloud = open_site.cloud({"cacert": "/nowhere/ca.pem"}, open_site.authority.certificate)
    assert len(await compute(cloud).servers()) == 1


async def test_a_server_that_nobody_vouches_for_is_not_told_the_password(open_site: Site, compute: Computes) -> None:
    with pytest.raises(
        CloudUnreachableError,
        match=r"cannot be trusted: self-signed certificate in certificate chain; name its CA in cacert",
    ):
        await compute(open_site.cloud({})).servers()
    assert open_site.identity.requests == []


@pytest.mark.parametrize("how", ["two files", "beside clouds.yaml", "one file"])
async def test_a_client_certificate_is_shown_to_identity_and_to_the_compute_api(
    strict_site: Site, compute: Computes, how: str
) -> None:
    certificate, key = strict_site.authority.sign("gateway")
    both = strict_site.folder / "both.pem"
    both.write_text(certificate.read_text() + key.read_text())
    settings = {
        "two files": {"cert": str(certificate), "key": str(key)},
        "beside clouds.yaml": {"cert": "gateway.pem", "key": "gateway.key"},
        "one file": {"cert": str(both)},
    }[how]
    cloud = compute(strict_site.cloud({"cacert": str(strict_site.authority.certificate), **settings}))
    assert len(await cloud.servers()) == 1
    assert strict_site.identity.sign_ins == 1


async def test_without_the_client_certificate_nothing_is_told(strict_site: Site, compute: Computes) -> None:
    with pytest.raises(
        CloudUnreachableError, match=r"its Identity service at https://127\.0\.0\.1:\d+ cannot be reached"
    ):
        await compute(strict_site.cloud({"cacert": str(strict_site.authority.certificate)})).servers()
    assert strict_site.identity.requests == []


@pytest.mark.parametrize(
    ("of", "why"),
    [
        (None, "it wants a client certificate; name one in cert and key of clouds.yaml"),
        ("another", "it does not know who signed the client certificate"),
    ],
)
async def test_what_the_server_says_of_the_client_certificate_is_said(
    open_site: Site, compute: Computes, tmp_path_factory: pytest.TempPathFactory, of: str | None, why: str
) -> None:
    settings = {"cacert": str(open_site.authority.certificate)}
    if of is not None:
        certificate, key = Authority(tmp_path_factory.mktemp(of)).sign("gateway")
        settings |= {"cert": str(certificate), "key": str(key)}
    with doorkeeper(open_site.authority.server(demands_certificate=True)) as port:
        open_site.auth_url = f"https://127.0.0.1:{port}/v2.0"
        with pytest.raises(CloudUnreachableError) as caught:
            await compute(open_site.cloud(settings)).servers()
    assert str(caught.value) == f"prod: its Identity service at https://127.0.0.1:{port} cannot be reached: {why}."


async def test_a_client_certificate_that_cannot_be_used_is_said_before_anything_is_asked(
    strict_site: Site, compute: Computes
) -> None:
    certificate, key = strict_site.authority.sign("gateway")
    _, other_key = strict_site.authority.sign("another")
    locked = strict_site.folder / "locked.key"
    word = note("passphrase-of-a-locked-key")
    lock = ["openssl", "pkey", "-aes256", "-passout", "stdin", "-in", str(key), "-out", str(locked)]
    subprocess.run(lock, input=word, text=True, check=True)
    ours = str(strict_site.authority.certificate)
    for key_file, why in (
        (locked, "not PEM, or locked with a passphrase"),
        (other_key, "the key is another certificate's"),
        (Path("/nowhere/gateway.key"), "No such file or directory"),
    ):
        settings = {"cacert": ours, "cert": str(certificate), "key": str(key_file)}
        with pytest.raises(CloudUnreachableError) as caught:
            await compute(strict_site.cloud(settings)).servers()
        said = f"prod: the client certificate in {certificate} and {key_file} cannot be used ({why})."
        assert str(caught.value) == said
    assert strict_site.identity.requests == []
