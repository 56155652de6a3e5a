"""Secrets and files that the configuration names: `{credential: NAME}` or `{file: PATH}`, read once, at load.

A credential is a file of systemd's credentials directory (`$CREDENTIALS_DIRECTORY`, systemd.exec(5)), and outside
systemd one of the folder `credentials` beside the configuration file. A file that holds a secret is refused while
every account may read it, or others than its owner may change it; which group may read it is the operator's choice.
systemd's own directory is left out of that: it looks after the files there itself.
"""

from __future__ import annotations

import os
import shlex
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from launcher.model import Secret

_LIMIT = 64 * 1024
_FOLDER = "credentials"
SECRET_SCHEMA = {
    "type": "object",
    "properties": {
        "credential": {
            "type": "string",
            "description": (
                "Name of a file in systemd's credentials directory, or in the folder credentials beside this file."
            ),
        },
        "file": {"type": "string", "description": "Path of a file that holds the secret and nothing else."},
    },
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
}

PATH_SCHEMA = {"oneOf": [{"type": "string"}, SECRET_SCHEMA]}


@dataclass(frozen=True, slots=True)
class _Place:
    """The file that a reference names."""

    path: Path
    guarded: bool = False
    """Whether it is refused when it is open to others (`_openness`)."""
    missing: str = ""
    """What to say when it is not there."""


def folder_beside(file: Path) -> Path:
    """Where the credentials of a configuration file lie when systemd passes none."""
    return file.parent / _FOLDER


def _place(value: object, folder: Path | None) -> _Place | None:
    """The file that a reference names; None when it is no reference. Raises ValueError."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    [(how, name)] = value.items()
    if not isinstance(name, str) or not name or "\0" in name:
        return None
    if how == "file":
        return _Place(Path(name))
    return _credential(name, folder) if how == "credential" else None


def _file_place(value: object, folder: Path | None) -> _Place | None:
    """The same, where the path itself may stand. Raises ValueError."""
    is_path = isinstance(value, str) and value and "\0" not in value
    return _Place(Path(str(value))) if is_path else _place(value, folder)


def _credential(name: str, folder: Path | None) -> _Place:
    """Raises ValueError."""
    if "/" in name or name in (".", ".."):
        raise ValueError("a credential is a name without /: for a path write {file: PATH}")
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if directory:
        missing = (
            f'systemd passed no credential "{name}" ({directory}): put it into the folder that the unit loads '
            "(LoadCredential=) and restart the service"
        )
        return _Place(passed(Path(directory), name), missing=missing)
    if folder is None:
        raise ValueError(
            f'credential "{name}" is only there under systemd ($CREDENTIALS_DIRECTORY is not set): '
            "write {file: PATH} elsewhere"
        )
    path = folder / name
    missing = (
        f'there is no credential "{name}": neither does systemd pass one ($CREDENTIALS_DIRECTORY is not set), '
        f"nor is there a file {path}"
    )
    return _Place(path, guarded=True, missing=missing)


def passed(directory: Path, name: str) -> Path:
    """A credential of its own, or one of the folder that the shipped unit loads whole: there systemd puts the folder's
    own id before each name (`LoadCredential=credentials:/etc/console-launcher/credentials`, systemd.exec(5)).
    """
    whole = directory / f"{_FOLDER}_{name}"
    return whole if whole.exists() and not (directory / name).exists() else directory / name


def read_secret(value: object, folder: Path | None = None) -> Secret:
    """The text of the file that a reference names, without the newline at its end. Raises ValueError.

    `folder` is where credentials lie outside systemd.
    """
    if isinstance(value, Secret):
        return value
    place = _place(value, folder)
    if place is None:
        raise ValueError("a secret never stands in this file: write {credential: NAME} or {file: PATH}")
    in_own_file = isinstance(value, Mapping) and "file" in value
    return secret_of(_content(place, guarded=place.guarded or in_own_file), str(place.path))


def secret_of(content: bytes, place: str) -> Secret:
    """A secret that was read from a place, without the newline at its end. Raises ValueError."""
    if len(content) > _LIMIT:
        raise ValueError(f"{place} is larger than 64 KiB: that is not a secret")
    try:
        secret = content.decode().strip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{place} is not UTF-8 text") from None  # its cause would hold the secret's bytes
    if not secret.strip():
        raise ValueError(f"{place} is empty: put the secret into it")
    if not secret.isprintable():
        raise ValueError(f"{place} holds more than one line: put the secret alone into it")
    return Secret(secret)


def readable_file(value: object, folder: Path | None = None) -> Path:
    """The path of a file that can be read: a reference, or the path itself. Raises ValueError."""
    if isinstance(value, Path):
        return value
    place = _file_place(value, folder)
    if place is None:
        raise ValueError("the path of a file is expected, or {credential: NAME}")
    _content(place, guarded=place.guarded, limit=1)
    return place.path


def named_file(value: object, folder: Path | None, *, secret: bool) -> tuple[Path, bytes]:
    """The path of a file, and what is in it; a secret's is refused while it is open to others. Raises ValueError."""
    place = _place(value, folder) if secret else _file_place(value, folder)
    if place is None:
        wanted = "{credential: NAME} or {file: PATH}" if secret else "the path of a file, or {credential: NAME}"
        raise ValueError(f"this is expected: {wanted}")
    content = _content(place, guarded=place.guarded or (secret and isinstance(value, Mapping) and "file" in value))
    if len(content) > _LIMIT:
        raise ValueError(f"{place.path} is larger than 64 KiB: that is not what is meant")
    return place.path, content


