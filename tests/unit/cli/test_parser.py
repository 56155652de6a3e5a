"""The arguments of every command."""

from __future__ import annotations

import re
from importlib import import_module

import pytest

from launcher.cli.exits import Exit
from launcher.cli.gateway import UnixGateway
from launcher.cli.main import main
from launcher.cli.parser import command_names, parser

NAMES = command_names(parser())


def test_without_a_command_a_newcomer_is_invited(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "New here?" in said.err
    assert "console-launcher check-config" in said.err


def test_help_shows_the_commands_in_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    places = [shown.index(f"\n{title}:\n") for title in ("start", "use, while it runs", "set up", "options")]
    assert places == sorted(places)
    for name in NAMES:
        assert f"\n  {name} " in shown


def codes_in(shown: str) -> set[int]:
    """The exit codes that a help text lists."""
    return {int(code) for code in re.findall(r"^  ([0-9]+) +\S", shown.split("\nexit codes:\n")[1], re.MULTILINE)}


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("schema", set()),
        ("completion", set()),
        ("check-config", {78}),
        ("serve", {69, 78}),
        ("demo", {69}),
        ("init", {73, 77, 78}),
        ("servers", {1, 69, 75, 77}),
        ("clouds", {1, 69, 75, 77}),
        ("url", {1, 69, 75, 77}),
        ("open", {1, 69, 75, 77}),
        ("console-url", {1, 69, 75, 77}),
        ("sessions", {1, 69, 77}),
        ("end", {1, 69, 77}),
        ("doctor", {1, 69, 75, 77, 78}),
    ],
)
def test_a_command_s_help_lists_the_codes_that_it_can_end_with(
    capsys: pytest.CaptureFixture[str], name: str, codes: set[int]
) -> None:
    assert main([name, "--help"]) == 0
    assert codes_in(capsys.readouterr().out) == codes | {0, 2, 70, 130}


def test_the_whole_table_of_codes_stands_in_the_help_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert codes_in(capsys.readouterr().out) == {code.value for code in Exit}


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["sevrers"], 'there is no command "sevrers". Did you mean "servers"?'),
        (["help", "sesions"], 'there is no command "sesions". Did you mean "sessions"?'),
        (["fly"], 'there is no command "fly".'),
        (["\x1b[31m"], 'there is no command "\\x1b[31m".'),
    ],
)
def test_a_mistyped_command_is_said_with_the_one_that_is_meant(
    capsys: pytest.CaptureFixture[str], argv: list[str], sentence: str
) -> None:
    assert main(argv) == 2
    assert capsys.readouterr().err == (
        f"console-launcher: {sentence}\n  console-launcher --help lists every command.\n"
    )


@pytest.mark.parametrize("argv", [[], *([name] for name in NAMES)])
def test_help_prints_what_the_option_prints(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    assert main([*argv, "--help"]) == 0
    shown = capsys.readouterr().out
    assert main(["help", *argv]) == 0
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_every_command_has_an_example_and_the_exit_codes(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "examples:\n  # " in shown
    assert f"console-launcher {name}" in shown.split("examples:")[1]
    assert {0, 2, 70, 130} <= codes_in(shown)
    assert max(len(line) for line in shown.splitlines()) <= 100


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_its_module(name: str) -> None:
    choices = next(action.choices for action in parser()._actions if action.choices and name in action.choices)
    assert isinstance(choices, dict)
    module = choices[name].get_default("module")
    assert callable(import_module(f"launcher.cli.{module}").run)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["servers", "--limit", "0"], "a number from 1 to 999999999 is expected"),
        (["servers", "--limit", "many"], "a number from 1"),
        (["servers", "--timeout", "0"], "a number of seconds up to 3600 is expected"),
        (["servers", "--timeout", "nan"], "a number of seconds"),
        (["servers", "--timeout", "1h"], "a number of seconds"),
        (["sessions", "--gateway", "jump:6080"], '"jump:6080": http://127.0.0.1:6080 or unix:'),
        (["url"], "REFERENCE"),
        (
            ["console-url", "web-01", "--kind", "serial"],
            "'serial' consoles are not offered here; the kinds are: novnc, x",
        ),
        (["console-url", "web-01", "--kind", "\x1b[2J"], "'\\x1b[2J' consoles are not offered here"),
        (["end"], "SESSION"),
        (["completion", "tcsh"], "tcsh"),
    ],
)
def test_wrong_arguments_say_what_is_expected(
    capsys: pytest.CaptureFixture[str], argv: list[str], expected: str
) -> None:
    assert main(argv) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert f"console-launcher {argv[0]}: error:" in said


def test_the_gateway_is_parsed_where_it_is_named() -> None:
    options = parser().parse_args(["url", "prod/web-01", "--gateway", "unix:/run/x.sock", "--timeout", "2.5"])
    assert (options.gateway, options.timeout, options.reference) == (UnixGateway("/run/x.sock"), 2.5, "prod/web-01")
