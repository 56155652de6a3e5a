"""Puts the web application together: middlewares in their order, and every route."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web, web_response
from aiohttp.typedefs import Middleware

from launcher.web.guard import hardened
from launcher.web.health import healthz
from launcher.web.pages import SECURITY_HEADERS, problem_page
from launcher.web.problems import problems
from launcher.web.static import StaticFiles

_BODY_LIMIT = 64 * 1024
_SERVER = "console-launcher"


def build_app(
    *, guard: Middleware, links: Middleware, static: StaticFiles, routes: Iterable[web.RouteDef], public_url: str
) -> web.Application:
    """`problems` stands outside `guard`, so that refusals are answers like all others; `links` see who was let in."""
    answers = problems(problem_page(static), public_url)
    app = web.Application(middlewares=[answers, guard, links], client_max_size=_BODY_LIMIT)
    app.on_response_prepare.append(hardened(SECURITY_HEADERS))
    app.add_routes([web.get("/healthz", healthz), *routes])
    return app


def build_runner(app: web.Application) -> web.AppRunner:
    """As `launcher.web.listeners` needs it: see there for each setting.

    Answers name no version of anything: aiohttp puts its own and Python's into every one, also into a 400 of its own,
    which no receiver of ours sees.
    """
    vars(web_response)["SERVER_SOFTWARE"] = _SERVER
    return web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5, keepalive_timeout=30)
