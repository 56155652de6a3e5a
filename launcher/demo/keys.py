"""What the numbers of RFB's keys (X11 keysyms) mean. Pure."""

from __future__ import annotations

from typing import Final

RETURN: Final = frozenset({0xFF0D, 0xFF8D})
BACKSPACE, DELETE, ESCAPE, TAB = 0xFF08, 0xFFFF, 0xFF1B, 0xFF09
LEFT, UP, RIGHT, DOWN, HOME, END = 0xFF51, 0xFF52, 0xFF53, 0xFF54, 0xFF50, 0xFF57

MODIFIERS: Final = {
    0xFFE1: "Shift",
    0xFFE2: "Shift",
    0xFFE3: "Ctrl",
    0xFFE4: "Ctrl",
    0xFFE7: "Alt",
    0xFFE8: "Alt",
    0xFFE9: "Alt",
    0xFFEA: "Alt",
    0xFE03: "AltGr",
    0xFFEB: "Super",
    0xFFEC: "Super",
}
MODIFIER_NAMES: Final = ("Shift", "Ctrl", "Alt", "Super")
"""Those that a screen shows."""

_NAMES: Final = {
    0xFF0D: "Enter",
    0xFF8D: "Enter",
    BACKSPACE: "Backspace",
    TAB: "Tab",
    ESCAPE: "Esc",
    DELETE: "Delete",
    0xFF9F: "Delete",
    LEFT: "Left",
    UP: "Up",
    RIGHT: "Right",
    DOWN: "Down",
    HOME: "Home",
    END: "End",
    0xFF55: "Page Up",
    0xFF56: "Page Down",
    0xFF63: "Insert",
    0xFF61: "Print",
    0xFF13: "Pause",
    0xFF67: "Menu",
    0xFFE5: "Caps Lock",
    0xFF7F: "Num Lock",
    0x20: "Space",
}
_LONGEST: Final = 10


def character(keysym: int) -> str | None:
    """The character that a key types, if it types one: Latin-1 by itself, other Unicode from 0x01000000 on."""
    if 0x20 <= keysym <= 0x7E or 0xA0 <= keysym <= 0xFF:
        return chr(keysym)
    if 0x01000100 <= keysym <= 0x0110FFFF:
        char = chr(keysym - 0x01000000)
        return char if char.isprintable() else None
    if 0xFFAA <= keysym <= 0xFFB9:  # the keypad
        return chr(keysym - 0xFF80)
    return "€" if keysym == 0x20AC else None


def name(keysym: int) -> str:
    """What a person calls the key."""
    if keysym in MODIFIERS:
        return MODIFIERS[keysym]
    if 0xFFBE <= keysym <= 0xFFD5:
        return f"F{keysym - 0xFFBD}"
    return (_NAMES.get(keysym) or character(keysym) or f"0x{keysym:X}")[:_LONGEST]
