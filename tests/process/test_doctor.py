"""The doctor names the hop that fails, in set-ups that are broken for real: stopped, off, wrong, silent, firewalled.

All rows are run by one fixture, several at the same time, each by a process of its own: `console-launcher doctor
--config FILE REFERENCE --json`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import requests
import yaml
from aiohttp import web

from launcher.doctor.hops import CLOUD_HOPS, SCREEN_HOPS
from tests.fakes.certificates import Authority, tls_before
from tests.fakes.compute import FakeCompute, fault_reply
from tests.fakes.console_proxy import ConsoleProxy, free_port
from tests.fakes.issued import ISSUED, issue, note
from tests.fakes.keystone import Keystone
from tests.fakes.screens import Screen
from tests.process.command import Ended, run, run_program

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

HOPS = [name.value for name in CLOUD_HOPS + SCREEN_HOPS]
AT_ONCE = 4
WRONG_PASSWORD = note("wrong-password-of-the-doctors-test")


@dataclass(frozen=True)
class Row:
    """What is broken in a set-up, where the doctor finds it, and what it names as that which is to be changed."""

    failed: str | None
    names: tuple[str, ...] = ()
    """Words of the reason and the advice."""
    options: tuple[str, ...] = field(default=())


ROWS = {
    "all is well": Row(None),
    "wrong password": Row("identity", ("auth of \"prd\" in ", "clouds.yaml")),
    "wrong region": Row("catalog", ("RegionTwo", "RegionOne", "clouds.prod.regions in config.yaml")),
    "role missing": Row("console", ("role", "member", "openstack role add", "req-")),
    "DNS": Row("compute-dns", ("nova.invalid", "clouds.prod.endpoint in config.yaml"), ("--timeout", "4")),
    "refused port": Row("compute-tcp", ("refuses the connection", "Start the service", "clouds.prod.endpoint")),
    "firewalled port": Row("proxy-tcp", ("within 3 s", "Allow TCP from 127.0.0.1 to 127.0.0.1:"), ("--timeout", "3")),
    "wrong CA": Row("compute-tls", ("CN=The Right Authority", "clouds.prod.cacert in config.yaml", "wrong/ca.pem")),
    "wrong console host": Row(
        "proxy-dns", ("console.invalid", "novncproxy_base_url", "clouds.prod.console_url"), ("--timeout", "4")
    ),
    "stopped console proxy": Row("proxy-tcp", ("console proxy", "refuses the connection", "Start the service")),
    "dead console token": Row("proxy-websocket", ("refuses the console token", "same database")),
    "server off": Row("server", ("is off (SHUTOFF)", "openstack server start ")),
    "silent VNC server": Row("first-bytes", ("for 3 s", "Look at the VNC server"), ("--timeout", "3")),
}  # fmt: skip
"""Twelve that are broken, and one that is not."""


@dataclass
class Lab:
    """What the set-ups are made of, all of it running."""

    folder: Path
    output: Path
    keystone: Keystone
    compute: FakeCompute
    """Asks the Keystone who may open a console."""
    plain: FakeCompute
    """Has no Identity; its servers are called like the set-ups, and each console leads where the set-up wants it to."""
    secure_port: int
    """TLS before `compute`, signed by `right`."""
    right: Authority
    wrong: Authority

    def config(self, name: str, entry: Mapping[str, Any], **more: object) -> Path:
        """A configuration with the one cloud prod, in a folder of its own."""
        folder = self.folder / name.replace(" ", "-")
        folder.mkdir(exist_ok=True)
        file = folder / "config.yaml"
        file.write_text(yaml.safe_dump({"clouds": {"prod": dict(entry)}, **more}))
        return file

    def bare(self, name: str, endpoint: str, **more: object) -> Path:
        return self.config(name, {"provider": "none", "endpoint": endpoint, **more})

    def signing_in(
        self, name: str, password: str, *, user: str = "ops", region: str = "RegionOne", **more: object
    ) -> Path:
        """One that signs in to the Keystone, by a clouds.yaml of its own."""
        auth = {
            "auth_url": self.keystone.auth_url, "username": user, "password": password, "project_name": "ops",
            "user_domain_name": "Default", "project_domain_name": "Default",
        }  # fmt: skip
        entry = {"provider": "openstack", "cloud": "prd", "regions": [region], "cacert": str(self.right.pem), **more}
        config = self.config(name, entry, clouds_yaml="clouds.yaml")
        file = config.with_name("clouds.yaml")
        file.write_text(yaml.safe_dump({"clouds": {"prd": {"auth": auth, "identity_api_version": 3}}}))
        config.write_text(config.read_text().replace("clouds_yaml: clouds.yaml", f"clouds_yaml: {file}"))
        return config

    async def run(self, name: str, config: Path) -> Ended:
        """The doctor's answer for the server that is called like the set-up."""
        options = ["--config", str(config), f"prod/{name}", "--json", *ROWS[name].options]
        return self.kept(name, await run("doctor", *options))

    async def run_behind_firewall(self, name: str) -> Ended:
        outer = str(Path("/proc/self/ns/net").readlink())
        folder = self.folder / "firewall"
        folder.mkdir()
        options = ["prod/web-01", "--json", *ROWS[name].options]
        inside = [sys.executable, "-m", "tests.process.behind_firewall", outer, str(folder), *options]
        path = f"{os.environ['PATH']}:/usr/sbin:/sbin"  # where Debian has nft and ip
        return self.kept(name, await run_program("unshare", "--net", *inside, PATH=path))

    def kept(self, name: str, ended: Ended) -> Ended:
        """Kept to be searched for secrets."""
        (self.output / f"{name}.out").write_text(ended.out)
        (self.output / f"{name}.err").write_text(ended.err)
        return ended


