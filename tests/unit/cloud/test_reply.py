"""What one reply says, and that it says nothing that it should not."""

from __future__ import annotations

import json

import pytest

from launcher.cloud.reply import Reply, clean, said
from tests.fakes.issued import issue


def reply(status: int = 200, body: object = None, **headers: str) -> Reply:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, text, 0.0)


def test_200_and_203_are_good() -> None:
    assert [status for status in (200, 201, 203, 204, 400) if reply(status).good] == [200, 203]


@pytest.mark.parametrize("header", ["x-compute-request-id", "x-openstack-request-id"])
def test_the_request_id_is_read_from_either_header(header: str) -> None:
    assert Reply(200, {header: "req-9106"}, b"", 0.0).request_id == "req-9106"
    assert Reply(200, {header: "req-9106, req-9107"}, b"", 0.0).request_id == "req-9106"


def test_a_request_id_of_odd_signs_gives_way_to_the_other_or_none() -> None:
    odd = "req 1\x1b[31m"
    assert reply(x_compute_request_id=odd).request_id is None
    assert reply(x_compute_request_id=odd, x_openstack_request_id="req-2").request_id == "req-2"
    assert reply().request_id is None


def test_a_reply_does_not_print_its_body() -> None:
    secret = issue()
    assert secret not in repr(reply(200, {"url": secret}, set_cookie=secret))


def test_the_media_type_is_clean_and_without_parameters() -> None:
    assert reply(content_type="text/html; charset=utf-8").media_type == "text/html"
    assert reply(content_type="text/\x1b[31mhtml").media_type == "text/ [31mhtml"
    assert reply().media_type == ""


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a": '])
def test_what_is_no_json_object_is_an_empty_document(body: bytes) -> None:
    assert reply(200, body).document == {}
    assert reply(200, body).fault == {}
    assert said(reply(200, body)) == ""


def test_an_endless_fault_is_not_even_parsed() -> None:
    body = {"computeFault": {"message": "Why."}, "more": 70_000 * "x"}
    assert said(reply(500, body)) == ""
    assert reply(200, body).document == body


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"badRequest": {"code": 400, "message": "Why."}}, "Why"),
        ({"error": {"code": 401, "title": "Unauthorized", "message": "Sign in."}}, "Sign in"),
        (
            {"message": "Service down.<br /><br />\n\n\n", "code": "503 Service Unavailable", "title": "x"},
            "Service down",
        ),
        ({"odd": 3, "itemNotFound": {"code": 404, "message": ""}}, ""),
        ({"error": {"message": 3}}, ""),
        ({"odd": 3}, ""),
    ],
)
def test_the_message_is_found_in_every_shape(body: object, message: str) -> None:
    assert said(reply(400, body)) == message


def test_of_plain_text_the_first_line_counts() -> None:
    assert said(reply(401, b"\nAuthentication required\nand more", content_type="text/plain; x")) == (
        "Authentication required"
    )
    assert said(reply(401, b"Authentication required")) == ""
    assert said(reply(502, b"<h1>Bad Gateway", content_type="text/plain")) == ""
    assert said(reply(503, {"message": "Down."}, content_type="text/plain")) == "Down"


def test_a_message_is_one_short_line_without_queries_and_control_characters() -> None:
    token = issue()
    text = f"see\n\x1b[31m http://user:{token}@c/vnc?token={token} and \u202eevil " + "long " * 100
    line = clean(text)
    assert token not in line
    assert line.isprintable()
    assert len(line) == 300
    assert line.startswith("see [31m http://c/vnc?… and evil")
    assert clean("http://c/path") == "http://c/path"
