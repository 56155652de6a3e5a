"""Requests read and errors written, as the services of an OpenStack cloud do it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web


async def bounded_json(request: web.Request) -> Any:
    """The request's JSON (the application bounds its size); None for what is none."""
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        return None


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is an object of JSON, else an empty one."""
    return value if isinstance(value, dict) else {}


def fault_reply(status: int, fault: str, message: str) -> web.Response:
    """An error in Nova's shape: one key that names the fault."""
    return web.json_response({fault: {"code": status, "message": message}}, status=status)


def error_reply(status: int, title: str, message: str, **headers: str) -> web.Response:
    """An error in Keystone's shape."""
    body = {"error": {"code": status, "title": title, "message": message}}
    return web.json_response(body, status=status, headers=headers)


def unauthorized_reply() -> web.Response:
    """The 401 of Keystone, and of keystonemiddleware in front of Nova."""
    headers = {"WWW-Authenticate": 'Keystone uri="http://127.0.0.1/identity/v3"'}
    return error_reply(401, "Unauthorized", "The request you have made requires authentication.", **headers)
