from __future__ import annotations

import json
from pathlib import Path

import pytest

from launcher.cli.main import main
from launcher.model import Secret
from tests.fakes.issued import issue

PROBLEMS = [
    {
        "file": "bad.yaml",
        "line": 2,
        "key": "clouds.bare.provider",
        "message": 'there is no provider "non" (there are: rackspace, openstack, none, static). Did you mean "none"?',
    },
    {"file": "bad.yaml", "line": 3, "key": "relai", "message": 'unknown key "relai". Did you mean "relay"?'},
]


def test_every_problem_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "--config", "bad.yaml"]) == 78
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        (
            'bad.yaml:2 clouds.bare.provider: there is no provider "non" (there are: rackspace, openstack, none, '
            'static). Did you mean "none"?'
        ),
        'bad.yaml:3 relai: unknown key "relai". Did you mean "relay"?',
    ]


def test_an_account_that_does_not_exist_is_a_problem_beside_the_others(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    """A gateway would serve with it; but a typing error wants to be found."""
    text = (folder / "good.yaml").read_text() + "access: {local_users: [daemno]}\n"
    (folder / "left.yaml").write_text(text)
    (folder / "both.yaml").write_text(text + "relai: {}\n")
    assert main(["check-config", "--config", "left.yaml"]) == 78
    assert capsys.readouterr().err.endswith(
        ' access.local_users[0]: there is no account "daemno" on this machine. Did you mean "daemon"?\n'
    )
    assert main(["check-config", "--config", "both.yaml"]) == 78
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()] == ["access.local_users[0]:", "relai:"]


def test_a_good_configuration_is_summed_up(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert main(["check-config", "-c", "good.yaml"]) == 0
    assert capsys.readouterr().out == (
        "good.yaml is good: 1 cloud (bare), listening on unix:/run/console-launcher/web.sock\n"
    )


def test_regions_count_as_clouds_and_no_secret_is_shown(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    secret = issue()
    (folder / "key").touch(0o600)
    (folder / "key").write_text(secret)
    (folder / "rax.yaml").write_text(
        "clouds:\n  rax: {provider: rackspace, username: a, api_key: {file: key}, regions: [DFW, ORD]}\n"
        "listen: ['127.0.0.1:6080', '[::1]:6080']\n"
    )
    assert main(["check-config", "-c", "rax.yaml"]) == 0
    assert capsys.readouterr().out == (
        "rax.yaml is good: 2 clouds (rax-dfw, rax-ord), listening on 127.0.0.1:6080, [::1]:6080\n"
    )
    assert main(["check-config", "-c", "rax.yaml", "--json"]) == 0
    assert secret not in capsys.readouterr().out
    assert secret not in str(Secret(secret))


def test_json_holds_the_same_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "-c", "bad.yaml", "--json"]) == 78
    said = capsys.readouterr()
    assert said.err == ""
    assert json.loads(said.out) == {
        "file": "bad.yaml", "good": False, "problems": PROBLEMS, "clouds": [], "listen": [],
    }  # fmt: skip
    assert main(["check-config", "-c", "good.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": "good.yaml", "good": True, "problems": [], "clouds": ["bare"],
        "listen": ["unix:/run/console-launcher/web.sock"],
    }  # fmt: skip
