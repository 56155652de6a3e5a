"""An upgrade breaks nobody: what earlier releases were configured with starts the daemon, unchanged."""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import certifi
import pytest
import yaml

from tests.fakes.certificates import Authority
from tests.fakes.issued import issue
from tests.process.daemon import ROOT

RELEASES = ROOT / "tests" / "releases"
CERTIFICATE = "/etc/ssl/jump.pem"


@dataclass(frozen=True)
class Old:
    """A configuration of an earlier release, and where it listens."""

    file: str
    urls: tuple[str, ...]
    all_keys: bool = False
    """Whether the keys that are commented out are put in force."""
    ipv6: bool = True
    """Whether the machine has IPv6."""


WEB = "unix:/run/console-launcher/web.sock"
OLD = {
    "the sample": Old("0.1.0/sample.yaml", (WEB,)),
    "every key of the sample": Old("0.1.0/sample.yaml", (WEB,), all_keys=True),
    "what init wrote for a jump host": Old("0.1.0/host.yaml", (WEB,)),
    "what init wrote for a workstation": Old(
        "0.1.0/user.yaml", ("http://127.0.0.1:6080", "http://[::1]:6080", "http://localhost:6080")
    ),
    "what init wrote for a workstation, without IPv6": Old("0.1.0/user.yaml", ("http://127.0.0.1:6080",), ipv6=False),
}
_WITHOUT_IPV6 = "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; "


def laid_out(folder: Path, old: Old) -> Path:
    """The configuration as it was, with a placeholder for each credential that it names; the path of it."""
    text = (RELEASES / old.file).read_text()
    authority = Authority(folder / "authority", "authority of the test")
    authority.file("jump.localhost").rename(folder / "jump.pem")
    if old.all_keys:
        text = re.sub(r"(?m)^( *)#(?=[^\s#])", r"\1", text)
        text = text.replace(CERTIFICATE, str(folder / "jump.pem")).replace(
            "/etc/websockify/tokens.cfg", str(folder / "tokens.cfg")
        )
        (folder / "tokens.cfg").write_text("old: 192.0.2.1:5900\n")
    credentials = folder / "credentials"
    credentials.mkdir(mode=0o700)
    for name in set(re.findall(r"\{credential: ([a-z0-9.-]+)\}", text)):
        (credentials / name).write_text(_placeholder(name, folder))
        (credentials / name).chmod(0o600)
    config = folder / "config.yaml"
    config.write_text(text)
    return config


def _placeholder(name: str, folder: Path) -> str:
    if name.endswith(".yaml"):
        auth = {"auth_url": "https://id.example.net/v3", "username": "ops", "password": issue(), "project_name": "ops"}
        return yaml.safe_dump({"clouds": {"prod": {"auth": auth}, "ops": {"auth": auth}}})
    if name.endswith(".pem"):
        return Path(certifi.where()).read_text()
    if name == "tls-key":
        return (folder / "jump.pem").read_text()
    return issue()[:8] if name.endswith("-vnc") else issue()


@pytest.mark.parametrize("old", OLD.values(), ids=OLD)
async def test_a_configuration_of_an_earlier_release_starts_unchanged(
    old: Old, tmp_path: Path, suite_output: Path
) -> None:
    config = laid_out(tmp_path, old)
    log = suite_output / f"{tmp_path.name}.log"
    outer = str(Path("/proc/self/ns/net").readlink())
    run = [sys.executable, "-m", "tests.process.old_release", outer, str(config), str(log), *old.urls]
    script = f'{"" if old.ipv6 else _WITHOUT_IPV6}exec "$@"'
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--mount", "--net", "sh", "-c", script, "sh", *run),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode() + log.read_text()
