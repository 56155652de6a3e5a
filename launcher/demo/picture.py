"""Paints a scene, and tells which pixels changed. Pure.

The background with its empty cards is painted once. Everything that changes stands in a field of its own, which is
painted again only when what it shows is another; the pointer is laid over all that, last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

import numpy

from launcher.demo import keys
from launcher.demo.canvas import THIN, Canvas, Colour, Pixels, Rect, fitted, mixed, text_rect, text_width
from launcher.demo.font import ADVANCE
from launcher.demo.scene import Scene
from launcher.demo.terminal import COLUMNS, HINT

WIDTH: Final = 1024
HEIGHT: Final = 640
ROWS: Final = 18

_TOP: Final[Colour] = (17, 22, 31)
_BOTTOM: Final[Colour] = (9, 12, 18)
_CARD: Final[Colour] = (21, 27, 36)
_EDGE: Final[Colour] = (40, 49, 62)
_INK: Final[Colour] = (222, 229, 238)
_SOFT: Final[Colour] = (150, 163, 179)
_FAINT: Final[Colour] = (98, 111, 128)

_LEFT: Final = 32
_RIGHT: Final = WIDTH - 32
_TERMINAL: Final = Rect(_LEFT, 144, 616, 464)
_LINE: Final = 22
_SIDE: Final = 672
_POINTER: Final = Rect(_SIDE, 144, 320, 152)
_MAP: Final = Rect(_SIDE + 16, 184, 160, 100)
_KEYBOARD: Final = Rect(_SIDE, 312, 320, 116)
_CLIPBOARD: Final = Rect(_SIDE, 444, 320, 92)
_CTRL_ALT_DEL: Final = Rect(_SIDE, 552, 320, 56)
_CLIPBOARD_COLUMNS: Final = 29
_TITLE_COLUMNS: Final = ((4, 16), (3, 21), (2, 32))
_NOTHING: Final = object()
"""What a field shows before it is painted."""
_REACH: Final = 20
"""Pixels from the middle of the pointer to its end."""


@dataclass(frozen=True, slots=True)
class _Field:
    """A part of the picture: what it shows, and how that is painted."""

    rect: Rect
    shows: Callable[[], object]
    paint: Callable[[Canvas], None]


class Picture:
    """One screen's pixels."""

    def __init__(self, scene: Scene, badge: str = "") -> None:
        """`badge` is a word over the terminal, for a server that does not run."""
        self.pixels: Pixels = numpy.empty((HEIGHT, WIDTH, 3), numpy.uint8)
        self._scene = scene
        self._now = scene.since
        self._accent = scene.machine.accent
        self._background = _background(self._accent)
        _Furniture(Canvas(self._background), scene, badge).paint()
        self._base = self._background.copy()
        self.pixels[:] = self._base
        self._fields = tuple(self._all_fields())
        self._shown: list[object] = [_NOTHING] * len(self._fields)
        self._pointer: tuple[tuple[int, int] | None, int] = (None, 0)

    def update(self, now: datetime) -> list[Rect]:
        """Paint what has changed; where that was."""
        self._now = now
        changed = [rect for place, field in enumerate(self._fields) if (rect := self._repaint(place, field))]
        for rect in changed:
            _copy(self._base, self.pixels, rect)
        return changed + self._move_pointer(changed)

    def _repaint(self, place: int, field: _Field) -> Rect | None:
        shows = field.shows()
        if shows == self._shown[place]:
            return None
        self._shown[place] = shows
        before = _part(self._base, field.rect).copy()
        _copy(self._background, self._base, field.rect)
        field.paint(Canvas(self._base))
        return _difference(before, _part(self._base, field.rect), field.rect)

    def _move_pointer(self, changed: list[Rect]) -> list[Rect]:
        """Take the pointer away where it was, lay it where it is."""
        new = (self._scene.pointer, self._scene.buttons)
        old_rect, new_rect = _pointer_rect(self._pointer[0]), _pointer_rect(new[0])
        if new == self._pointer and not any(rect.cut(new_rect) for rect in changed):
            return []
        _copy(self._base, self.pixels, old_rect)
        self._pointer = new
        if new[0] is not None:
            _paint_pointer(Canvas(self.pixels), new[0], new[1], self._accent)
        return [rect for rect in (old_rect, new_rect) if rect]

    def _all_fields(self) -> Iterator[_Field]:
        clock_at = _RIGHT - text_width("00:00:00", 3) + 4
        yield self._text(clock_at, 39, 8, lambda: f"{self._now:%H:%M:%S}", self._accent, scale=3, weight=THIN)
        yield self._text(_RIGHT - 280, 107, 28, lambda: f"{self._now:%a %d %b %Y · %Z}".rjust(28), _SOFT)
        for row in range(ROWS):
            yield self._terminal_line(row)
        yield self._text(_TERMINAL.right - 136, _TERMINAL.bottom - 30, 12, self._viewers, _FAINT)
        yield _Field(_MAP, lambda: self._scene.pointer, self._paint_map)
        yield from (self._pair(_SIDE + 200, 190 + 24 * place, place) for place in (0, 1))
        for place, (name, bit) in enumerate((("L", 1), ("M", 2), ("R", 4))):
            yield self._pill(Rect(_SIDE + 200 + 36 * place, 252, 30, 30), name, partial(self._pressed, bit))
        yield self._text(
            _KEYBOARD.right - 166, _KEYBOARD.y + 16, 15, lambda: self._scene.last_key.rjust(15), self._accent
        )
        yield from self._modifiers()
        yield from (self._clipboard_line(row) for row in (0, 1))
        yield _Field(_CTRL_ALT_DEL, lambda: self._scene.ctrl_alt_del_at, self._paint_ctrl_alt_del)

    def _text(
        self,
        x: int,
        y: int,
        columns: int,
        shows: Callable[[], str],
        colour: Colour,
        *,
        scale: int = 1,
        weight: float = 2.0,
    ) -> _Field:
        def paint(canvas: Canvas) -> None:
            canvas.text(x, y, fitted(shows(), columns), colour, scale=scale, weight=weight)

        return _Field(text_rect(x, y, " " * columns, scale), shows, paint)

    def _terminal_line(self, row: int) -> _Field:
        x, y = _TERMINAL.x + 16, _TERMINAL.y + 20 + row * _LINE

        def shows() -> tuple[str, int | None]:
            lines, caret_row, column = self._scene.terminal.shown(ROWS)
            return (lines[row] if row < len(lines) else "", column if row == caret_row else None)

        def paint(canvas: Canvas) -> None:
            line, column = shows()
            prompt = self._scene.terminal.prompt
            if line.startswith(prompt):
                canvas.text(x, y, prompt, self._accent)
                canvas.text(x + text_width(prompt), y, line.removeprefix(prompt), _INK)
            else:
                canvas.text(x, y, line, _SOFT)
            if column is not None:
                canvas.fill(Rect(x + column * ADVANCE, y - 3, 9, 19), self._accent)
                canvas.text(x + column * ADVANCE, y, line[column : column + 1], _CARD)

        return _Field(Rect(x, y - 5, COLUMNS * ADVANCE, _LINE), shows, paint)

    def _viewers(self) -> str:
        count = self._scene.viewers
        return f"{count} viewer{'' if count == 1 else 's'}".rjust(12)

    def _pair(self, x: int, y: int, place: int) -> _Field:
        def shows() -> str:
            pointer = self._scene.pointer
            return f"{'xy'[place]} {pointer[place]:>5}" if pointer else f"{'xy'[place]}     ·"

        return self._text(x, y, 9, shows, _INK)

    def _pressed(self, bit: int) -> bool:
        return bool(self._scene.buttons & bit)

    def _is_held(self, name: str) -> bool:
        return name in self._scene.held

    def _modifiers(self) -> Iterator[_Field]:
        x = _KEYBOARD.x + 16
        for name in keys.MODIFIER_NAMES:
            width = text_width(name) + 16
            yield self._pill(Rect(x, _KEYBOARD.y + 62, width, 34), name, partial(self._is_held, name))
            x += width + 17

    def _pill(self, rect: Rect, name: str, lit: Callable[[], bool]) -> _Field:
        def paint(canvas: Canvas) -> None:
            on = lit()
            fill, edge = (self._accent, self._accent) if on else (_CARD, _EDGE)
            canvas.box(rect, fill, radius=6, border=edge)
            x = rect.x + (rect.width - text_width(name)) // 2 + 1
            canvas.text(x, rect.y + rect.height // 2 - 6, name, _BOTTOM if on else _FAINT)

        return _Field(rect, lit, paint)

    def _clipboard_line(self, row: int) -> _Field:
        def shows() -> str:
            text = "".join(char if char.isprintable() else "·" for char in self._scene.clipboard[:200])
            if not text:
                return "nothing pasted yet" if row == 0 else ""
            rest = text[_CLIPBOARD_COLUMNS:]
            return text[:_CLIPBOARD_COLUMNS] if row == 0 else fitted(rest, _CLIPBOARD_COLUMNS)

        def paint(canvas: Canvas) -> None:
            canvas.text(rect.x, rect.y + 6, shows(), _INK if self._scene.clipboard else _FAINT)

        rect = Rect(_CLIPBOARD.x + 16, _CLIPBOARD.y + 36 + row * _LINE, _CLIPBOARD_COLUMNS * ADVANCE, 24)
        return _Field(rect, shows, paint)

    def _paint_map(self, canvas: Canvas) -> None:
        """The whole screen, small, with a point where the pointer is."""
        canvas.box(_MAP, _BOTTOM, radius=4, border=_EDGE)
        if self._scene.pointer is None:
            return
        x = _MAP.x + 4 + self._scene.pointer[0] * (_MAP.width - 8) / WIDTH
        y = _MAP.y + 4 + self._scene.pointer[1] * (_MAP.height - 8) / HEIGHT
        line = mixed(_BOTTOM, self._accent, 0.35)
        canvas.fill(Rect(_MAP.x + 1, int(y), _MAP.width - 2, 1), line)
        canvas.fill(Rect(int(x), _MAP.y + 1, 1, _MAP.height - 2), line)
        canvas.dot(x + 0.5, y + 0.5, 3, self._accent)

    def _paint_ctrl_alt_del(self, canvas: Canvas) -> None:
        pressed = self._scene.ctrl_alt_del_at
        if pressed is None:
            canvas.text(_CTRL_ALT_DEL.x + 16, _CTRL_ALT_DEL.y + 22, "Ctrl-Alt-Del not pressed", _FAINT)
            return
        canvas.box(_CTRL_ALT_DEL, mixed(_CARD, self._accent, 0.22), border=self._accent)
        said = f"Ctrl-Alt-Del pressed {pressed:%H:%M:%S}"
        canvas.text(_CTRL_ALT_DEL.x + 16, _CTRL_ALT_DEL.y + 22, said, _INK)


@dataclass(frozen=True, slots=True)
class _Furniture:
    """What never changes."""

    canvas: Canvas
    scene: Scene
    badge: str

    def paint(self) -> None:
        self._title()
        for card in (_TERMINAL, _POINTER, _KEYBOARD, _CLIPBOARD, _CTRL_ALT_DEL):
            self.canvas.box(card, _CARD, border=_EDGE)
        for card, label in ((_POINTER, "POINTER"), (_KEYBOARD, "KEYBOARD"), (_CLIPBOARD, "CLIPBOARD")):
            self.canvas.text(card.x + 16, card.y + 16, label, _FAINT)
        self.canvas.text(_TERMINAL.x + 16, _TERMINAL.bottom - 30, HINT, _FAINT)
        self.canvas.fill(Rect(_TERMINAL.x + 16, _TERMINAL.bottom - 44, _TERMINAL.width - 32, 1), _EDGE)
        if self.badge:
            self._badge()

    def _title(self) -> None:
        machine = self.scene.machine
        name = "".join(char if char.isprintable() else "·" for char in machine.name)
        scale, columns = next((one for one in _TITLE_COLUMNS if len(name) <= one[1]), _TITLE_COLUMNS[-1])
        self.canvas.box(Rect(_LEFT, 31, 6, 91), machine.accent, radius=3)
        self.canvas.text(_LEFT + 20, 56 - 6 * scale, fitted(name, columns), _INK, scale=scale, weight=THIN)
        about = f"{machine.project} · {machine.flavor} · {machine.system} · {machine.address}"
        self.canvas.text(_LEFT + 24, 107, fitted(about, 66), _SOFT)

    def _badge(self) -> None:
        width = text_width(self.badge, 2) + 32
        rect = Rect(_TERMINAL.x + (_TERMINAL.width - width) // 2, _TERMINAL.y + 190, width, 60)
        self.canvas.box(rect, _BOTTOM, border=self.scene.machine.accent)
        self.canvas.text(rect.x + 18, rect.y + 18, self.badge, self.scene.machine.accent, scale=2, weight=1.7)


def _background(accent: Colour) -> Pixels:
    """Dark, a little lighter at the top, with a breath of the server's colour at its name."""
    rows, columns = numpy.mgrid[0:HEIGHT, 0:WIDTH].astype(numpy.float32)
    down = (rows / HEIGHT)[..., None]
    plain = numpy.array(_TOP, numpy.float32) * (1 - down) + numpy.array(_BOTTOM, numpy.float32) * down
    far = (columns / 620) ** 2 + (rows / 240) ** 2
    glow = (0.16 * numpy.exp(-far))[..., None]
    pixels: Pixels = (plain + glow * (numpy.array(accent, numpy.float32) - plain) + 0.5).astype(numpy.uint8)
    return pixels


def _paint_pointer(canvas: Canvas, place: tuple[int, int], buttons: int, accent: Colour) -> None:
    x, y = place
    for rect in (Rect(x - 16, y, 11, 1), Rect(x + 6, y, 11, 1), Rect(x, y - 16, 1, 11), Rect(x, y + 6, 1, 11)):
        canvas.fill(rect.grown(1), _BOTTOM)
        canvas.fill(rect, _INK)
    canvas.dot(x + 0.5, y + 0.5, 10 if buttons else 4, _BOTTOM)
    canvas.dot(x + 0.5, y + 0.5, 9 if buttons else 3, accent)


def _pointer_rect(place: tuple[int, int] | None) -> Rect:
    if place is None:
        return Rect(0, 0, 0, 0)
    whole = Rect(0, 0, WIDTH, HEIGHT)
    return Rect(place[0] - _REACH, place[1] - _REACH, 2 * _REACH + 1, 2 * _REACH + 1).cut(whole)


def _part(pixels: Pixels, rect: Rect) -> Pixels:
    return pixels[rect.y : rect.bottom, rect.x : rect.right]


def _copy(source: Pixels, target: Pixels, rect: Rect) -> None:
    _part(target, rect)[:] = _part(source, rect)


def _difference(before: Pixels, after: Pixels, rect: Rect) -> Rect | None:
    """The smallest part of `rect` that holds every pixel that is another now."""
    other = (before != after).any(axis=2)
    rows, columns = numpy.flatnonzero(other.any(axis=1)), numpy.flatnonzero(other.any(axis=0))
    if not len(rows):
        return None
    x, y = int(columns[0]), int(rows[0])
    return Rect(rect.x + x, rect.y + y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1)
