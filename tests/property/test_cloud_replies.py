"""Whatever a cloud answers is a value, or an error with a short, printable sentence."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from launcher.cloud import faults, wire
from launcher.cloud.faults import About
from launcher.cloud.reply import Reply
from launcher.errors import CloudBusyError, CloudReplyError, LauncherError

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ABOUT = st.sampled_from(
    [About(provider="none"), About("4711", provider="rackspace"), About("4711", "novnc", "openstack"), About()]
)
TEXT = st.text(max_size=200)
WAITS = st.one_of(TEXT, st.integers(), st.floats(), st.datetimes().map(str), st.none())
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FAULTS = st.fixed_dictionaries({"message": TEXT}, optional={"code": VALUES, "retryAt": WAITS, "retryAfter": WAITS})
DOCUMENTS = st.one_of(
    FAULTS, VALUES, st.dictionaries(st.sampled_from(["itemNotFound", "error", "x"]), FAULTS, max_size=2)
)
BODIES = st.one_of(st.binary(max_size=200), DOCUMENTS.map(lambda document: json.dumps(document).encode()))
HEADERS = st.dictionaries(
    st.sampled_from(["date", "retry-after", "content-type", "x-compute-request-id", "openstack-api-version"]),
    st.one_of(TEXT, st.sampled_from(["text/plain", "Mon, 23 Nov 2026 00:00:41 GMT", "9999-12-31T23:59:59-23:59"])),
)
STATUSES = st.one_of(st.integers(100, 599), st.sampled_from([400, 401, 403, 404, 405, 406, 409, 413, 500, 501, 503]))


@given(STATUSES, HEADERS, BODIES, ABOUT)
@example(413, {"retry-after": "0001-01-01T00:00:00+23:59", "date": "Fri, 31 Dec 9999 23:59:59 -2359"}, b"", About())
def test_a_refusal_is_an_error_with_a_sentence(status: int, headers: dict[str, str], body: bytes, about: About) -> None:
    error = faults.compute_fault("prod", Reply(status, headers, body, 0.0), NOW, about)
    assert isinstance(error, LauncherError)
    assert str(error).startswith("prod")
    assert str(error).isprintable()
    assert len(str(error)) < 600
    if isinstance(error, CloudBusyError):
        assert error.retry_after is None or error.retry_after >= 0


@given(st.sampled_from([200, 203, 300, 404, 500]), HEADERS, BODIES)
def test_a_good_reply_is_a_value_or_unusable(status: int, headers: dict[str, str], body: bytes) -> None:
    reply = Reply(status, headers, body, 0.0)
    wire.parse_api(reply)
    for api in (wire.Api(), wire.Api(remote_consoles=True)):
        wire.misjudged(api, reply)
    for parse in (wire.parse_page, wire.parse_server, wire.parse_console_url):
        with contextlib.suppress(CloudReplyError):
            parse("prod", reply)
