"""`/healthz`: whether the daemon's event loop answers. It says nothing else, and any local account may ask."""

from __future__ import annotations

from aiohttp import web


async def healthz(request: web.Request) -> web.Response:  # noqa: ARG001 -- aiohttp calls handlers with the request
    return web.Response(text="ok\n")
