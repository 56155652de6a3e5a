"""The Compute API's documents and rules, as a real Nova 34 has them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from launcher.demo.fleet import Machine, State
from launcher.model import Kind

MAX_VERSION: Final = (2, 104)
PAGE_SIZE: Final = 1000
NO_SUCH_PATH: Final = "The resource could not be found."
UNEXPECTED: Final = (
    "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if "
    "possible.\n<class 'nova.exception.{}'>"
)

_ACTION_ENDS: Final = (2, 6)
_OLDEST: Final = (2, 1)
_VERSION: Final = re.compile(r"(\d{1,4})\.(\d{1,4})")
_VM_STATES: Final = {
    "ACTIVE": "active",
    "REBOOT": "active",
    "BUILD": "building",
    "PAUSED": "paused",
    "SHUTOFF": "stopped",
    "ERROR": "error",
    "SHELVED_OFFLOADED": "shelved_offloaded",
}
_KINDS: Final = frozenset({"novnc", "xvpvnc"})


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 -- what the API answers, not what went wrong here
    """The API refuses a request in these words."""

    status: int
    fault: str
    message: str


def no_path() -> Refusal:
    return Refusal(404, "itemNotFound", NO_SUCH_PATH)


def not_found(server_id: str) -> Refusal:
    return Refusal(404, "itemNotFound", f"Instance {server_id} could not be found.")


def versions(base: str, *, legacy: bool, modern: bool) -> list[dict[str, Any]]:
    """The entries of a version document."""
    found = []
    if legacy:
        found.append(_version(base, "v2.0", "v2", "SUPPORTED", "", ""))
    if modern:
        found.append(_version(base, "v2.1", "v2.1", "CURRENT", spelt(MAX_VERSION), spelt(_OLDEST)))
    return found


def _version(base: str, name: str, path: str, status: str, newest: str, oldest: str) -> dict[str, Any]:
    return {
        "id": name,
        "status": status,
        "version": newest,
        "min_version": oldest,
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{base}/{path}/"}],
    }


def spelt(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def asked_version(headers: Mapping[str, str], *, legacy: bool) -> tuple[int, int]:
    """The microversion that a request asks for; the legacy endpoint drops both headers. Raises Refusal."""
    service, _, version = headers.get("OpenStack-API-Version", "").partition(" ")
    asked = version.strip() if service == "compute" else headers.get("X-OpenStack-Nova-API-Version", "")
    if legacy or not asked:
        return _OLDEST
    if asked == "latest":
        return MAX_VERSION
    found = _VERSION.fullmatch(asked)
    if found is None:
        message = f"API Version String {asked[:40]} is of invalid format. Must be of format MajorNum.MinorNum."
        raise Refusal(400, "badRequest", message)
    numbers = int(found[1]), int(found[2])
    if not _OLDEST <= numbers <= MAX_VERSION:
        message = (
            f"Version {asked} is not supported by the API. Minimum is {spelt(_OLDEST)} and maximum is "
            f"{spelt(MAX_VERSION)}."
        )
        raise Refusal(406, "computeFault", message)
    return numbers


def server_document(machine: Machine, state: State, href: str, project: str, created: str) -> dict[str, Any]:
    """A server as `GET /servers/{id}` and the detailed list show it."""
    net = {"version": 4, "addr": machine.address, "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": _mac(machine)}
    return {
        "id": machine.id,
        "name": machine.name,
        "status": state.status,
        "tenant_id": project,
        "user_id": "c3a7d1b25e8f4f6c9a0b1c2d3e4f5a6b",
        "metadata": {},
        "hostId": "" if not state.has_host else "9c2f6a1d",
        "image": {"id": machine.id[:8] + "-0000-4000-8000-000000000001"},
        "flavor": {
            "original_name": machine.flavor.name,
            "vcpus": machine.flavor.vcpus,
            "ram": machine.flavor.ram_gb * 1024,
            "disk": machine.flavor.disk_gb,
            "ephemeral": 0,
            "swap": 0,
            "extra_specs": {},
        },
        "created": created,
        "updated": created,
        "addresses": {"private": [net]},
        "accessIPv4": "",
        "accessIPv6": "",
        "links": [{"rel": "self", "href": href}, {"rel": "bookmark", "href": href}],
        "OS-DCF:diskConfig": "AUTO",
        "OS-EXT-AZ:availability_zone": "nova" if state.has_host else "",
        "config_drive": "",
        "key_name": None,
        "security_groups": [{"name": "default"}],
        "os-extended-volumes:volumes_attached": [],
        "OS-EXT-STS:vm_state": _VM_STATES[state.status],
        "OS-EXT-STS:task_state": state.task,
        "OS-EXT-STS:power_state": state.power,
    }


def _mac(machine: Machine) -> str:
    return "fa:16:3e:" + ":".join(machine.id[place : place + 2] for place in (0, 2, 4))


def page(
    machines: Sequence[Machine], query: Mapping[str, str], size: int = PAGE_SIZE
) -> tuple[Sequence[Machine], str | None]:
    """The servers that a listing asks for, and the marker of the next page if there is one. Raises Refusal."""
    found = [machine for machine in machines if _matches(machine.name, query.get("name", ""))]
    limit = _limit(query.get("limit", str(size)), size)
    marker = query.get("marker")
    if marker is not None:
        ids = [machine.id for machine in found]
        if marker not in ids:
            raise Refusal(400, "badRequest", f"marker [{marker[:64]}] not found")
        found = found[ids.index(marker) + 1 :]
    shown = found[:limit]
    return shown, shown[-1].id if shown and len(found) > len(shown) else None


def _matches(name: str, pattern: str) -> bool:
    """As Nova's database: a regular expression, found anywhere."""
    try:
        return re.search(pattern[:1024], name) is not None
    except (re.error, RecursionError, OverflowError):
        raise Refusal(400, "badRequest", "Invalid filter: the name is no regular expression.") from None


