"""Which modules a module needs."""

from __future__ import annotations

import pytest

from launcher.web.modules import graph, imports_of


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ('import "./a.js";', ["a.js"]),
        ("import './a.js'", ["a.js"]),
        ('import a from "./a.js";', ["a.js"]),
        ('import * as a from "./a.js";', ["a.js"]),
        ('import { a, b as c } from "./a.js";', ["a.js"]),
        ('import a, { b } from "./a.js";', ["a.js"]),
        ('import {\n  a,\n  b,\n} from "./a.js";', ["a.js"]),
        ('import{a}from"./a.js";', ["a.js"]),
        ('export * from "./a.js";', ["a.js"]),
        ('export { a } from "./a.js";', ["a.js"]),
        ('  import a from "./a.js";', ["a.js"]),
        ('import a from "./a.js";\nimport b from "./b/c.js";', ["a.js", "b/c.js"]),
        ('import a from "a";', []),
        ('import a from "https://example.com/a.js";', []),
        ('// import a from "./a.js";', []),
        (' * import a from "./a.js";', []),
        ('const a = import("./a.js");', []),
        ('export const from = "./a.js";', []),
        ('export function a() { return "./a.js"; }', []),
        ('export { a };\nsay(b from "./a.js")', []),
        ("", []),
    ],
)
def test_static_imports_of_relative_modules_are_found(statement: str, found: list[str]) -> None:
    assert imports_of("main.js", statement) == found


def test_an_import_is_relative_to_its_module() -> None:
    text = 'import a from "../a.js";\nimport b from "./b.js";\nimport c from "./d/../c.js";'
    assert imports_of("x/y/main.js", text) == ["x/a.js", "x/y/b.js", "x/y/c.js"]


def test_every_module_stands_once_in_a_graph_with_circles() -> None:
    texts = {
        "main.js": 'import "./a.js";\nimport "./b/b.js";\nimport "./a.js";',
        "a.js": 'import "./b/b.js";\nimport "./main.js";',
        "b/b.js": 'import "../c.js";',
        "c.js": "",
    }
    assert graph("main.js", texts.__getitem__) == ["main.js", "a.js", "b/b.js", "c.js"]


def test_a_module_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"gone\.js"):
        graph("main.js", {"main.js": 'import "./gone.js";'}.__getitem__)
