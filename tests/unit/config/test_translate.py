from __future__ import annotations

import pytest
from pydantic_core import ErrorDetails

from launcher.config.document import Document
from launcher.config.translate import did_you_mean, tell


def test_an_error_that_nobody_foresaw_keeps_pydantics_words_and_its_place() -> None:
    document = Document("f.yaml", lines={("relay",): 3})
    tell(ErrorDetails(type="new_one", loc=("relay", "ping"), msg="Something new", input=1), document)
    assert [str(problem) for problem in document.problems] == ["f.yaml:3 relay.ping: Something new"]


@pytest.mark.parametrize(
    ("word", "said"),
    [("regoins", ' Did you mean "regions"?'), ("xyz", ""), ("", ""), ("regions2", ' Did you mean "regions"?')],
)
def test_only_what_is_near_is_suggested(word: str, said: str) -> None:
    assert did_you_mean(word, ["regions", "relay"]) == said