def _limit(text: str, size: int) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise Refusal(400, "badRequest", "Invalid input for query parameters limit.")
    return min(int(text), size)


def asked_action(body: object, version: tuple[int, int]) -> tuple[str, object]:
    """The one action that a body names, and its argument. Raises Refusal."""
    if not isinstance(body, dict) or len(body) != 1:
        raise Refusal(400, "badRequest", "Malformed request body")
    [(action, argument)] = body.items()
    if action == "os-getVNCConsole":
        if version >= _ACTION_ENDS:
            raise no_path()
        if not isinstance(argument, dict) or set(argument) != {"type"} or argument["type"] not in _KINDS:
            raise Refusal(400, "badRequest", "Invalid input for field/attribute os-getVNCConsole.")
        return action, argument["type"]
    if action in {"os-start", "os-stop", "reboot"}:
        return action, argument
    raise Refusal(400, "badRequest", f"There is no such action: {action[:64]}")


def asked_remote_console(body: object, version: tuple[int, int]) -> str:
    """The kind of console that `remote-consoles` is asked for. Raises Refusal."""
    if version < _ACTION_ENDS:
        raise no_path()
    wanted = body.get("remote_console") if isinstance(body, dict) and len(body) == 1 else None
    if not isinstance(wanted, dict) or set(wanted) != {"protocol", "type"} or wanted["type"] not in _KINDS:
        raise Refusal(400, "badRequest", "Invalid input for field/attribute remote_console.")
    if wanted["protocol"] != "vnc":
        raise Refusal(400, "badRequest", f"Invalid console type {wanted['type']}")
    return str(wanted["type"])


def check_console(machine: Machine, state: State, kind: str, *, action: bool) -> None:
    """Whether this server has such a console now. Raises Refusal: the two ways to ask refuse differently."""
    if not state.has_host:
        raise Refusal(409, "conflictingRequest", f"Instance {machine.id} is not ready")
    if kind == machine.kind:
        return
    if kind == Kind.NOVNC:  # which this Nova knows, and that one host lacks
        raise Refusal(400, "badRequest", f"Unavailable console type {kind}")
    if action:
        raise Refusal(500, "computeFault", UNEXPECTED.format("ConsoleTypeInvalid"))
    raise Refusal(400, "badRequest", f"Invalid console type {kind}")
