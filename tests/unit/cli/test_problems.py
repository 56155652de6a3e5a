from __future__ import annotations

import io

import pytest

from launcher.cli.problems import print_problems
from launcher.errors import ConfigProblem

PROBLEMS = [ConfigProblem("c.yaml", 3, "relay.ping", "wrong"), ConfigProblem("c.yaml", None, "", "is empty")]
PLAIN = "c.yaml:3 relay.ping: wrong\nc.yaml: is empty\n"


class Terminal(io.StringIO):
    """Standard error as a person's terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def test_a_file_or_pipe_gets_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    print_problems(PROBLEMS)
    assert capsys.readouterr().err == PLAIN


def test_a_terminal_gets_colour_around_the_same_words(terminal: Terminal) -> None:
    print_problems(PROBLEMS, terminal)
    shown = terminal.getvalue()
    assert shown != PLAIN
    for code in ("\x1b[1m", "\x1b[31m", "\x1b[0m"):
        assert code in shown
        shown = shown.replace(code, "")
    assert shown == PLAIN


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_person_who_wants_no_colour_gets_none(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    print_problems(PROBLEMS, terminal)
    assert terminal.getvalue() == PLAIN
