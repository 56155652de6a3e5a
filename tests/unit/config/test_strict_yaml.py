from __future__ import annotations

import time

import pytest

from launcher.config.document import UNREADABLE
from launcher.config.strict_yaml import SIZE_LIMIT, read


def problems(text: str | bytes) -> list[str]:
    document = read(text.encode() if isinstance(text, str) else text, "f.yaml")
    return [str(problem) for problem in document.problems]


def test_plain_values_come_with_the_line_of_their_key() -> None:
    document = read(b"a: text\nb:\n  - 1\n  - {c: true, d: 1.5, e: -7}\nf: 'no'\ng: 0\nh: =\n", "f.yaml")
    assert document.value == {
        "a": "text", "b": (1, {"c": True, "d": 1.5, "e": -7}), "f": "no", "g": 0, "h": "=",
    }  # fmt: skip
    assert document.problems == []
    assert document.lines[("b", 1, "d")] == 4
    assert document.line(("b", 1, "nowhere", "below")) == 4
    assert document.line(("nowhere",)) is None


EMPTY = "is empty: name yours with --config FILE, or move it away, and `console-launcher init` writes one"
CASES = {
    "empty": ("", f"f.yaml: {EMPTY}"),
    "only a comment": ("# hello\n", f"f.yaml: {EMPTY}"),
    "a list": ("- a\n", "f.yaml:1: holds no keys at its top: keys like listen: and clouds: are expected"),
    "duplicate": ("a: 1\nb: 2\na: 3\n", "f.yaml:3 a: this key stands twice here (first in line 1): keep one"),
    "alias": ("a: *x\n", "f.yaml:1 a: aliases (*x) are not allowed here: write the value out"),
    "anchor": ("a: &x 1\n", "f.yaml:1 a: anchors (&name) are not allowed here: remove it and write values out"),
    "anchored key": ("b:\n  &x a: 1\n", "f.yaml:2 b: anchors (&name) are not allowed here: remove it"),
    "merge": ("a:\n  <<: {b: 1}\n", "f.yaml:2 a: merge keys (<<) are not allowed here: write the keys out"),
    "tag": ("a: !foo x\n", "f.yaml:1 a: tags (!…) are not allowed here: write a plain value"),
    "python": ("a: !!python/object:os.system {}\n", "f.yaml:1 a: tags (!…) are not allowed here: write a plain value"),
    "python name": ("!!python/name:os.system : 1\n", "f.yaml:1: a key must be a plain text: put it in quotes"),
    "binary": ("a: !!binary aGk=\n", "f.yaml:1 a: tags (!…) are not allowed here: write a plain value"),
    "set": ("a: !!set {b}\n", "f.yaml:1 a: tags (!…) are not allowed here: write a plain value"),
    "handle": ("a: !x!y 1\n", "f.yaml:1: tags (!…) are not allowed here"),
    "no as a key": ("no: 1\n", 'f.yaml:1 no: YAML reads no as false. Put it in quotes: "no"'),
    "on as a key": ("On: 1\n", 'f.yaml:1 On: YAML reads On as true. Put it in quotes: "On"'),
    "number as a key": ("a: {5: x}\n", 'f.yaml:1 a.5: YAML reads 5 as a number. Put it in quotes: "5"'),
    "null key": ("~: x\n", 'f.yaml:1 ~: YAML reads ~ as nothing. Put it in quotes: "~"'),
    "empty key": ("a:\n  ?\n  : x\n", "f.yaml:2 a: a key is empty: write a text before the colon"),
    "list as a key": ("? [a]\n: 1\n", "f.yaml:1: a key must be a plain text: put it in quotes"),
    "template": ("a:\n  {{ x }}: 1\n", "f.yaml:2 a: a key must be a plain text: put it in quotes"),
    "octal": ("a: 0123\n", 'f.yaml:1 a: YAML reads 0123 as the number 83. Write 83, or put it in quotes: "0123"'),
    "sixties": ("a: 12:30\n", 'f.yaml:1 a: YAML reads 12:30 as a number. Put it in quotes: "12:30"'),
    "hexadecimal": ("a: 0x1f\n", 'f.yaml:1 a: YAML reads 0x1f as a number. Put it in quotes: "0x1f"'),
    "huge": (f"a: {'9' * 5000}\n", None),
    "infinite": ("a: .inf\n", 'f.yaml:1 a: YAML reads .inf as a number. Put it in quotes: ".inf"'),
    "date": ("a: 2026-13-45\n", 'f.yaml:1 a: YAML reads 2026-13-45 as a date. Put it in quotes: "2026-13-45"'),
    "not a bool": ("a: !!bool maybe\n", 'f.yaml:1 a: YAML reads maybe as false. Put it in quotes: "maybe"'),
    "octal secret": (
        "api_key: 0123\n",
        ("f.yaml:1 api_key: YAML reads this value otherwise than it is written. Put it in quotes"),
    ),
    "nothing": ("a:\nb: 1\n", "f.yaml:1 a: nothing stands behind this key: give it a value or remove it"),
    "tab": ("a:\n\tb: 1\n", "f.yaml:2: a tab: YAML is indented with spaces only"),
    "tab in the middle": (
        "a: [1,\n @]\n\tb: 1\n",
        "f.yaml:2: a value may not begin with this character: put it in quotes",
    ),
    "glob": ("a: [*.example.net]\n", 'f.yaml:1: a value that begins with * needs quotes, like "*.example.net"'),
    "ampersand": ("a: &.x\n", "f.yaml:1: a value that begins with & needs quotes"),
    "percent": ("a: 1\n%y: 2\n", "f.yaml:2: a line that begins with % is not understood: put the value in quotes"),
    "directive": (
        "%YAML x\n---\na: b\n",
        "f.yaml:1: a line that begins with % is not understood: put the value in quotes",
    ),
    "two colons": (
        "a: b: c\n",
        "f.yaml:1: either a value holds a colon (put it in quotes), or the indentation does not fit",
    ),
    "no colon": ("a: 1\nb\nc: 1\n", "f.yaml:2: a colon is missing behind this key, or a space behind its colon"),
    "open list": ("a: [1\nb: 2\n", 'f.yaml:1: the "[" opened here is not closed by "]", or a comma is missing'),
    "open map": ("\na: {b: 1\nc: 2\n", 'f.yaml:2: the "{" opened here is not closed by "}", or a comma is missing'),
    "open at the end": ("a: [\n", 'f.yaml:2: a "[" or "{" opened here or above is not closed'),
    "comma": ("a: [1,,2]\n", "f.yaml:1: a comma too many, or no value before it"),
    "quote": ("a: 'b\nc: 1\n", "f.yaml:1: the quote opened here is not closed"),
    "escape": ('a: "C:\\windows"\n', 'f.yaml:1: a backslash inside "…" begins an unknown escape: use single quotes'),
    "indentation": ("a:\n  b: 1\n c: 2\n", "f.yaml:3: this line does not fit the indentation of the lines above"),
    "documents": ("a: 1\n---\na: 1\n", "f.yaml:2: a second document begins here (---): one file holds one"),
    "unforeseen": (
        "%YAML 9.9\n---\na: 1\n",
        "f.yaml:1: is not YAML: found incompatible YAML document (version 1.* is required)",
    ),
    "brackets": ("[" * 100_000, "f.yaml:1: more than 20 levels inside each other: no configuration is so deep"),
    "braces": ("{a: " * 100_000, "f.yaml:1: more than 20 levels inside each other: no configuration is so deep"),
    "endless": ("a: b\n" * 20_000, "f.yaml:5000: more than 10000 keys and values: no configuration is so long"),
    "NUL": ("a: 1\nb: \0\n", "f.yaml:2: holds a character that no text has (U+0000): remove it"),
    "escape sequence": ("a: \x1b[31m\n", "f.yaml:1: holds a character that no text has (U+001B): remove it"),
    "BOM": (b"\xef\xbb\xbfa: 1\n", "f.yaml:1: begins with a byte order mark: save it as UTF-8 without one"),
    "UTF-16": ("a: 1\n".encode("utf-16"), "f.yaml: is UTF-16 text: save it as UTF-8"),
    "latin-1": ("x: 1\na: café\n".encode("latin-1"), "f.yaml:2: is not UTF-8 text (byte 0xe9): save it as UTF-8"),
    "too large": (b"#" * (SIZE_LIMIT + 1), "f.yaml: is larger than 1 MiB: this is not a configuration"),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_what_is_wrong_is_said_in_one_sentence_with_its_line(text: str | bytes, expected: str | None) -> None:
    before = time.process_time()
    (said,) = problems(text)
    assert time.process_time() - before < 2
    assert expected is None or said == expected
    assert len(said) < 300


def test_an_alias_bomb_is_refused_alias_by_alias_without_growing() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 10))
    said = problems("l0: &l0 [lol]\n" + levels)
    assert len(said) == 10 + 81
    assert all("not allowed here" in line for line in said)


