"""What keystoneauth1 raises, as errors of this project."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import keystoneauth1.exceptions as theirs
import openstack.exceptions
import pytest
import requests
from keystoneauth1.loading import Opt

from launcher.cloud.signin_faults import fault_of_signin, refusal_of_token
from launcher.errors import CloudCredentialsError, CloudError, CloudReplyError, CloudUnreachableError
from tests.fakes.issued import issue, note

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


def answered(status: int, answer_body: bytes, sent: bytes, url: str = "https://sso.example/token") -> theirs.HttpError:
    """A refusal of a request whose body was `sent`."""
    response = answer(status, answer_body)
    response.url = url
    response.request = requests.Request("POST", url, data=sent).prepare()
    return theirs.HttpError(response=response)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            400,
            b'{"error": "invalid_scope"}',
            "prod cannot sign in: .* at https://sso.example says no: invalid_scope. Check",
        ),
        (401, b'{"error": "invalid_client", "error_description": 5}', "says no: invalid_client. Check client_id"),
        (401, b'{"error": {"message": "No."}}', "does not accept the gateway's credentials: No. Check"),
        (401, b"<html>", "does not accept the gateway's credentials. Check"),
        (404, b"<html>", "prod: https://sso.example has no such token endpoint"),
        (500, b'{"error": "server_error"}', "status 500"),
    ],
)
def test_what_an_openid_connect_provider_says_is_its_own(status: int, body: bytes, said: str) -> None:
    assert re.search(said, str(fault_of_signin("prod", answered(status, body, b"grant_type=client_credentials"), NOW)))


def test_an_identity_service_that_speaks_like_such_a_provider_is_not_taken_for_one() -> None:
    error = answered(401, b'{"error": "Unauthorized"}', b'{"auth": {}}', "https://identity.example/v2.0/tokens")
    assert "does not accept the gateway's credentials. Check" in str(fault_of_signin("prod", error, NOW))


def test_a_secret_is_masked_however_json_spells_it() -> None:
    secret = note('p\u00e4ss"word\\of-a-test')
    sent = json.dumps({"auth": {"passwordCredentials": {"password": secret}}}).encode()
    for ascii_only in (True, False):
        body = json.dumps({"unauthorized": {"message": f"Wrong: {secret}!"}}, ensure_ascii=ascii_only).encode()
        said = str(fault_of_signin("prod", answered(401, body, sent), NOW))
        assert "Wrong: ***!" in said


def test_a_token_that_is_over_is_told_from_a_service_that_is_not_there() -> None:
    assert refusal_of_token("prod", theirs.Unauthorized()) is None
    assert refusal_of_token("prod", theirs.NotFound(response=answer(404, b"<html>"))) is None
    over = refusal_of_token("prod", theirs.NotFound(response=answer(404, b'{"error": {"message": "No token."}}')))
    assert str(over).startswith("prod: the token in clouds.yaml is over or was revoked: No token. A token cannot be")
    assert refusal_of_token("prod", theirs.Unauthorized(response=answer(401))) is not None


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
