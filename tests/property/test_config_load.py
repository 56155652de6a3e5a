from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from launcher.config.load import load
from launcher.errors import ConfigError

SAMPLE = """\
listen: ["127.0.0.1:6080", "unix:/run/x.sock"]
public_urls: ["http://jump.localhost:6080"]
clouds_yaml: clouds.yaml
clouds:
  rax:
    provider: rackspace
    username: ops
    api_key: {file: key}
    regions: [DFW, ORD]
  prod: {provider: openstack, cloud: prod, console_ttl: 10m}
  bare:
    provider: none
    endpoint: http://127.0.0.1:8774/v2.1
    console_url: [{from: "http://a/", to: "https://b/", path: /x}]
    console_hosts: ["*.example.net"]
aliases: {db: prod/db-01}
access: {local_users: [root]}
relay: {sessions: 10, frame_limit: 1MiB, ping: 30s}
"""
PIECES = st.sampled_from([
    "\\ud800", '"\\ud800"', '"\\0"', "*a", "&a ", "<<: ", "!!x ", "no", "0123", "[", "]", "{", "}", ": ", "\n",
    "  ", "\t", "'", '"', "#", "~", "1.5", "2026-01-01", "-", "- ", "? ", "@", "%", "|", ">", "é", "\u202e", "\ufeff",
    "http://", "unix:",
])  # fmt: skip
EDITS = st.lists(st.tuples(st.integers(0, len(SAMPLE)), st.integers(0, 12), PIECES), min_size=1, max_size=4)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=EDITS)
def test_a_damaged_file_is_good_or_a_list_of_problems_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edits: list[tuple[int, int, str]]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("key").touch(0o600)
    Path("key").write_text("placeholder")
    Path("clouds.yaml").write_text("clouds: {prod: {}}\n")
    text = SAMPLE
    for place, length, piece in edits:
        text = text[:place] + piece + text[place + length :]
    file = Path("config.yaml")
    file.write_text(text)
    try:
        load(file)
    except ConfigError as error:
        told = str(error)
    else:
        told = "good"
    assert told
    assert told.replace("\n", "").isprintable()
