from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from launcher.model import Console, ConsoleKey, Kind, Secret, Target
from tests.fakes.issued import issue


def test_a_secret_cannot_print_itself() -> None:
    text = issue()
    secret = Secret(text)
    console = Console(ConsoleKey("prod", "one", Kind.NOVNC), secret, 0, 600, None)
    for shown in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>50}",
        f"{console}",
        repr([console]),
        f"{secret!r}",
    ):
        assert text not in shown
    assert secret.reveal() == text


def test_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(issue()))


def test_secrets_compare_by_what_they_hold() -> None:
    text = issue()
    assert Secret(text) == Secret(text)
    assert Secret(text) != Secret(issue())
    assert Secret(text) != text
    assert len({Secret(text), Secret(text)}) == 1
    assert Secret(text)
    assert not Secret("")


def test_a_target_shows_where_but_not_what() -> None:
    target = Target(tls=True, host="proxy", port=443, path=Secret("/?token=" + issue()))
    assert target.origin == "wss://proxy:443"
    assert replace(target, tls=False, host="2001:db8::7", port=6080).origin == "ws://[2001:db8::7]:6080"
