"""What is to be changed where a cloud or a console proxy says no."""

from __future__ import annotations

import pytest

from launcher.config.models import BareEntry, Cloud, OpenStackEntry
from launcher.doctor import advice
from launcher.doctor.network import Trouble
from launcher.doctor.places import Place, settings_of
from launcher.errors import (
    AmbiguousServerError,
    CloudBusyError,
    CloudCredentialsError,
    CloudReplyError,
    CloudUnreachableError,
    ConsoleRefusedError,
    KindNotOfferedError,
    LauncherError,
    ServerNotFoundError,
    UpstreamProtocolError,
    UpstreamStaleError,
    UpstreamUnreachableError,
)
from launcher.model import Server

OPENSTACK = OpenStackEntry.model_construct(provider="openstack", cloud="prd")
SETTINGS = settings_of(Cloud(name="prod", region=None, entry=OPENSTACK, clouds_yaml=None, secure_yaml=None))
BARE = settings_of(
    Cloud(
        name="prod",
        region=None,
        entry=BareEntry.model_construct(provider="none", endpoint="http://h/v2.1"),
        clouds_yaml=None,
        secure_yaml=None,
    )
)
PROXY = Place("the console proxy", "vnc.example.net", 6080, False, "clouds.prod.console_url", "clouds.prod.cacert")
SERVER = Server("prod", "id-1", "web-01", "ACTIVE")

CREDENTIALS = CloudCredentialsError("No.", cloud="prod")
PATIENCE = CloudBusyError("Busy.", cloud="prod", retry_after=41)
BUSY = CloudBusyError("Busy.", cloud="prod")
AWAY = CloudUnreachableError("Away.", cloud="prod")
ODD = CloudReplyError("Odd.", cloud="prod", request_id="req-1", status=500)
NAMELESS = CloudReplyError("Odd.", cloud="prod")


def test_a_configuration_that_cannot_be_used() -> None:
    fault = advice.configuration_fault(SETTINGS, CREDENTIALS)
    assert (fault.reason, "clouds.prod in config.yaml" in fault.advice[0]) == ("No.", True)


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (CREDENTIALS, 'Correct the credentials: auth of "prd" in clouds.yaml.'),
        (PATIENCE, "Wait 41 s"),
        (BUSY, "Wait a while"),
        (AWAY, 'auth.auth_url of "prd" in clouds.yaml'),
        (ODD, "must be an Identity service"),
    ],
)
def test_a_sign_in_that_fails(error: LauncherError, named: str) -> None:
    assert named in advice.identity_fault(SETTINGS, error).advice[0]


def test_a_catalog_without_the_endpoint() -> None:
    assert 'region_name of "prd" in clouds.yaml' in advice.catalog_fault(SETTINGS, ODD).advice[0]
    assert "clouds.prod.endpoint in config.yaml" in advice.catalog_fault(BARE, ODD).advice[0]


@pytest.mark.parametrize(
    ("error", "bare", "named"),
    [
        (CREDENTIALS, True, "Correct the API token: clouds.prod.api_token"),
        (CREDENTIALS, False, "a role in its project"),
        (PATIENCE, False, "Wait 41 s"),
        (AWAY, False, "look at nova-api"),
        (ODD, False, "request id req-1 (status 500)"),
        (NAMELESS, True, "clouds.prod.endpoint in config.yaml"),
    ],
)
def test_servers_that_are_not_listed(error: LauncherError, *, bare: bool, named: str) -> None:
    assert named in " ".join(advice.role_fault(BARE if bare else SETTINGS, error, bare=bare).advice)


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (AmbiguousServerError("Two.", [Server("prod", server_id, "web-01", "ACTIVE") for server_id in "ab"]), "prod/b"),
        (PATIENCE, "Wait 41 s"),
        (ServerNotFoundError("None."), "console-launcher servers --cloud prod"),
    ],
)
def test_a_server_that_is_not_found(error: LauncherError, named: str) -> None:
    assert named in " ".join(advice.server_fault(SETTINGS, error).advice)


@pytest.mark.parametrize("status", ["SHUTOFF", "SUSPENDED", "SHELVED", "SHELVED_OFFLOADED", "SOFT_DELETED"])
def test_a_server_without_a_screen_is_said_with_the_command_that_helps(status: str) -> None:
    fault = advice.state_fault(Server("prod", "id-1", "web-01", status))
    assert fault is not None
    assert f"({status})" in fault.reason
    assert "openstack server " in fault.advice[0]
    assert fault.advice[0].endswith(" id-1")


@pytest.mark.parametrize(
    ("status", "task", "reason", "named"),
    [
        ("REBOOT", "rebooting", "web-01 reboots (REBOOT, rebooting): it has no screen.", "Wait until"),
        ("SHUTOFF", "powering-on", "web-01 is being started (SHUTOFF, powering-on): it has no screen.", "Wait until"),
        ("DELETED", None, "web-01 is deleted (DELETED): it has no screen.", "console-launcher servers"),
    ],
)
def test_a_state_that_passes_or_has_no_remedy_is_said(status: str, task: str | None, reason: str, named: str) -> None:
    fault = advice.state_fault(Server("prod", "id-1", "web-01", status, task))
    assert fault is not None
    assert fault.reason == reason
    assert named in fault.advice[0]


@pytest.mark.parametrize("status", ["ACTIVE", "ERROR", "PAUSED", "UNKNOWN"])
def test_a_server_that_may_have_a_screen_is_let_pass(status: str) -> None:
    assert advice.state_fault(Server("prod", "id-1", "web-01", status)) is None


