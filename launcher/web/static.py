"""The page's own files and noVNC, read once into memory and served under one hash of them all and a key.

A name is looked up in a manifest, never in a file system: there is no directory to leave and none to list. noVNC's
modules import each other relatively, so one segment stands before the whole tree:

    /static/{hash of the tree}-{HMAC-SHA256(key, hash of the tree)}/…

Browsers keep a file under it for ever. So another account that holds the gateway's port first could leave a file there
for the gateway's page to run, if they knew the segment. The hash is the same in every installation; the HMAC is known
to those only who have had a page of a gateway with this key. Even they gain nothing: pages name the SHA-256 of each
file that they run (`StaticFile.integrity`), and a browser runs no other, wherever it has it from.

Which segments are answered. Each is its own proof: one whose HMAC is right for its hash was made with this key, so by a
gateway of this state directory, now or before an upgrade. It is answered with today's file of that name, which is kept
under today's segment alone: under an earlier one it could meet files of its own tree in a browser's cache. A page of
before the upgrade thus gets the files that are as they were, and of those that are not, it runs none (integrity): no
page is half of one tree and half of another. Segments of no key or another key are answered to nobody.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from aiohttp import web

from launcher.errors import ConfigError, ConfigProblem, NotFoundError
from launcher.web.modules import graph

CONTENT_TYPES: Final = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
    }
)
"""What is served at all; a file with another suffix stays where it is."""

IMMUTABLE: Final = "public, max-age=31536000, immutable"
PASSING: Final = "no-store"
REQUIRED: Final = ("app.css", "console.js", "link.js", "list.js", "named.js", "novnc/core/rfb.js")
_PROOF_LENGTH = 32
"""Hexadecimal digits of the HMAC: 128 bits."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file, as it is sent."""

    content: bytes
    content_type: str

    @property
    def integrity(self) -> str:
        """Its SHA-256, as HTML's `integrity` has it (Subresource Integrity §3.1)."""
        return f"sha256-{base64.b64encode(hashlib.sha256(self.content).digest()).decode()}"


class StaticFiles:
    """The manifest: names relative to the folder, with forward slashes, to their files."""

    def __init__(self, files: dict[str, StaticFile], key: bytes | None = None) -> None:
        """`key` is of 32 bytes; None: one of this run alone."""
        self._files = dict(sorted(files.items()))
        self._key = key or secrets.token_bytes(32)
        self.hash = _hash(self._files)
        """Of the tree, the same in every installation of a release."""
        self.segment = f"{self.hash}-{self._proof(self.hash)}"
        """What stands before the names in a path."""

    @classmethod
    def load(cls, folder: Path, key: bytes | None = None) -> StaticFiles:
        """Read every file of `folder` that may be served; symbolic links are left out.

        Raises:
            ConfigError: a file that the pages need is missing.
        """
        files = {name: _read(path) for name, path in _served(folder)}
        for name in REQUIRED:
            if name not in files:
                raise ConfigError([ConfigProblem(str(folder / name), None, "", _missing(name))])
        return cls(files, key)

    def get(self, path: str) -> StaticFile | None:
        """The file of exactly this name."""
        return self._files.get(path)

    def url(self, path: str) -> str:
        """The path at which a file of this name is served.

        Raises:
            KeyError: no such file.
        """
        if path not in self._files:
            raise KeyError(path)
        return f"/static/{self.segment}/{path}"

    def integrity(self, path: str) -> str:
        """What a page says of a file that it runs. Raises KeyError: no such file."""
        return self._files[path].integrity

    def modules(self, path: str) -> list[str]:
        """The module of this name and every other that it needs. Raises KeyError: one of them is not there."""
        return graph(path, lambda name: self._files[name].content.decode())

    def knows(self, segment: str) -> bool:
        """Whether this segment was made with our key, for today's tree or another."""
        tree, _, proof = segment.partition("-")
        return hmac.compare_digest(proof.encode(), self._proof(tree).encode())

    def _proof(self, tree: str) -> str:
        return hmac.new(self._key, f"static {tree}".encode(), hashlib.sha256).hexdigest()[:_PROOF_LENGTH]

    def __repr__(self) -> str:
        return f"<StaticFiles {self.hash}: {len(self._files)} files>"


def static_route(files: StaticFiles) -> web.RouteDef:
    """`GET /static/{segment}/{path}`: a file of today's tree, or NotFoundError."""

    async def serve(request: web.Request) -> web.Response:
        segment = request.match_info["segment"]
        file = files.get(request.match_info["path"]) if files.knows(segment) else None
        if file is None:
            raise NotFoundError("There is no such file here; reload the page.")
        kept = IMMUTABLE if segment == files.segment else PASSING
        return web.Response(body=file.content, headers={"Content-Type": file.content_type, "Cache-Control": kept})

    return web.get("/static/{segment:[^/]+}/{path:.+}", serve)


def _served(folder: Path) -> list[tuple[str, Path]]:
    found = sorted(path for path in folder.rglob("*") if path.suffix in CONTENT_TYPES)
    inside = folder.resolve()
    return [
        (path.relative_to(folder).as_posix(), path)
        for path in found
        if path.is_file() and path.resolve() == inside / path.relative_to(folder)
    ]


def _read(path: Path) -> StaticFile:
    return StaticFile(path.read_bytes(), CONTENT_TYPES[path.suffix])


def _hash(files: dict[str, StaticFile]) -> str:
    total = hashlib.sha256()
    for name, file in files.items():
        total.update(f"{len(name.encode())}:{name}{len(file.content)}:".encode())
        total.update(file.content)
    return total.hexdigest()[:20]


def _missing(name: str) -> str:
    if name.startswith("novnc/"):
        return "noVNC is missing: it is fetched when the project is installed, so run `pip install .` in its folder"
    return "a file of the page is missing: the installation is damaged, so run `pip install .` again"
