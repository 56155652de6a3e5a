from __future__ import annotations

import dataclasses

import pytest

from launcher.model import Secret, Server
from launcher.setup.places import for_directory, for_system, for_user
from launcher.setup.plan import File
from launcher.setup.words import (
    Counted,
    Host,
    afresh,
    bookmark,
    counted,
    kept,
    listed,
    next_steps,
    would_be_written,
    written,
)
from tests.fakes.issued import issue

TARGET = for_system(("alice",), port=6080)
HOST = Host("console-launcher", "jump.example.net")
ID = "5c3a2b1e-0000-4000-8000-000000000001"


def server(name: str, status: str = "ACTIVE", server_id: str = ID) -> Server:
    return Server("prod", server_id, name, status)


def counts(*servers: Server) -> list[Counted]:
    return [Counted("prod", servers)]


@pytest.mark.parametrize(("number", "words"), [(0, "no servers"), (1, "1 server"), (2, "2 servers")])
def test_a_cloud_is_told_with_its_servers(number: int, words: str) -> None:
    assert counted(Counted("prod", (server("a"),) * number)) == f"  prod: signed in, {words}"


def test_the_bookmark_is_that_of_a_server_that_runs() -> None:
    assert bookmark(TARGET, counts(server("off", "SHUTOFF"), server("web-01"))) == (
        "http://jump.localhost:6080/c/prod/web-01"
    )
    assert bookmark(TARGET, counts(server("off", "SHUTOFF"))) == "http://jump.localhost:6080/c/prod/off"
    assert bookmark(TARGET, counts()) is None


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "../../etc", "..", "\u202egnp", "𝕏" * 255, "a\nb", "\x1b[31m", "a b", ""]
)
def test_a_server_whose_name_is_odd_is_named_by_its_id(name: str) -> None:
    assert bookmark(TARGET, counts(server(name))) == f"http://jump.localhost:6080/c/prod/{ID}"


def test_servers_of_one_name_are_named_by_their_ids() -> None:
    twins = server("web"), server("web", server_id="other")
    assert bookmark(TARGET, counts(*twins)) == f"http://jump.localhost:6080/c/prod/{ID}"


def test_names_are_shown_literally() -> None:
    assert listed(["prod", "a\x1b[31m", "b\nc"]) == "prod, a\\x1b[31m, b\\nc"
    assert kept("/a\nb", differs=False) == "kept /a\\nb: it exists"
    assert kept("/a", differs=True) == "kept /a: it exists, and differs from what would be written now"


def test_a_dry_run_shows_no_secret() -> None:
    secret = issue()
    said = would_be_written(
        [("/f", 0o700)],
        [File("/f/key", 0o600, Secret(secret), "***\n"), File("/f/config", 0o644, "a: b\n\nc: d\x1b\n")],
    )
    assert said == (
        "Nothing was written, because of --dry-run. Without it there would be:\n"
        "  /f/ (0700)\n"
        "\n  /f/key (0600)\n    ***\n"
        "\n  /f/config (0644)\n    a: b\n\n    c: d\\x1b"
    )
    assert secret not in said


def test_what_was_written_is_listed_with_its_modes() -> None:
    assert written([File("/f/key", 0o600, Secret("x"), "***")]) == "Wrote:\n  /f/key (0600)"


def test_starting_afresh_moves_things_away() -> None:
    assert afresh(["/a b"], "console-launcher init").splitlines()[1:] == [
        "  mv '/a b' '/a b.old'",
        "  console-launcher init",
    ]


def test_the_machines_next_steps_end_with_a_bookmark() -> None:
    assert (
        next_steps(TARGET, HOST, counts(server("web-01")))
        == """\
Next, as root:
  # make the group console-operators
  systemd-sysusers
  # let people connect to the socket, once they have signed in anew
  usermod -aG console-operators alice
  # make systemd see the units
  systemctl daemon-reload
  # start the gateway, now and at every boot
  systemctl enable --now console-launcher.socket console-launcher.service
  # list the servers that it sees
  console-launcher servers

On your laptop, in ~/.ssh/config (HostName is what reaches this machine from there):
  Host jump
      HostName jump.example.net
      User alice
      LocalForward 127.0.0.1:6080 /run/console-launcher/web.sock
      LocalForward [::1]:6080 /run/console-launcher/web.sock
      ExitOnForwardFailure yes
(A laptop without IPv6 leaves the line with [::1] out.)

Then open there, while `ssh jump` is open:
  http://jump.localhost:6080/
  http://jump.localhost:6080/c/prod/web-01
The second is the bookmark of one of your servers: it stays the same for years."""
    )


def test_without_sudo_somebody_must_be_named() -> None:
    said = next_steps(dataclasses.replace(TARGET, local_users=()), HOST, counts())
    assert "usermod -aG console-operators ALICE" in said
    assert "access.local_users of /etc/console-launcher/config.yaml" in said
    assert said.endswith("http://jump.localhost:6080/\n(None of the clouds has a server yet.)")


def test_an_accounts_next_steps_use_its_own_service_manager() -> None:
    said = next_steps(for_user("/h/.config", "/r", port=6080), HOST, counts(server("a")))
    assert "systemctl --user enable --now console-launcher.service" in said
    assert "console-launcher serve --config /h/.config/console-launcher/config.yaml" in said
    assert "http://localhost:6080/c/prod/a" in said
    assert "  console-launcher servers\n" in said, "it looks there by itself"
    alone = next_steps(for_user("/h/.config", None, port=6080), HOST, counts())
    assert "  console-launcher servers --gateway http://localhost:6080\n" in alone


def test_a_folders_next_step_is_to_serve_it() -> None:
    said = next_steps(for_directory("/x y", port=6080), HOST, counts())
    assert said.splitlines()[2] == "  console-launcher serve --config '/x y/config.yaml'"
    assert "systemctl --user enable --now '/x y/systemd/console-launcher.service'" in said
    assert "console-launcher servers --gateway 'unix:/x y/web.sock'" in said
