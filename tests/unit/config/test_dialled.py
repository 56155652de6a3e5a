from __future__ import annotations

from pathlib import Path

import pytest

from launcher.config.dialled import why_never
from launcher.config.load import load
from tests.unit.config.conftest import Told

HEAD = 'listen: ["127.0.0.1:6080", "unix:/run/x/web.sock"]\nclouds:\n'


def bare(endpoint: str, more: str = "") -> str:
    return f"{HEAD}  prod:\n    provider: none\n    endpoint: '{endpoint}'\n{more}"


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "0.0.0.0", "224.0.0.1"]
)
def test_an_endpoint_that_is_never_dialled_is_told_with_its_line(told: Told, host: str) -> None:
    [said] = told(bare(f"http://{host}/v2.1"))
    assert said.startswith(f"config.yaml:5 clouds.prod.endpoint: {host.strip('[]')} is ")
    assert "never dials: write the service's own address" in said


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://127.0.0.1:8774/", "http://localhost:8774/", "http://nova.example.net/"]
)
def test_what_the_operator_may_name_is_good(told: Told, url: str) -> None:
    assert told(bare(url)) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_the_gateways_own_address_is_told(told: Told, host: str) -> None:
    [said] = told(bare(f"http://{host}:6080/v2.1"))
    assert said == (
        f'config.yaml:5 clouds.prod.endpoint: "http://{host}:6080/v2.1" is where this gateway itself listens, and is '
        "never dialled: write the service's own address"
    )


def test_a_rewrite_and_a_direct_target_are_looked_at_too(told: Told) -> None:
    more = "    console_url: [{from: 'http://a/', to: 'ws://169.254.1.1:6080'}]\n"
    static = (
        "  lab:\n    provider: static\n    servers:\n      a: {vnc: 'unix:/run/x/web.sock'}\n"
        "      b: {vnc: 'tcp://127.0.0.1:6080'}\n      c: {vnc: 'tcp://169.254.1.1'}\n"
    )
    said = told(bare("http://10.0.0.1/", more + static))
    assert [line.split(": ")[0] for line in said] == [
        "config.yaml:6 clouds.prod.console_url[0].to",
        "config.yaml:10 clouds.lab.servers.a.vnc",
        "config.yaml:11 clouds.lab.servers.b.vnc",
    ]


def test_clouds_yaml_is_the_operators_word_as_well(told: Told, nowhere: Path) -> None:
    nowhere.joinpath("clouds.yaml").write_text(
        "clouds: {lab: {auth: {auth_url: 'http://169.254.169.254:5000'}, compute_endpoint_override: 'http://10.0.0.1/'}}"
    )
    [said] = told("clouds:\n  lab: {provider: openstack, cloud: lab}\n")
    assert said.startswith("config.yaml:2 clouds.lab.cloud: auth.auth_url in ")
    assert 'clouds.yaml of "lab": 169.254.169.254 is a link-local' in said


def test_a_gateway_serves_in_spite_of_it(told: Told, nowhere: Path) -> None:
    assert told(bare("http://169.254.169.254/"))
    [doubt] = load(nowhere / "config.yaml", serving=True).doubts
    assert doubt.key == "clouds.prod.endpoint"


def test_what_has_no_shape_is_left_to_others(told: Told) -> None:
    assert why_never("http://[half") is None
    assert why_never("http://h:notaport/") is None
    assert all(
        "dial" not in line for line in told("listen: [5, nowhere]\nclouds: {a: 1, b: {servers: {x: {vnc: '//'}}}}\n")
    )
