"""`console-launcher check-config`: every problem of a configuration at once."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from launcher.cli.exits import Exit
from launcher.cli.problems import print_problems
from launcher.config.load import load
from launcher.config.models import Config, clouds_of
from launcher.errors import ConfigError


def run(options: argparse.Namespace) -> int:
    """Says what is wrong on standard error, or sums up what is right; `--json` says either on standard output."""
    try:
        config = load(options.config)
    except ConfigError as error:
        if options.json:
            _print_json(options.config, error, None)
        else:
            print_problems(error.problems)
        return Exit.CONFIG
    if options.json:
        _print_json(options.config, None, config)
    else:
        print(_summary(options.config, config))  # noqa: T201 -- the command's answer
    return Exit.OK


def _summary(path: Path, config: Config) -> str:
    names = [cloud.name for cloud in clouds_of(config)]
    clouds = "1 cloud" if len(names) == 1 else f"{len(names)} clouds"
    return f"{path} is good: {clouds} ({', '.join(names)}), listening on {', '.join(config.listen)}"


def _print_json(path: Path, error: ConfigError | None, config: Config | None) -> None:
    answer = {
        "file": str(path),
        "good": error is None,
        "problems": [dataclasses.asdict(problem) for problem in error.problems] if error else [],
        "clouds": [cloud.name for cloud in clouds_of(config)] if config else [],
        "listen": list(config.listen) if config else [],
    }
    print(json.dumps(answer, indent=2))  # noqa: T201 -- the command's answer
