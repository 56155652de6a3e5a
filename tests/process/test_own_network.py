"""A daemon and its cloud in a network namespace of their own: on private addresses, and with a hostile catalog."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.fakes.issued import put_out
from tests.fakes.sshd import need_root
from tests.process.command import environment
from tests.process.own_network import HOSTILE


async def in_a_network_of_its_own(scenario: str, folder: Path) -> dict[str, Any]:
    need_root()
    outer = str(Path("/proc/self/ns/net").readlink())
    inside = [sys.executable, "-m", "tests.process.own_network", outer, scenario, str(folder)]
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    process = await asyncio.create_subprocess_exec(
        "unshare",
        "--net",
        "--mount",
        *inside,
        env=environment(PATH=path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, put_out(err.decode())
    seen: dict[str, Any] = json.loads(put_out(out.decode()))
    return seen


async def test_a_cloud_wholly_on_private_addresses_works_from_init_to_the_screen_without_a_key(tmp_path: Path) -> None:
    seen = await in_a_network_of_its_own("private", tmp_path)
    assert "lab: signed in, 1 server" in seen["init"]
    assert "is good: 1 cloud (lab)" in seen["check"]
    assert seen["entries"] == {"lab": ["cloud", "provider"]}
    assert seen["word"] == [None, ""], "the screen's first bytes are there"
    assert seen["openings"] == 1


async def test_a_name_that_etc_hosts_puts_on_loopback_is_dialled_where_a_rule_names_it(tmp_path: Path) -> None:
    """A tunnel: the name has to stay, for the proxy's certificate. The cloud alone cannot lead there."""
    seen = await in_a_network_of_its_own("tunnel", tmp_path)
    code, reason = seen["words"]["none"]
    assert (code, "is not dialled" in reason) == (4504, True), reason
    assert (seen["words"]["named"], seen["openings"]) == ([None, ""], 1)


async def test_a_hostile_catalog_gets_no_request_and_no_token_to_metadata_or_loopback(tmp_path: Path) -> None:
    seen = await in_a_network_of_its_own("hostile", tmp_path)
    assert min(seen["sign_ins"]) >= 1, "the sign-ins themselves go on"
    assert (seen["asked"], seen["tokens"]) == (0, 0), "Compute saw a request"
    assert seen["words"].keys() == HOSTILE.keys()
    for name, (code, reason) in seen["words"].items():
        assert (code, "is not dialled" in reason) == (4503, True), name
    assert seen["doctor"].count("of the Compute API leads to an address that") == len(HOSTILE)
    assert "is never dialled: 169.254.169.254 is a link-local or metadata address" in seen["doctor"]
    assert "only the operator may name: 127.0.0.1 is an address of this host itself" in seen["doctor"]
