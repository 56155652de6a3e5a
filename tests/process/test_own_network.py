"""A daemon and its cloud in a network namespace of their own: on private addresses, and with a hostile catalog."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.issued import put_out
from tests.process.command import environment
from tests.process.own_network import EXAMINED, HOSTILE

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace is root's to make")


async def in_a_network_of_its_own(scenario: str, folder: Path) -> dict[str, Any]:
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


async def test_a_hostile_catalog_gets_no_request_and_no_token_to_metadata_or_loopback(tmp_path: Path) -> None:
    seen = await in_a_network_of_its_own("hostile", tmp_path)
    assert seen.keys() == HOSTILE.keys()
    for name, one in seen.items():
        assert one["sign_ins"] >= 1, f"{name}: the sign-in itself goes on"
        assert (one["asked"], one["tokens"]) == (0, 0), f"{name}: Compute saw a request"
        assert one["word"][0] == 4503
        assert "is not dialled" in one["word"][1]
        if name not in EXAMINED:
            continue
        assert "of the Compute API leads to an address that" in one["doctor"]
        why = "only the operator may name" if "loopback" in name else "is never dialled"
        assert why in one["doctor"], one["doctor"]
