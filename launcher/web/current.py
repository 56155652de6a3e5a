"""Routes whose answering object may be replaced while the gateway serves.

A request is answered from its beginning to its end by the object that was there when it came in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

T = TypeVar("T")


def answered_by(current: Callable[[], T], method: Callable[[T, web.Request], Awaitable[web.StreamResponse]]) -> Handler:
    """A handler that calls `method` of whatever `current` gives when the request comes in."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await method(current(), request)

    return answer