@pytest.fixture(scope="module")
def keystone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keystone]:
    """Not started yet: that takes its time, in which the set-ups without it are looked at."""
    keystone = Keystone(tmp_path_factory.mktemp("keystone"))
    try:
        yield keystone
    finally:
        keystone.stop()


def add_reader(keystone: Keystone) -> str:
    """The user `watcher`, who has the role reader in the project ops, and no other; the password."""
    password = issue()
    user = {"name": "watcher", "password": password, "domain_id": "default"}
    user_id = keystone._ask("POST", "/users", {"user": user})["user"]["id"]
    role = keystone._ask("GET", "/roles?name=reader")["roles"][0]["id"]
    project = keystone._ask("GET", "/projects?name=ops")["projects"][0]["id"]
    keystone._ask("PUT", f"/projects/{project}/users/{user_id}/roles/{role}")
    return password


async def roles_of(keystone: Keystone, token: str) -> set[str]:
    """What the Keystone says of an API token, as keystonemiddleware asks it."""
    headers = {**keystone._admin, "X-Subject-Token": token}
    reply = await asyncio.to_thread(
        lambda: requests.get(f"{keystone.auth_url}/auth/tokens", headers=headers, timeout=30)
    )
    return {role["name"] for role in reply.json()["token"]["roles"]} if reply.ok else set()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(keystone: Keystone, tmp_path_factory: pytest.TempPathFactory, suite_output: Path) -> AsyncIterator[Lab]:
    folder, output = tmp_path_factory.mktemp("doctor"), suite_output / "doctor"
    output.mkdir()
    right, wrong = Authority(folder / "right", "The Right Authority"), Authority(folder / "wrong", "Another One")
    async with FakeCompute(max_version="2.104") as compute, FakeCompute(max_version="2.104") as plain:

        async def by_role(request: web.Request) -> web.StreamResponse | None:
            """Nova's own policies: reader may list, member may open consoles."""
            if len(request.path.strip("/").split("/")) < 2:
                return None  # the version document is for everybody
            token = request.headers.get("X-Auth-Token", "")
            note(token)
            needed = "member" if request.method == "POST" else "reader"
            if needed in await roles_of(keystone, token):
                return None
            message = "Policy doesn't allow os_compute_api:os-remote-consoles to be performed."
            return fault_reply(403, "forbidden", message)

        compute.fault = by_role
        async with tls_before(compute.port, right.context("localhost", "127.0.0.1")) as port:
            yield Lab(folder, output, keystone, compute, plain, port, right, wrong)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ended(lab: Lab, _tigervnc_is_there: None) -> Mapping[str, Ended]:
    """Every set-up, broken, and what the doctor says of it."""
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(ConsoleProxy(lab.folder / "proxy"))
        screen = await stack.enter_async_context(Screen(lab.output.parent / "screens" / "doctor", "doctor"))
        silent = await asyncio.start_server(_say_nothing, "127.0.0.1", 0)
        stack.callback(silent.close)
        async with ConsoleProxy(lab.folder / "stopped") as stopped:
            pass  # it ran, and does no more
        dead = proxy.mint(screen.port)
        proxy.expire(dead)
        urls = {
            "wrong CA": lambda: proxy.url(screen.port),
            "wrong console host": lambda: f"http://console.invalid:6080/vnc_lite.html?path=%3Ftoken%3D{issue()}",
            "stopped console proxy": lambda: f"http://127.0.0.1:{stopped.port}/vnc_lite.html?token={issue()}",
            "dead console token": lambda: f"{proxy.base}/vnc_lite.html?path=%3Ftoken%3D{dead}",
            "server off": lambda: proxy.url(screen.port),
            "silent VNC server": lambda: proxy.url(silent.sockets[0].getsockname()[1]),
        }
        meant = {lab.plain.add_server(name, "SHUTOFF" if name == "server off" else "ACTIVE"): name for name in ROWS}
        lab.plain.mint = lambda server_id, _kind: urls[meant[server_id]]()
        for name in ("all is well", "role missing"):
            lab.compute.add_server(name)
        lab.compute.mint = lambda *_: proxy.url(screen.port)
        return await _run_all(lab)


