"""Runs inside the container, as root, once it has booted: puts the installed service to the proof.

Those of case 40 belong together: a service that breaks or is attacked comes back, and tells nothing.
A simulated cloud and its console proxy live in this process; people are accounts of the container.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import BANNER, FaultyProxy
from tests.fakes.identity import FakeIdentity
from tests.fakes.issued import ISSUED, issue

SERVICE, SOCKET_UNIT = "console-launcher.service", "console-launcher.socket"
SOCKET = "/run/console-launcher/web.sock"
CONFIG = Path("/etc/console-launcher/config.yaml")
CREDENTIALS = Path("/etc/console-launcher/credentials")
UNITS = Path("/etc/systemd/system")
DROP_INS = UNITS / f"{SERVICE}.d"
STATE = Path("/var/lib/console-launcher")
KEY = STATE / "static-path.key"
OLD_UNITS = Path("/srv/tests/releases/0.1.0")
TCP = "6080"
FAR = "192.0.2.7"
"""An address of this container that is not loopback."""
CLOUDS = "/api/v1/clouds"
SERVER = "/api/v1/servers/lab/web-01"


async def run(*command: str, check: bool = True) -> str:
    """The output of a command that must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    text = output.decode(errors="replace")
    assert not check or process.returncode == 0, f"{' '.join(command)}: {process.returncode}\n{text}"
    return text


async def ask(account: str, where: str, path: str) -> str:
    """What `account` is answered: the status, or the error in its way."""
    return (await run(*_as(account), "get", where, path)).strip()


def _as(account: str) -> list[str]:
    return ["setpriv", f"--reuid={account}", f"--regid={account}", "--init-groups",
            sys.executable, "-m", "tests.nspawn.ask"]  # fmt: skip


