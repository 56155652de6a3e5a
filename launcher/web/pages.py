"""The HTML pages: the list, the console page, the page of a bare name, and an error said in words.

A page is a frame: its own script asks the API and opens the WebSocket, so a GET of it never reaches a cloud. Names of
servers are strangers' words: escaped in HTML, percent-encoded in addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol
from urllib.parse import quote

import jinja2
from aiohttp import web

from launcher.errors import CloudNotFoundError
from launcher.web.static import StaticFiles, static_route

FOLDER: Final = Path(__file__).parent
SHOWN_LENGTH: Final = 300
"""Characters of a name that a page shows; a longer one is cut."""

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""noVNC makes its cursors and decodes its JPEG rectangles as `data:` images, and styles through the CSSOM only."""

SECURITY_HEADERS: Final = MappingProxyType(
    {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
)
"""For every response, whatever it is."""

PAGE_HEADERS: Final = MappingProxyType({**SECURITY_HEADERS, "Cache-Control": "no-store"})
"""For every page."""


class DirectoryForPages(Protocol):
    """What the pages ask; no cloud is asked for it."""

    def canonical(self, alias: str) -> tuple[str, str] | None:
        """Cloud and server that an alias stands for, or None where it is no alias."""
        ...

    def clouds(self) -> tuple[str, ...]:
        """The configured clouds."""
        ...


def page_routes(
    directory: Callable[[], DirectoryForPages], static: StaticFiles, screen_limit: int
) -> list[web.RouteDef]:
    """Every route of the pages and their files; `directory` gives the one of the moment.

    `screen_limit`: millions of pixels of the largest screen that a page shows.

    `{server}` takes everything but a slash: aiohttp matches before it decodes `%2F`, and its own default pattern
    would also refuse braces.
    """
    pages = _Pages(directory, static, screen_limit)
    return [
        web.get("/", pages.listing),
        web.get("/c/{cloud:[^/]+}/{server:[^/]+}", pages.console),
        web.get("/c/{name:[^/]+}", pages.named),
        static_route(static),
    ]


def shown(name: str, length: int = SHOWN_LENGTH) -> str:
    """A text as a person may safely see it: controls and direction overrides as escapes, cut at `length`."""
    cut = name if len(name) <= length else f"{name[: length - 1]}…"
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in cut)


def render_problem(problem: Mapping[str, object], static: StaticFiles | None = None) -> str:
    """The error page of a problem+json: `title` and `status` at least; the rest of it as far as it is known.

    Without `static` the page stands alone, links nowhere and shows nothing of the gateway's own: for those who
    called it by a wrong name.
    """
    return _rendered(environment(static).get_template("problem.html"), problem, alone=static is None)


def _rendered(template: jinja2.Template, problem: Mapping[str, object], *, alone: bool) -> str:
    known = {key: problem.get(key) for key in ("title", "status", "detail", "hint", "request_id", "instance")}
    return template.render(problem=known, candidates=[] if alone else _candidates(problem), alone=alone)


class _Pages:
    def __init__(self, directory: Callable[[], DirectoryForPages], static: StaticFiles, screen_limit: int) -> None:
        templates = environment(static)
        templates.globals["screen_limit"] = screen_limit
        self._directory = directory
        self._list = templates.get_template("list.html")
        self._console = templates.get_template("console.html")
        self._named = templates.get_template("named.html")

    async def listing(self, request: web.Request) -> web.Response:  # noqa: ARG002 -- aiohttp's signature
        return _page(self._list.render(clouds=self._directory().clouds()))

    async def console(self, request: web.Request) -> web.Response:
        cloud, server = request.match_info["cloud"], request.match_info["server"]
        if cloud not in self._directory().clouds():
            raise CloudNotFoundError(f'There is no cloud "{shown(cloud)}" here.')
        return self._console_page(cloud, server, server)

    async def named(self, request: web.Request) -> web.Response:
        """An alias is a bookmark of its own; of a name, the page's script finds out whose it is."""
        name, directory = request.match_info["name"], self._directory()
        target = directory.canonical(name)
        if target is not None:
            return self._console_page(*target, name)
        listed = f"/?q={quote(name, safe='')}" if name in directory.clouds() else ""
        return _page(self._named.render(name=name, name_path=quote(name, safe=""), listed=listed))

    def _console_page(self, cloud: str, server: str, title: str) -> web.Response:
        return _page(
            self._console.render(
                title=title, cloud=cloud, cloud_path=quote(cloud, safe=""), server_path=quote(server, safe="")
            )
        )


def problem_page(static: StaticFiles) -> Callable[[Mapping[str, object]], str]:
    """`render_problem` with today's files; a request to a name that is not the gateway's (421) learns nothing of it."""

    ours, bare = (environment(files).get_template("problem.html") for files in (static, None))

    def page(problem: Mapping[str, object]) -> str:
        alone = problem.get("status") == HTTPStatus.MISDIRECTED_REQUEST
        return _rendered(bare if alone else ours, problem, alone=alone)

    return page


def _candidates(problem: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The servers that a reference could have meant, as `bookmarks.candidate` describes them."""
    found = problem.get("candidates")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def environment(static: StaticFiles | None) -> jinja2.Environment:
    """The pages' templates: they escape by themselves, and fail where a value is missing."""
    made = jinja2.Environment(
        # Read once: an update of the installation must not mix its templates with the code that runs.
        loader=jinja2.DictLoader(
            {file.name: file.read_text(encoding="utf-8") for file in (FOLDER / "templates").iterdir()}
        ),
        auto_reload=False,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["shown"] = shown
    made.globals["static"] = static.url if static else None
    return made


def _page(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html", headers=PAGE_HEADERS)
