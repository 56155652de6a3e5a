"""Requests, replies and every fault shape of the Compute API."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from launcher.cloud import wire
from launcher.errors import (
    CloudBusyError,
    CloudCredentialsError,
    CloudError,
    CloudReplyError,
    ConsoleRefusedError,
    LauncherError,
    ServerNotFoundError,
)
from launcher.model import Kind
from tests.fakes.issued import issue

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
ID = "5f3c1a54-7c0e-4c3b-9c7c-1d4a8f0d2c11"


def reply(status: int = 200, body: object = None, **headers: str) -> wire.Reply:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return wire.Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, text, 0.0)


def fault(status: int, body: object = None, server_id: str | None = None, **headers: str) -> LauncherError:
    return wire.fault_of("prod", reply(status, body, **headers), NOW, server_id)


# Requests


def test_a_page_is_asked_for_by_limit_and_marker() -> None:
    assert wire.servers_request().query == {"limit": "100"}
    assert wire.servers_request(ID).query == {"limit": "100", "marker": ID}


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("web-01", "^web-01$"), ("a.b", r"^a\.b$"), ("(x)+[y]*{z}?|^$\\", r"^\(x\)\+\[y\]\*\{z\}\?\|\^\$\\$")],
)
def test_a_name_is_meant_exactly_though_the_api_takes_a_regexp(name: str, pattern: str) -> None:
    assert wire.servers_request(name=name).query["name"] == pattern


def test_one_server_is_asked_for_by_its_id() -> None:
    assert wire.server_request("a/b").path == "/servers/a%2Fb"


@pytest.mark.parametrize("kind", list(Kind))
def test_the_action_is_exactly_as_the_documents_say(kind: Kind) -> None:
    asked = wire.console_request(wire.Api(), ID, kind)
    assert (asked.method, asked.path) == ("POST", f"/servers/{ID}/action")
    assert asked.body == {"os-getVNCConsole": {"type": kind.value}}
    assert asked.headers == {}


def test_a_remote_console_is_asked_for_with_both_microversion_headers() -> None:
    asked = wire.console_request(wire.Api(remote_consoles=True), ID, Kind.NOVNC)
    assert asked.path == f"/servers/{ID}/remote-consoles"
    assert asked.body == {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    assert asked.headers == {"OpenStack-API-Version": "compute 2.6", "X-OpenStack-Nova-API-Version": "2.6"}


@pytest.mark.parametrize(("text", "is_id"), [(ID, True), ("4711", True), ("..", False), ("a/b", False), ("", False)])
def test_only_an_id_gets_into_a_path(text: str, is_id: bool) -> None:
    assert wire.is_server_id(text) is is_id


# Version discovery


@pytest.mark.parametrize(
    ("endpoint", "root"),
    [
        ("http://c:8774/v2.1", "http://c:8774/v2.1/"),
        ("http://c:8774/v2.1/", "http://c:8774/v2.1/"),
        ("https://c/compute/v2.1/610275", "https://c/compute/v2.1/"),
        ("https://dfw.example/v2/610275", "https://dfw.example/v2/"),
        ("https://c/compute", "https://c/compute/"),
        ("https://c", "https://c/"),
    ],
)
def test_the_version_document_is_at_the_version_segment(endpoint: str, root: str) -> None:
    assert wire.version_root(endpoint) == root


OLD = {"id": "v2.0", "status": "SUPPORTED", "version": ""}


def new(version: object) -> dict[str, Any]:
    return {"id": "v2.1", "version": version, "links": [{"rel": "self", "href": "http://wrong.invalid/"}]}


@pytest.mark.parametrize(
    ("document", "api"),
    [
        ({"version": new("2.104")}, wire.Api("", True)),
        ({"version": new("2.6")}, wire.Api("", True)),
        ({"version": new("2.5")}, wire.Api()),
        ({"version": new("")}, wire.Api()),
        ({"version": new(None)}, wire.Api()),
        ({"version": OLD}, wire.Api()),
        ({"versions": [OLD, new("2.104")]}, wire.Api("/v2.1", True)),
        ({"versions": ["odd", OLD]}, wire.Api()),
        ({"versions": "odd"}, wire.Api()),
        ([], wire.Api()),
    ],
)
def test_discovery_reads_id_and_version_only(document: object, api: wire.Api) -> None:
    assert wire.parse_api(reply(200, document)) == api


@pytest.mark.parametrize("status", [300, 404, 500])
def test_a_refused_discovery_offers_the_oldest_api(status: int) -> None:
    assert wire.parse_api(reply(status, {"version": new("2.104")})) == wire.Api()


# Good replies


def test_200_and_203_are_good() -> None:
    assert [status for status in (200, 201, 203, 204, 400) if reply(status).good] == [200, 203]


@pytest.mark.parametrize("header", ["x-compute-request-id", "x-openstack-request-id"])
def test_the_request_id_is_read_from_either_header(header: str) -> None:
    assert wire.Reply(200, {header: "req-9106"}, b"", 0.0).request_id == "req-9106"


def test_a_request_id_of_odd_signs_is_none() -> None:
    assert reply(x_compute_request_id="req 1\x1b[31m").request_id is None
    assert reply().request_id is None


def test_a_page_gives_servers_and_the_marker_of_the_next() -> None:
    entry = {"id": ID, "name": "web-01", "status": "active", "OS-EXT-STS:task_state": "rebooting"}
    links = [{"rel": "next", "href": "http://wrong.invalid/"}]
    page = wire.parse_page("prod", reply(200, {"servers": [entry], "servers_links": links}))
    [server] = page.servers
    assert (server.cloud, server.id, server.name, server.status, server.task_state) == (
        "prod",
        ID,
        "web-01",
        "ACTIVE",
        "rebooting",
    )
    assert page.marker == ID


@pytest.mark.parametrize("links", [None, [], "odd", ["odd"], [{"rel": "self"}]])
def test_the_last_page_has_no_marker(links: object) -> None:
    body = {"servers": [{"id": ID}], "servers_links": links}
    assert wire.parse_page("prod", reply(200, body)).marker is None


def test_a_server_without_name_or_status_still_counts() -> None:
    server = wire.parse_server("prod", reply(200, {"server": {"id": ID, "name": "", "status": 3}}))
    assert (server.name, server.status, server.task_state) == (ID, "UNKNOWN", None)


def test_entries_without_a_usable_id_are_left_out() -> None:
    body = {"servers": ["odd", {"name": "x"}, {"id": "../admin"}, {"id": 3}], "servers_links": [{"rel": "next"}]}
    assert wire.parse_page("prod", reply(200, body)) == wire.Page((), None)


@pytest.mark.parametrize("name", ["console", "remote_console"])
def test_the_console_url_is_a_secret_from_either_api(name: str) -> None:
    url = f"http://c/vnc_lite.html?path=%3Ftoken%3D{issue()}"
    assert wire.parse_console_url("prod", reply(200, {name: {"type": "novnc", "url": url}})).reveal() == url


UNUSABLE = [b"", b"<html>", b'{"servers": [', b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"console": {"url": 3}}']


@pytest.mark.parametrize("body", [*UNUSABLE, b'{"console": {"url": ""}}', b'{"console": []}'])
def test_whatever_is_not_the_wanted_reply_is_one_error(body: bytes) -> None:
    broken = reply(200, body, content_type="text/html; charset=utf-8", x_compute_request_id="req-1")
    for parse in (wire.parse_page, wire.parse_server, wire.parse_console_url):
        with pytest.raises(CloudReplyError, match="text/html body is not") as caught:
            parse("prod", broken)
        assert (caught.value.status, caught.value.request_id, caught.value.cloud) == (200, "req-1", "prod")


def test_a_console_url_of_absurd_length_is_refused() -> None:
    with pytest.raises(CloudReplyError, match="unknown body"):
        wire.parse_console_url("prod", reply(200, {"console": {"url": "http://c/" + "a" * 9000}}))


def test_a_reply_does_not_print_its_body() -> None:
    secret = issue()
    assert secret not in repr(reply(200, {"url": secret}, set_cookie=secret))


# Faults


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, CloudReplyError),
        (401, CloudCredentialsError),
        (403, CloudCredentialsError),
        (404, CloudReplyError),
        (406, CloudReplyError),
        (409, ConsoleRefusedError),
        (413, CloudBusyError),
        (429, CloudBusyError),
        (500, CloudReplyError),
        (501, CloudReplyError),
        (503, CloudBusyError),
    ],
)
def test_the_status_says_which_error_it_is(status: int, error: type[CloudError]) -> None:
    found = fault(status, {"computeFault": {"code": status, "message": "Why."}}, x_openstack_request_id="req-7")
    assert type(found) is error
    assert isinstance(found, CloudError)
    assert (found.cloud, found.request_id) == ("prod", "req-7")
    assert "Why" in str(found)
    assert ".." not in str(found)
    if isinstance(found, CloudReplyError):
        assert found.status == status


def test_404_is_about_the_server_if_the_request_was() -> None:
    found = fault(404, {"itemNotFound": {"message": "Instance could not be found."}}, server_id=ID)
    assert isinstance(found, ServerNotFoundError)
    assert str(found) == f"prod has no server {ID}."


def test_404_without_the_apis_own_words_is_about_the_endpoint() -> None:
    assert isinstance(fault(404, b"<html>Not Found</html>", server_id=ID), CloudReplyError)


@pytest.mark.parametrize("body", [b"", b"<html>Bad Gateway</html>", {"odd": 3}, [1], {"error": {"message": 3}}])
def test_a_fault_without_a_message_still_makes_a_sentence(body: object) -> None:
    assert str(fault(502, body)) == "prod answered with status 502 and no message that can be read."


def test_the_message_is_found_in_the_other_shapes() -> None:
    assert wire.said(reply(401, {"error": {"code": 401, "title": "Unauthorized", "message": "Sign in."}})) == "Sign in"
    assert wire.said(reply(503, {"message": "Service down.", "code": "503", "title": "x"})) == "Service down"


def test_a_message_is_one_short_line_without_queries_and_control_characters() -> None:
    token = issue()
    text = f"see\n\x1b[31m http://user:{token}@c/vnc?token={token} and \u202eevil " + "long " * 100
    line = wire.clean(text)
    assert token not in line
    assert line.isprintable()
    assert len(line) == 300
    assert line.startswith("see [31m http://c/vnc?… and evil")
    assert wire.clean("http://c/path") == "http://c/path"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("41", 41.0),
        ("1.5", 1.5),
        ("Mon, 23 Nov 2026 12:00:41 GMT", 41.0),
        ("Mon, 23 Nov 2026 12:00:41 -0000", 41.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("1e400", None),
        ("", None),
        ("Mon, 99 Nov 99999999999999999999 12:00:41 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    found = fault(413, None, retry_after=header)
    assert isinstance(found, CloudBusyError)
    assert found.retry_after == seconds
    assert ("for 41 s" in str(found)) is (seconds == 41.0)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("2026-11-23T12:00:41Z", 41.0), ("2026-11-23T12:00:41", 41.0), ("2026-11-23T07:00:41-05:00", 41.0), (41, 41.0)],
)
@pytest.mark.parametrize("key", ["retryAt", "retryAfter"])
def test_the_body_may_say_how_long_to_wait(key: str, value: object, seconds: float) -> None:
    found = fault(413, {"overLimit": {"code": 413, "message": "OverLimit Retry...", key: value}})
    assert isinstance(found, CloudBusyError)
    assert found.retry_after == seconds
