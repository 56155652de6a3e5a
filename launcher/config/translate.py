"""Pydantic's errors in the words of the product."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic_core import ErrorDetails

from launcher.config.document import UNREADABLE, Document, KeyPath, secretive, shown
from launcher.config.fields import Model
from launcher.config.models import Config

_EXPECTED = {
    "string_type": "a text is expected",
    "bool_type": "true or false is expected",
    "int_type": "a whole number is expected",
    "tuple_type": "a list is expected",
    "dict_type": "keys of its own are expected",
    "model_type": "keys of its own are expected",
    "model_attributes_type": "keys of its own are expected",
}
_NUMBERS = {
    "greater_than_equal": ("ge", "a number of at least"),
    "less_than_equal": ("le", "a number of at most"),
}


def tell(error: ErrorDetails, document: Document) -> None:
    """Adds the problem that `error` means to the document, unless its YAML told it already."""
    path, model = _place(error["loc"])
    kind = error["type"]
    if kind == "extra_forbidden":
        _tell_unknown(path, model, document)
    elif kind.startswith("union_tag") or kind == "missing":
        _tell_missing(error, path, model, document)
    elif not (_is_unsure(path, document) or _counts_the_wrong(error)):
        document.problem(path, _sentence(error, path, document))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean "regions"?`, or nothing when nothing is near."""
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f' Did you mean "{near[0]}"?' if near else ""


def keys_of(model: type[Model]) -> dict[str, Any]:
    """The keys of a model as the file spells them, and the type of each."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def models_in(kind: Any) -> list[type[Model]]:
    """The models among the alternatives of a type."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return [one for one in kinds if isinstance(one, type) and issubclass(one, Model)]


def item_of(kind: Any) -> Any:
    """The type of what a list or mapping holds, or None."""
    if get_origin(kind) in (Union, UnionType):
        kind = next((one for one in get_args(kind) if one is not NoneType), None)
    if get_origin(kind) is tuple:
        return get_args(kind)[0]
    return get_args(kind)[1] if get_origin(kind) is dict else None


def provider_of(model: type[Model]) -> str:
    """The provider whose entry a model is, or an empty text."""
    field = model.model_fields.get("provider")
    return str(get_args(field.annotation)[0]) if field else ""


def _place(loc: Sequence[str | int]) -> tuple[KeyPath, type[Model] | None]:
    """Where in the file an error stands, and the model that holds its last key.

    Pydantic's own path also names the provider that chose among the entries, and `[key]` for a key that is wrong.
    """
    path: list[str | int] = []
    kind: Any = Config
    holder: type[Model] | None = None
    for part in loc:
        models = models_in(kind)
        if part == "[key]":
            break
        if len(models) > 1:
            kind = next((one for one in models if provider_of(one) == part), None)
            continue
        path.append(part)
        holder = models[0] if models else None
        kind = keys_of(holder).get(str(part)) if holder else item_of(kind)
    return tuple(path), holder


def _counts_the_wrong(error: ErrorDetails) -> bool:
    """Pydantic counts the good items only: a list whose items are told already is not too short as well."""
    return error["type"] == "too_short" and bool(error["input"])


def _is_unsure(path: KeyPath, document: Document) -> bool:
    return any(place[: len(path)] == path for place in document.unsure)


def _tell_unknown(path: KeyPath, model: type[Model] | None, document: Document) -> None:
    key = str(path[-1])
    known = keys_of(model) if model else {}
    near = did_you_mean(key, known)
    hint = near or (_whose(key, model) if model else "") or f" Known here: {', '.join(sorted(known))}."
    document.problem(path, f'unknown key "{shown(key)}".{hint}')


def _whose(key: str, model: type[Model]) -> str:
    """` It belongs to provider: none.` when another provider has the key."""
    if not provider_of(model):
        return ""
    entries = models_in(item_of(Config.model_fields["clouds"].annotation))
    owners = [provider_of(entry) for entry in entries if key in keys_of(entry)]
    return f" It belongs to provider: {' or '.join(owners)}." if owners else ""


def _tell_missing(error: ErrorDetails, path: KeyPath, model: type[Model] | None, document: Document) -> None:
    """A key that must be there, or the `provider` that tells which."""
    if error["type"] != "missing":
        path = (*path, "provider")
    if path in document.unsure or path[:-1] in document.unsure:
        return
    if error["type"] == "union_tag_invalid":
        document.problem(path, _wrong_provider(error))
        return
    if error["type"] == "union_tag_not_found":
        document.problem(path, f"this key is missing: one of {_providers()}")
        return
    field = next((f for n, f in model.model_fields.items() if (f.alias or n) == path[-1]), None) if model else None
    meaning = field.description.partition(". ")[0].rstrip(".") if field and field.description else ""
    document.problem(path, f"this key is missing: {meaning[:1].lower()}{meaning[1:]}")


def _providers() -> str:
    return ", ".join(provider_of(one) for one in models_in(item_of(Config.model_fields["clouds"].annotation)))


def _wrong_provider(error: ErrorDetails) -> str:
    tag = str(error["ctx"]["tag"])
    return f'there is no provider "{shown(tag)}" (there are: {_providers()}).' + did_you_mean(
        tag, _providers().split(", ")
    )


def _sentence(error: ErrorDetails, path: KeyPath, document: Document) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"one of these is expected: {str(context['expected']).replace(' or ', ', ')}"
    if kind == "too_short":
        return "at least one is needed"
    if kind in _NUMBERS:
        limit, words = _NUMBERS[kind]
        return f"{words} {context[limit]} is expected"
    if kind in _EXPECTED:
        return _EXPECTED[kind] + _instead(kind, error["input"], path, document)
    return error["msg"]


def _instead(kind: str, value: object, path: KeyPath, document: Document) -> str:
    """How the sentence about a wrong type goes on."""
    source = document.sources.get(path)
    spelt = json.dumps(source or value, ensure_ascii=False) if isinstance(value, str | int | float) else ""
    hide = secretive(path) or value is UNREADABLE
    if kind == "string_type" and source is not None:
        meaning = str(value).lower() if isinstance(value, bool) else "a number"
        return f", but YAML reads {'this' if hide else source} as {meaning}. Put it in quotes" + (
            "" if hide else f": {spelt}"
        )
    if kind == "tuple_type" and spelt and not hide:
        return f": [{spelt}]"
    return f", not {_name_of(value)}"


def _name_of(value: object) -> str:
    if isinstance(value, Mapping):
        return "keys of its own"
    if isinstance(value, tuple):
        return "a list"
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, int) else "a fraction" if isinstance(value, float) else "a text"
