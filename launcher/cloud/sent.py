"""The secrets of a request to an Identity service or an OpenID Connect provider: what no answer may repeat. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

_KEYS: Final = frozenset({
    "password", "secret", "apiKey", "passcode",
    "client_secret", "assertion", "client_assertion", "code", "refresh_token", "device_code",
})  # fmt: skip
"""What credentials stand behind in a sign-in's body: Identity v2.0, v3 and Rackspace's; OAuth 2.0's forms."""
_HEADERS: Final = ("authorization", "x-auth-token", "x-subject-token", "openstack-auth-receipt", "x-sessionid")


def sent_secrets(body: bytes | str | None, headers: Mapping[str, Any] | None = None) -> list[str]:
    """The credentials in a request, the longest first: one may be a part of another."""
    text = _text(body)
    found = {*_of_json(text), *_of_form(text), *_of_headers(headers or {})}
    return sorted((secret for secret in found if secret), key=len, reverse=True)


def asks_for_access_token(body: bytes | str | None) -> bool:
    """Whether the request went to an OAuth 2.0 token endpoint (RFC 6749 §4)."""
    return any(key == "grant_type" for key, _ in parse_qsl(_text(body)))


def _text(body: bytes | str | None) -> str:
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else body or ""


def _of_json(text: str) -> Iterator[str]:
    try:
        left = [json.loads(text)]
    except (ValueError, RecursionError):
        return
    while left:
        value = left.pop()
        if isinstance(value, dict):
            yield from (secret for key, secret in value.items() if key in _KEYS and isinstance(secret, str))
            token = value.get("token")
            if isinstance(token, dict) and isinstance(token.get("id"), str):
                yield token["id"]
            left += value.values()
        elif isinstance(value, list):
            left += value


def _of_form(text: str) -> Iterator[str]:
    yield from (value for key, value in parse_qsl(text) if key in _KEYS)


def _of_headers(headers: Mapping[str, Any]) -> Iterator[str]:
    """A header's whole value, and of `Basic` also the password itself."""
    for name, value in headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if str(name).lower() not in _HEADERS:
            continue
        scheme, space, credentials = text.partition(" ")
        yield credentials if space else text
        if scheme.lower() == "basic":
            yield _basic(credentials).partition(":")[2]


def _basic(credentials: str) -> str:
    try:
        return base64.b64decode(credentials).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