@asynccontextmanager
async def viewing(account: str, where: str, path: str = "/ws/lab/web-01") -> AsyncIterator[asyncio.StreamReader]:
    """A viewer that has the first bytes of its screen; lines of `ask.py`."""
    process = await asyncio.create_subprocess_exec(
        *_as(account), "view", where, path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert await line(process.stdout) == str(BANNER)
        yield process.stdout
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line(reader: asyncio.StreamReader, seconds: float = 30) -> str:
    async with asyncio.timeout(seconds):
        return (await reader.readline()).decode().strip()


async def shown(name: str, unit: str = SERVICE) -> str:
    """A property of the unit."""
    return (await run("systemctl", "show", "--value", "--property", name, unit)).strip()


async def until(what: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not await what():
            await asyncio.sleep(0.1)


async def journal(*options: str) -> list[dict[str, Any]]:
    """The service's entries."""
    await run("journalctl", "--sync")
    text = await run("journalctl", "--unit", SERVICE, "--output=json", "--no-pager", *options)
    return [json.loads(one) for one in text.splitlines() if one.startswith("{")]


class Proof:
    """The claims, in the order in which they are proved; each leaves the service running."""

    def __init__(self, compute: FakeCompute, identity: FakeIdentity, proxy: FaultyProxy) -> None:
        self._compute = compute
        self._identity = identity
        self._proxy = proxy

    async def lay_out(self) -> None:
        """Accounts, credentials, configuration."""
        await run("systemd-sysusers")
        for account in ("alice", "mallory", "eve"):
            await run("useradd", "--create-home", account)
        for account in ("alice", "mallory"):
            await run("usermod", "--append", "--groups", "console-operators", account)
        CONFIG.parent.mkdir(mode=0o755)
        CREDENTIALS.mkdir(mode=0o700)
        self._compute.api_tokens = self._identity.api_tokens
        token = issue()
        self._identity.api_tokens.add(token)
        for name, secret in (("rax-api-key", self._identity.api_key), ("lab-token", token)):
            (CREDENTIALS / name).write_text(secret)
            (CREDENTIALS / name).chmod(0o600)
        self.write()

    def write(self, **keys: Any) -> None:
        """The configuration."""
        usual = {
            "listen": ["systemd", f"127.0.0.1:{TCP}"],
            "public_urls": [f"http://jump.localhost:{TCP}"],
            "clouds": {"lab": self.lab(), "rax": self.rax()},
            "access": {"local_users": ["alice"]},
        }
        CONFIG.write_text(yaml.safe_dump({**usual, **keys}))
        CONFIG.chmod(0o644)

    def lab(self) -> dict[str, Any]:
        return {"provider": "none", "endpoint": self._compute.endpoint, "api_token": {"credential": "lab-token"}}

    def rax(self) -> dict[str, Any]:
        return {
            "provider": "rackspace", "username": "ops", "regions": ["DFW"],
            "api_key": {"credential": "rax-api-key"}, "auth_url": self._identity.auth_url,
        }  # fmt: skip

    async def the_first_request_starts_the_service(self) -> None:
        await run("systemctl", "enable", "--now", SOCKET_UNIT)
        assert await shown("ActiveState") == "inactive"
        assert await ask("alice", SOCKET, CLOUDS) == "200"
        assert await shown("ActiveState") == "active"
        assert await shown("StatusText") == "0 sessions, 2 clouds"

    async def only_those_may_come_in_who_are_let_in(self) -> None:
        for where in (SOCKET, TCP):
            answers = [await ask(who, where, CLOUDS) for who in ("root", "alice", "mallory")]
            assert answers == ["200", "200", "403"], answers
        outside = await ask("eve", SOCKET, CLOUDS), await ask("eve", TCP, CLOUDS)
        assert outside == ("UnixClientConnectorError Permission denied", "403"), outside

    async def a_session_names_its_actor_and_leaves_one_entry_with_fields(self) -> None:
        async with viewing("alice", SOCKET):
            assert await ask("alice", SOCKET, "/api/v1/servers/rax/web-01") == "200"
            await until(lambda: self._status("1 session, 2 clouds"))
        await until(lambda: self._status("0 sessions, 2 clouds"))
        [launch] = [one for one in await journal() if one.get("LAUNCHER_EVENT") == "launch"]
        assert (launch["LAUNCHER_ACTOR"], launch["LAUNCHER_VIA"]) == ("alice", "unix")
        assert (launch["SYSLOG_IDENTIFIER"], launch["PRIORITY"]) == ("console-launcher", "6")
        assert launch["MESSAGE"].startswith("launch by alice: lab/web-01: open")

    async def a_servers_name_forges_no_entry(self) -> None:
        name = "web\n_UID=0\nMESSAGE=forged \x1b[31m\u202e"
        before = len(await journal())
        self._compute.add_server(name, status="SHUTOFF")
        async with _process(*_as("alice"), "view", SOCKET, f"/ws/lab/{_quoted(name)}") as lines:
            await line(lines)
        [entry] = (await journal())[before:]
        assert entry["LAUNCHER_NAME"] == name or bytes(entry["LAUNCHER_NAME"]).decode() == name
        assert entry["_UID"] != "0"
        assert "forged \\x1b[31m\\u202e" in entry["MESSAGE"]

    async def a_reload_with_a_good_file_takes_effect_and_sessions_go_on(self) -> None:
        async with viewing("alice", SOCKET) as lines:
            self.write(clouds={"lab": self.lab(), "more": self.lab(), "rax": self.rax()}, relay={"ping": "9s"})
            await run("systemctl", "reload", SERVICE)
            await until(lambda: self._status("1 session, 3 clouds; relay.ping: at the next restart"))
            assert await ask("alice", SOCKET, "/api/v1/servers/more/web-01") == "200"
            await self._proxy.send(b"still here")
            assert await line(lines) == str(b"still here")
        assert await shown("NRestarts") == "0"

    async def a_reload_with_a_bad_file_keeps_the_old_one_and_says_so(self) -> None:
        self.write(clouds={"other": self.lab()}, relais={})
        number = CONFIG.read_text().splitlines().index("relais: {}") + 1
        await run("systemctl", "reload", SERVICE)
        await until(lambda: self._status("last reload failed (1 problem, see the log)"))
        assert await ask("alice", SOCKET, "/api/v1/servers/more/web-01") == "200"
        problems = [one["MESSAGE"] for one in await journal() if one["PRIORITY"] == "3"]
        assert problems[-1].startswith(f"not reloaded: {CONFIG}:{number} relais: unknown key"), problems
        assert "last reload failed" in await run("systemctl", "status", "--no-pager", SERVICE)
        self.write()
        await run("systemctl", "reload", SERVICE)
        await until(lambda: self._status("0 sessions, 2 clouds"))

    async def whoever_is_taken_out_is_refused_after_a_reload_and_loses_the_screen(self) -> None:
        async with viewing("alice", SOCKET) as lines:
            self.write(access={"local_users": ["mallory"]})
            await run("systemctl", "reload", SERVICE)
            assert await line(lines, 10) == "1008"
        await until(lambda: self._answers("alice", "403"))
        assert await ask("mallory", SOCKET, CLOUDS) == "200"
        self.write()
        await run("systemctl", "reload", SERVICE)
        await until(lambda: self._answers("alice", "200"))

    async def an_account_that_is_gone_keeps_nobody_out_and_comes_in_when_it_is_there(self) -> None:
        self.write(access={"local_users": ["alice", "leaver"]})
        await run("systemctl", "restart", SERVICE)
        await until(lambda: self._answers("alice", "200"))
        warnings = [one["MESSAGE"] for one in await journal() if one["PRIORITY"] == "4"]
        assert 'access.local_users[1]: there is no account "leaver" on this machine' in warnings[-1]
        await run("useradd", "--groups", "console-operators", "leaver")
        assert await ask("leaver", SOCKET, CLOUDS) == "200"
        await run("userdel", "leaver")
        self.write()
        await run("systemctl", "reload", SERVICE)
        await until(lambda: self._answers("alice", "200"))

    async def a_stop_ends_a_live_session_with_1012_in_time_and_keeps_the_socket(self) -> None:
        async with viewing("alice", SOCKET) as lines:
            began = time.monotonic()
            await run("systemctl", "stop", SERVICE)
            took = time.monotonic() - began
            assert await line(lines, 5) == "1012"
        assert took < 5, took
        assert await shown("Result") == "success"
        assert await shown("ActiveState", SOCKET_UNIT) == "active"
        assert Path(SOCKET).is_socket()
        assert await ask("alice", SOCKET, CLOUDS) == "200"

    async def a_restart_loses_no_request(self) -> None:
        statuses: list[str] = []

        async def hammer() -> None:
            while len(statuses) < 12:
                statuses.append(await ask("alice", SOCKET, CLOUDS))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(hammer())
            await asyncio.sleep(0.5)
            await run("systemctl", "restart", SERVICE)
        assert set(statuses) == {"200"}, statuses

    async def case_40_a_blocked_event_loop_is_ended_by_the_watchdog_and_starts_anew(self) -> None:
        DROP_INS.mkdir(exist_ok=True)
        (DROP_INS / "soon.conf").write_text("[Service]\nWatchdogSec=3\n")
        await run("systemctl", "daemon-reload")
        await run("systemctl", "restart", SERVICE)
        await asyncio.sleep(5)
        assert await shown("NRestarts") == "0", "it was ended although its loop runs"
        before = await shown("MainPID")
        await run("systemctl", "kill", "--kill-who=main", "--signal=USR1", SERVICE)  # sleeps in the loop: zz-block.pth
        await until(lambda: self._restarted(before))
        said = await journal()
        assert any("Watchdog timeout" in str(one.get("MESSAGE")) for one in said)
        assert any("Failed with result 'watchdog'" in str(one.get("MESSAGE")) for one in said)
        assert any("Fatal Python error: Aborted" in str(one.get("MESSAGE")) for one in said)
        assert await ask("alice", SOCKET, CLOUDS) == "200"
        (DROP_INS / "soon.conf").unlink()
        await run("systemctl", "daemon-reload")
        await run("systemctl", "restart", SERVICE)

    async def case_40_after_a_sigkill_the_next_request_is_served_from_the_queued_socket(self) -> None:
        before = await shown("MainPID")
        await run("systemctl", "kill", "--kill-who=main", "--signal=KILL", SERVICE)
        assert await ask("alice", SOCKET, CLOUDS) == "200"
        assert await shown("MainPID") != before

    async def case_40_a_credential_that_was_tampered_with_keeps_the_service_from_starting(self) -> None:
        sealed = CONFIG.with_name("sealed-token.cred")
        await run(
            "systemd-creds", "encrypt", "--with-key=host", "--name=sealed", str(CREDENTIALS / "lab-token"), str(sealed)
        )
        whole = sealed.read_text()
        self.write(clouds={"lab": {**self.lab(), "api_token": {"credential": "sealed"}}})
        async with _own_drop_in("sealed.conf", f"[Service]\nLoadCredentialEncrypted=sealed:{sealed}\n"):
            await run("systemctl", "restart", SERVICE)
            assert await ask("alice", SOCKET, SERVER) == "200"
            sealed.write_text(_tampered(whole))
            await run("systemctl", "stop", SERVICE)
            await run("systemctl", "start", "--no-block", SERVICE)
            await until(lambda: self._said("status=243/CREDENTIALS"))
            assert await shown("ActiveState") != "active"
            sealed.write_text(whole)
            assert await ask("alice", SOCKET, SERVER) == "200", "the socket waits, and the service is tried again"
        sealed.unlink()
        self.write()
        await run("systemctl", "restart", SERVICE)

    async def case_40_a_process_of_the_same_account_reads_neither_environment_nor_memory(self) -> None:
        assert await ask("alice", SOCKET, CLOUDS) == "200"
        pid = await shown("MainPID")
        status = Path(f"/proc/{pid}/status").read_text()
        [uid], [gid] = (re.findall(rf"{kind}:\t(\d+)", status) for kind in ("Uid", "Gid"))
        peer = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
        async with _process(*peer, "sleep", "60") as _, asyncio.timeout(20):
            other = (await run("pgrep", "--uid", uid, "--exact", "sleep")).strip()
            assert set((await run(*peer, sys.executable, "-c", _OPEN, other)).split()) == {"open"}, "as peers can"
        found = await run(*peer, sys.executable, "-c", _OPEN, pid)
        assert set(found.split()) == {"EACCES"}, found

    async def case_40_a_crash_leaves_no_core(self) -> None:
        before = await shown("MainPID")
        assert re.search(r"Max core file size +0 +0 ", Path(f"/proc/{before}/limits").read_text())
        cores = await self._cores()
        await run("systemctl", "kill", "--kill-who=main", "--signal=SEGV", SERVICE)
        await until(lambda: self._restarted(before))
        assert await self._said("status=11/SEGV")
        assert await self._cores() == cores

    async def case_40_the_key_of_the_static_path_is_the_services_own_and_survives_a_restart(self) -> None:
        segment = await self._static_segment()
        real = KEY.resolve()
        assert real == Path("/var/lib/private/console-launcher", KEY.name)
        assert (real.stat().st_mode & 0o7777, real.stat().st_size) == (0o600, 32)
        assert real.parent.stat().st_mode & 0o7777 == 0o700
        assert [path.name for path in real.parent.iterdir()] == [KEY.name]
        for who in ("alice", "eve"):
            command = ["setpriv", f"--reuid={who}", f"--regid={who}", "--init-groups", "cat", str(KEY)]
            assert "Permission denied" in await run(*command, check=False)
        key = real.read_bytes()
        assert key.hex() not in segment
        await run("systemctl", "restart", SERVICE)
        assert (real.read_bytes(), real.stat().st_mode & 0o7777) == (key, 0o600)
        assert await self._static_segment() == segment
        await run("systemctl", "stop", SERVICE)
        real.unlink()
        assert await self._static_segment() != segment, "who removes the state makes all paths new"

    async def the_units_of_the_release_before_start_this_program_unchanged(self) -> None:
        shipped = {unit: (UNITS / unit).read_text() for unit in (SERVICE, SOCKET_UNIT)}
        try:
            await self._swap({unit: (OLD_UNITS / unit).read_text() for unit in shipped})
            assert await ask("alice", SOCKET, CLOUDS) == "200"
            assert await shown("StateDirectory") == ""
            async with viewing("alice", SOCKET):
                await until(lambda: self._status("1 session, 2 clouds"))
            segment = await self._static_segment()
            await run("systemctl", "restart", SERVICE)
            assert await self._static_segment() != segment, "without a state directory the key is of one run"
            assert await ask("mallory", SOCKET, CLOUDS) == "403"
        finally:
            await self._swap(shipped)
        assert await ask("alice", SOCKET, CLOUDS) == "200"

    async def a_bad_configuration_is_tried_calmly_and_mends_itself(self) -> None:
        self.write(relais={})
        await run("systemctl", "restart", SERVICE, check=False)
        async with _process(*_as("alice"), "get", SOCKET, CLOUDS) as lines:
            before = await self._starts()
            await asyncio.sleep(8)
            assert 1 <= await self._starts() - before <= 4
            await until(self._ended_with_78)  # between two starts
            self.write()
            assert await line(lines) == "200"
        assert await shown("ActiveState", SOCKET_UNIT) == "active"

    async def another_credential_is_another_file_and_a_restart(self) -> None:
        token = issue()
        self._identity.api_tokens.add(token)
        (CREDENTIALS / "new-token").write_text(token)
        self.write(clouds={"new": {**self.lab(), "api_token": {"credential": "new-token"}}})
        await run("systemctl", "restart", SERVICE)
        assert await ask("alice", SOCKET, "/api/v1/servers/new/web-01") == "200"
        self.write()
        await run("systemctl", "restart", SERVICE)

    async def it_starts_without_any_credential(self) -> None:
        await run("systemctl", "stop", SERVICE, SOCKET_UNIT)
        kept = CREDENTIALS.rename(CREDENTIALS.with_name("kept"))
        self.write(clouds={"open": {"provider": "none", "endpoint": self._compute.endpoint}})
        await run("systemctl", "enable", "--now", SOCKET_UNIT, SERVICE)
        assert await ask("alice", SOCKET, CLOUDS) == "200"
        assert (CREDENTIALS.stat().st_uid, CREDENTIALS.stat().st_mode & 0o777) == (0, 0o700)
        await run("systemctl", "stop", SERVICE, SOCKET_UNIT)
        CREDENTIALS.rmdir()
        kept.rename(CREDENTIALS)
        self.write()
        await run("systemctl", "start", SERVICE)
        assert await shown("ActiveState", SOCKET_UNIT) == "active"

    async def servers_have_sockets_of_their_own_for_the_operators_alone(self) -> None:
        if "../../etc" not in {server["name"] for server in self._compute.servers.values()}:
            self._compute.add_server("../../etc")
        self.write(relay={"sockets": ["lab/*"]})
        await run("systemctl", "restart", SERVICE)
        link = Path("/run/console-launcher/lab/web-01.sock")
        await until(lambda: _is_there(link))
        modes = await run("stat", "--dereference", "--format=%a %G", str(link), str(link.parent), str(link.parents[1]))
        group = "console-operators"
        assert modes.split() == ["660", group, "2711", group, "2755", group]
        async with _process(*_as("alice"), "rfb", str(link)) as lines:
            assert await line(lines) == str(BANNER)
            await until(lambda: self._status("1 session, 2 clouds"))
        async with _process(*_as("mallory"), "rfb", str(link)) as lines:
            assert await line(lines) == str(BANNER), "the gateway's own"
            assert "may not use this gateway" in await line(lines)
        async with _process(*_as("eve"), "rfb", str(link)) as lines:
            assert await line(lines) == "PermissionError Permission denied"
        assert not Path("/run/etc.sock").exists()
        assert sum(path.is_symlink() for path in link.parent.iterdir()) == 1, "a name that leads away has no link"
        launches = [one for one in await journal() if one.get("LAUNCHER_EVENT") == "launch"]
        assert (launches[-1]["LAUNCHER_ACTOR"], launches[-1]["LAUNCHER_VIA"]) == ("alice", "unix")
        assert await ask("alice", SOCKET, CLOUDS) == "200"

    async def the_servers_sockets_end_with_the_service_and_come_back_after_a_crash(self) -> None:
        folder = Path("/run/console-launcher")
        link = folder / "lab" / "web-01.sock"
        before = await shown("MainPID")
        await run("systemctl", "kill", "--kill-who=main", "--signal=KILL", SERVICE)
        await until(lambda: self._restarted(before))
        await until(lambda: _is_there(link))
        async with _process(*_as("alice"), "rfb", str(link)) as lines:
            assert await line(lines) == str(BANNER)
        await run("systemctl", "stop", SERVICE)
        assert [path.name for path in folder.iterdir()] == ["web.sock"]
        assert folder.stat().st_uid == 0
        assert await ask("alice", SOCKET, CLOUDS) == "200"
        self.write()
        await run("systemctl", "restart", SERVICE)
        await asyncio.sleep(1)
        assert not link.exists()
        await self._print_score("with servers' sockets", 12)

    async def case_40_the_ip_filter_cuts_off_what_it_does_not_name(self) -> None:
        reached: list[object] = []
        await run("ip", "address", "add", f"{FAR}/32", "dev", "lo")

        def reach(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            reached.append(writer)
            writer.close()

        async with await asyncio.start_server(reach, FAR, 8774), _drop_in("ip-filter.conf"):
            text = (DROP_INS / "ip-filter.conf").read_text()
            self.write(clouds={"lab": self.lab(), "far": {"provider": "none", "endpoint": f"http://{FAR}:8774/v2.1"}})
            await run("systemctl", "restart", SERVICE)
            assert await ask("alice", SOCKET, "/api/v1/servers/far/web-01") == "503"
            assert len(reached) > 0, "it names 192.0.2.0/24"
            reached.clear()
            (DROP_INS / "ip-filter.conf").write_text(text.replace("192.0.2.0/24", "198.51.100.0/24"))
            await run("systemctl", "daemon-reload")
            await run("systemctl", "restart", SERVICE)
            assert await ask("alice", SOCKET, "/api/v1/servers/far/web-01") == "503"
            assert reached == []
            assert [await ask("alice", where, SERVER) for where in (SOCKET, TCP)] == ["200", "200"]
            await self._print_score("with ip-filter.conf", 12)
        self.write()
        await run("systemctl", "restart", SERVICE)

    async def user_ids_are_the_real_ones_in_a_user_namespace_too(self) -> None:
        if int((await run("systemctl", "--version")).split()[1]) < 257:
            print("      identity.conf is for systemd 257 and later: not looked at here")
            return
        async with _drop_in("identity.conf"):
            await self.servers_have_sockets_of_their_own_for_the_operators_alone()
            self.write()
            await run("systemctl", "restart", SERVICE)
            await self.only_those_may_come_in_who_are_let_in()
            await self._print_score("with identity.conf", 11)
            async with _drop_in("ip-filter.conf"):
                await self._print_score("with both", 10)
        await run("systemctl", "restart", SERVICE)

    async def case_40_no_secret_is_to_be_seen(self) -> None:
        async with viewing("alice", SOCKET):
            seen = await run("ps", "axeww") + await run("journalctl", "--output=export", "--no-pager", "--all")
            for path in [*Path("/proc").glob("[0-9]*/environ"), *Path("/proc").glob("[0-9]*/cmdline")]:
                try:
                    seen += path.read_text(errors="replace")
                except OSError:  # it has ended
                    continue
            seen += await run("systemctl", "show", SERVICE) + await run("systemctl", "status", "--no-pager", SERVICE)
        assert self._identity.api_key in ISSUED
        assert len(ISSUED) > 5
        assert [secret for secret in ISSUED if secret in seen] == []

    async def case_40_the_units_score_is_as_low_as_it_is_said(self) -> None:
        await self._print_score("as it is shipped", 12)

    async def _print_score(self, words: str, most: int) -> None:
        """By the running systemd itself; at most so many tenths."""
        report = await run("systemd-analyze", "security", "--no-pager", f"--threshold={most}", SERVICE)
        print(f"      {words}: {report.strip().splitlines()[-1].removeprefix('→ ')}")

    async def _swap(self, units: dict[str, str]) -> None:
        """Put these in the units' place, from a stop on; the socket listens afterwards."""
        await run("systemctl", "stop", SERVICE, SOCKET_UNIT)
        for unit, text in units.items():
            (UNITS / unit).write_text(text)
        await run("systemctl", "daemon-reload")
        await run("systemctl", "start", SOCKET_UNIT)

    async def _static_segment(self) -> str:
        """What stands before the files' names in the list's page; a file below it is there."""
        async with aiohttp.ClientSession("http://localhost", connector=aiohttp.UnixConnector(SOCKET)) as client:
            async with client.get("/") as page:
                found: set[str] = set(re.findall(r'"/static/([^/"]+)/', await page.text()))
                [segment] = found
            async with client.get(f"/static/{segment}/app.css") as file:
                assert file.status == 200
        return segment

    async def _said(self, words: str) -> bool:
        return any(words in str(one.get("MESSAGE")) for one in await journal())

    async def _cores(self) -> str:
        """Files of the container that are named as core files are; of programs' own there are some, too."""
        return await run("find", "/", "-xdev", "-type", "f", "(", "-name", "core", "-o", "-name", "core.*", ")")

    async def _status(self, text: str) -> bool:
        return text in await shown("StatusText")

    async def _answers(self, account: str, status: str) -> bool:
        return await ask(account, SOCKET, CLOUDS) == status

    async def _restarted(self, pid: str) -> bool:
        return await shown("ActiveState") == "active" and await shown("MainPID") not in {pid, "0"}

    async def _ended_with_78(self) -> bool:
        return await shown("ExecMainStatus") == "78"

    async def _starts(self) -> int:
        return sum("Starting console-launcher" in str(one.get("MESSAGE")) for one in await journal())


_OPEN = """
import errno, os, sys
for name in ("environ", "mem", "maps", "fd"):
    try:
        os.close(os.open(f"/proc/{sys.argv[1]}/{name}", os.O_RDONLY))
        print("open")
    except OSError as error:
        print(errno.errorcode[error.errno])
"""
"""What one process may open of another."""


def _tampered(sealed: str) -> str:
    """An encrypted credential (Base64) with one letter changed in its middle."""
    place = len(sealed) // 2
    while not sealed[place].isalnum():
        place += 1
    return f"{sealed[:place]}{'B' if sealed[place] == 'A' else 'A'}{sealed[place + 1 :]}"


def _drop_in(name: str) -> AbstractAsyncContextManager[None]:
    """A shipped drop-in in force, from the next start of the service on."""
    return _own_drop_in(name, Path("/srv/drop-ins", name).read_text())


@asynccontextmanager
async def _own_drop_in(name: str, text: str) -> AsyncIterator[None]:
    """The same, with this text."""
    DROP_INS.mkdir(exist_ok=True)
    (DROP_INS / name).write_text(text)
    await run("systemctl", "daemon-reload")
    try:
        yield
    finally:
        (DROP_INS / name).unlink()
        await run("systemctl", "daemon-reload")


@asynccontextmanager
async def _process(*command: str) -> AsyncIterator[asyncio.StreamReader]:
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _is_there(path: Path) -> bool:
    return path.is_socket()


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")


async def main() -> int:
    """Every claim; how many did not hold."""
    failed = 0
    async with FakeCompute() as compute, FaultyProxy() as proxy:
        identity = FakeIdentity({"DFW": compute.endpoint})
        async with identity:
            compute.add_server("web-01")
            compute.mint = lambda *_: proxy.url()
            proof = Proof(compute, identity, proxy)
            await proof.lay_out()
            print((await run("systemctl", "--version")).splitlines()[0])
            for name, claim in vars(Proof).items():
                if name.startswith("_") or name in {"lay_out", "write", "lab", "rax"}:
                    continue
                failed += await _prove(name.replace("_", " "), claim(proof))
    return failed


async def _prove(words: str, claim: Awaitable[None]) -> int:
    began = time.monotonic()
    try:
        async with asyncio.timeout(40):
            await claim
    except Exception as error:  # noqa: BLE001 -- the next claims are looked at all the same
        print(f"FAILED {words}: {type(error).__name__}: {error}", f"at line {_line_of(error)}")
        print(await run("journalctl", "--no-pager", "-n", "12", "-u", SERVICE, "-u", SOCKET_UNIT, check=False))
        return 1
    print(f"ok    {words} ({time.monotonic() - began:.1f} s)")
    return 0


def _line_of(error: BaseException) -> int:
    found, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == __file__:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


if __name__ == "__main__":
    sys.exit(min(asyncio.run(main()), 100))
