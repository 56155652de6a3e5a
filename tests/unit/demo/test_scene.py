from __future__ import annotations

from datetime import UTC, datetime

import pytest

from launcher.demo.fleet import PROD, Flavor, Machine
from launcher.demo.scene import KeyPress, Received, Scene
from launcher.demo.terminal import Copy

NOW = datetime(2026, 11, 24, 12, 3, 4, tzinfo=UTC)
CTRL, ALT, DELETE = 0xFFE3, 0xFFE9, 0xFFFF


def machine(name: str = "web-01") -> Machine:
    return Machine(PROD, name, Flavor("m1.small", 1, 2, 20), "Debian 12", "10.0.0.1", (45, 212, 191))


@pytest.fixture
def scene() -> Scene:
    return Scene(machine(), NOW)


def press(scene: Scene, *keysyms: int) -> None:
    for keysym in keysyms:
        scene.key(keysym, True, NOW)


def enter(scene: Scene, text: str) -> object:
    press(scene, *(ord(char) for char in text))
    return scene.key(0xFF0D, True, NOW)


def test_ctrl_alt_del_is_told_with_its_time(scene: Scene) -> None:
    press(scene, CTRL, ALT, DELETE)
    assert (scene.ctrl_alt_del_at, scene.received.ctrl_alt_dels) == (NOW, 1)
    assert scene.last_key == "Delete"


def test_delete_alone_is_only_a_key(scene: Scene) -> None:
    press(scene, CTRL, DELETE)
    assert scene.ctrl_alt_del_at is None


def test_modifiers_are_held_until_they_come_up(scene: Scene) -> None:
    press(scene, CTRL, 0xFFE4, ALT)
    assert scene.held == {"Ctrl", "Alt"}
    scene.key(CTRL, False, NOW)
    assert scene.held == {"Ctrl", "Alt"}
    scene.key(0xFFE4, False, NOW)
    assert scene.held == {"Alt"}


def test_a_key_that_comes_up_types_nothing(scene: Scene) -> None:
    press(scene, ord("a"))
    scene.key(ord("a"), False, NOW)
    assert scene.terminal.typed == "a"
    assert list(scene.received.keys) == [KeyPress(0x61, True), KeyPress(0x61, False)]


def test_ctrl_makes_control_characters_of_letters(scene: Scene) -> None:
    press(scene, ord("a"), CTRL, ord("u"))
    assert scene.terminal.typed == ""


def test_commands_are_remembered_and_have_their_effect(scene: Scene) -> None:
    assert enter(scene, "copy x") == Copy("x")
    assert enter(scene, "date") is None
    assert scene.terminal.lines[-1] == "Tue 24 Nov 2026 12:03:04 UTC"
    assert list(scene.received.commands) == ["copy x", "date"]


def test_the_clipboard_arrives_and_is_bounded(scene: Scene) -> None:
    scene.paste("x" * 100_000)
    assert len(scene.clipboard) == 65536
    scene.paste("short")
    assert scene.received.clipboards[-1] == "short"
    enter(scene, "paste")
    assert scene.terminal.lines[-1] == "short"


def test_clicks_are_remembered_and_moves_are_not(scene: Scene) -> None:
    scene.point(1, 2, 0)
    scene.point(3, 4, 1)
    scene.point(5, 6, 1)
    scene.point(5, 6, 0)
    assert list(scene.received.clicks) == [(3, 4, 1), (5, 6, 0)]
    assert scene.pointer == (5, 6)


def test_when_nobody_looks_nothing_is_held(scene: Scene) -> None:
    press(scene, CTRL)
    scene.point(1, 2, 1)
    scene.nobody_looks()
    assert (scene.held, scene.pointer, scene.buttons) == (frozenset(), None, 0)
    scene.key(CTRL, False, NOW)
    assert scene.held == frozenset()


def test_what_was_received_may_outlive_the_scene() -> None:
    received = Received()
    press(Scene(machine(), NOW, received), ord("a"))
    press(Scene(machine(), NOW, received), ord("b"))
    assert [key.keysym for key in received.keys] == [0x61, 0x62]


def test_a_name_with_control_characters_is_harmless_in_the_prompt() -> None:
    assert Scene(machine("a\x1b[31m\n"), NOW).terminal.prompt == "a·[31m·:~# "
    assert len(Scene(machine("𝕏" * 255), NOW).terminal.prompt) < 40
