"""The page's own files and noVNC, read once into memory and served under one hash of them all.

A name is looked up in a manifest, never in a file system: there is no directory to leave and none to list. noVNC's
modules import each other relatively, so the hash stands in the path, before the whole tree, and every file may be
kept by browsers for ever.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from aiohttp import web

from launcher.errors import ConfigError, ConfigProblem, NotFoundError

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
REQUIRED: Final = ("app.css", "console.js", "link.js", "list.js", "named.js", "novnc/core/rfb.js")


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file, as it is sent."""

    content: bytes
    content_type: str


class StaticFiles:
    """The manifest: names relative to the folder, with forward slashes, to their files."""

    def __init__(self, files: dict[str, StaticFile]) -> None:
        self._files = dict(sorted(files.items()))
        self.hash = _hash(self._files)

    @classmethod
    def load(cls, folder: Path) -> StaticFiles:
        """Read every file of `folder` that may be served; symbolic links are left out.

        Raises:
            ConfigError: a file that the pages need is missing.
        """
        files = {name: _read(path) for name, path in _served(folder)}
        for name in REQUIRED:
            if name not in files:
                raise ConfigError([ConfigProblem(str(folder / name), None, "", _missing(name))])
        return cls(files)

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
        return f"/static/{self.hash}/{path}"

    def __repr__(self) -> str:
        return f"<StaticFiles {self.hash}: {len(self._files)} files>"


def static_route(files: StaticFiles) -> web.RouteDef:
    """`GET /static/{hash}/{path}`: a file of today's tree, or NotFoundError."""

    async def serve(request: web.Request) -> web.Response:
        file = files.get(request.match_info["path"]) if request.match_info["hash"] == files.hash else None
        if file is None:
            raise NotFoundError("There is no such file here; reload the page.")
        headers = {"Content-Type": file.content_type, "Cache-Control": IMMUTABLE}
        return web.Response(body=file.content, headers=headers)

    return web.get("/static/{hash:[^/]+}/{path:.+}", serve)


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
