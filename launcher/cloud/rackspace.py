"""How Rackspace's Identity v2.0 is signed in to: by an API key, or by a password."""

from __future__ import annotations

from typing import Any

import keystoneauth1.identity.v2

from launcher.config.models import RackspaceEntry
from launcher.model import Secret

GENERATION_2 = "cloudServersOpenStack"
"""Of the two services of type `compute` in the catalog the one that has regions; the other, `cloudServers`, is dead."""


class ApiKey(keystoneauth1.identity.v2.Auth):  # type: ignore[misc]  # the library is not typed for us
    """Rackspace's extension of Identity v2.0: `RAX-KSKEY:apiKeyCredentials`."""

    def __init__(self, auth_url: str, username: str, api_key: Secret, tenant_id: str | None = None) -> None:
        super().__init__(auth_url, tenant_id=tenant_id)
        self._username = username
        self._api_key = api_key

    def get_auth_data(self, *_headers: object) -> dict[str, object]:
        credentials = {"username": self._username, "apiKey": self._api_key.reveal()}
        return {"RAX-KSKEY:apiKeyCredentials": credentials}


def plugin_of(entry: RackspaceEntry) -> Any:
    """keystoneauth1's plugin for the entry's credentials."""
    if entry.api_key is not None:
        return ApiKey(entry.auth_url, entry.username, entry.api_key, entry.tenant_id)
    assert entry.password is not None, "launcher.config.checks: one of both is there"
    return keystoneauth1.identity.v2.Password(
        entry.auth_url, entry.username, entry.password.reveal(), tenant_id=entry.tenant_id
    )
