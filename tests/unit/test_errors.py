from __future__ import annotations

import pytest

from launcher.errors import ConfigError, ConfigProblem


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (ConfigProblem("config.yaml", 14, "clouds.prod.cloud", "no"), "config.yaml:14 clouds.prod.cloud: no"),
        (ConfigProblem("config.yaml", 14, "", "no"), "config.yaml:14: no"),
        (ConfigProblem("config.yaml", None, "", "no"), "config.yaml: no"),
        (ConfigProblem("config.yaml", None, "clouds", "no"), "config.yaml clouds: no"),
    ],
)
def test_a_problem_says_where_it_is(problem: ConfigProblem, text: str) -> None:
    assert str(problem) == text


def test_a_config_error_holds_every_problem_on_a_line_of_its_own() -> None:
    problems = [ConfigProblem("config.yaml", line, "", "no") for line in (1, 2)]
    error = ConfigError(problems)
    assert error.problems == tuple(problems)
    assert str(error).count("\n") == 1
