"""DES as FIPS 46-3 describes it, bit by bit: a second opinion on what a library says. Slow, and for tests only."""

from __future__ import annotations

from collections.abc import Sequence

_FIRST = [start - 8 * row for start in (58, 60, 62, 64, 57, 59, 61, 63) for row in range(8)]
_LAST = [_FIRST.index(place) + 1 for place in range(1, 65)]
_WIDEN = [(4 * group + place - 1) % 32 + 1 for group in range(8) for place in range(6)]
_SHUFFLE = [16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6]
_SHUFFLE += [22, 11, 4, 25]
_KEY = [57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36]
_KEY += [63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4]
_ROUND_KEY = [14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37]
_ROUND_KEY += [47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32]
_TURNS = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1]
_BOXES = [
    "e4d12fb83a6c5907 0f74e2d1a6cb9538 41e8d62bfc973a50 fc8249175b3ea06d",
    "f18e6b34972dc05a 3d47f28ec01a69b5 0e7ba4d158c6932f d8a13f42b67c05e9",
    "a09e63f51dc7b428 d709346a285ecbf1 d6498f30b12c5ae7 1ad069874fe3b52c",
    "7de3069a1285bc4f d8b56f03472c1ae9 a690cb7df13e5284 3f06a1d8945bc72e",
    "2c417ab6853fd0e9 eb2c47d150fa3986 421bad78f9c5630e b8c71e2d6f09a453",
    "c1af92680d34e75b af427c9561de0b38 9ef528c3704a1db6 432c95fabe17608d",
    "4b2ef08d3c975a61 d0b7491ae35c2f86 14bdc37eaf680592 6bd814a7950fe23c",
    "d2846fb1a93e50c7 1fd8a374c56b0e92 7b419ce206adf358 21e74a8dfc90356b",
]


def encrypted(block: bytes, key: bytes) -> bytes:
    """One block of 8 bytes, with a key of 8 bytes."""
    left_right = _picked(_bits(block), _FIRST)
    left, right = left_right[:32], left_right[32:]
    for round_key in _round_keys(key):
        left, right = right, [a ^ b for a, b in zip(left, _mixed(right, round_key), strict=True)]
    out = _picked(right + left, _LAST)
    return int("".join(map(str, out)), 2).to_bytes(8, "big")


def _bits(raw: bytes) -> list[int]:
    return [int(bit) for byte in raw for bit in f"{byte:08b}"]


def _picked(bits: Sequence[int], places: Sequence[int]) -> list[int]:
    return [bits[place - 1] for place in places]


def _round_keys(key: bytes) -> list[list[int]]:
    halves = _picked(_bits(key), _KEY)
    one, two, keys = halves[:28], halves[28:], []
    for turn in _TURNS:
        one, two = one[turn:] + one[:turn], two[turn:] + two[:turn]
        keys.append(_picked(one + two, _ROUND_KEY))
    return keys


def _mixed(right: Sequence[int], round_key: Sequence[int]) -> list[int]:
    wide = [a ^ b for a, b in zip(_picked(right, _WIDEN), round_key, strict=True)]
    out = []
    for number, box in enumerate(_BOXES):
        six = wide[6 * number : 6 * number + 6]
        row = 2 * six[0] + six[5]
        column = 8 * six[1] + 4 * six[2] + 2 * six[3] + six[4]
        out += [int(bit) for bit in f"{int(box.replace(' ', '')[16 * row + column], 16):04b}"]
    return _picked(out, _SHUFFLE)
