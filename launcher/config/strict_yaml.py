"""Reads YAML strictly: one document of plain values, and the line that every key stands on.

PyYAML's safe loader composes the tree; this module turns the tree into values itself, so that it can refuse what
surprises people (YAML 1.1 reads `no` as false and `0123` as 83), what hides (a duplicate key silently wins), and what
bites (aliases and merge keys grow without bound). Every such thing becomes a problem of its own and reading goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from launcher.config.document import UNREADABLE, Document, KeyPath, Unreadable, secretive, shown

SIZE_LIMIT = 1024 * 1024
"""Bytes; a configuration is far below it."""
DEPTH_LIMIT = 20
"""Mappings and lists inside each other; the deepest key of ours stands at 5. It bounds all recursion."""
NODE_LIMIT = 10_000
"""Keys and values; PyYAML reads about twice as many in a second."""

_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = {_TAG + "str", _TAG + "value", _TAG + "merge"}
_SCALAR_TAGS = _TEXT_TAGS | {_TAG + kind for kind in ("null", "bool", "int", "float", "timestamp")}
_BOOLS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INVISIBLE = "a line break or a character that cannot be seen stands in this text: remove it"
_SYNTAX = (
    ("scanning an alias", 'a value that begins with * needs quotes, like "*.example.net"'),
    ("scanning an anchor", "a value that begins with & needs quotes"),
    ("<document start>", "a line that begins with % is not understood: put the value in quotes"),
    ("scanning a directive", "a line that begins with % is not understood: put the value in quotes"),
    ("cannot start any token", "a value may not begin with this character: put it in quotes"),
    (
        "mapping values are not allowed",
        "either a value holds a colon (put it in quotes), or the indentation does not fit",
    ),
    ("node content, but found ','", "a comma too many, or no value before it"),
    ("node content", 'a "[" or "{" opened here or above is not closed'),
    ("expected <block end>", "this line does not fit the indentation of the lines above"),
    ("unknown escape character", 'a backslash inside "…" begins an unknown escape: use single quotes'),
    ("expected a single document", "a second document begins here (---): one file holds one"),
    ("undefined tag handle", "tags (!…) are not allowed here"),
    ("nested deeper", f"more than {DEPTH_LIMIT} levels inside each other: no configuration is so deep"),
    ("too many nodes", f"more than {NODE_LIMIT} keys and values: no configuration is so long"),
)
"""A part of what PyYAML says, and the sentence for it; told with the line where it noticed."""
_OPENED = (
    ("could not find expected ':'", "a colon is missing behind this key, or a space behind its colon"),
    ("expected ',' or ']'", 'the "[" opened here is not closed by "]", or a comma is missing'),
    ("expected ',' or '}'", 'the "{" opened here is not closed by "}", or a comma is missing'),
    ("unexpected end of stream", "the quote opened here is not closed"),
)
"""The same, told with the line where it began."""


def read(content: bytes, file: str) -> Document:
    """The document in `content`; `file` is its name in problems. Never raises: `problems` says what is wrong."""
    document = Document(file)
    text = _decoded(content, document)
    if text is None:
        return document
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        _tell_syntax(error, text, document)
        return document
    finally:
        loader.dispose()
    if node is None:
        document.problem(
            (), "is empty: name yours with --config FILE, or move it away, and `console-launcher init` writes one"
        )
    elif not isinstance(node, yaml.MappingNode):
        document.problem((), "holds no keys at its top: keys like listen: and clouds: are expected", _line(node))
    else:
        document.value = _Builder(document, loader.anchored).value(node, ())
    return document


def _decoded(content: bytes, document: Document) -> str | None:
    """The text, or None when no further look makes sense."""
    if len(content) > SIZE_LIMIT:
        document.problem((), "is larger than 1 MiB: this is not a configuration")
        return None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        document.problem((), "is UTF-16 text: save it as UTF-8")
        return None
    if content.startswith(b"\xef\xbb\xbf"):
        document.problem((), "begins with a byte order mark: save it as UTF-8 without one", 1)
        content = content[3:]
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        document.problem((), f"is not UTF-8 text (byte 0x{content[error.start]:02x}): save it as UTF-8", line)
        return None
    if found := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        document.problem((), f"holds a character that no text has (U+{ord(found[0]):04X}): remove it", line)
        return None
    return text


def _tell_syntax(error: yaml.MarkedYAMLError, text: str, document: Document) -> None:
    if "'\\t'" in str(error.problem) or "\\t" in str(error.problem):
        for number in _tab_lines(text):
            document.problem((), "a tab: YAML is indented with spaces only", number)
    if document.problems:
        return
    said = f"{error.context or ''} {error.problem or ''}"
    began = next((ours for theirs, ours in _OPENED if theirs in said), None)
    sentence = began or next((ours for theirs, ours in _SYNTAX if theirs in said), f"is not YAML: {error.problem}")
    mark = error.context_mark if began else error.problem_mark
    document.problem((), sentence, mark.line + 1 if mark else None)


def _tab_lines(text: str) -> Iterator[int]:
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r" *\t\s*\S", line):
            yield number


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


class _Loader(yaml.SafeLoader):
    """Composes the tree without ever following an alias, and only so far down and so far along."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.anchored: set[int] = set()
        self._depth = 0
        self._count = 0

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's stub says too little
        self._bound(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            self.get_event()  # type: ignore[no-untyped-call]  # as above
            return yaml.ScalarNode("!alias", event.anchor, event.start_mark)  # type: ignore[arg-type]  # the pure parser's mark
        anchored, event.anchor = event.anchor is not None, None
        self._depth += 1
        node = super().compose_node(parent, index)  # type: ignore[arg-type]  # its stub names a narrower index
        self._depth -= 1
        assert node is not None, "the parser has just shown the event of this node"
        if anchored:
            self.anchored.add(id(node))
        return node

    def _bound(self, mark: yaml.Mark) -> None:
        self._count += 1
        if self._depth >= DEPTH_LIMIT:
            raise yaml.MarkedYAMLError(problem="nested deeper", problem_mark=mark)
        if self._count > NODE_LIMIT:
            raise yaml.MarkedYAMLError(problem="too many nodes", problem_mark=mark)


class _Builder:
    """Turns a tree into values and tells the document what it meets."""

    def __init__(self, document: Document, anchored: set[int]) -> None:
        self._document = document
        self._anchored = anchored

    def value(self, node: yaml.Node, path: KeyPath) -> object:
        """The plain value of a node, or UNREADABLE."""
        if id(node) in self._anchored:
            self._tell(node, path, "anchors (&name) are not allowed here: remove it and write values out")
        if node.tag == "!alias":
            return self._refuse(node, path, f"aliases (*{shown(node.value)}) are not allowed here: write the value out")
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return tuple(self._item(item, (*path, at)) for at, item in enumerate(node.value))
        if isinstance(node, yaml.ScalarNode) and node.tag in _SCALAR_TAGS:
            return self._scalar(node, path)
        return self._refuse(node, path, "tags (!…) are not allowed here: write a plain value")

    def _item(self, node: yaml.Node, path: KeyPath) -> object:
        self._document.lines[path] = _line(node)
        return self.value(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        found: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            place = (*path, key)
            if key in found:
                first = self._document.lines[place]
                self._tell(key_node, place, f"this key stands twice here (first in line {first}): keep one")
                continue
            self._document.lines[place] = _line(key_node)
            found[key] = self.value(value_node, place)
        return found

    def _key(self, node: yaml.Node, path: KeyPath) -> str | None:
        """The key as a text, or None when nothing can be kept under it."""
        if id(node) in self._anchored:
            self._tell(node, path, "anchors (&name) are not allowed here: remove it")
        if node.tag == _TAG + "merge":
            self._refuse(node, path, "merge keys (<<) are not allowed here: write the keys out")
            return None
        if not isinstance(node, yaml.ScalarNode) or node.tag not in _SCALAR_TAGS:
            self._refuse(node, path, "a key must be a plain text: put it in quotes")
            return None
        if not node.value:
            self._refuse(node, path, "a key is empty: write a text before the colon")
            return None
        if not node.value.isprintable():
            self._refuse(node, (*path, node.value), _INVISIBLE)
            return None
        if node.tag not in _TEXT_TAGS:
            self._tell(node, (*path, node.value), self._reading(node, path, "the key"))
        return str(node.value)

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> object:
        kind, text = node.tag.removeprefix(_TAG), str(node.value)
        if node.tag in _TEXT_TAGS:
            return text if text.isprintable() else self._refuse(node, path, _INVISIBLE)
        if kind == "null":
            return self._refuse(node, path, "nothing stands behind this key: give it a value or remove it")
        if kind == "bool" and text.lower() in _BOOLS:
            self._document.sources[path] = text
            return _BOOLS[text.lower()]
        if kind == "int" and re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", text):
            self._document.sources[path] = text
            return int(text)
        if kind == "float" and re.fullmatch(r"[-+]?[0-9]{1,18}\.[0-9]{0,18}", text):
            self._document.sources[path] = text
            return float(text)
        return self._refuse(node, path, self._reading(node, path, "this value"))

    def _reading(self, node: yaml.ScalarNode, path: KeyPath, what: str) -> str:
        """`YAML reads no as false. Put it in quotes: "no"`."""
        text = shown(str(node.value))
        as_what = _meaning(node)
        if secretive(path):
            return f"YAML reads {what} otherwise than it is written. Put it in quotes"
        plain = f"Write {as_what.removeprefix('the number ')}, or put" if as_what.startswith("the number") else "Put"
        return f'YAML reads {text} as {as_what}. {plain} it in quotes: "{text}"'

    def _refuse(self, node: yaml.Node, path: KeyPath, message: str) -> Unreadable:
        self._document.unsure.add(path)
        self._tell(node, path, message)
        return UNREADABLE

    def _tell(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        self._document.problem(path, message, _line(node))


def _meaning(node: yaml.ScalarNode) -> str:
    """What YAML 1.1 makes of a scalar, in words."""
    kind = node.tag.removeprefix(_TAG)
    if kind == "bool":
        return "true" if _BOOLS.get(node.value.lower()) else "false"
    if kind == "int" and re.fullmatch(r"0[0-7]+", node.value):
        return f"the number {int(node.value, 8)}"
    words = {"int": "a number", "float": "a number", "null": "nothing", "timestamp": "a date"}
    return words[kind]
