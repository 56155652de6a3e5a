"""What a gateway answered: parsed, or the reason why it cannot be used, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from launcher.cli.exits import Exit
from launcher.cli.failure import Failure, NoSuchServer
from launcher.cli.gateway import Gateway

Object = Mapping[str, Any]
"""A JSON object of the API, as it came."""

_NOT_ALLOWED = frozenset({401, 403})
_NO_SUCH_SERVER = frozenset({"server-not-found", "cloud-not-found"})
_SAID = 5
_TRY_AGAIN = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    content_type: str
    """Without parameters, in lower case."""
    body: bytes


def parse_answer(gateway: Gateway, answer: Answer) -> Object:
    """The JSON object of an answer; an empty one for 204. Raises Failure."""
    if answer.status == 204:
        return {}
    if answer.content_type == "application/problem+json" and answer.status >= 400:
        raise refusal(answer.status, _object(gateway, answer))
    if answer.content_type != "application/json" or answer.status != 200:
        raise stranger(gateway)
    return _object(gateway, answer)


def _object(gateway: Gateway, answer: Answer) -> Object:
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise stranger(gateway) from None
    if not isinstance(body, dict):
        raise stranger(gateway)
    return body


def objects(gateway: Gateway, body: Object, key: str, *texts: str) -> list[Object]:
    """The list of objects under `key`, each of which has these texts. Raises Failure."""
    found = body.get(key)
    if not isinstance(found, list):
        raise stranger(gateway)
    for one in found:
        check(gateway, one, *texts)
    return found


def check(gateway: Gateway, thing: object, *texts: str) -> None:
    """Raises Failure for what is no object with these texts."""
    if not isinstance(thing, dict) or not all(isinstance(thing.get(key), str) for key in texts):
        raise stranger(gateway)


def stranger(gateway: Gateway) -> Failure:
    """Something answers, but not as this version of console-launcher does."""
    return Failure(
        Exit.NO_GATEWAY,
        f"what answers at {gateway} is no console-launcher, or one of another version.",
        "Look at what listens there, or name another with --gateway.",
    )


def refusal(status: int, problem: Object) -> Failure:
    """The gateway's own words: the problem, its hint, and the ids that its operator or a cloud's support ask for."""
    sentence = _text(problem, "detail") or _text(problem, "title") or f"the gateway answered {status}."
    if _text(problem, "type") in _NO_SUCH_SERVER:
        return NoSuchServer(_exit_of(status), sentence, *_behind(problem))
    candidates = problem.get("candidates")
    if not isinstance(candidates, list) or not candidates:
        return Failure(_exit_of(status), sentence, *_behind(problem))
    return Failure(
        _exit_of(status),
        f"{_text(problem, 'title')}. Choose one:",
        *map(_candidate, candidates),
        *_behind(problem),
    )


def _candidate(one: object) -> str:
    """What names it on the next command line, then what a person knows it by."""
    if not isinstance(one, dict):
        return str(one)
    return f"{one.get('cloud')}/{one.get('id')}  {one.get('name')} ({one.get('status')})"


def problem_line(problem: Object) -> str:
    """A problem in one line, as a list of others stands beside it."""
    words = [_text(problem, "detail") or _text(problem, "title") or "it did not answer.", *_behind(problem)]
    cloud = _text(problem, "cloud")
    return " ".join(words) if not cloud or words[0].startswith(cloud) else f"{cloud}: {' '.join(words)}"


def _behind(problem: Object) -> Iterator[str]:
    if hint := _text(problem, "hint"):
        yield hint
    for key, name in (("request_id", "Request id"), ("instance", "Instance")):
        if value := _text(problem, key):
            yield f"{name}: {value}"


def _text(problem: Object, key: str) -> str:
    value = problem.get(key)
    return value if isinstance(value, str) else ""


def _exit_of(status: int) -> Exit:
    if status in _NOT_ALLOWED:
        return Exit.NOT_ALLOWED
    if status in _TRY_AGAIN:
        return Exit.TRY_AGAIN
    return Exit.FAULT if status == 500 else Exit.REFUSED


def only(sessions: Sequence[Object], wanted: str) -> Object:
    """The session whose id is `wanted`, or the only one whose id begins so. Raises Failure."""
    found = [one for one in sessions if one["id"] == wanted] or [
        one for one in sessions if wanted and one["id"].startswith(wanted)
    ]
    if not found:
        raise _no_such_session(sessions, wanted)
    if len(found) > 1:
        raise Failure(Exit.REFUSED, f'{len(found)} sessions begin with "{wanted}". Choose one:', *map(_line, found))
    return found[0]


def _no_such_session(sessions: Sequence[Object], wanted: str) -> Failure:
    """With those that the word may mean: somebody's, or of such a server; else with the first that are open."""
    none = f'there is no session "{wanted}"'
    if not sessions:
        return Failure(Exit.REFUSED, f"{none}: none is open.")
    meant = [one for one in sessions if wanted and wanted.lower() in _line(one).lower()]
    lines = [_line(one) for one in (meant or sessions)]
    rest = ["All of them: console-launcher sessions"] if len(sessions) > min(len(lines), _SAID) else []
    return Failure(Exit.REFUSED, f"{none}. {'Near' if meant else 'Open'} are:", *lines[:_SAID], *rest)


def _line(session: Object) -> str:
    return f"{session['id']}  {session['actor']} on {session['cloud']}/{session['name']}"
