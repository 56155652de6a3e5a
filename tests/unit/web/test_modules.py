from __future__ import annotations

import pytest

from launcher.web.modules import graph, imports_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('import RFB from "./novnc/rfb.js";', ["novnc/rfb.js"]),
        ("import * as a from './a.js';", ["a.js"]),
        ('import {\n  one,\n  two as three,\n} from "./a.js";', ["a.js"]),
        ('import "./a.js";\n  export { b } from "./b.js";\nexport * from "./c.js";', ["a.js", "b.js", "c.js"]),
        ('import d, { e } from "../x/d.js"', ["../x/d.js"]),
        ("const x = \"import y from './no.js'\";", []),
        ('export const a = 1;\nconst from = "./no.js";', []),
        ('export default function from() { return "./no.js"; }', []),
        ('// import a from "./no.js";', []),
        ('import bare from "bare";', []),
    ],
)
def test_static_imports_of_relative_modules_are_found(text: str, found: list[str]) -> None:
    assert imports_of("main.js", text) == found


def test_a_name_is_relative_to_the_module_that_imports_it() -> None:
    assert imports_of("novnc/core/rfb.js", 'import "../vendor/x.js"; ') == ["novnc/vendor/x.js"]


def test_the_graph_holds_each_module_once_though_they_import_each_other() -> None:
    texts = {"a.js": 'import "./b.js";\nimport "./c.js";', "b.js": 'import "./c.js";', "c.js": 'import "./a.js";'}
    assert graph("a.js", texts.__getitem__) == ["a.js", "b.js", "c.js"]


def test_a_module_that_is_not_there_is_said() -> None:
    with pytest.raises(KeyError, match=r"b\.js"):
        graph("a.js", {"a.js": 'import "./b.js";'}.__getitem__)