async def _run_all(lab: Lab) -> Mapping[str, Ended]:
    """Several at a time; first those that need no Keystone, while it starts."""
    secure = f"https://localhost:{lab.secure_port}/v2.1"
    configs = {
        "DNS": lab.bare("DNS", "http://nova.invalid:8774/v2.1"),
        "refused port": lab.bare("refused port", f"http://127.0.0.1:{free_port()}/v2.1"),
        "wrong CA": lab.bare("wrong CA", secure, cacert=str(lab.wrong.pem)),
    }
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> Ended:
        if name in SIGNING_IN:
            config = (await asyncio.shield(signing_in))[name]
        else:
            config = configs.get(name) or lab.bare(name, lab.plain.endpoint)
        async with gate:
            return await (lab.run_behind_firewall(name) if name == "firewalled port" else lab.run(name, config))

    async with asyncio.TaskGroup() as group:
        signing_in = group.create_task(asyncio.to_thread(_signing_in, lab))
        runs = {name: group.create_task(one(name)) for name in ROWS}
    return {name: task.result() for name, task in runs.items()}


SIGNING_IN = ("all is well", "wrong password", "wrong region", "role missing")


def _signing_in(lab: Lab) -> Mapping[str, Path]:
    """The configurations that sign in to the Keystone, which is started for them."""
    lab.keystone.start()
    lab.keystone.point_compute_at(f"https://localhost:{lab.secure_port}/v2.1")
    password, reader = lab.keystone.password, add_reader(lab.keystone)
    return {
        "all is well": lab.signing_in("all is well", password, plain_console=True),
        "wrong password": lab.signing_in("wrong password", WRONG_PASSWORD),
        "wrong region": lab.signing_in("wrong region", password, region="RegionTwo"),
        "role missing": lab.signing_in("role missing", reader, user="watcher", plain_console=True),
    }


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A VNC server that takes connections, and hangs."""
    await reader.read()
    writer.close()


@pytest.mark.parametrize("name", ROWS)
async def test_the_hop_that_fails_is_named_with_what_to_change(ended: Mapping[str, Ended], name: str) -> None:
    row, answer = ROWS[name], ended[name]
    assert answer.err == ""
    report = json.loads(answer.out)
    [cloud] = report["clouds"]
    hops = {hop["name"]: hop for hop in (*report["hops"], *cloud["hops"])}
    assert list(hops) == HOPS
    assert (report["failed"], cloud["failed"]) == (row.failed, row.failed), hops[cloud["failed"] or HOPS[-1]]
    assert (report["well"], answer.code) == ((True, 0) if row.failed is None else (False, 69))
    if row.failed is None:
        assert {hop["verdict"] for hop in hops.values()} <= {"ok", "skipped"}
        assert hops["first-bytes"]["seen"] == 'the screen greets: "RFB 003.008"'
        assert "CN=The Right Authority; good until 20" in hops["compute-tls"]["seen"]
        return
    place = HOPS.index(row.failed)
    assert {hops[hop]["verdict"] for hop in HOPS[:place]} <= {"ok", "skipped"}
    assert {hops[hop]["verdict"] for hop in HOPS[place + 1 :]} <= {"not reached"}
    failed = hops[row.failed]
    said = " ".join((failed["seen"], failed["reason"], *failed["advice"]))
    assert failed["advice"]
    assert [word for word in row.names if word not in said] == [], said


async def test_no_secret_is_in_what_the_doctor_says(ended: Mapping[str, Ended]) -> None:
    said = "".join(answer.out + answer.err for answer in ended.values())
    assert "vnc_lite.html?path=/?token=***" in said
    assert [secret for secret in ISSUED if secret and secret in said] == []
