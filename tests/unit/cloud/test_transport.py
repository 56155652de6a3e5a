"""How keystoneauth1's sessions are set up."""

from __future__ import annotations

import logging
import ssl
import subprocess
from pathlib import Path

import pytest

from launcher.cloud.transport import PATIENCE, hush, open_session, tls_context
from launcher.egress import Gate


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """A certificate and its key."""
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    new = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=ops",
    ]
    subprocess.run([*new, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


def test_a_session_follows_nothing_and_takes_nothing_from_its_surroundings() -> None:
    with open_session(Gate(loopback=True), None) as session:
        assert session.redirect is False
        assert session.timeout == PATIENCE
        assert session.session.trust_env is False
        assert session.verify


def test_the_systems_authorities_are_used_where_there_are_some(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with open_session(Gate(loopback=True), None) as session:
        assert session.verify == str(tmp_path)
    with open_session(Gate(loopback=True), tmp_path / "ca.pem") as session:
        assert session.verify == str(tmp_path / "ca.pem")


def test_without_certificates_of_its_own_a_cloud_needs_no_context() -> None:
    assert tls_context(None) is None


def test_an_authority_of_its_own_is_the_only_one(pair: tuple[str, str]) -> None:
    context = tls_context(Path(pair[0]))
    assert context is not None
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_client_certificate_is_one_file_or_two(pair: tuple[str, str], tmp_path: Path) -> None:
    assert tls_context(None, pair) is not None
    both = tmp_path / "both.pem"
    both.write_text(Path(pair[0]).read_text() + Path(pair[1]).read_text())
    assert tls_context(None, str(both)) is not None


def test_the_libraries_log_no_requests_whatever_the_root_says() -> None:
    hush()
    for name in ("keystoneauth.session", "urllib3.connectionpool", "openstack.config"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
