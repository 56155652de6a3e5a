from __future__ import annotations

from pathlib import Path

import pytest

from launcher.config.clouds_yaml import files_named, files_read, known_clouds, places_looked_in, usual_places
from tests.unit.config.conftest import Told

PROD = "clouds:\n  prod: {provider: openstack, cloud: PROFILE}\n"


def openstack(profile: str = "prod") -> str:
    return PROD.replace("PROFILE", profile)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_usual_places_are_those_of_openstacksdk(monkeypatch: pytest.MonkeyPatch, nowhere: Path) -> None:
    from openstack.config import loader  # imported where its one second is needed

    monkeypatch.setenv("HOME", str(Path("~root").expanduser()))
    monkeypatch.setattr(loader, "CONFIG_FILES", loader.CONFIG_FILES)
    here = [str(path) for path in usual_places("clouds", None)]
    assert [path.split("/")[-1] for path in here] == [path.split("/")[-1] for path in loader.CONFIG_FILES]
    assert [path for path in here if path.startswith("/etc")] == [
        path for path in loader.CONFIG_FILES if path.startswith("/etc")
    ]


def test_the_files_that_an_entry_names_are_found_as_signing_in_finds_them(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    clouds = write(
        nowhere / "etc" / "c.yaml",
        "clouds: {prod: {cacert: ca.pem, cert: ~/c.pem, key: k.pem}, odd: 5, empty: {cert: ''}}\n",
    )
    secure = write(nowhere / "s.yaml", "clouds: {prod: {key: /run/k.pem, cert: 5}}\n")
    assert files_named(clouds, secure, "prod") == [
        Path("ca.pem"), Path("/home/alice/c.pem"), nowhere / "etc" / "k.pem", Path("/run/k.pem"),
    ]  # fmt: skip
    for other in ("odd", "empty", "none"):
        assert files_named(clouds, secure, other) == []
    write(nowhere / "clouds.yaml", "clouds: {prod: {cert: c.pem}}\n")
    assert files_named(None, None, "prod") == [Path("c.pem")]


def test_a_file_that_cannot_be_read_names_none(nowhere: Path) -> None:
    assert files_named(write(nowhere / "c.yaml", "clouds: ["), nowhere / "gone.yaml", "prod") == []


def test_a_profile_that_is_there_is_good(told: Told, nowhere: Path) -> None:
    write(nowhere / "c.yaml", "clouds:\n  x: &x {a: 1}\n  prod: {<<: *x, profile: vexxhost}\n")
    assert told(openstack() + "clouds_yaml: c.yaml\n") == []


def test_a_profile_that_is_not_there_is_told_with_what_is(told: Told, nowhere: Path) -> None:
    write(nowhere / "c.yaml", "clouds: {prd: {}, stage: {}}\n")
    assert told(openstack() + "clouds_yaml: c.yaml\n") == [
        'config.yaml:2 clouds.prod.cloud: "prod" is not in clouds.yaml (has: prd, stage). Did you mean "prd"?'
    ]


def test_a_long_list_of_profiles_is_cut(told: Told, nowhere: Path) -> None:
    write(nowhere / "c.yaml", "clouds: {" + ", ".join(f"c{n:02}: {{}}" for n in range(12)) + "}\n")
    assert told(openstack() + "clouds_yaml: c.yaml\n") == [
        'config.yaml:2 clouds.prod.cloud: "prod" is not in clouds.yaml (has: '
        + ", ".join(f"c{n:02}" for n in range(10))
        + " and 2 more)."
    ]


def test_a_profile_may_stand_in_secure_yaml_alone(told: Told, nowhere: Path) -> None:
    write(nowhere / "c.yaml", "clouds: {}\n")
    write(nowhere / "s.yaml", "clouds: {prod: {}}\n")
    assert told(openstack() + "clouds_yaml: c.yaml\nsecure_yaml: s.yaml\n") == []


@pytest.mark.parametrize("key", ["profile", "cloud"])
def test_a_profile_from_the_network_is_refused(told: Told, nowhere: Path, key: str) -> None:
    write(nowhere / "c.yaml", f"clouds: {{prod: {{{key}: 'https://cloud.example.net'}}}}\n")
    assert told(openstack() + "clouds_yaml: c.yaml\n") == [
        (
            'config.yaml:2 clouds.prod.cloud: the profile of "prod" in c.yaml is a URL, which would be fetched unasked'
            ": write its settings into clouds.yaml"
        )
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [\n", "c.yaml:2 is not YAML that can be read"),
        ("a: 2026-13-45\n", "c.yaml is not YAML that can be read"),
        ("[" * 2_000, "c.yaml is not YAML that can be read"),
        ("- a\n", 'c.yaml has no "clouds:"'),
        ("clouds: []\n", 'c.yaml has no "clouds:"'),
        ("#" * 1_100_000, "c.yaml is larger than 1 MiB: it is no clouds.yaml"),
    ],
)
def test_a_file_that_cannot_be_understood_is_told(told: Told, nowhere: Path, content: str, message: str) -> None:
    write(nowhere / "c.yaml", content)
    assert told(openstack() + "clouds_yaml: c.yaml\n") == [f"config.yaml:3 clouds_yaml: {message}"]


def test_a_file_that_is_gone_meanwhile_is_told() -> None:
    with pytest.raises(ValueError) as refused:
        known_clouds(Path("gone.yaml"), None)
    assert str(refused.value) == "cannot read gone.yaml: No such file or directory"


def test_a_file_that_is_not_there_is_told_once(told: Told) -> None:
    assert told(openstack() + "clouds_yaml: c.yaml\n") == [
        "config.yaml:3 clouds_yaml: cannot read c.yaml: No such file or directory"
    ]


def test_without_a_key_the_usual_places_are_looked_at(told: Told, nowhere: Path) -> None:
    write(nowhere / "home/.config/openstack/clouds.yaml", "clouds: {prod: {}}\n")
    assert told(openstack()) == []
    write(nowhere / "clouds.yml", "clouds: {stage: {}}\n")
    assert told(openstack()) == [
        'config.yaml:2 clouds.prod.cloud: "prod" is not in clouds.yaml (has: stage).',
    ]


def test_the_variables_of_openstacksdk_count_where_no_file_is_configured(
    told: Told, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(nowhere / "c.yaml", "clouds: {stage: {}}\n")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(write(nowhere / "mine.yaml", "clouds: {prod: {}}\n")))
    assert told(openstack()) == []
    assert len(told(openstack() + "clouds_yaml: c.yaml\n")) == 1
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", "")
    monkeypatch.setenv("OS_AUTH_URL", "https://cloud.example.net")
    assert told(openstack("envvars")) == []


def test_without_any_clouds_yaml_the_way_out_is_told(
    told: Told, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This machine may have a clouds.yaml of its own in one of the usual places.
    monkeypatch.setattr("launcher.config.clouds_yaml.usual_places", lambda *_, **__: [nowhere / "clouds.yaml"])
    assert told(openstack()) == [
        (
            "config.yaml:2 clouds.prod.cloud: no clouds.yaml is found where the openstack command looks (here, "
            "~/.config/openstack, /etc/openstack): write clouds_yaml: /path/of/clouds.yaml at the top of this file"
        )
    ]


@pytest.mark.parametrize("stem", ["clouds", "secure", "clouds-public"])
def test_beside_a_file_that_is_named_its_own_folder_is_looked_into_and_not_the_current_one(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, stem: str
) -> None:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", "/mine.yaml")
    monkeypatch.setenv("OS_CLIENT_SECURE_FILE", "/mine.yaml")
    found = places_looked_in(stem, Path("/srv/gw/clouds.yaml"))
    assert found[:2] == [Path(f"/srv/gw/{stem}.yaml"), Path(f"/srv/gw/{stem}.yml")]
    assert [path for path in found if path.parent == nowhere or path == Path("/mine.yaml")] == []
    assert found[3:] == usual_places(stem, None)[3:]


def test_where_no_file_is_named_the_current_folder_and_the_variables_count(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_CLIENT_SECURE_FILE", "/mine.yaml")
    assert places_looked_in("secure", None)[:2] == [Path("/mine.yaml"), nowhere / "secure.yaml"]
    assert places_looked_in("clouds-public", None)[0] == nowhere / "clouds-public.yaml"


def test_a_secure_yaml_of_the_current_folder_is_not_joined_to_a_file_that_is_named(nowhere: Path) -> None:
    named = write(nowhere / "etc/clouds.yaml", "clouds: {prod: {}}\n")
    write(nowhere / "secure.yaml", "clouds: {evil: {}}\n")
    assert files_read(named, None) == [named]
    beside = write(nowhere / "etc/secure.yaml", "clouds: {prod: {}}\n")
    assert files_read(named, None) == [named, beside]
    assert files_read(None, beside) == [named, beside]
