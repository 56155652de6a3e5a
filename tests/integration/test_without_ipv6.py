"""A machine without IPv6, in a network namespace of the test's own: there is no ::1 that anybody could take."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.fakes.sshd import need_root

_BIND = """
import json
from launcher.config.listen import TcpAddress
from launcher.errors import ListenError
from launcher.web.loopback import bind_loopback, check_partners, end_of
found = {}
for host in ("127.0.0.1", "localhost", "::1"):
    try:
        found[host] = [end_of(one.sock).host for one in bind_loopback(TcpAddress(host, 0))]
    except ListenError as error:
        found[host] = str(error)
passed = TcpAddress("127.0.0.1", 6080)
check_partners([passed], {passed})
print(json.dumps(found))
"""
_WITHOUT = 'ip link set lo up && echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 && exec "$0" -c "$1"'


def test_without_ipv6_a_port_is_taken_at_the_address_that_there_is_and_a_passed_one_needs_no_partner() -> None:
    need_root()
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", _WITHOUT, sys.executable, _BIND],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "127.0.0.1": ["127.0.0.1"],
        "localhost": ["127.0.0.1"],
        "::1": "[::1]:0 cannot be listened on: Cannot assign requested address.",
    }
