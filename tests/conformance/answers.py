"""What clouds answer to a request for a console, as recorded, and what must come of each answer.

`GRANTED` are the good ones. `PAGE` follows the table of response codes in Rackspace's "Get console" line by line, with
the shapes that Rackspace's Nova and the Repose in front of it give them. `NOVA_FAULTS`, `KEYSTONEMIDDLEWARE`,
`KEYSTONE`, `REPOSE` and `UNUSABLE` go through all other shapes that are known of real installations (Nova 34,
keystonemiddleware 13 and until 4, Keystone 30). `REFUSED` is all but the good ones.

Every row's `title` is unique: a test that knows more of a row keeps it by that title. A reply has the shape that was
recorded of the real thing, or, for Rackspace's, that its documents show; ids and tokens are made up. `NOW` (in
`shapes`) is the gateway's own clock while it asks.
"""

from __future__ import annotations

from typing import Final

from launcher.errors import (
    CloudBusyError,
    CloudCredentialsError,
    CloudReplyError,
    ConsoleRefusedError,
    KindNotOfferedError,
)
from tests.conformance.answers_before_nova import KEYSTONE, KEYSTONEMIDDLEWARE, REPOSE
from tests.conformance.answers_of_nova import NOVA_FAULTS
from tests.conformance.shapes import (
    CHECK,
    HTML,
    ID,
    JETTY,
    JSON,
    NEW,
    NEW_NOVA,
    NOVA,
    NOVA_ID,
    NOVA_URL,
    NOVNC_TOKEN,
    OLD,
    RAX,
    RAX_NOVA,
    RAX_URL,
    SERVER_ID,
    XVP_TOKEN,
    Answer,
    Granted,
    console,
    fault,
    remote_console,
)

GRANTED: Final = (
    Granted(
        title="200 Success: the page's example, xvpvnc",
        site=RAX,
        kind="xvpvnc",
        status=200,
        headers={**JETTY, "Content-Type": "application/json", "X-Compute-Request-Id": ID},
        body=console("xvpvnc", RAX_URL + XVP_TOKEN),
        url=RAX_URL + XVP_TOKEN,
        request_id=ID,
    ),
    Granted(
        title="200 Success: the page's example, novnc, its impossible date included",
        site=RAX,
        kind="novnc",
        status=200,
        headers={
            **JETTY,
            "Content-Type": "application/json",
            "Date": "Tue, 30 Jun 2015 17:345:17 GMT, Tue, 30 Jun 2015 17:45:19 GMT",
            "X-Compute-Request-Id": "req-9235673f2-4a1d-75cc-2a22-5d3fef994122",
        },
        body=console("novnc", RAX_URL + NOVNC_TOKEN),
        url=RAX_URL + NOVNC_TOKEN,
        request_id="req-9235673f2-4a1d-75cc-2a22-5d3fef994122",
    ),
    Granted(
        title="203 Success: from a cache in front of the cloud",
        site=RAX,
        kind="novnc",
        status=203,
        headers=RAX_NOVA,
        body=console("novnc", RAX_URL + NOVNC_TOKEN),
        url=RAX_URL + NOVNC_TOKEN,
        request_id=ID,
    ),
    Granted(
        title="200: Nova's action, up to 2.5",
        site=OLD,
        kind="novnc",
        status=200,
        headers=NOVA,
        body=console("novnc", NOVA_URL + XVP_TOKEN),
        url=NOVA_URL + XVP_TOKEN,
        request_id=ID,
    ),
    Granted(
        title="200: Nova's remote-consoles, from 2.6",
        site=NEW,
        kind="novnc",
        status=200,
        headers=NEW_NOVA,
        body=remote_console("novnc", NOVA_URL + XVP_TOKEN),
        url=NOVA_URL + XVP_TOKEN,
        request_id=ID,
    ),
)


# The page's table of response codes, from its second line on


