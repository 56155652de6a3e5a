"""The pages of a noVNC that stood before a websockify with tokens: old bookmarks lead to the gateway's own.

    /vnc.html?path=websockify?token=NAME     also with ? and = percent-encoded, a slash before it, ?token=NAME beside it

What stands behind a # stays in the browser: a page whose path is there cannot be led on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import parse_qsl

from aiohttp import web

from launcher.errors import BadRequestError
from launcher.model import Server
from launcher.web.bookmarks import lasting_reference, page_path
from launcher.web.guard import NOVNC_PAGES
from launcher.web.pages import PAGE_HEADERS

_KEEPS_REFERER = {"Referrer-Policy": "strict-origin-when-cross-origin"}
"""A browser that is led on still says which site's link it follows (`access.links_from`), and says it to us alone."""
_NO = frozenset({"", "0", "no", "false"})
"""What noVNC takes for a no; all else is a yes."""


class KnowsTokens(Protocol):
    async def find(self, token: str) -> Server:
        """The server of a token. Raises RequestError, CloudError."""
        ...


def novnc_routes(current: Callable[[], KnowsTokens]) -> list[web.RouteDef]:
    """A route for each page, answered by what is known of tokens at the moment."""

    async def lead_on(request: web.Request) -> web.Response:
        token = token_of(request.query)
        if token is None:
            raise BadRequestError(
                f"This address names no token: {request.path}?path=websockify?token=NAME is expected."
            )
        server = await current().find(token)
        location = page_path(server.cloud, lasting_reference(server, shared=False))
        view = "" if request.query.get("view_only", "").lower() in _NO else "?view=only"
        return web.Response(status=302, headers={**PAGE_HEADERS, **_KEEPS_REFERER, "Location": location + view})

    return [web.get(page, lead_on) for page in sorted(NOVNC_PAGES)]


def token_of(query: Mapping[str, str]) -> str | None:
    """The token in the query of a noVNC page: that of the WebSocket's path, else one beside it."""
    _, _, inner = query.get("path", "").partition("?")
    return dict(reversed(parse_qsl(inner))).get("token") or query.get("token") or None
