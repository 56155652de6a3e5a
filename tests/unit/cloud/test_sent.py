"""The secrets of a request."""

from __future__ import annotations

import base64

import pytest

from launcher.cloud.sent import asks_for_access_token, sent_secrets


@pytest.mark.parametrize(
    ("body", "secrets"),
    [
        (None, []),
        (b"", []),
        (b"grant_type=client_credentials&scope=openid+profile", []),
        (b"grant_type=password&username=ops&password=p%C3%A4ss+1&client_secret=s", ["p\u00e4ss 1", "s"]),
        ('{"a": [{"password": "p"}, "secret"]}', ["p"]),
        ('{"a": {"password": 5, "apiKey": "", "secret": null}}', []),
        (b'{"auth": {"identity": {"methods": ["token"], "token": {"id": "gAAAA-1"}}}}', ["gAAAA-1"]),
        (b'{"auth": {"token": {"id": "t-2"}, "tenantId": "610275"}}', ["t-2"]),
        (b'{"token": "plain", "x": {"token": {"id": 5}}}', []),
        (b"[" * 100_000, []),
        (b"\xff\xfe", []),
    ],
)
def test_the_credentials_of_every_kind_of_body_are_found(body: bytes | str | None, secrets: list[str]) -> None:
    assert sent_secrets(body) == secrets


@pytest.mark.parametrize(
    ("headers", "secrets"),
    [
        ({"Authorization": "Bearer access-1"}, ["access-1"]),
        ({"X-Auth-Token": b"token-1", "Accept": "*/*"}, ["token-1"]),
        ({"authorization": "Basic " + base64.b64encode(b"ops:wo:rd").decode()}, ["b3BzOndvOnJk", "wo:rd"]),
        ({"authorization": "Basic x"}, ["x"]),
        ({"authorization": ""}, []),
    ],
)
def test_the_credentials_of_headers_are_found(headers: dict[str, str | bytes], secrets: list[str]) -> None:
    assert sent_secrets(None, headers) == secrets


def test_a_request_for_an_access_token_is_a_form_with_a_grant_type() -> None:
    assert asks_for_access_token("grant_type=client_credentials&scope=openid")
    assert not asks_for_access_token(b'{"auth": {"grant_type": "none"}}')
    assert not asks_for_access_token(None)


def test_of_two_secrets_the_longer_goes_first() -> None:
    assert sent_secrets('{"password": "abc", "secret": "abcdef"}') == ["abcdef", "abc"]
