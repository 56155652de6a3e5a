"""Answers links of other sites to consoles with a page that asks the person first, unless the operator trusts the site.

A launch costs the cloud a console request, and any site can open any address in a tab. So a link of another site opens
a page that says what it leads to and has one button. The button goes to the same address: the console's page takes the
asking page's place in the tab's history, and comes from the gateway itself then; its reload, and the way back to it, do
not ask again. Links of the sites in `access.links_from` open consoles at once, and so do the address bar, bookmarks and
mail, of which browsers say that no site is behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from http import HTTPStatus
from string import punctuation
from urllib.parse import quote, unquote

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from launcher.access.provenance import Provenance, fetched_ahead, linked_from, origin_of
from launcher.web.guard import NOVNC_PAGES, is_console, provenance_of
from launcher.web.novnc import token_of
from launcher.web.pages import PAGE_HEADERS, environment
from launcher.web.static import StaticFiles


def links(static: StaticFiles, trusted: Callable[[], Collection[str]]) -> Middleware:
    """The middleware; it belongs behind the guard. `trusted` gives the origins whose links open consoles at once."""
    asking = environment(static).get_template("link.html")

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_console(request.path):
            return await handler(request)
        if fetched_ahead(request.headers):  # the browser asks again once the person does
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers=PAGE_HEADERS)
        referer = request.headers.get("Referer", "")
        if provenance_of(request) is not Provenance.LINK or linked_from(referer, trusted()):
            return await handler(request)
        told = {"target": _target(request), "site": origin_of(referer), "address": _same(request)}
        return web.Response(text=asking.render(told), content_type="text/html", headers=PAGE_HEADERS)

    return answer


def _same(request: web.Request) -> str:
    """The address that was asked for, path and query, in ASCII."""
    return quote(request.raw_path.encode("utf-8", "surrogateescape"), safe=punctuation)


def _target(request: web.Request) -> str:
    """What the address leads to, in words: `prod/web-01`, an alias, a name, a token."""
    if request.path in NOVNC_PAGES:
        return token_of(request.query) or "a console"
    return "/".join(unquote(part) for part in request.raw_path.partition("?")[0].split("/")[2:])
