"""What is sent to Rackspace's Identity."""

from __future__ import annotations

from typing import Any

from launcher.cloud.rackspace import plugin_of
from launcher.config.models import RackspaceEntry
from launcher.model import Secret
from tests.fakes.issued import issue


def entry(**more: Any) -> RackspaceEntry:
    return RackspaceEntry.model_construct(
        provider="rackspace", username="ops", regions=("DFW",), auth_url="http://c/v2.0", **more
    )


def test_an_api_key_is_sent_as_rackspaces_extension() -> None:
    key = issue()
    plugin = plugin_of(entry(api_key=Secret(key)))
    assert plugin.get_auth_data({}) == {"RAX-KSKEY:apiKeyCredentials": {"username": "ops", "apiKey": key}}
    assert plugin.tenant_id is None


def test_a_password_is_sent_as_identity_v2_has_it() -> None:
    password = issue()
    plugin = plugin_of(entry(password=Secret(password), tenant_id="610275"))
    assert plugin.get_auth_data({}) == {"passwordCredentials": {"username": "ops", "password": password}}
    assert plugin.tenant_id == "610275"


def test_an_entry_does_not_print_its_secrets() -> None:
    secret = issue()
    assert secret not in repr(entry(password=Secret(secret)))
    assert secret not in repr(entry(api_key=Secret(secret)))
