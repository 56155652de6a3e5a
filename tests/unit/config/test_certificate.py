"""A certificate and its key in the configuration: what is said of those that TLS cannot be served with."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from launcher.config.certificate import certificate_file, key_file, misfit, out_of_date
from launcher.config.load import load
from launcher.config.models import Config
from tests.fakes.certificates import Authority
from tests.unit.config.conftest import GOOD, Told

NAME = "jump.localhost"


@pytest.fixture
def authority(nowhere: Path) -> Authority:
    return Authority(nowhere / "authority", "authority of the test")


def split(file: Path) -> tuple[Path, Path]:
    """`certificate.pem` and `key.pem` of what an authority made."""
    certificate, key = Path("certificate.pem"), Path("key.pem")
    head, begin, tail = file.read_text().partition("-----BEGIN CERTIFICATE-----")
    certificate.write_text(begin + tail)
    key.touch(0o600)
    key.write_text(head)
    return certificate, key


def said(told: Told, tls: str, more: str = "") -> Sequence[str]:
    """What is said of a configuration with this `tls` on its third line."""
    return told(f"{GOOD}tls: {tls}\n{more}")


GOOD_TLS = "{certificate: certificate.pem, key: {file: key.pem}}"


def test_a_certificate_with_its_key_is_good(told: Told, authority: Authority) -> None:
    split(authority.file(NAME))
    assert said(told, GOOD_TLS) == []
    tls = load(Path("config.yaml")).tls
    assert tls is not None
    assert (tls.certificate, tls.key) == (Path("certificate.pem"), Path("key.pem"))


def test_both_may_be_credentials_in_one_file(told: Told, authority: Authority, nowhere: Path) -> None:
    (nowhere / "credentials").mkdir()
    authority.file(NAME).rename(nowhere / "credentials" / "pem")
    assert said(told, "{certificate: {credential: pem}, key: {credential: pem}}") == []


def test_a_finished_configuration_takes_paths(authority: Authority) -> None:
    file = authority.file(NAME)
    assert certificate_file(file) == key_file(file) == file


def test_the_key_of_another_certificate_is_told(told: Told, authority: Authority) -> None:
    _, key = split(authority.file(NAME))
    key.rename("other.pem")
    split(authority.file(NAME))
    Path("other.pem").replace("key.pem")
    assert said(told, GOOD_TLS) == [
        (
            "config.yaml:3 tls.key: this is not the key of the certificate in certificate.pem: name the two that were "
            "made together"
        )
    ]


def test_with_credentials_of_systemd_it_is_said_that_these_grow_old(
    told: Told, authority: Authority, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(nowhere))
    split(authority.file(NAME))
    authority.file(NAME).rename("key.pem")
    [line] = said(told, "{certificate: certificate.pem, key: {credential: key.pem}}")
    assert line.endswith("made together; credentials are as they were when the service was started: after both were "
                         "renewed it takes a restart")  # fmt: skip


def test_a_chain_in_the_wrong_order_is_told(authority: Authority) -> None:
    certificate, key = split(authority.file(NAME))
    certificate.write_bytes(authority.pem.read_bytes() + certificate.read_bytes())
    assert misfit(certificate, key) == (
        "this is the key of a later certificate in certificate.pem: the server's own must be the first there"
    )


def test_a_chain_in_its_order_is_good(authority: Authority) -> None:
    certificate, key = split(authority.file(NAME))
    certificate.write_bytes(certificate.read_bytes() + authority.pem.read_bytes())
    assert misfit(certificate, key) is None


def test_what_openssl_refuses_is_told(authority: Authority) -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 -- too weak on purpose
    certificate, key = split(authority.file(NAME, key=weak))
    assert misfit(certificate, key) == "TLS cannot be served with it and certificate.pem: ee key too small"


CERTIFICATES = {
    "": "certificate.pem holds no certificate: it begins with -----BEGIN CERTIFICATE----- (PEM)",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n":
        "certificate.pem holds a certificate that cannot be read: is the file whole?",
    "x" * 65537: "certificate.pem is larger than 64 KiB: that is not what is meant",
}  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), CERTIFICATES.items())
def test_a_file_without_a_certificate_is_told(told: Told, authority: Authority, content: str, expected: str) -> None:
    certificate, _ = split(authority.file(NAME))
    certificate.write_text(content)
    assert said(told, GOOD_TLS) == [f"config.yaml:3 tls.certificate: {expected}"]


KEYS = {
    "": "key.pem holds no private key: it begins with -----BEGIN PRIVATE KEY----- (PEM)",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n":
        "key.pem holds a private key that cannot be read: is the file whole?",
}  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), KEYS.items())
def test_a_file_without_a_key_is_told(told: Told, authority: Authority, content: str, expected: str) -> None:
    _, key = split(authority.file(NAME))
    key.write_text(content)
    assert said(told, GOOD_TLS) == [f"config.yaml:3 tls.key: {expected}"]


@pytest.mark.parametrize("how", ["-aes256", "-aes256 -traditional"])
def test_an_encrypted_key_is_told_and_no_password_is_asked(told: Told, authority: Authority, how: str) -> None:
    _, key = split(authority.file(NAME))
    command = ["openssl", "pkey", *how.split(), "-passout", "pass:xyzzy", "-in", str(key), "-out", "secret.pem"]
    subprocess.run(command, check=True)
    Path("secret.pem").replace(key)
    key.chmod(0o600)
    [line] = said(told, GOOD_TLS)
    assert line.startswith("config.yaml:3 tls.key: the key in key.pem is encrypted, and nobody is there to type")


def test_a_key_that_others_may_read_is_told_with_the_command(told: Told, authority: Authority) -> None:
    _, key = split(authority.file(NAME))
    key.chmod(0o644)
    assert said(told, GOOD_TLS) == [
        "config.yaml:3 tls.key: key.pem is open to every account of this machine: chmod g-w,o= key.pem"
    ]


def test_files_that_are_not_there_are_told(told: Told) -> None:
    assert said(told, GOOD_TLS) == [
        "config.yaml:3 tls.certificate: cannot read certificate.pem: No such file or directory",
        "config.yaml:3 tls.key: cannot read key.pem: No such file or directory",
    ]


def test_a_key_is_never_a_plain_path(told: Told, authority: Authority) -> None:
    split(authority.file(NAME))
    assert said(told, "{certificate: [x], key: key.pem}") == [
        "config.yaml:3 tls.certificate: this is expected: the path of a file, or {credential: NAME}",
        "config.yaml:3 tls.key: this is expected: {credential: NAME} or {file: PATH}",
    ]


def test_what_is_missing_is_told(told: Told) -> None:
    certificate, key = said(told, "{}")
    assert certificate.startswith("config.yaml:3 tls.certificate: this key is missing: the gateway's certificate and")
    assert key.startswith("config.yaml:3 tls.key: this key is missing: its private key in PEM")


def test_a_certificate_that_has_expired_is_a_doubt(told: Told, authority: Authority) -> None:
    split(authority.file(NAME, life=timedelta(days=-1)))
    [line] = said(told, GOOD_TLS)
    assert line.startswith("config.yaml:3 tls.certificate: this certificate has expired (20")
    serving = load(Path("config.yaml"), serving=True)
    assert [str(doubt) for doubt in serving.doubts] == [line]


def test_dates_are_judged_by_the_day_that_is_asked_for(authority: Authority) -> None:
    certificate, _ = split(authority.file(NAME, age=timedelta(days=2), life=timedelta(days=2)))
    now = datetime.now(UTC)
    assert out_of_date(certificate, now) is None
    late, early = out_of_date(certificate, now + timedelta(days=3)), out_of_date(certificate, now - timedelta(days=3))
    assert late is not None
    assert "expired" in late
    assert early is not None
    assert "not valid before" in early


PLAIN_URL = "every port of `listen` speaks TLS (tls), and nothing else is listened on: this begins with https://"


@pytest.mark.parametrize(
    ("listen", "urls", "expected"),
    [
        ("['127.0.0.1:6443']", "['https://localhost:6443', 'http://localhost:6443']", 1),
        ("['127.0.0.1:6443', 'unix:/run/x']", "['http://jump.localhost:6080']", None),
        ("['systemd']", "['http://jump.localhost:6080']", None),
        ("['127.0.0.1:6443']", "['https://jump.localhost:6443', 'https://127.0.0.1:6443', 'https://[::1]:6443']", None),
    ],
)
def test_a_plain_address_where_all_is_tls_is_a_doubt(
    told: Told, authority: Authority, listen: str, urls: str, expected: int | None
) -> None:
    split(authority.file(NAME))
    lines = said(told, GOOD_TLS, f"listen: {listen}\npublic_urls: {urls}\n")
    assert lines == ([] if expected is None else [f"config.yaml:5 public_urls[{expected}]: {PLAIN_URL}"])


@pytest.mark.parametrize("more", ["listen: 5\npublic_urls: 5\n", "listen: [5]\npublic_urls: [5]\n"])
def test_addresses_of_the_wrong_shape_are_left_to_those_who_know(told: Told, authority: Authority, more: str) -> None:
    split(authority.file(NAME))
    lines = said(told, GOOD_TLS, more)
    assert lines
    assert not [line for line in lines if PLAIN_URL in line]


def test_the_configuration_holds_no_key(told: Told, authority: Authority) -> None:
    _, key = split(authority.file(NAME))
    assert said(told, GOOD_TLS) == []
    secret = key.read_text().splitlines()[1]
    config: Config = load(Path("config.yaml"))
    assert secret not in repr(config)
