"""The configuration's JSON Schema, for editors that complete and check keys as one types."""

from __future__ import annotations

from typing import Any

from launcher.config.models import Config
from launcher.config.values import DURATION, SIZE, format_duration, format_size

_FORMATS = {f"^{DURATION.pattern}$": format_duration, f"^{SIZE.pattern}$": format_size}


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the configuration file."""
    found: dict[str, Any] = _plain(Config.model_json_schema(by_alias=True))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": "console-launcher"}


def _plain(part: Any) -> Any:
    """The same schema in the file's own terms: no nulls, no titles, defaults as a person writes them."""
    if isinstance(part, list):
        return [_plain(one) for one in part]
    if not isinstance(part, dict):
        return part
    found = {key: _plain(value) for key, value in part.items() if key != "title" or not isinstance(value, str)}
    found |= _without_null(found.pop("anyOf", None))
    if "patternProperties" in found:
        found["additionalProperties"] = False
    if found.get("default", ...) is None:
        del found["default"]
    if isinstance(default := found.get("default"), dict):
        found["default"] = {key: value for key, value in default.items() if value is not None}
    if (pattern := found.get("pattern")) in _FORMATS and "default" in found:
        found["default"] = _FORMATS[pattern](found["default"])
    return found


def _without_null(kinds: list[dict[str, Any]] | None) -> dict[str, Any]:
    """What `anyOf: [kind, null]` means where no key may stand empty."""
    left = [kind for kind in kinds or [] if kind != {"type": "null"}]
    return left[0] if len(left) == 1 else {"anyOf": left} if left else {}
