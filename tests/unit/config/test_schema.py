from __future__ import annotations

import json
import re
from typing import Any

from launcher.config.schema import schema


def every(part: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every object of a schema, with its place."""
    if isinstance(part, list):
        return [one for item in part for one in every(item, path)]
    if not isinstance(part, dict):
        return []
    return [(path, part), *(one for key, value in part.items() for one in every(value, f"{path}/{key}"))]


def test_every_key_has_a_description() -> None:
    for path, part in every(schema()):
        for key, value in part.get("properties", {}).items():
            assert "description" in value or "$ref" in value, f"{path}/{key}"


def test_it_is_in_the_files_own_terms() -> None:
    text = json.dumps(schema())
    assert "null" not in text
    found = schema()["$defs"]
    assert found["BareEntry"]["properties"]["console_ttl"]["default"] == "10m"
    assert found["Relay"]["properties"]["frame_limit"]["default"] == "1MiB"
    assert found["RackspaceEntry"]["properties"]["api_key"]["type"] == "object"
    assert re.fullmatch(found["Relay"]["properties"]["ping"]["pattern"], "90s")
    assert "from" in found["ConsoleUrlRewrite"]["properties"]


def test_who_may_come_in_is_said_of_both_ways() -> None:
    said = schema()["$defs"]["Access"]["properties"]["local_users"]["description"]
    assert "Unix socket" in said
    assert "loopback" in said


def test_unknown_keys_are_refused_everywhere() -> None:
    for path, part in every(schema()):
        if "properties" in part or "patternProperties" in part:
            assert part["additionalProperties"] is False, path


def test_lists_that_need_an_item_say_so() -> None:
    found = schema()
    needy = found["properties"]["listen"], found["$defs"]["RackspaceEntry"]["properties"]["regions"]
    assert all(part["minItems"] == 1 and "minLength" not in part for part in needy)


def test_defaults_of_whole_sections_are_written_like_those_of_their_keys() -> None:
    for path, part in every(schema()):
        default = part.get("default")
        assert not isinstance(default, dict) or not any(isinstance(one, float) for one in default.values()), path
