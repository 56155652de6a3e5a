"""Requests and good replies of the Compute API, and which of its two console APIs a cloud has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from launcher.cloud import wire
from launcher.errors import CloudReplyError
from launcher.model import Kind
from tests.fakes.issued import issue

ID = "5f3c1a54-7c0e-4c3b-9c7c-1d4a8f0d2c11"


def reply(status: int = 200, body: object = None, **headers: str) -> wire.Reply:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return wire.Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, text, 0.0)


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


NO_SUCH_PATH = {"itemNotFound": {"code": 404, "message": "The resource could not be found."}}
NO_SUCH_SERVER = {"itemNotFound": {"code": 404, "message": f"Instance {ID} could not be found."}}
NEW, OLD_API = wire.Api(remote_consoles=True), wire.Api()


@pytest.mark.parametrize(
    ("api", "status", "body", "echo", "misjudged"),
    [
        (NEW, 404, NO_SUCH_PATH, {}, True),
        (NEW, 404, {"itemNotFound": {"code": 404, "message": ""}}, {}, True),
        (NEW, 404, NO_SUCH_PATH, {"x_openstack_nova_api_version": "2.1"}, True),
        (NEW, 404, NO_SUCH_PATH, {"x_openstack_nova_api_version": "2.6"}, False),
        (NEW, 404, NO_SUCH_PATH, {"openstack_api_version": "compute 2.6"}, False),
        (NEW, 404, NO_SUCH_SERVER, {}, False),
        (NEW, 404, b"<html>Not Found</html>", {}, False),
        (NEW, 404, b"", {}, False),
        (NEW, 406, {"computeFault": {"code": 406, "message": "Version 2.6 is not supported."}}, {}, True),
        (NEW, 406, b"", {}, True),
        (NEW, 406, b"", {"openstack_api_version": "compute 2.6"}, False),
        (NEW, 400, NO_SUCH_PATH, {}, False),
        (OLD_API, 404, NO_SUCH_PATH, {}, True),
        (OLD_API, 404, NO_SUCH_PATH, {"x_openstack_nova_api_version": "2.6"}, True),
        (OLD_API, 404, NO_SUCH_SERVER, {}, False),
        (OLD_API, 404, b"", {}, False),
        (OLD_API, 406, b"", {}, False),
        (OLD_API, 200, {"console": {}}, {}, False),
        (NEW, 200, {"remote_console": {}}, {}, False),
    ],
)
def test_a_cloud_that_was_misjudged_is_known_by_its_answer(
    api: wire.Api, status: int, body: object, echo: dict[str, str], misjudged: bool
) -> None:
    assert wire.misjudged(api, reply(status, body, **echo)) is misjudged


# Good replies


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


@pytest.mark.parametrize(
    ("status", "fault", "told"),
    [
        ("ERROR", {"code": 500, "message": "No valid host was found. "}, "No valid host was found."),
        ("error", {"message": "a\n\x1b[31m http://c/?token=x"}, "a [31m http://c/?…"),
        ("ERROR", {"message": ""}, None),
        ("ERROR", {"message": 3}, None),
        ("ERROR", "odd", None),
        ("ERROR", None, None),
        ("ACTIVE", {"message": "Of yesterday."}, None),
    ],
)
def test_a_server_in_error_says_why(status: str, fault: object, told: str | None) -> None:
    server = wire.parse_server("prod", reply(200, {"server": {"id": ID, "status": status, "fault": fault}}))
    assert server.fault == told


def test_a_state_is_one_short_line_whatever_the_cloud_makes_of_it() -> None:
    entry = {"id": ID, "status": "act\x1b[31mive\n\ud800" + "x" * 5000, "OS-EXT-STS:task_state": "\u202eer\r\n" * 2000}
    server = wire.parse_server("prod", reply(200, {"server": entry}))
    assert server.status.startswith("ACT [31MIVE XX")
    assert server.task_state is not None
    assert server.task_state.startswith("er er er")
    assert (len(server.status), len(server.task_state)) == (300, 300)


def test_a_long_fault_is_cut() -> None:
    body = {"server": {"id": ID, "status": "ERROR", "fault": {"message": 900 * "b"}}}
    assert len(wire.parse_server("prod", reply(200, body)).fault or "") == 300


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


def test_of_a_page_without_end_the_beginning_is_read() -> None:
    page = wire.parse_page("prod", reply(body={"servers": [{"id": str(number)} for number in range(2001)]}))
    assert (len(page.servers), page.overfull, page.marker) == (2000, True, None)


def test_case_35_a_name_of_64_kb_is_cut_and_one_of_nova_is_not() -> None:
    names = ["n" * 65536, "n" * wire.NAME_LIMIT, "ü" * 255]
    page = wire.parse_page("prod", reply(body={"servers": [{"id": str(at), "name": n} for at, n in enumerate(names)]}))
    assert [server.name for server in page.servers] == ["n" * (wire.NAME_LIMIT - 1) + "…", *names[1:]]
