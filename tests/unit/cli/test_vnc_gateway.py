"""What is told of a launch, and of the end of a session."""

from __future__ import annotations

import pytest

from launcher.cli.exits import Exit
from launcher.cli.vnc_gateway import Ending, doing, ended


@pytest.mark.parametrize(
    ("launch", "told"),
    [
        ({"steps": [{"text": "Looking for web-01 in prod"}]}, "Looking for web-01 in prod …"),
        ({"steps": [{"text": "one"}, {"text": "two"}], "waiting": None}, "two …"),
        ({"steps": [{"text": "web-01 is built."}], "waiting": "Wait.", "wait_seconds": None}, "web-01 is built. Wait."),
        ({"steps": [], "waiting": "prod asks for patience", "wait_seconds": 41.2}, "prod asks for patience (41 s)"),
        ({"waiting": "It is being built.", "wait_seconds": None}, "It is being built."),
        ({"steps": []}, ""),
        ({"steps": ["no object"]}, ""),
        ({}, ""),
    ],
)
def test_a_launch_is_told_in_a_line(launch: dict[str, object], told: str) -> None:
    assert doing(launch) == told


def test_an_end_says_who_must_act() -> None:
    assert ended(Ending(1000, "")) is None
    for code, exit_code in ((1008, Exit.REFUSED), (1009, Exit.REFUSED), (1012, Exit.TRY_AGAIN), (1014, Exit.TRY_AGAIN)):
        failure = ended(Ending(code, "Ended by alice."))
        assert failure is not None
        assert (failure.code, failure.sentence) == (exit_code, "the gateway ended the session: Ended by alice.")
    lost = ended(Ending(1006, ""))
    assert lost is not None
    assert (lost.code, lost.sentence) == (Exit.TRY_AGAIN, "the connection to the gateway was lost.")
