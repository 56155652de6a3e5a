"""Runs the doctor behind a firewall that drops what goes to a console proxy, in a network namespace of its own.

    unshare --net python -m tests.process.behind_firewall OUTER FOLDER [OPTIONS OF THE DOCTOR]

OUTER is the network namespace that this must not be (`/proc/self/ns/net` outside); whoever starts it by mistake without
a namespace changes no machine's firewall. In the namespace are a simulated Compute API, the stock websockify command
and the doctor; nftables drops the packets to the websockify. Ends as the doctor does.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import yaml

from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import ConsoleProxy, free_port

_RULES = """
add table inet doctor
add chain inet doctor input {{ type filter hook input priority 0; policy accept; }}
add rule inet doctor input tcp dport {port} drop
"""


async def _examined(folder: Path, *options: str) -> int:
    async with FakeCompute(max_version="2.104") as compute, ConsoleProxy(folder / "proxy") as proxy:
        compute.add_server("web-01")
        compute.mint = lambda *_: proxy.url(free_port())
        subprocess.run(["nft", "-f", "-"], input=_RULES.format(port=proxy.port), text=True, check=True)
        config = folder / "config.yaml"
        config.write_text(yaml.safe_dump({"clouds": {"prod": {"provider": "none", "endpoint": compute.endpoint}}}))
        command = [sys.executable, "-m", "launcher", "doctor", "--config", str(config), *options]
        process = await asyncio.create_subprocess_exec(*command)
        return await process.wait()


def main() -> int:
    outer, folder, *options = sys.argv[1:]
    if str(Path("/proc/self/ns/net").readlink()) == outer:
        print("this is to run in a network namespace of its own", file=sys.stderr)
        return 2
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    return asyncio.run(_examined(Path(folder), *options))


if __name__ == "__main__":
    sys.exit(main())