PAGE: Final = (
    Answer(
        title="400 Error: the type is unknown",
        site=RAX,
        kind="xvpvnc",
        status=400,
        headers=RAX_NOVA,
        body=fault("badRequest", 400, "Invalid console type xvpvnc"),
        error=KindNotOfferedError,
        sentence="rax-dfw has no xvpvnc console for this server. Ask for another kind.",
        holds={"request_id": ID, "kind": "xvpvnc"},
    ),
    Answer(
        title="400 Error: anything else",
        site=RAX,
        kind="novnc",
        status=400,
        headers=RAX_NOVA,
        body=fault("badRequest", 400, "Malformed request body"),
        error=CloudReplyError,
        sentence=f"rax-dfw takes the request for malformed (status 400): Malformed request body. {CHECK}",
        holds={"request_id": ID, "status": 400},
    ),
    Answer(
        title="401 Unauthorized",
        site=RAX,
        kind="novnc",
        status=401,
        headers=RAX_NOVA,
        body=fault("unauthorized", 401, "This server could not verify that you are authorized to access it."),
        error=CloudCredentialsError,
        sentence=(
            "rax-dfw does not accept the API token, nor a new one: This server could not verify that you are "
            "authorized to access it. Check the account that the gateway uses there."
        ),
        holds={"request_id": ID},
    ),
    Answer(
        title="403 Forbidden: an observer or creator",
        site=RAX,
        kind="novnc",
        status=403,
        headers=RAX_NOVA,
        body=fault("forbidden", 403, "User does not have required role"),
        error=CloudCredentialsError,
        sentence=(
            "rax-dfw does not give consoles to the gateway's account: User does not have required role. It needs the "
            "role admin for Cloud Servers; observer or creator is not enough."
        ),
        holds={"request_id": ID},
    ),
    Answer(
        title="405 Bad Method",
        site=RAX,
        kind="novnc",
        status=405,
        headers=RAX_NOVA,
        body=fault("badMethod", 405, "The method POST is not allowed for this resource."),
        error=CloudReplyError,
        sentence=(
            "rax-dfw knows no such request at its endpoint (status 405): The method POST is not allowed for "
            f"this resource. {CHECK}"
        ),
        holds={"request_id": ID, "status": 405},
    ),
    Answer(
        title="409 Conflicting request: the server is being built",
        site=RAX,
        kind="novnc",
        status=409,
        headers=RAX_NOVA,
        body=fault("conflictingRequest", 409, f"Instance {SERVER_ID} is not ready"),
        error=ConsoleRefusedError,
        sentence=f"rax-dfw gives no console in the server's present state: Instance {SERVER_ID} is not ready.",
        holds={"request_id": ID, "state": None},
    ),
    Answer(
        title="413 Over Limit: the wait in seconds",
        site=RAX,
        kind="novnc",
        status=413,
        headers={**RAX_NOVA, "Retry-After": "41"},
        body=fault("overLimit", 413, "This request was rate-limited.", retryAfter="41"),
        error=CloudBusyError,
        sentence=("rax-dfw allows no more consoles and asks for patience for 41 s: This request was rate-limited."),
        holds={"request_id": ID, "retry_after": 41.0},
    ),
    Answer(
        title="413 Over Limit: the wait as a date, which counts from the later of two dates of a clock that differs",
        site=RAX,
        kind="novnc",
        status=413,
        headers={**JETTY, **JSON, "Retry-After": "Tue, 30 Jun 2015 17:39:00 GMT"},
        body=fault(
            "overLimit", 413, "OverLimit Retry...", details="Error Details...", retryAfter="2015-06-30T17:39:00Z"
        ),
        error=CloudBusyError,
        sentence="rax-dfw allows no more consoles and asks for patience for 41 s: OverLimit Retry.",
        holds={"request_id": None, "retry_after": 41.0},
    ),
    Answer(
        title="413 Over Limit: the wait in the body alone, the cloud's date impossible",
        site=RAX,
        kind="novnc",
        status=413,
        headers={
            **JETTY,
            **JSON,
            "Date": "Tue, 30 Jun 2015 17:345:17 GMT, Tue, 30 Jun 2015 17:45:19 GMT",
        },
        body=fault("overLimit", 413, "OverLimit Retry...", details="Error Details...", retryAt="2015-06-30T18:45:00Z"),
        error=CloudBusyError,
        sentence="rax-dfw allows no more consoles and asks for patience for 60 min: OverLimit Retry.",
        holds={"request_id": None, "retry_after": 3600.0},
    ),
    Answer(
        title="500 API Fault",
        site=RAX,
        kind="novnc",
        status=500,
        headers=RAX_NOVA,
        body=fault(
            "computeFault",
            500,
            "The server has either erred or is incapable of performing the requested operation.",
        ),
        error=CloudReplyError,
        sentence=(
            "rax-dfw has a fault of its own (status 500): The server has either erred or is incapable of performing "
            "the requested operation. Its operator must look at it."
        ),
        holds={"request_id": ID, "status": 500},
    ),
    Answer(
        title="503 Service Unavailable",
        site=RAX,
        kind="novnc",
        status=503,
        headers=RAX_NOVA,
        body=fault("serviceUnavailable", 503, "Service is unavailable at this time."),
        error=CloudBusyError,
        sentence="rax-dfw is busy and asks for patience: Service is unavailable at this time.",
        holds={"request_id": ID, "retry_after": None},
    ),
)


