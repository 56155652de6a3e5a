"""Why a cloud or a console proxy says no, and what to change: which setting, role, token, service. Pure.

Every function gives the reason in one sentence and the advice in lines, the most likely first.
"""

from __future__ import annotations

from collections.abc import Mapping

from launcher.doctor.network import Fault, Trouble
from launcher.doctor.places import Place, Settings, base_url_option
from launcher.errors import (
    AmbiguousServerError,
    CloudBusyError,
    CloudCredentialsError,
    CloudReplyError,
    CloudUnreachableError,
    ConsoleRefusedError,
    KindNotOfferedError,
    LauncherError,
    UpstreamStaleError,
    UpstreamUnreachableError,
)
from launcher.model import Server
from launcher.spans import span
from launcher.states import Outlook, reading, told


def configuration_fault(settings: Settings, error: LauncherError) -> Fault:
    """What a cloud's entry, or a file that it names, cannot be used for."""
    return Fault.of(
        str(error),
        f"Correct {settings.key} in config.yaml, or the file that it names: {settings.credentials}.",
    )


def identity_fault(settings: Settings, error: LauncherError) -> Fault:
    """Signing in failed."""
    reason = str(error)
    match error:
        case CloudCredentialsError():
            return Fault.of(
                reason,
                f"Correct the credentials: {settings.credentials}.",
                f"If they are right: they may be those of another service than {settings.auth_url}; or the account is "
                "locked, disabled or expired, which the cloud's operator knows.",
            )
        case CloudBusyError():
            return Fault.of(
                reason,
                *_patience(error),
            )
        case CloudUnreachableError():
            return Fault.of(
                reason,
                f"The service took the connection; check {settings.auth_url} and try again.",
            )
        case _:
            return Fault.of(
                reason,
                f"Check {settings.auth_url}: what answers there must be an Identity service (…/v3, …/v2.0).",
            )


def catalog_fault(settings: Settings, error: LauncherError) -> Fault:
    """Signing in went well, and gave no Compute endpoint."""
    return Fault.of(
        str(error),
        f"Correct the region: {settings.region or settings.key + '.endpoint in config.yaml'}.",
        f"If the region is right: {settings.account} needs a project that has a Compute service there.",
    )


def role_fault(settings: Settings, error: LauncherError, *, bare: bool) -> Fault:
    """The Compute API does not list servers."""
    reason = str(error)
    match error:
        case CloudCredentialsError() if bare:
            return Fault.of(
                reason,
                f"Correct the API token: {settings.credentials}.",
            )
        case CloudCredentialsError():
            return Fault.of(
                reason,
                f"Give {settings.account} a role in its project: at least reader, to list servers.",
            )
        case CloudBusyError():
            return Fault.of(
                reason,
                *_patience(error),
            )
        case CloudUnreachableError():
            return Fault.of(
                reason,
                "The Compute API took the connection and did not answer: look at nova-api and what stands before "
                "it (load balancer, database, Keystone).",
            )
        case _:
            return Fault.of(
                reason,
                "Check that the endpoint is a Compute API's (…/v2.1, or …/v2 with the project behind it)"
                + (f": {settings.key}.endpoint in config.yaml." if bare else ", as the cloud's catalog has it."),
                _request_id(error),
            )


_COMMANDS: Mapping[str, str] = {
    "SHUTOFF": "Start it: openstack server start {id}",
    "SUSPENDED": "Resume it: openstack server resume {id}",
    "SHELVED": "Unshelve it: openstack server unshelve {id}",
    "SHELVED_OFFLOADED": "Unshelve it: openstack server unshelve {id}",
    "SOFT_DELETED": "Restore it, or name another: openstack server restore {id}",
}
"""By Nova's status: what gives a server its screen back."""
_MAY_SHOW = frozenset({"PAUSED", "ERROR"})
"""There may be a screen all the same: worth the look."""


def server_fault(settings: Settings, error: LauncherError) -> Fault:
    """The server that was named is not found."""
    if isinstance(error, AmbiguousServerError):
        return Fault.of(
            str(error),
            "Name one of them by its UUID:",
            *(f"{server.cloud}/{server.id}" for server in error.candidates),
        )
    if isinstance(error, CloudBusyError):
        return Fault.of(
            str(error),
            *_patience(error),
        )
    return Fault.of(
        str(error),
        f"Look for it: console-launcher servers --cloud {settings.cloud}",
        f"If it is in another project: {settings.account} sees those of its own project only.",
    )


