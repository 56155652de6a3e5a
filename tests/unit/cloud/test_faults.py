"""What refusals mean; every recorded shape has its row in tests/conformance/answers.py."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from launcher.cloud import faults
from launcher.cloud.faults import About
from launcher.cloud.reply import Reply
from launcher.errors import (
    CloudBusyError,
    CloudCredentialsError,
    CloudError,
    CloudReplyError,
    ConsoleRefusedError,
    HostSilentError,
    KindNotOfferedError,
    LauncherError,
    ServerNotFoundError,
)
from tests.fakes.issued import issue

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
ID = "5f3c1a54-7c0e-4c3b-9c7c-1d4a8f0d2c11"
LIST = About(provider="openstack")
SHOW = About(ID, provider="openstack")
CONSOLE = About(ID, "novnc", "openstack")


def reply(status: int, body: object, **headers: str) -> Reply:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, text, 0.0)


def fault(about: About, status: int, body: object = b"", **headers: str) -> LauncherError:
    return faults.compute_fault("prod", reply(status, body, **headers), NOW, about)


@pytest.mark.parametrize(
    ("status", "of_console", "of_list"),
    [
        (204, CloudReplyError, CloudReplyError),
        (400, CloudReplyError, CloudReplyError),
        (401, CloudCredentialsError, CloudCredentialsError),
        (403, CloudCredentialsError, CloudCredentialsError),
        (404, ServerNotFoundError, CloudReplyError),
        (405, CloudReplyError, CloudReplyError),
        (406, CloudReplyError, CloudReplyError),
        (409, ConsoleRefusedError, CloudReplyError),
        (413, CloudBusyError, CloudBusyError),
        (415, CloudReplyError, CloudReplyError),
        (429, CloudBusyError, CloudBusyError),
        (500, CloudReplyError, CloudReplyError),
        (501, KindNotOfferedError, CloudReplyError),
        (502, CloudReplyError, CloudReplyError),
        (503, CloudBusyError, CloudBusyError),
        (504, CloudReplyError, CloudReplyError),
    ],
)
@pytest.mark.parametrize("body", [{"computeFault": {"code": 0, "message": "Why."}}, b"<html>Why.</html>", b"", [1]])
def test_the_status_says_which_error_it_is(
    status: int, of_console: type[LauncherError], of_list: type[LauncherError], body: object
) -> None:
    if status == 404 and isinstance(body, dict):
        body = {"itemNotFound": body["computeFault"]}
    for about, error in ((CONSOLE, of_console), (LIST, of_list)):
        found = fault(about, status, body, x_openstack_request_id="req-7")
        wanted = CloudReplyError if status == 404 and not isinstance(body, dict) else error
        assert type(found) is wanted
        assert isinstance(found, CloudError | ServerNotFoundError)
        assert found.request_id == "req-7"
        assert ".." not in str(found)
        assert str(found).startswith("prod")
        if isinstance(found, CloudReplyError):
            assert (found.cloud, found.status) == ("prod", status)
            assert str(status) in str(found)


@pytest.mark.parametrize("message", ["Instance could not be found.", f"Instance {ID} could not be found.", "Gone"])
def test_404_is_about_the_server_if_the_request_was(message: str) -> None:
    for about, sentence in (
        (SHOW, f"prod has no server {ID}."),
        (CONSOLE, f"prod finds no server {ID} to give a console of."),
    ):
        found = fault(about, 404, {"itemNotFound": {"code": 404, "message": message}})
        assert isinstance(found, ServerNotFoundError)
        assert str(found) == sentence


@pytest.mark.parametrize("message", ["The resource could not be found.", ""])
def test_404_about_the_path_is_no_missing_server_where_a_console_was_asked_for(message: str) -> None:
    no_path = {"itemNotFound": {"code": 404, "message": message}}
    assert isinstance(fault(CONSOLE, 404, no_path), CloudReplyError)
    assert isinstance(fault(SHOW, 404, no_path), ServerNotFoundError), (
        "every Nova has that path, so it means the server"
    )


def test_404_of_another_service_is_about_the_endpoint() -> None:
    for body in (
        {"error": {"code": 404, "message": "Could not find it."}},
        {"message": "Gone", "code": "404 Not Found"},
    ):
        for about in (SHOW, CONSOLE):
            assert "what answers at its endpoint is no Compute API" in str(fault(about, 404, body))


def test_the_roles_that_are_missing_are_named() -> None:
    body = {"forbidden": {"code": 403, "message": "Policy."}}
    assert "role member" in str(fault(CONSOLE, 403, body))
    assert "reader is not enough" in str(fault(CONSOLE, 403, body))
    assert "observer or creator is not enough" in str(fault(About(ID, "novnc", "rackspace"), 403, body))
    assert "role reader in the project, and credentials that name the project" in str(fault(LIST, 403, body))
    assert "needs a role for Cloud Servers" in str(fault(About(provider="rackspace"), 403, body))


def test_a_token_that_is_no_sign_ins_is_to_be_replaced() -> None:
    assert "Replace the one that its api_token names." in str(fault(About(provider="none"), 401))
    assert "nor a new one" in str(fault(LIST, 401))
    assert str(fault(About(provider="none", tokenless=True), 401)) == (
        "prod wants an API token. Give its entry one (api_token)."
    )


UNEXPECTED = (
    "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ .\n<class 'nova.exception.{}'>"
)


@pytest.mark.parametrize(
    ("exception", "error"),
    [
        ("InstanceInvalidState", ConsoleRefusedError),
        ("ConsoleTypeInvalid", KindNotOfferedError),
        ("ConsoleTypeUnavailable", KindNotOfferedError),
        ("MessagingTimeout", HostSilentError),
        ("Other", CloudReplyError),
    ],
)
def test_what_nova_did_not_foresee_is_known_by_its_name(exception: str, error: type[CloudError]) -> None:
    body = {"computeFault": {"code": 500, "message": UNEXPECTED.format(exception)}}
    assert type(fault(CONSOLE, 500, body)) is error
    assert type(fault(LIST, 500, body)) is CloudReplyError
    assert "launchpad" not in str(fault(CONSOLE, 500, body))
    assert exception in str(fault(LIST, 500, body))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ("0", "patience."),
        ("0.4", " for 1 s."),
        ("41", " for 41 s."),
        ("120", " for 120 s."),
        ("121", " for 3 min."),
        ("7200", " for 120 min."),
        ("7201", " for 3 h."),
        ("86400", " for 24 h."),
        ("soon", "patience."),
    ],
)
def test_a_wait_can_be_read_aloud(seconds: str, words: str) -> None:
    assert str(fault(CONSOLE, 429, b"", retry_after=seconds)).endswith(words)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, CloudReplyError),
        (405, CloudReplyError),
        (409, CloudReplyError),
        (413, CloudBusyError),
        (500, CloudReplyError),
        (502, CloudReplyError),
        (503, CloudBusyError),
        (504, CloudReplyError),
    ],
)
def test_another_service_than_compute_is_not_told_about_compute(status: int, error: type[CloudError]) -> None:
    found = faults.fault_of("prod", reply(status, {"error": {"message": "Why."}}), NOW)
    assert type(found) is error
    assert "Why" in str(found)
    assert "Compute" not in str(found)


def test_a_sentence_holds_no_secret_and_no_endless_text() -> None:
    secret = issue()
    message = f"\x1b[31m\u202e see https://c/vnc?token={secret} " + 10_000 * "x"
    for status in range(400, 520):
        for about in (LIST, SHOW, CONSOLE):
            sentence = str(fault(about, status, {"computeFault": {"message": message}}, content_type="text/html"))
            assert secret not in sentence
            assert sentence.isprintable()
            assert len(sentence) < 600


def test_a_body_that_is_not_what_was_asked_for_is_described() -> None:
    found = faults.unusable("prod", reply(200, b"", content_type="text/html; charset=utf-8"), "a console")
    assert str(found) == (
        "prod answered with status 200, but its text/html body is not a console. Check that its endpoint "
        "is that of a Compute API, v2 or v2.1."
    )
    assert "its unknown body" in str(faults.unusable("prod", reply(200, b""), "a console"))


def test_redirects_and_floods_have_their_sentences() -> None:
    moved = faults.redirected("prod", reply(302, b"", x_compute_request_id="req-7"))
    assert (moved.status, moved.request_id) == (302, "req-7")
    assert str(moved) == (
        "prod answered with a redirect (302), which is never followed. Check that its endpoint is "
        "that of a Compute API, v2 or v2.1."
    )
    assert "more than 4 MiB" in str(faults.too_large("prod", reply(200, b"")))