# Replies whose status is good, or none that is known, and that cannot be used all the same


UNUSABLE: Final = (
    Answer(
        title="200: empty",
        site=NEW,
        kind="novnc",
        status=200,
        headers=NEW_NOVA,
        body=b"",
        error=CloudReplyError,
        sentence=f"prod answered with status 200, but its application/json body is not a console with a URL. {CHECK}",
        holds={"request_id": ID, "status": 200},
    ),
    Answer(
        title="200: a page of a portal's",
        site=RAX,
        kind="novnc",
        status=200,
        headers=HTML,
        body=b"<html><body>Welcome</body></html>",
        error=CloudReplyError,
        sentence=f"rax-dfw answered with status 200, but its text/html body is not a console with a URL. {CHECK}",
        holds={"request_id": None, "status": 200},
    ),
    Answer(
        title="200: JSON that is cut off",
        site=NEW,
        kind="novnc",
        status=200,
        headers=NEW_NOVA,
        body=b'{"remote_console": {"protocol": "vnc", "url": "http://12',
        error=CloudReplyError,
        sentence=f"prod answered with status 200, but its application/json body is not a console with a URL. {CHECK}",
        holds={"request_id": ID, "status": 200},
    ),
    Answer(
        title="200: a console without a URL",
        site=OLD,
        kind="novnc",
        status=200,
        headers=NOVA,
        body=b'{"console": {"type": "novnc", "url": null}}',
        error=CloudReplyError,
        sentence=f"prod answered with status 200, but its application/json body is not a console with a URL. {CHECK}",
        holds={"request_id": ID, "status": 200},
    ),
    Answer(
        title="200: more than 4 MiB",
        site=OLD,
        kind="novnc",
        status=200,
        headers=NOVA,
        body=b" " * (5 * 1024**2),
        error=CloudReplyError,
        sentence=("prod answered with more than 4 MiB. Check that its endpoint is that of a Compute API, v2 or v2.1."),
        holds={"request_id": ID, "status": 200},
    ),
    Answer(
        title="307: a redirect, which would take the API token along",
        site=OLD,
        kind="novnc",
        status=307,
        headers={**NOVA, "Location": "http://127.0.0.1:1/"},
        body=b"",
        error=CloudReplyError,
        sentence=f"prod answered with a redirect (307), which is never followed. {CHECK}",
        holds={"request_id": ID, "status": 307},
    ),
    Answer(
        title="204: nothing",
        site=OLD,
        kind="novnc",
        status=204,
        headers=NOVA_ID,
        body=b"",
        error=CloudReplyError,
        sentence="prod answered with status 204 and no message that can be read.",
        holds={"request_id": ID, "status": 204},
    ),
)


REFUSED: Final = (*PAGE, *NOVA_FAULTS, *KEYSTONEMIDDLEWARE, *KEYSTONE, *REPOSE, *UNUSABLE)
