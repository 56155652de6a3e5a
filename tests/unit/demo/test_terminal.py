from __future__ import annotations

import pytest

from launcher.demo import keys
from launcher.demo.terminal import COLUMNS, HELP, Around, Copy, Effect, Power, Terminal, wrapped

AROUND = Around("Tue 24 Nov 2026", "pasted")


@pytest.fixture
def terminal() -> Terminal:
    return Terminal("web-01:~# ")


def enter(terminal: Terminal, text: str, around: Around = AROUND) -> Effect:
    type_in(terminal, text)
    return terminal.key(0xFF0D, False, around)


def type_in(terminal: Terminal, text: str) -> None:
    for char in text:
        terminal.key(ord(char), False, AROUND)


def press(terminal: Terminal, *keysyms: int) -> None:
    for keysym in keysyms:
        terminal.key(keysym, False, AROUND)


def test_what_is_typed_stands_behind_the_prompt(terminal: Terminal) -> None:
    type_in(terminal, "hello")
    assert terminal.shown(10) == (("web-01:~# hello",), 0, 15)


def test_backspace_and_delete_take_a_character(terminal: Terminal) -> None:
    type_in(terminal, "abcd")
    press(terminal, keys.BACKSPACE, keys.LEFT, keys.LEFT, keys.DELETE)
    assert (terminal.typed, terminal.caret) == ("ac", 1)
    press(terminal, keys.HOME, keys.BACKSPACE)
    assert (terminal.typed, terminal.caret) == ("ac", 0)
    press(terminal, keys.END, keys.RIGHT, keys.DELETE)
    assert (terminal.typed, terminal.caret) == ("ac", 2)
    press(terminal, keys.LEFT)
    type_in(terminal, "b")
    assert terminal.typed == "abc"


def test_other_keys_change_nothing(terminal: Terminal) -> None:
    type_in(terminal, "a")
    press(terminal, keys.ESCAPE, 0xFFBE)
    assert (terminal.typed, terminal.caret) == ("a", 1)


def test_lines_that_were_entered_come_back_by_the_arrows(terminal: Terminal) -> None:
    enter(terminal, "echo one")
    enter(terminal, "echo two")
    press(terminal, keys.UP, keys.UP, keys.UP)
    assert terminal.typed == "echo one"
    press(terminal, keys.DOWN)
    assert terminal.typed == "echo two"
    press(terminal, keys.DOWN, keys.DOWN)
    assert terminal.typed == ""


def test_control_keys_do_what_they_do_in_a_shell(terminal: Terminal) -> None:
    type_in(terminal, "abc")
    terminal.key(ord("c"), True, AROUND)
    assert (terminal.typed, list(terminal.lines)) == ("", ["web-01:~# abc^C"])
    terminal.key(ord("L"), True, AROUND)
    assert not terminal.lines
    type_in(terminal, "abc")
    press(terminal, keys.LEFT)
    terminal.key(ord("u"), True, AROUND)
    terminal.key(ord("x"), True, AROUND)
    terminal.key(keys.UP, True, AROUND)
    assert (terminal.typed, terminal.caret) == ("c", 0)


def test_an_accent_joins_the_letter_before_it(terminal: Terminal) -> None:
    press(terminal, ord("e"), 0x01000301)
    assert (terminal.typed, terminal.caret) == ("é", 1)


def test_input_does_not_grow_without_end(terminal: Terminal) -> None:
    type_in(terminal, "x" * 1000)
    assert len(terminal.typed) == 240


def test_nor_do_the_lines(terminal: Terminal) -> None:
    for _ in range(1000):
        enter(terminal, "echo x")
    assert len(terminal.lines) == 200
    assert len(terminal.history) == 50


def test_help_lists_every_command(terminal: Terminal) -> None:
    assert enter(terminal, "HELP") is None
    assert list(terminal.lines)[1:] == list(HELP)
    assert all(len(line) <= COLUMNS for line in HELP)


def test_copy_gives_a_text_to_the_viewers(terminal: Terminal) -> None:
    assert enter(terminal, "copy  two words ") == Copy("two words")
    assert terminal.lines[-1] == "→ your clipboard: two words"
    assert enter(terminal, "copy") is None
    assert terminal.lines[-1].startswith("copy what?")


def test_paste_shows_the_clipboard_line_by_line(terminal: Terminal) -> None:
    enter(terminal, "paste", Around(clipboard="one\ntwo\x1b[31m"))
    assert list(terminal.lines)[1:] == ["one", "two·[31m"]
    enter(terminal, "paste", Around())
    assert terminal.lines[-1] == "nothing was pasted here yet"


def test_the_small_commands(terminal: Terminal) -> None:
    enter(terminal, "echo a b")
    enter(terminal, "date")
    enter(terminal, "rm -rf /")
    enter(terminal, "   ")
    assert list(terminal.lines)[1::2] == [
        "a b",
        "Tue 24 Nov 2026",
        "rm: there is no such command here; help lists them",
    ]
    enter(terminal, "clear")
    assert not terminal.lines


def test_power_is_an_effect(terminal: Terminal) -> None:
    assert enter(terminal, "reboot") is Power.REBOOT
    assert enter(terminal, "off") is Power.OFF
    assert terminal.lines[-1] == "powering off …"


def test_long_lines_are_broken(terminal: Terminal) -> None:
    assert wrapped("") == [""]
    assert wrapped("x" * (COLUMNS + 1)) == ["x" * COLUMNS, "x"]
    type_in(terminal, "x" * (COLUMNS - len(terminal.prompt)))
    lines, row, column = terminal.shown(10)
    assert (len(lines), row, column) == (2, 1, 0)


def test_the_last_lines_are_shown(terminal: Terminal) -> None:
    for number in range(30):
        terminal.say(str(number))
    lines, row, column = terminal.shown(3)
    assert (lines, row, column) == (("28", "29", "web-01:~# "), 2, 10)


def test_a_server_without_a_prompt_shows_an_empty_line() -> None:
    assert Terminal("").shown(3) == (("",), 0, 0)
