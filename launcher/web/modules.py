"""Finds which JavaScript modules a module imports, directly and through others. Pure.

Reads static `import … from "./x.js"`, `import "./x.js"` and `export … from "./x.js"` (ECMA-262 §16.2) of relative
modules, as the page's own files and noVNC write them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

_STATEMENT = re.compile(
    r"""^[ \t]*(?:import|export)\b(?:[^'"`;()=]*?\bfrom)?[ \t]*(?P<quote>['"])(?P<name>\.{1,2}/[^'"\n]+)(?P=quote)""",
    re.MULTILINE,
)


def imports_of(name: str, text: str) -> list[str]:
    """The modules that the module `name` with this text imports; names are relative to the tree, as `name` is."""
    folder = posixpath.dirname(name)
    return [posixpath.normpath(posixpath.join(folder, found["name"])) for found in _STATEMENT.finditer(text)]


def graph(name: str, read: Callable[[str], str]) -> list[str]:
    """`name` and every module that it needs, in the order in which they are met; `read` gives a module's text.

    Raises:
        KeyError: what `read` raises for a module that is not there.
    """
    met = [name]
    for one in met:  # grows meanwhile
        met += [found for found in dict.fromkeys(imports_of(one, read(one))) if found not in met]
    return met