def test_a_merge_bomb_is_refused_without_merging() -> None:
    levels = "".join(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}], k{n}: 1}}\n" for n in range(1, 200))
    before = time.process_time()
    said = problems("m0: &m0 {k: 1}\n" + levels)
    assert time.process_time() - before < 2
    assert sum("merge keys" in line for line in said) == 199


def test_all_tabs_are_told_at_once() -> None:
    assert problems("a:\n\tb: 1\n  \tc: 2\n") == [
        "f.yaml:2: a tab: YAML is indented with spaces only",
        "f.yaml:3: a tab: YAML is indented with spaces only",
    ]


def test_reading_goes_on_behind_a_problem() -> None:
    document = read(b"\xef\xbb\xbfa: 1\na: 2\nb: *x\nno: 3\n? [c]\n: 4\n*y : 5\nd: [!x y, 6]\n", "f.yaml")
    assert document.value == {"a": 1, "b": UNREADABLE, "no": 3, "d": (UNREADABLE, 6)}
    assert len(document.problems) == 7


def test_what_a_key_says_cannot_paint_a_terminal_or_fill_it() -> None:
    (said,) = problems(f'"\\e[31m\\n{"x" * 200}": {{a: 1, a: 2}}\n')
    assert said.startswith("f.yaml:1 \\x1b[31m\\nxxx")
    assert said.endswith("…: a line break or a character that cannot be seen stands in this text: remove it")
    assert "\x1b" not in said
    assert len(said) < 200


@pytest.mark.parametrize("text", ['"\\ud800"', '"a\\0"', '"a\\nb"', "\u202eb", "|\n  a\n  b\n"])
def test_a_text_that_cannot_be_seen_whole_is_refused(text: str) -> None:
    assert problems(f"a: {text}\n") == [
        "f.yaml:1 a: a line break or a character that cannot be seen stands in this text: remove it"
    ]
