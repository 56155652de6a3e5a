"""What the values of the configuration are: each kind of text, number and path, with the check that belongs to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from launcher.config.listen import check_listen, parse_listen
from launcher.config.targets import NAME_LIMIT, parse_server_name, parse_target, parse_token_path
from launcher.config.values import (
    DURATION,
    NAME,
    SIZE,
    format_duration,
    format_size,
    parse_api_url,
    parse_directory,
    parse_duration,
    parse_host_pattern,
    parse_identity_url,
    parse_linking_site,
    parse_name,
    parse_public_url,
    parse_server_pattern,
    parse_size,
)

DAY = 86400.0
"""Seconds."""


def between(low: float, high: float, told: str) -> AfterValidator:
    """A check of a duration or size whose message is in the units that the operator writes."""

    def check(value: float) -> float:
        if not low <= value <= high:
            raise ValueError(f"{told} is expected")
        return value

    return AfterValidator(check)


def _address(text: str) -> str:
    parse_listen(text)
    return text


def _text(value: str) -> str:
    if not value or value != value.strip() or not value.isprintable():
        raise ValueError("a text is expected that is not empty and has no space around it")
    return value


def distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f'"{value}" stands twice in this list: keep one')
    return values


def distinct_regions(regions: tuple[str, ...]) -> tuple[str, ...]:
    """Case makes no difference: each region is a cloud, named in lower case."""
    lower = [region.lower() for region in regions]
    for region in regions:
        if lower.count(region.lower()) > 1:
            alike = "" if regions.count(region) > 1 else ", in whatever case"
            raise ValueError(f'"{region}" stands twice in this list{alike}: keep one')
    return regions


def _vnc_address(text: str) -> str:
    parse_target(text)
    return text


def _token_path(value: object) -> Path:
    """A path stands as a text in the file."""
    return value if isinstance(value, Path) else parse_token_path(value)


def _number_as_text(value: object) -> object:
    """YAML reads an account number as a number."""
    return str(value) if type(value) is int else value


def each_socket_once(addresses: tuple[str, ...]) -> tuple[str, ...]:
    check_listen(addresses)
    return addresses


def _alias_target(text: str) -> str:
    cloud, slash, server = text.partition("/")
    if not (cloud and slash and server):
        raise ValueError("an alias names a server as cloud/name or cloud/uuid")
    return text


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{DURATION.pattern}$"}),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(format_size, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{SIZE.pattern}$"}),
]
Name = Annotated[str, BeforeValidator(parse_name), WithJsonSchema({"type": "string", "pattern": f"^{NAME.pattern}$"})]
Text = Annotated[str, AfterValidator(_text)]
ApiUrl = Annotated[str, AfterValidator(parse_api_url), Field(json_schema_extra={"format": "uri"})]
IdentityUrl = Annotated[str, AfterValidator(parse_identity_url), Field(json_schema_extra={"format": "uri"})]
PublicUrl = Annotated[str, AfterValidator(parse_public_url), Field(json_schema_extra={"format": "uri"})]
LinkingSite = Annotated[str, AfterValidator(parse_linking_site), Field(json_schema_extra={"format": "uri"})]
HostPattern = Annotated[str, AfterValidator(parse_host_pattern)]
Listen = Annotated[str, AfterValidator(_address)]
ServerPattern = Annotated[
    str, AfterValidator(parse_server_pattern), WithJsonSchema({"type": "string", "pattern": "^[^/]+/.+$"})
]
Directory = Annotated[str, AfterValidator(parse_directory), WithJsonSchema({"type": "string", "pattern": "^/"})]
AccountNumber = Annotated[
    Text, BeforeValidator(_number_as_text), WithJsonSchema({"type": ["string", "integer"], "minLength": 1})
]
Regions = Annotated[tuple[Text, ...], AfterValidator(distinct_regions)]
VncAddress = Annotated[str, AfterValidator(_vnc_address)]
ServerName = Annotated[
    str,
    AfterValidator(parse_server_name),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": NAME_LIMIT}),
]
TokenPath = Annotated[Path, BeforeValidator(_token_path), WithJsonSchema({"type": "string", "pattern": "^/"})]
AliasTarget = Annotated[str, AfterValidator(_alias_target), WithJsonSchema({"type": "string", "pattern": "^[^/]+/.+$"})]


class Model(BaseModel):
    """Strict, frozen, and a stranger to unknown keys."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )
