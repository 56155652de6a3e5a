"""The gateway's configuration for the simulated cloud, in files like an operator's, in a folder of the run's own."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import yaml

from launcher.demo import identity
from launcher.demo.cloud import DemoCloud
from launcher.demo.consoles import CONSOLE_TTL
from launcher.demo.fleet import PROD, RAX


def write_settings(folder: Path, cloud: DemoCloud, port: int) -> Path:
    """config.yaml and the credentials that it names, none of them for others to read; config.yaml's path."""
    clouds_yaml, api_key, config = folder / "clouds.yaml", folder / "rax-api-key", folder / "config.yaml"
    _write(clouds_yaml, yaml.safe_dump({"clouds": {PROD: _entry(cloud)}}, sort_keys=False))
    _write(api_key, f"{cloud.credentials.api_key}\n")
    settings = {
        "listen": [f"localhost:{port}"],
        "public_urls": [f"http://localhost:{port}"],
        "clouds_yaml": str(clouds_yaml),
        "clouds": {
            PROD: {"provider": "openstack", "cloud": PROD, "console_ttl": f"{CONSOLE_TTL:.0f}s"},
            RAX: {
                "provider": "rackspace",
                "username": identity.ACCOUNT,
                "api_key": {"file": str(api_key)},
                "regions": [identity.RAX_REGION],
                "auth_url": cloud.rackspace_url,
                "console_ttl": f"{CONSOLE_TTL:.0f}s",
            },
        },
        "aliases": {"db": f"{PROD}/db-master-01"},
    }
    _write(config, yaml.safe_dump(settings, sort_keys=False))
    return config


def _entry(cloud: DemoCloud) -> dict[str, Any]:
    return {
        "region_name": identity.REGION,
        "identity_api_version": 3,
        "auth": {
            "auth_url": cloud.keystone_url,
            "username": identity.ACCOUNT,
            "password": cloud.credentials.password,
            "project_name": identity.PROJECT,
            "user_domain_name": identity.DOMAIN["name"],
            "project_domain_name": identity.DOMAIN["name"],
        },
    }


def openrc(cloud: DemoCloud) -> str:
    """Shell exports for the `openstack` command and whatever else reads OS_* variables."""
    exports = {
        "OS_AUTH_URL": cloud.keystone_url,
        "OS_IDENTITY_API_VERSION": "3",
        "OS_USERNAME": identity.ACCOUNT,
        "OS_PASSWORD": cloud.credentials.password,
        "OS_PROJECT_NAME": identity.PROJECT,
        "OS_USER_DOMAIN_NAME": identity.DOMAIN["name"],
        "OS_PROJECT_DOMAIN_NAME": identity.DOMAIN["name"],
        "OS_REGION_NAME": identity.REGION,
    }
    lines = [
        "# The simulated cloud of `console-launcher demo`; it ends with the demo.",
        *(f"export {name}={shlex.quote(value)}" for name, value in exports.items()),
        "# Its second face, Rackspace: Identity v2.0 with an API key.",
        f"#   identity {cloud.rackspace_url}   user {identity.ACCOUNT}   region {identity.RAX_REGION}",
        f"#   API key  {cloud.credentials.api_key}",
    ]
    return "\n".join(lines) + "\n"


def write_openrc(path: Path, cloud: DemoCloud) -> None:
    """A new file with `openrc`, for its owner only. Raises OSError, FileExistsError among them: it replaces nothing."""
    _write(path, openrc(cloud))


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
