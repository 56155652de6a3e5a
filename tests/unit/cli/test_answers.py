"""What a gateway answered, in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from launcher.cli.answers import Answer, objects, only, parse_answer, problem_line
from launcher.cli.exits import Exit
from launcher.cli.failure import Failure, NoSuchServer
from launcher.cli.gateway import UnixGateway

GATEWAY = UnixGateway("/run/x.sock")


def answer(body: object, status: int = 200, content_type: str = "application/json") -> Answer:
    return Answer(status, content_type, body if isinstance(body, bytes) else json.dumps(body).encode())


def refused(status: int, **problem: Any) -> Failure:
    with pytest.raises(Failure) as failure:
        parse_answer(GATEWAY, answer(problem, status, "application/problem+json"))
    return failure.value


def test_an_object_passes_and_nothing_at_all_counts_as_an_empty_one() -> None:
    assert parse_answer(GATEWAY, answer({"servers": []})) == {"servers": []}
    assert parse_answer(GATEWAY, answer(b"", 204, "text/plain")) == {}


@pytest.mark.parametrize(
    "other",
    [
        answer(b"<h1>It works!</h1>", 200, "text/html"),
        answer({"moved": True}, 302),
        answer(b"{", 200),
        answer([1], 200),
        answer(b"[" * 100_000, 200),
        answer(b"\xff", 404, "application/problem+json"),
        answer({"detail": "ok"}, 200, "application/problem+json"),
        answer({"error": "what?"}, 500),
    ],
)
def test_what_is_no_answer_of_ours_is_said_to_be_a_stranger(other: Answer) -> None:
    with pytest.raises(Failure, match=r"what answers at unix:/run/x\.sock is no console-launcher") as failure:
        parse_answer(GATEWAY, other)
    assert failure.value.code == 69


def test_a_refusal_is_told_in_the_gateway_s_own_words() -> None:
    failure = refused(503, detail="rax is busy.", title="Busy", hint="Wait.", request_id="req-7", instance="ab12")
    assert failure.sentence == "rax is busy."
    assert failure.advice == ("Wait.", "Request id: req-7", "Instance: ab12")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, Exit.REFUSED), (404, Exit.REFUSED), (409, Exit.REFUSED), (421, Exit.REFUSED),
        (401, Exit.NOT_ALLOWED), (403, Exit.NOT_ALLOWED),
        (429, Exit.TRY_AGAIN), (502, Exit.TRY_AGAIN), (503, Exit.TRY_AGAIN), (504, Exit.TRY_AGAIN), (500, Exit.FAULT),
    ],
)  # fmt: skip
def test_the_exit_code_says_who_must_act(status: int, code: Exit) -> None:
    assert refused(status, detail="No.").code == code


def test_a_problem_without_words_is_told_nevertheless() -> None:
    assert refused(404, title="Not found").sentence == "Not found"
    assert refused(404, detail=7).sentence == "the gateway answered 404."


def test_candidates_are_a_list_to_choose_from() -> None:
    twin = {"cloud": "prod", "id": "1", "name": "twin", "status": "ACTIVE", "path": "/c/prod/1"}
    failure = refused(409, title="Several servers have this name", candidates=[twin, "stage/2"], hint="Use one.")
    assert failure.sentence == "Several servers have this name. Choose one:"
    assert failure.advice == ("prod/1  twin (ACTIVE)", "stage/2", "Use one.")


def test_lists_are_looked_at_before_they_are_believed() -> None:
    assert objects(GATEWAY, {"servers": [{"name": "a", "id": 1}]}, "servers", "name") == [{"name": "a", "id": 1}]
    bodies: list[dict[str, Any]] = [{}, {"servers": {}}, {"servers": [1]}, {"servers": [{"name": None}]}]
    for body in bodies:
        with pytest.raises(Failure, match="no console-launcher"):
            objects(GATEWAY, body, "servers", "name")


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (
            {"cloud": "rax", "detail": "rax is busy.", "hint": "Wait.", "request_id": "req-7"},
            "rax is busy. Wait. Request id: req-7",
        ),
        ({"cloud": "rax", "title": "The cloud does not answer"}, "rax: The cloud does not answer"),
        ({"cloud": "rax"}, "rax: it did not answer."),
        ({"detail": "No."}, "No."),
    ],
)
def test_a_problem_beside_others_is_one_line_that_names_its_cloud(problem: dict[str, str], line: str) -> None:
    assert problem_line(problem) == line


SESSIONS = [{"id": one, "actor": "alice", "cloud": "prod", "name": "web-01"} for one in ("ab12", "ab34", "ab", "cd56")]


@pytest.mark.parametrize(("wanted", "found"), [("ab12", "ab12"), ("ab1", "ab12"), ("ab", "ab"), ("c", "cd56")])
def test_a_session_is_meant_by_its_id_or_the_beginning_that_is_its_alone(wanted: str, found: str) -> None:
    assert only(SESSIONS, wanted)["id"] == found


@pytest.mark.parametrize("wanted", ["x", "ab123", ""])
def test_a_session_that_is_not_there_is_said(wanted: str) -> None:
    with pytest.raises(Failure, match="there is no session") as failure:
        only(SESSIONS, wanted)
    assert failure.value.code == 1


@pytest.mark.parametrize(
    ("wanted", "sentence", "advice"),
    [
        ("web-0", 'there is no session "web-0". Near are:', 4),
        ("Alice on", 'there is no session "Alice on". Near are:', 4),
        ("D5", 'there is no session "D5". Near are:', 2),
        ("zz", 'there is no session "zz". Open are:', 4),
    ],
)
def test_where_there_is_no_such_session_those_that_may_be_meant_are_shown(
    wanted: str, sentence: str, advice: int
) -> None:
    with pytest.raises(Failure) as failure:
        only(SESSIONS, wanted)
    assert failure.value.sentence == sentence
    assert len(failure.value.advice) == advice
    assert failure.value.advice[-1] == (
        "All of them: console-launcher sessions" if advice == 2 else "cd56  alice on prod/web-01"
    )


def test_of_many_sessions_a_few_are_shown_and_of_none_that_is_said() -> None:
    with pytest.raises(Failure) as failure:
        only(SESSIONS * 2, "zz")
    assert len(failure.value.advice) == 6
    with pytest.raises(Failure, match=r'^there is no session "zz": none is open\.$'):
        only([], "zz")


def test_a_server_that_is_not_there_is_told_apart_from_other_refusals() -> None:
    assert isinstance(refused(404, type="server-not-found", detail="prod has no server."), NoSuchServer)
    assert isinstance(refused(404, type="cloud-not-found", detail="There is no such cloud."), NoSuchServer)
    assert not isinstance(refused(404, type="not-found", detail="There is nothing here."), NoSuchServer)


def test_sessions_that_begin_alike_are_a_list_to_choose_from() -> None:
    with pytest.raises(Failure) as failure:
        only(SESSIONS, "a")
    assert failure.value.sentence == '3 sessions begin with "a". Choose one:'
    assert failure.value.advice[0] == "ab12  alice on prod/web-01"