@pytest.mark.parametrize(
    ("error", "bare", "named"),
    [
        (CREDENTIALS, True, "the account of clouds.prod.api_token"),
        (CREDENTIALS, False, "openstack role add"),
        (KindNotOfferedError("No novnc.", cloud="prod", kind="novnc"), False, "[vnc] enabled"),
        (ConsoleRefusedError("Not now.", cloud="prod"), False, "Wait until"),
        (BUSY, False, "Wait a while"),
        (CloudBusyError("No.", cloud="prod", retry_after=0.4), False, "Wait 1 s, then try again; the gateway asks"),
        (ODD, False, "nova-compute"),
        (NAMELESS, False, "operator's log"),
    ],
)
def test_a_console_that_is_not_given(error: LauncherError, *, bare: bool, named: str) -> None:
    assert named in " ".join(advice.console_fault(BARE if bare else SETTINGS, error, SERVER, bare=bare).advice)


def test_a_server_in_error_that_is_given_no_console_is_not_waited_for() -> None:
    fault = advice.console_fault(
        SETTINGS, ConsoleRefusedError("Not now.", cloud="prod"), Server("prod", "id-1", "web-01", "ERROR"), bare=False
    )
    assert fault.advice == ("Look up its fault at the cloud; a hard reboot or a rebuild may help.",)


@pytest.mark.parametrize(
    ("reason", "named"),
    [
        ("its host is not among this cloud's console_hosts", "clouds.prod.console_hosts"),
        ('"plain_console: true" allows it', "clouds.prod.plain_console: true"),
        ("it names no host", "with a host and a console token"),
    ],
)
def test_a_console_url_that_is_not_dialled(reason: str, named: str) -> None:
    fault = advice.url_fault(SETTINGS, CloudReplyError(reason, cloud="prod"))
    assert named in fault.advice[0]
    assert "clouds.prod.console_url" in fault.advice[1]


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (UpstreamStaleError("Gone."), "The console token is new"),
        (UpstreamUnreachableError("Silent."), "nova-novncproxy"),
        (UpstreamProtocolError("404."), "Upgrade and Connection"),
    ],
)
def test_a_console_proxy_that_does_not_let_us_in(error: LauncherError, named: str) -> None:
    assert named in " ".join(advice.websocket_fault(SETTINGS, PROXY, error).advice)


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (UpstreamStaleError("401."), "xvpvncproxy_base_url"),
        (UpstreamUnreachableError("500."), "nova-xvpvncproxy"),
        (UpstreamProtocolError("404."), "CONNECT"),
    ],
)
def test_an_xvpvnc_proxy_that_does_not_let_us_in(error: LauncherError, named: str) -> None:
    assert named in " ".join(advice.xvp_fault(SETTINGS, PROXY, error).advice)


def test_what_is_wrong_with_an_xvpvnc_console_names_its_own_option() -> None:
    advised = advice.url_fault(SETTINGS, CloudReplyError("no host", cloud="prod"), xvp=True).advice
    assert "[vnc] xvpvncproxy_base_url" in advised[1]
    stale = advice.first_bytes_fault(SETTINGS, PROXY, SERVER, UpstreamStaleError("Gone."), xvp=True).advice
    assert "xvpvncproxy_base_url" in " ".join(stale)


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (UpstreamStaleError("Gone."), "server_proxyclient_address"),
        (UpstreamUnreachableError("Silent."), "a hard reboot"),
        (UpstreamProtocolError("SSH."), "no VNC server"),
    ],
)
def test_a_console_proxy_that_shows_no_screen(error: LauncherError, named: str) -> None:
    fault = advice.first_bytes_fault(SETTINGS, PROXY, SERVER, error)
    assert named in " ".join(fault.advice)
    assert fault.reason.endswith("(The cloud says ACTIVE of the server.)")


def test_an_answer_that_is_late_is_said_with_its_limit() -> None:
    assert advice.late_fault(2.5).reason == "No answer within 2.5 s."


def test_a_static_cloud_names_its_keys() -> None:
    assert "clouds.rack7.websockify_tokens" in advice.tokens_fault("clouds.rack7", NAMELESS).advice[0]
    assert advice.target_fault("rack7", NAMELESS).advice == ("Look for it: console-launcher servers --cloud rack7",)
    said_by = "clouds.rack7.servers in config.yaml"
    fault = advice.greeting_fault(said_by, UpstreamProtocolError("It hung up."), password=False)
    assert fault.reason == "It hung up."
    assert f"{said_by} has the address" in fault.advice[0]
    fault = advice.greeting_fault(said_by, UpstreamProtocolError("It hung up."), password=True)
    assert fault.advice[0].startswith("Check the VNC password")


@pytest.mark.parametrize(
    ("trouble", "reason", "named"),
    [
        (Trouble.MISSING, "There is no socket /run/a.vnc.", "Start the machine"),
        (Trouble.FORBIDDEN, "The gateway's account may not connect to /run/a.vnc: why.", "ls -l /run/a.vnc"),
        (Trouble.REFUSED, "Nobody listens at /run/a.vnc any more", "makes the socket anew"),
        (Trouble.OTHER, "/run/a.vnc takes no connection: why.", "the key"),
    ],
)
def test_why_a_socket_takes_no_connection(trouble: Trouble, reason: str, named: str) -> None:
    fault = advice.socket_fault("/run/a.vnc", "the key", trouble, "why")
    assert fault.reason.startswith(reason)
    assert named in fault.advice[0]


def test_a_direct_target_that_is_the_gateways_own_socket() -> None:
    fault = advice.own_socket_fault("/run/x/web.sock", "clouds.lab.servers in config.yaml")
    assert "/run/x/web.sock is where this gateway itself listens" in fault.reason
    assert "clouds.lab.servers" in fault.advice[0]
