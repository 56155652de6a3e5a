"""Names the headers in which proxies give a person or an address: this gateway believes none of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

CLAIMS: Final = frozenset(
    {
        "forwarded",  # RFC 7239
        "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-forwarded-server",
        "x-forwarded-prefix", "x-forwarded-user", "x-forwarded-email", "x-forwarded-groups", "x-forwarded-roles",
        "x-forwarded-preferred-username", "x-forwarded-access-token", "x-original-forwarded-for",
        "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip", "client-ip",
        "remote-user", "remote_user", "remote-groups", "remote-email", "remote-name",
        "x-remote-user", "x-remote-groups", "x-remote-group", "x-remote-email",
        "x-auth-request-user", "x-auth-request-email", "x-auth-request-groups", "x-auth-request-preferred-username",
        "x-authenticated-user", "x-authentik-username", "x-webauth-user", "x-user", "x-username", "x-warpgate-username",
        "x-goog-authenticated-user-email", "x-ms-client-principal-name", "tailscale-user-login", "ssl-client-s-dn",
        "x-original-url", "x-rewrite-url", "x-http-method-override",
    }
)  # fmt: skip
"""In lower case; the last line's would change what is asked for, not by whom."""


def claimed(names: Iterable[str]) -> tuple[str, ...]:
    """Those of a request's header names that are such, sorted and in lower case, each once."""
    return tuple(sorted(CLAIMS.intersection(name.lower() for name in names)))
