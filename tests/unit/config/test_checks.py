from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from launcher.config.load import load
from tests.fakes.issued import issue, note
from tests.unit.config.conftest import Told

BARE = "{provider: none, endpoint: 'http://h/'}"
REGIONS = "{provider: rackspace, username: a, api_key: {file: config.yaml}, regions: [DFW, ORD]}"
HEAD = f"clouds:\n  rax: {REGIONS}\n"


def but_the_key(told: Told, text: str) -> list[str]:
    """What is said, without the sentence about the sample's API key (the file itself is none)."""
    return [line for line in told(text) if "api_key" not in line]


def test_an_alias_may_name_a_region_of_an_entry(told: Told) -> None:
    assert but_the_key(told, HEAD + "aliases: {db: rax-ord/db-01}\n") == []


def test_an_alias_that_names_an_entry_of_several_regions_is_told_the_regions(told: Told) -> None:
    assert but_the_key(told, HEAD + "aliases: {db: rax/db-01}\n") == [
        'config.yaml:3 aliases.db: there is no cloud "rax". Its regions are clouds of their own: rax-dfw, rax-ord.'
    ]


def test_two_clouds_of_one_name_are_told_with_both_entries(told: Told) -> None:
    assert but_the_key(told, HEAD + f"  rax-ord: {BARE}\n") == [
        'config.yaml:3 clouds.rax-ord: its cloud "rax-ord" is also made by clouds.rax: rename one'
    ]


def test_regions_that_cannot_be_read_leave_their_aliases_alone(told: Told) -> None:
    said = but_the_key(told, HEAD.replace("[DFW, ORD]", "DFW") + "aliases: {db: rax-dfw/db-01}\n")
    assert said == ['config.yaml:2 clouds.rax.regions: a list is expected: ["DFW"]']


def test_regions_that_differ_in_case_only_are_told(told: Told) -> None:
    assert but_the_key(told, HEAD.replace("ORD", "dfw")) == [
        'config.yaml:2 clouds.rax.regions: "DFW" stands twice in this list, in whatever case: keep one'
    ]


def rackspace(told: Told, keys: str) -> Sequence[str]:
    """What is said of a Rackspace entry with these keys on lines of their own."""
    key = Path("key")
    key.touch(0o600)
    key.write_text(issue())
    return told(f"clouds:\n  rax:\n    provider: rackspace\n    username: a\n    regions: [DFW]\n{keys}")


def test_an_api_key_or_a_password_is_wanted(told: Told) -> None:
    assert rackspace(told, "") == [
        (
            "config.yaml:2 clouds.rax.api_key: this key is missing: the API key of that user: {credential: NAME} or "
            "{file: PATH}; or give its password that way, as password"
        )
    ]
    assert rackspace(told, "    api_key: {file: key}\n") == []
    assert rackspace(told, "    password: {file: key}\n") == []


def test_an_api_key_and_a_password_are_one_too_many(told: Told) -> None:
    assert rackspace(told, "    api_key: {file: key}\n    password: {file: key}\n") == [
        (
            "config.yaml:7 clouds.rax.password: api_key stands here as well: keep one of both (the API key also does "
            "where the user signs in with multi-factor authentication)"
        )
    ]


def test_an_entry_that_yaml_could_not_read_is_not_said_to_lack_a_key(told: Told) -> None:
    said = told("clouds:\n  rax: {<<: {api_key: {file: key}}, provider: rackspace, username: a, regions: [DFW]}\n")
    assert said == ["config.yaml:2 clouds.rax: merge keys (<<) are not allowed here: write the keys out"]


def static(told: Told, keys: str) -> Sequence[str]:
    """What is said of a static entry with these keys."""
    return told(f"clouds:\n  rack7: {{provider: static, {keys}}}\n")


def test_a_static_cloud_without_a_server_is_told_how_to_have_one(told: Told) -> None:
    wanted = "write servers: {NAME: {vnc: ADDRESS}}, or websockify_tokens: PATH, or both"
    assert static(told, "") == [f"config.yaml:2 clouds.rack7: it has no server: {wanted}"]
    assert static(told, "servers: {}") == [f"config.yaml:2 clouds.rack7: it has no server: {wanted}"]
    assert static(told, "servers: {a: {vnc: 'tcp://h'}}") == []


def test_token_files_that_are_not_there_yet_keep_the_gateway_from_nothing(told: Told, nowhere: Path) -> None:
    tokens = nowhere / "tokens.cfg"
    key = f"websockify_tokens: {tokens}"
    line = f"config.yaml:2 clouds.rack7.websockify_tokens: cannot read {tokens}: No such file or directory"
    assert static(told, key) == [f"{line}: its servers are there as soon as it can be read"]
    assert [str(doubt) for doubt in load(Path("config.yaml"), serving=True).doubts] == static(told, key)
    tokens.write_text("a: h:5900\n")
    assert static(told, key) == []
    tokens.unlink()
    tokens.mkdir()
    assert static(told, key) == []
    tokens.rmdir()
    os.mkfifo(tokens)
    [said] = static(told, key)
    assert "is neither a file nor a directory" in said


def test_a_password_of_which_vnc_uses_a_part_only_is_a_doubt_that_does_not_show_it(told: Told, nowhere: Path) -> None:
    secret = nowhere / "vnc"
    secret.touch(0o600)
    word = note("ein-langes-wort")
    secret.write_text(word)
    key = f"servers: {{a: {{vnc: 'tcp://h', password: {{file: {secret}}}}}}}"
    [said] = static(told, key)
    assert said.startswith(
        "config.yaml:2 clouds.rack7.servers.a.password: it has 15 bytes, and VNC uses only the first 8 of a password"
    )
    assert word not in said
    assert len(load(Path("config.yaml"), serving=True).doubts) == 1
    secret.write_text(word[:8])
    assert static(told, key) == []


def test_a_password_file_that_is_not_there_is_a_problem(told: Told, nowhere: Path) -> None:
    [said] = static(told, f"servers: {{a: {{vnc: 'tcp://h', password: {{file: {nowhere}/no}}}}}}")
    assert "cannot read" in said


def test_a_pattern_of_sockets_that_no_cloud_can_match_is_doubted(told: Told) -> None:
    clouds = 'clouds: {rack7: {provider: static, servers: {a: {vnc: "unix:/run/a.vnc"}}}}\n'
    assert told(clouds + 'relay: {sockets: ["rack7/*", "ra*/b", "rack/*"]}\n') == [
        'config.yaml:2 relay.sockets[2]: there is no cloud "rack" for it. Did you mean "rack7"?'
    ]
