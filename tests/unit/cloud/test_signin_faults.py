"""What keystoneauth1 raises, as errors of this project."""

from __future__ import annotations

from datetime import UTC, datetime

import keystoneauth1.exceptions as theirs
import openstack.exceptions
import pytest
import requests
from keystoneauth1.loading import Opt

from launcher.cloud.signin_faults import fault_of_signin
from launcher.errors import CloudCredentialsError, CloudError, CloudReplyError, CloudUnreachableError
from tests.fakes.issued import issue

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def answer(status: int, body: bytes = b"") -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = body
    return response


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (
            theirs.Unauthorized(response=answer(401)),
            CloudCredentialsError,
            "does not accept the gateway's credentials.",
        ),
        (theirs.NotFound(response=answer(404)), CloudReplyError, "no Identity service at its auth_url"),
        (
            theirs.NotFound(response=answer(404, b'{"error": {"message": "Could not find it."}}')),
            CloudCredentialsError,
            "Could not find it",
        ),
        (theirs.SSLError("SSL exception connecting to https://c/v3: x"), CloudUnreachableError, "https://c cannot"),
        (
            theirs.SSLError("EOF occurred in violation of protocol"),
            CloudUnreachableError,
            "perhaps it wants a client cert",
        ),
        (
            theirs.ConnectFailure("[SSL: SSLV3_ALERT_BAD_CERTIFICATE]"),
            CloudUnreachableError,
            "not accept the client cert",
        ),
        (theirs.ConnectTimeout(), CloudUnreachableError, "no answer in time"),
        (theirs.ConnectFailure(), CloudUnreachableError, "no connection, or it broke off"),
        (theirs.MissingRequiredOptions([Opt("password")]), CloudCredentialsError, "does not say password"),
        (theirs.EmptyCatalog(), CloudReplyError, "catalog is empty"),
        (theirs.MissingAuthPlugin(), CloudCredentialsError, "its entry in clouds.yaml cannot be used"),
        (KeyError("token"), CloudReplyError, "does not speak Identity"),
        (theirs.HttpError(), CloudReplyError, "does not speak Identity"),
        (Exception("what a plugin raises"), CloudCredentialsError, "its entry in clouds.yaml cannot be used; does it"),
    ],
)
def test_every_foreign_error_has_its_sentence(error: Exception, expected: type[CloudError], message: str) -> None:
    found = fault_of_signin("prod", error, NOW)
    assert type(found) is expected
    assert message in str(found)
    assert str(found).startswith("prod")


def test_the_cause_behind_a_failed_discovery_is_what_counts() -> None:
    error = theirs.DiscoveryFailure()
    error.__context__ = theirs.SSLError()
    assert "TLS" in str(fault_of_signin("prod", error, NOW))


def test_a_chain_of_causes_is_not_walked_for_ever() -> None:
    first, second = ValueError(), ValueError()
    first.__context__, second.__context__ = second, first
    assert isinstance(fault_of_signin("prod", first, NOW), CloudReplyError)


def test_the_text_of_an_odd_entry_is_not_repeated() -> None:
    secret = issue()
    error = openstack.exceptions.ConfigException(f"Invalid region entry at: {{'password': '{secret}'}}")
    assert secret not in str(fault_of_signin("prod", error, NOW))
