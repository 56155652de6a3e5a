"""From a file to one frozen `Config`, or to every reason why not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from launcher.clock import SystemClock
from launcher.config.checks import check_together
from launcher.config.document import UNREADABLE, Document, shown
from launcher.config.models import Config
from launcher.config.secrets import folder_beside
from launcher.config.strict_yaml import SIZE_LIMIT, read
from launcher.config.translate import tell
from launcher.config.writable import writable
from launcher.errors import ConfigError, ConfigProblem

PROBLEM_LIMIT = 100
"""No more are told at once: a person mends the first ones first."""


def load(path: Path, *, serving: bool = False) -> Config:
    """The configuration in the file, its secrets read and its files looked at.

    A gateway that is `serving` goes on with what it can serve with; the configuration then holds it as `doubts`.

    Raises:
        ConfigError: with every problem found, in the order of the file.
    """
    document = read(_content(path), str(path))
    _check_writable(path, document)
    config = None if document.value is UNREADABLE else _validated(document, folder_beside(path))
    if config is None or document.problems or (document.doubts and not serving):
        raise ConfigError(_in_order(document.file, [*document.problems, *document.doubts]))
    return config.doubted(_in_order(document.file, document.doubts)) if document.doubts else config


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        message = "there is no such file: `console-launcher init` writes one, or name yours with --config FILE"
    except PermissionError:
        message = "cannot be read by this account: give it the right to read the file, or use the service's account"
    except IsADirectoryError:
        message = "is a directory: name the file in it"
    except (OSError, ValueError) as error:
        message = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    raise ConfigError([ConfigProblem(shown(str(path), 4096), None, "", message)])


def _validated(document: Document, credentials: Path) -> Config | None:
    config = None
    try:
        config = Config.model_validate(document.value, context=credentials)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            tell(detail, document)
    check_together(document, credentials, SystemClock().now())
    return config


def _check_writable(path: Path, document: Document) -> None:
    found = writable(path)
    if found is not None:
        (document.problem if found.by_all else document.doubt)((), found.message)


def _in_order(file: str, found: Iterable[ConfigProblem]) -> list[ConfigProblem]:
    problems = sorted(set(found), key=lambda problem: (problem.line or 0, problem.key, problem.message))
    if len(problems) > PROBLEM_LIMIT:
        left = len(problems) - PROBLEM_LIMIT
        problems[PROBLEM_LIMIT:] = [ConfigProblem(file, None, "", f"and {left} more after these")]
    return problems
