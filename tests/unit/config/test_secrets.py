from __future__ import annotations

from pathlib import Path

import pytest

from launcher.config.secrets import folder_beside, read_secret, readable_file
from launcher.model import Secret
from tests.fakes.issued import issue, note

PLAIN = "a secret never stands in this file: write {credential: NAME} or {file: PATH}"


def refusal(value: object) -> str:
    with pytest.raises(ValueError) as refused:
        read_secret(value)
    return str(refused.value)


def test_a_secret_is_read_from_a_file_without_its_last_newline(nowhere: Path) -> None:
    secret = issue()
    (nowhere / "key").touch(0o600)
    (nowhere / "key").write_text(f"{secret}\r\n")
    found = read_secret({"file": str(nowhere / "key")})
    assert found.reveal() == secret
    assert read_secret(found) is found


def test_a_credential_is_read_from_the_directory_of_systemd(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = issue()
    (nowhere / "key").touch(0o600)
    (nowhere / "key").write_text(secret)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(nowhere))
    assert read_secret({"credential": "key"}).reveal() == secret
    assert readable_file({"credential": "key"}) == nowhere / "key"


def test_outside_systemd_a_credential_lies_in_the_folder_beside_the_configuration(nowhere: Path) -> None:
    secret, folder = issue(), folder_beside(nowhere / "config.yaml")
    folder.mkdir()
    (folder / "key").touch(0o600)
    (folder / "key").write_text(secret)
    assert read_secret({"credential": "key"}, folder).reveal() == secret
    assert readable_file({"credential": "key"}, folder) == nowhere / "credentials" / "key"


def test_a_credential_that_is_nowhere_names_the_places_looked_at(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError) as refused:
        read_secret({"credential": "key"}, nowhere / "credentials")
    assert str(refused.value) == (
        'there is no credential "key": neither does systemd pass one ($CREDENTIALS_DIRECTORY is not set), '
        f"nor is there a file {nowhere}/credentials/key"
    )
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(nowhere))
    with pytest.raises(ValueError) as refused:
        read_secret({"credential": "key"}, nowhere / "credentials")
    assert str(refused.value) == (
        f'systemd passed no credential "key" ({nowhere}): put it into the folder that the unit loads '
        "(LoadCredential=) and restart the service"
    )


def test_a_credential_without_systemd_and_file_says_what_to_write_instead() -> None:
    assert refusal({"credential": "key"}) == (
        'credential "key" is only there under systemd ($CREDENTIALS_DIRECTORY is not set): write {file: PATH} elsewhere'
    )


@pytest.mark.parametrize(
    ("mode", "openness"),
    [
        (0o604, "is open to every account of this machine"),
        (0o602, "is open to every account of this machine"),
        (0o644, "is open to every account of this machine"),
        (0o666, "is open to every account of this machine"),
        (0o620, "can be changed by others than its owner"),
        (0o660, "can be changed by others than its owner"),
    ],
)
def test_a_secret_that_is_open_to_others_is_refused_with_the_command_to_type(
    nowhere: Path, mode: int, openness: str
) -> None:
    (nowhere / "my key").write_text(issue())
    (nowhere / "my key").chmod(mode)
    place = nowhere / "my key"
    told = f"{place} {openness}: chmod g-w,o= '{place}'"
    assert refusal({"file": str(place)}) == told
    for read in (read_secret, readable_file):
        with pytest.raises(ValueError) as refused:
            read({"credential": "my key"}, nowhere)
        assert str(refused.value) == told
    assert readable_file({"file": str(place)}) == place, "a certificate may be everybody's"


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640])
def test_a_group_may_read_a_secret_if_the_operator_has_it_so(nowhere: Path, mode: int) -> None:
    secret = issue()
    (nowhere / "key").write_text(secret)
    (nowhere / "key").chmod(mode)
    assert read_secret({"file": str(nowhere / "key")}).reveal() == secret
    assert read_secret({"credential": "key"}, nowhere).reveal() == secret
    assert readable_file({"credential": "key"}, nowhere) == nowhere / "key"


def test_systemd_looks_after_its_own_credentials(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = issue()
    (nowhere / "key").write_text(secret)
    (nowhere / "key").chmod(0o444)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(nowhere))
    assert read_secret({"credential": "key"}, nowhere / "elsewhere").reveal() == secret


@pytest.mark.parametrize("name", ["../key", "/etc/shadow", ".", ".."])
def test_a_credential_is_a_name_not_a_path(name: str) -> None:
    assert refusal({"credential": name}) == "a credential is a name without /: for a path write {file: PATH}"


@pytest.mark.parametrize(
    "value",
    ["hunter2", 5, None, (), {}, {"file": ""}, {"file": 5}, {"file": "a\0b"}, {"path": "x"}, {"file": "a", "x": "b"}],
)
def test_anything_but_a_reference_is_refused(value: object) -> None:
    assert refusal(value) == PLAIN


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "key is empty: put the secret into it"),
        (b" \n", "key is empty: put the secret into it"),
        (b"x" * 70_000, "key is larger than 64 KiB: that is not a secret"),
        (b"one\ntwo\n", "key holds more than one line: put the secret alone into it"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(nowhere: Path, content: bytes, message: str) -> None:
    (nowhere / "key").touch(0o600)
    (nowhere / "key").write_bytes(content)
    assert refusal({"file": "key"}) == message


def test_bytes_that_are_no_text_are_not_repeated_in_the_error(nowhere: Path) -> None:
    secret = note("hunter-the-third")
    (nowhere / "key").touch(0o600)
    (nowhere / "key").write_bytes(secret.encode() + b"\xff")
    with pytest.raises(ValueError) as refused:
        read_secret({"file": "key"})
    assert str(refused.value) == "key is not UTF-8 text"
    assert refused.value.__cause__ is None


def test_a_file_is_a_path_or_a_reference_that_can_be_read(nowhere: Path) -> None:
    (nowhere / "ca.pem").write_text("x")
    assert readable_file("ca.pem") == Path("ca.pem")
    assert readable_file({"file": "ca.pem"}) == Path("ca.pem")
    assert readable_file(Path("elsewhere")) == Path("elsewhere")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nowhere", "cannot read nowhere: No such file or directory"),
        (".", "cannot read .: Is a directory"),
        ("", "the path of a file is expected, or {credential: NAME}"),
        (5, "the path of a file is expected, or {credential: NAME}"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(value: object, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        readable_file(value)
    assert str(refused.value) == message


def test_a_secret_keeps_quiet() -> None:
    assert issue() not in repr(Secret(issue()))
