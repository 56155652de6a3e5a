"""What is answered by those who stand before Nova, or in its place; see `answers`."""

from __future__ import annotations

import json
from typing import Final

from launcher.errors import (
    CloudBusyError,
    CloudCredentialsError,
    CloudReplyError,
)
from tests.conformance.shapes import (
    ACCOUNT,
    AGAIN,
    BARE,
    BEHIND,
    CHECK,
    ENTRY,
    HTML,
    ID,
    JETTY,
    JSON,
    NEW,
    NOTHING,
    OLD,
    RAX,
    RENEW,
    SUPPORT,
    TEXT,
    TIME,
    TRIES_AGAIN,
    WAITS_41,
    Answer,
    fault,
    jetty,
)

# keystonemiddleware, which stands before Nova


KEYSTONEMIDDLEWARE: Final = (
    Answer(
        title="keystonemiddleware 401",
        site=NEW,
        kind="novnc",
        status=401,
        headers={
            "Content-Type": "application/json; charset=UTF-8",
            "WWW-Authenticate": 'Keystone uri="http://127.0.0.1:5000"',
        },
        body=fault("error", 401, "The request you have made requires authentication.", title="Unauthorized"),
        error=CloudCredentialsError,
        sentence=(
            "prod does not accept the API token, nor a new one: The request you have made requires authentication. "
            "Check the account that the gateway uses there."
        ),
        holds={"request_id": None},
        act=RENEW,
        problem=(502, "cloud-credentials"),
        closes=4502,
        logs="CloudCredentialsError",
        hint=ACCOUNT,
    ),
    Answer(
        title="keystonemiddleware 401: a cloud without Identity",
        site=BARE,
        kind="novnc",
        status=401,
        headers=JSON,
        body=fault("error", 401, "The request you have made requires authentication.", title="Unauthorized"),
        error=CloudCredentialsError,
        sentence=(
            "bare does not accept the API token: The request you have made requires authentication. Replace the one "
            "that its api_token names."
        ),
        holds={"request_id": None},
        act=NOTHING,
        problem=(502, "cloud-credentials"),
        closes=4502,
        logs="CloudCredentialsError",
        hint=ACCOUNT,
    ),
    Answer(
        title="keystonemiddleware 401: plain text, until 2016",
        site=OLD,
        kind="novnc",
        status=401,
        headers={**TEXT, "WWW-Authenticate": 'Keystone uri="http://127.0.0.1:5000"'},
        body=b"Authentication required",
        error=CloudCredentialsError,
        sentence=(
            "prod does not accept the API token, nor a new one: Authentication required. Check the account that the "
            "gateway uses there."
        ),
        holds={"request_id": None},
        act=RENEW,
        problem=(502, "cloud-credentials"),
        closes=4502,
        logs="CloudCredentialsError",
        hint=ACCOUNT,
    ),
    Answer(
        title="keystonemiddleware 503: Keystone is away",
        site=NEW,
        kind="novnc",
        status=503,
        headers={"Content-Type": "application/json"},
        body=json.dumps(
            {
                "message": "The Keystone service is temporarily unavailable.<br /><br />\n\n\n",
                "code": "503 Service Unavailable",
                "title": "Service Unavailable",
            }
        ).encode(),
        error=CloudBusyError,
        sentence=(
            "prod cannot ask its Identity service about the API token and asks for patience: The Keystone service is "
            "temporarily unavailable."
        ),
        holds={"request_id": None, "retry_after": None},
        act=TRIES_AGAIN,
        problem=(503, "cloud-busy"),
        closes=4503,
        logs="CloudBusyError",
        hint=AGAIN,
    ),
    Answer(
        title="keystonemiddleware 503: plain text, until 2016",
        site=OLD,
        kind="novnc",
        status=503,
        headers=TEXT,
        body=b"Service unavailable",
        error=CloudBusyError,
        sentence=(
            "prod cannot ask its Identity service about the API token and asks for patience: Service unavailable."
        ),
        holds={"request_id": None, "retry_after": None},
        act=TRIES_AGAIN,
        problem=(503, "cloud-busy"),
        closes=4503,
        logs="CloudBusyError",
        hint=AGAIN,
    ),
)


# Keystone, where the endpoint is its own by mistake; what it says to a sign-in is tested with a real one


KEYSTONE: Final = (
    Answer(
        title="Keystone 404: the endpoint is an Identity service's",
        site=OLD,
        kind="novnc",
        status=404,
        headers={"Content-Type": "text/html; charset=utf-8", "x-openstack-request-id": ID},
        body=(
            b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL "
            b"was not found on the server.</p>\n"
        ),
        error=CloudReplyError,
        sentence=f"prod: what answers at its endpoint is no Compute API (status 404, text/html). {CHECK}",
        holds={"request_id": ID, "status": 404},
        act=NOTHING,
        problem=(502, "cloud-reply"),
        closes=4502,
        logs="CloudReplyError",
        hint=SUPPORT,
    ),
    Answer(
        title="Keystone 404: JSON",
        site=OLD,
        kind="novnc",
        status=404,
        headers={"Content-Type": "application/json", "x-openstack-request-id": ID},
        body=fault("error", 404, "Could not find application credential: 4f2b.", title="Not Found"),
        error=CloudReplyError,
        sentence=f"prod: what answers at its endpoint is no Compute API (status 404, application/json). {CHECK}",
        holds={"request_id": ID, "status": 404},
        act=NOTHING,
        problem=(502, "cloud-reply"),
        closes=4502,
        logs="CloudReplyError",
        hint=SUPPORT,
    ),
)


# Repose, which stands before Rackspace's Nova: bodies are the servlet container's, or none