def state_fault(server: Server) -> Fault | None:
    """Where the server's state allows no screen, though a cloud may well give a console URL."""
    outlook = reading(server).outlook
    if outlook is Outlook.READY or server.status in _MAY_SHOW:
        return None
    advice = "Wait until that is over, then try again."
    if outlook is not Outlook.PASSING:
        advice = _COMMANDS.get(server.status, "Name another: console-launcher servers").format(id=server.id)
    return Fault.of(f"{told(server)}: it has no screen.", advice)


def console_fault(settings: Settings, error: LauncherError, server: Server, *, bare: bool) -> Fault:
    """The cloud gives no console for a server that it lists."""
    reason = str(error)
    match error:
        case CloudCredentialsError() if bare:
            return Fault.of(
                reason,
                f"Give {settings.account} a role that may open consoles in its project: member (reader may only "
                "list), or put another token there.",
            )
        case CloudCredentialsError():
            return Fault.of(
                reason,
                f"Give {settings.account} a role that may open consoles in its project: member (reader may only "
                "list). openstack role add --user USER --project PROJECT member",
                "If it has that role: the cloud's policy os_compute_api:os-remote-consoles asks for another.",
            )
        case KindNotOfferedError():
            return Fault.of(
                reason,
                "Have the cloud's operator enable VNC on this server's host: [vnc] enabled in nova.conf.",
            )
        case ConsoleRefusedError():
            return Fault.of(
                reason,
                reading(server).advice
                or "Wait until nothing is being done with the server, or look why it is not done.",
            )
        case CloudBusyError():
            return Fault.of(
                reason,
                *_patience(error),
            )
        case _:
            return Fault.of(
                reason,
                "Ask the cloud's operator to look at nova-compute on the server's host: it did not answer the API.",
                _request_id(error),
            )


def url_fault(settings: Settings, error: LauncherError, *, xvp: bool = False) -> Fault:
    """The console URL is none that the gateway may dial."""
    reason = str(error)
    if "console_hosts" in reason:
        first = f"If that host is right: add it to {settings.key}.console_hosts in config.yaml."
    elif "plain_console" in reason:
        first = f"If it must be so: {settings.key}.plain_console: true in config.yaml."
    else:
        first = "It must be one that a browser opens: http or https, with a host and a console token."
    return Fault.of(
        reason,
        first,
        f"If the cloud names a host that is wrong from here: mend it with {settings.key}.console_url in "
        f"config.yaml, or have its operator correct [vnc] {base_url_option(xvp=xvp)} in nova.conf.",
    )


def websocket_fault(settings: Settings, place: Place, error: LauncherError) -> Fault:
    """The console proxy does not let us in."""
    if isinstance(error, UpstreamStaleError):
        return Fault.of(
            f"{error} Most likely it refuses the console token.",
            *_token_advice(settings, place),
        )
    if isinstance(error, UpstreamUnreachableError):
        return Fault.of(
            str(error),
            f"Look at the console proxy (nova-novncproxy) at {place.address}: it connects and does not answer.",
        )
    return Fault.of(
        str(error),
        f"Check that a console proxy answers WebSockets at {place.address}: its address and path come from "
        f"{place.said_by}; path: /websockify is a stock websockify's.",
        "If a load balancer stands before it: it must pass Upgrade and Connection on.",
    )


def xvp_fault(settings: Settings, place: Place, error: LauncherError) -> Fault:
    """The console proxy for xvpvnc does not let us in."""
    if isinstance(error, UpstreamStaleError):
        return Fault.of(str(error), *_token_advice(settings, place, xvp=True))
    if isinstance(error, UpstreamUnreachableError):
        return Fault.of(
            str(error),
            f"Look at the console proxy (nova-xvpvncproxy) at {place.address}: does it reach the server's host?",
        )
    return Fault.of(
        str(error),
        f"Check that nova-xvpvncproxy answers at {place.address}: its address and path come from {place.said_by}.",
        "If a load balancer stands before it: it must pass a CONNECT for a path on, or the bare connection.",
    )


