"""Secrets and files that the configuration names: `{credential: NAME}` or `{file: PATH}`, read once, at load.

A credential is a file of systemd's credentials directory (`$CREDENTIALS_DIRECTORY`, systemd.exec(5)).
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from launcher.model import Secret

_LIMIT = 64 * 1024
_FOLDER = "credentials"
_SCHEMA = {
    "type": "object",
    "properties": {
        "credential": {"type": "string", "description": "Name of a file in systemd's credentials directory."},
        "file": {"type": "string", "description": "Path of a file that holds the secret and nothing else."},
    },
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
}

_PATH_SCHEMA = {"oneOf": [{"type": "string"}, _SCHEMA]}


def _place(value: object) -> Path | None:
    """The file that a reference names; None when it is no reference. Raises ValueError."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    [(how, name)] = value.items()
    if not isinstance(name, str) or not name or "\0" in name:
        return None
    if how == "file":
        return Path(name)
    if how != "credential":
        return None
    if "/" in name or name in (".", ".."):
        raise ValueError("a credential is a name without /: for a path write {file: PATH}")
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise ValueError(
            f'credential "{name}" is only there under systemd ($CREDENTIALS_DIRECTORY is not set): '
            "write {file: PATH} elsewhere"
        )
    return _credential(Path(directory), name)


def _credential(directory: Path, name: str) -> Path:
    """A credential of its own, or one of the folder that the shipped unit loads whole: there systemd puts the folder's
    own id before each name (`LoadCredential=credentials:/etc/console-launcher/credentials`, systemd.exec(5)).
    """
    whole = directory / f"{_FOLDER}_{name}"
    return whole if whole.exists() and not (directory / name).exists() else directory / name


def read_secret(value: object) -> Secret:
    """The text of the file that a reference names, without the newline at its end. Raises ValueError."""
    if isinstance(value, Secret):
        return value
    path = _place(value)
    if path is None:
        raise ValueError("a secret never stands in this file: write {credential: NAME} or {file: PATH}")
    text = _content(path)
    if len(text) > _LIMIT:
        raise ValueError(f"{path} is larger than 64 KiB: that is not a secret")
    try:
        secret = text.decode().strip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None  # its cause would hold the secret's bytes
    if not secret.strip():
        raise ValueError(f"{path} is empty: put the secret into it")
    if not secret.isprintable():
        raise ValueError(f"{path} holds more than one line: put the secret alone into it")
    return Secret(secret)


def readable_file(value: object) -> Path:
    """The path of a file that can be read: a reference, or the path itself. Raises ValueError."""
    if isinstance(value, Path):
        return value
    path = Path(value) if isinstance(value, str) and value and "\0" not in value else _place(value)
    if path is None:
        raise ValueError("the path of a file is expected, or {credential: NAME}")
    _content(path, 1)
    return path


def _content(path: Path, limit: int = _LIMIT + 1) -> bytes:
    """The beginning of a file. Raises ValueError."""
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error


def authorities_file(value: object) -> Path:
    """The path of a file with certificates in PEM, which TLS can use. Raises ValueError."""
    path = readable_file(value)
    try:
        ssl.create_default_context(cafile=path)
    except (ssl.SSLError, OSError) as error:
        raise ValueError(f"{path} holds no certificate in PEM that can be used") from error
    return path


SecretText = Annotated[Secret, BeforeValidator(read_secret), WithJsonSchema(_SCHEMA)]
FilePath = Annotated[Path, BeforeValidator(readable_file), WithJsonSchema(_PATH_SCHEMA)]
Authorities = Annotated[Path, BeforeValidator(authorities_file), WithJsonSchema(_PATH_SCHEMA)]