REPOSE: Final = (
    Answer(
        title="Repose 401: HTML",
        site=RAX,
        kind="novnc",
        status=401,
        headers={**JETTY, **HTML, "WWW-Authenticate": "Keystone uri=https://identity.api.rackspacecloud.com"},
        body=jetty(401, "Unauthorized"),
        error=CloudCredentialsError,
        sentence=(
            "rax-dfw does not accept the API token, nor a new one. Check the account that the gateway uses there."
        ),
        holds={"request_id": None},
        act=RENEW,
        problem=(502, "cloud-credentials"),
        closes=4502,
        logs="CloudCredentialsError",
        hint=ACCOUNT,
    ),
    Answer(
        title="Repose 403: HTML",
        site=RAX,
        kind="novnc",
        status=403,
        headers={**JETTY, **HTML},
        body=jetty(403, "Forbidden"),
        error=CloudCredentialsError,
        sentence=(
            "rax-dfw does not give consoles to the gateway's account. It needs the role admin for Cloud Servers; "
            "observer or creator is not enough."
        ),
        holds={"request_id": None},
        act=NOTHING,
        problem=(502, "cloud-credentials"),
        closes=4502,
        logs="CloudCredentialsError",
        hint=ACCOUNT,
    ),
    Answer(
        title="Repose 404: empty",
        site=RAX,
        kind="novnc",
        status=404,
        headers=JETTY,
        body=b"",
        error=CloudReplyError,
        sentence=f"rax-dfw: what answers at its endpoint is no Compute API (status 404, no type). {CHECK}",
        holds={"request_id": None, "status": 404},
        act=NOTHING,
        problem=(502, "cloud-reply"),
        closes=4502,
        logs="CloudReplyError",
        hint=ENTRY,
    ),
    Answer(
        title="Repose 405: HTML",
        site=RAX,
        kind="novnc",
        status=405,
        headers={**JETTY, **HTML},
        body=jetty(405, "Method Not Allowed"),
        error=CloudReplyError,
        sentence=f"rax-dfw: what answers at its endpoint is no Compute API (status 405, text/html). {CHECK}",
        holds={"request_id": None, "status": 405},
        act=NOTHING,
        problem=(502, "cloud-reply"),
        closes=4502,
        logs="CloudReplyError",
        hint=ENTRY,
    ),
    Answer(
        title="Repose 413: empty, the wait as a date",
        site=RAX,
        kind="novnc",
        status=413,
        headers={**JETTY, "Retry-After": "Tue, 30 Jun 2015 17:39:00 GMT"},
        body=b"",
        error=CloudBusyError,
        sentence="rax-dfw allows no more consoles and asks for patience for 41 s.",
        holds={"request_id": None, "retry_after": 41.0},
        act=WAITS_41,
        problem=(503, "cloud-busy"),
        closes=4503,
        logs="CloudBusyError",
        hint=TIME,
    ),
    Answer(
        title="Repose 429: where it is set so",
        site=RAX,
        kind="novnc",
        status=429,
        headers={**JETTY, **HTML, "Retry-After": "Tue, 30 Jun 2015 17:39:00 GMT"},
        body=jetty(429, "Too Many Requests"),
        error=CloudBusyError,
        sentence="rax-dfw allows no more consoles and asks for patience for 41 s.",
        holds={"request_id": None, "retry_after": 41.0},
        act=WAITS_41,
        problem=(503, "cloud-busy"),
        closes=4503,
        logs="CloudBusyError",
        hint=TIME,
    ),
    Answer(
        title="Repose 502: Identity cannot be reached",
        site=RAX,
        kind="novnc",
        status=502,
        headers={**JETTY, **HTML},
        body=jetty(502, "Bad Gateway"),
        error=CloudReplyError,
        sentence="rax-dfw: its front end has no usable answer from the API behind it (status 502). Try again.",
        holds={"request_id": None, "status": 502},
        act=TRIES_AGAIN,
        problem=(502, "cloud-reply"),
        closes=4502,
        logs="CloudReplyError",
        hint=BEHIND,
    ),
    Answer(
        title="Repose 503: the global limit, or Identity overloaded",
        site=RAX,
        kind="novnc",
        status=503,
        headers={**JETTY, **HTML, "Retry-After": "Tue, 30 Jun 2015 17:39:00 GMT"},
        body=jetty(503, "Service Unavailable"),
        error=CloudBusyError,
        sentence="rax-dfw is busy and asks for patience for 41 s.",
        holds={"request_id": None, "retry_after": 41.0},
        act=WAITS_41,
        problem=(503, "cloud-busy"),
        closes=4503,
        logs="CloudBusyError",
        hint=TIME,
    ),
    Answer(
        title="Repose 503: empty, without a wait",
        site=RAX,
        kind="novnc",
        status=503,
        headers=JETTY,
        body=b"",
        error=CloudBusyError,
        sentence="rax-dfw is busy and asks for patience.",
        holds={"request_id": None, "retry_after": None},
        act=TRIES_AGAIN,
        problem=(503, "cloud-busy"),
        closes=4503,
        logs="CloudBusyError",
        hint=AGAIN,
    ),
    Answer(
        title="Repose 504: Identity is too slow",
        site=RAX,
        kind="novnc",
        status=504,
        headers={**JETTY, **HTML},
        body=jetty(504, "Gateway Timeout"),
        error=CloudReplyError,
        sentence="rax-dfw: its front end has no answer in time from the API behind it (status 504). Try again.",
        holds={"request_id": None, "status": 504},
        act=TRIES_AGAIN,
        problem=(502, "cloud-reply"),
        closes=4502,
        logs="CloudReplyError",
        hint=BEHIND,
    ),
)