def first_bytes_fault(
    settings: Settings, place: Place, server: Server, error: LauncherError, *, xvp: bool = False
) -> Fault:
    """The console proxy lets us in, and shows no screen."""
    state = f" (The cloud says {server.status} of the server.)"
    if isinstance(error, UpstreamUnreachableError):
        return Fault.of(
            f"{error}{state}",
            "Look at the VNC server behind the console proxy: it takes the connection and says nothing. On the "
            "server's host: the hypervisor's process (a hard reboot of the server starts it anew), and nova-"
            "compute, which the console proxy asks.",
        )
    if isinstance(error, UpstreamStaleError):
        return Fault.of(
            f"{error} It refuses the console token, or does not reach the server's screen.{state}",
            *_token_advice(settings, place, xvp=xvp),
            "If the token is good: the VNC server on the server's host must listen where the console proxy reaches "
            "it ([vnc] server_listen and server_proxyclient_address in its nova.conf, ports 5900 and up).",
        )
    return Fault.of(
        f"{error}{state}",
        f"What the console proxy leads to is no VNC server: check its target, and {place.said_by}.",
    )


def tokens_fault(key: str, error: LauncherError) -> Fault:
    """The token files of a static cloud are not read."""
    return Fault.of(
        str(error),
        f"Correct {key}.websockify_tokens in config.yaml, or let the gateway's account read what it names: it needs "
        "the right to read the files and to search every folder above them.",
    )


def target_fault(cloud: str, error: LauncherError) -> Fault:
    """A static cloud has no server of this name."""
    return Fault.of(
        str(error),
        f"Look for it: console-launcher servers --cloud {cloud}",
    )


def own_socket_fault(path: str, said_by: str) -> Fault:
    """A direct target is a Unix socket on which this gateway itself listens."""
    return Fault.of(
        f"The socket {path} is where this gateway itself listens: it would dial itself without end.",
        f"Name the VNC server's own socket there: {said_by}.",
    )


def socket_fault(path: str, said_by: str, trouble: Trouble, detail: str) -> Fault:
    """A Unix socket takes no connection."""
    match trouble:
        case Trouble.MISSING:
            return Fault.of(
                f"There is no socket {path}.",
                "Start the machine whose screen it is: its VNC server makes the socket.",
                f"If it has another path: correct {said_by}.",
            )
        case Trouble.FORBIDDEN:
            return Fault.of(
                f"The gateway's account may not connect to {path}: {detail}.",
                f"Put the account into the group that may write to the socket: ls -l {path}",
                "Every folder above it must let the account through, too (x).",
            )
        case Trouble.REFUSED:
            return Fault.of(
                f"Nobody listens at {path} any more: a VNC server left it behind.",
                "Start the machine whose screen it is, which makes the socket anew.",
            )
        case _:
            return Fault.of(
                f"{path} takes no connection: {detail or 'no reason told'}.",
                f"Check that it is a VNC server's socket; the path stands in {said_by}.",
            )


def greeting_fault(said_by: str, error: LauncherError, *, password: bool) -> Fault:
    """What listens there takes the connection, and shows no screen."""
    listens = f"Check that a VNC server listens there: {said_by} has the address (5900 is display 0, 5901 display 1)."
    return Fault.of(
        str(error),
        *((f"Check the VNC password that stands beside the address in {said_by}.",) if password else ()),
        *(() if password and "password" in str(error) else (listens,)),
        "TigerVNC and RealVNC turn away for a while whoever failed to sign in too often: wait a minute, or start it "
        "anew.",
    )


def late_fault(limit: float) -> Fault:
    """A hop took longer than its limit."""
    return Fault.of(
        f"No answer within {limit:g} s.",
        "Look at the load of the service and of what it asks in turn; --timeout is the longest that is waited.",
    )


def _token_advice(settings: Settings, place: Place, *, xvp: bool = False) -> tuple[str, ...]:
    known = "the same database or cell as its Compute API, or the same token file; and clocks that agree."
    option = base_url_option(xvp=xvp)
    other = f"{settings.key}.console_url in config.yaml, or {option} in nova.conf, names the wrong one."
    return (
        f"The console token is new. The console proxy at {place.address} must know those of this cloud: {known}",
        f"If it is another cloud's console proxy: {other}",
    )


def _patience(error: CloudBusyError) -> tuple[str, ...]:
    if error.retry_after is None:
        return ("Wait a while, then try again: the cloud is busy.",)
    return (f"Wait {span(error.retry_after)}, then try again; the gateway asks for nothing before.",)


def _request_id(error: LauncherError) -> str:
    known = getattr(error, "request_id", None)
    status = f" (status {error.status})" if isinstance(error, CloudReplyError) and error.status else ""
    return f"Give the request id {known}{status} to the cloud's operator." if known else "Its operator's log has more."