def is_passed(path: Path) -> bool:
    """Whether a file is a credential that systemd passes."""
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    return bool(directory) and path.parent == Path(str(directory))


def _content(place: _Place, *, guarded: bool, limit: int = _LIMIT + 1) -> bytes:
    """The beginning of a file. Raises ValueError."""
    try:
        with place.path.open("rb") as file:
            openness = _openness(os.fstat(file.fileno()).st_mode) if guarded else None
            if openness is not None:
                raise ValueError(f"{place.path} {openness}: chmod g-w,o= {shlex.quote(str(place.path))}")
            return file.read(limit)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and place.missing:
            raise ValueError(place.missing) from error
        raise ValueError(f"cannot read {place.path}: {error.strerror}") from error


def _openness(mode: int) -> str | None:
    """How a file is more open than one with a secret may be; None if it is not."""
    if mode & stat.S_IRWXO:
        return "is open to every account of this machine"
    return "can be changed by others than its owner" if mode & stat.S_IWGRP else None


def authorities_file(value: object, folder: Path | None = None) -> Path:
    """The path of a file with certificates in PEM, which TLS can use. Raises ValueError."""
    path = readable_file(value, folder)
    try:
        ssl.create_default_context(cafile=path)
    except (ssl.SSLError, OSError) as error:
        raise ValueError(f"{path} holds no certificate in PEM that can be used") from error
    return path


def folder_of(validation: ValidationInfo) -> Path | None:
    """Where credentials lie outside systemd: `load` gives it as the validation's context."""
    return validation.context if isinstance(validation.context, Path) else None


def _validated_secret(value: object, validation: ValidationInfo) -> Secret:
    return read_secret(value, folder_of(validation))


def _validated_file(value: object, validation: ValidationInfo) -> Path:
    return readable_file(value, folder_of(validation))


def _validated_authorities(value: object, validation: ValidationInfo) -> Path:
    return authorities_file(value, folder_of(validation))


SecretText = Annotated[Secret, BeforeValidator(_validated_secret), WithJsonSchema(SECRET_SCHEMA)]
FilePath = Annotated[Path, BeforeValidator(_validated_file), WithJsonSchema(PATH_SCHEMA)]
Authorities = Annotated[Path, BeforeValidator(_validated_authorities), WithJsonSchema(PATH_SCHEMA)]
