"""A real Keystone on loopback: sqlite and fernet keys in a folder of its own, served from its own virtual environment.

Its Python is `$KEYSTONE_PYTHON`, else `.venv-keystone/bin/python` in the repository.
"""

from __future__ import annotations

import os
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from tests.fakes.issued import note

_ROOT = Path(__file__).parents[2]
_SERVER = Path(__file__).with_name("keystone_server.py")


class KeystoneMissingError(Exception):
    """There is no Keystone to run."""


def _python() -> Path:
    python = Path(os.environ.get("KEYSTONE_PYTHON") or _ROOT / ".venv-keystone" / "bin" / "python")
    if not python.exists():
        message = f"the tests need a Keystone, and there is no {python}: run `bash tests/run`, which installs it"
        raise KeystoneMissingError(message)
    return python


class Keystone:
    """One Keystone with the region RegionOne, and in it the user `ops` of the project `ops` with the role member.

    It also trusts the identity provider `sso` (protocol `openid`), whose users are members of that project.
    """

    def __init__(self, folder: Path) -> None:
        """Raises KeystoneMissingError."""
        self._python = _python()
        self._folder = folder
        self._config = folder / "keystone.conf"
        self._process: subprocess.Popen[str] | None = None
        self._admin_password = note(uuid.uuid4().hex)
        self._admin: dict[str, str] = {}
        self._endpoint_id = ""
        self.password = note(uuid.uuid4().hex)
        self.application_credential: dict[str, str] = {}
        """Its `id` and `secret`."""
        self.auth_url = ""
        self._access_tokens = folder / "access-tokens"

    def start(self) -> None:
        """Set it up and serve it; takes some seconds."""
        self._configure()
        keystone = str(self._python.with_name("keystone-manage"))
        user = str(os.getuid()), str(os.getgid())
        owner = ["--keystone-user", user[0], "--keystone-group", user[1]]
        with ThreadPoolExecutor() as at_once:
            steps = (["db_sync"], ["fernet_setup", *owner], ["credential_setup", *owner])
            for done in [at_once.submit(self._run, keystone, *arguments) for arguments in steps]:
                done.result()
        bootstrap = ["--bootstrap-region-id", "RegionOne"]
        self._run(keystone, "bootstrap", *bootstrap, OS_BOOTSTRAP_PASSWORD=self._admin_password)
        self._serve()
        self._admin = {"X-Auth-Token": self._sign_in("admin", self._admin_password)}
        self._populate()

    def stop(self) -> None:
        """End the server and wait for its end."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait(10)
            self._process = None

    def point_compute_at(self, url: str, region: str = "RegionOne") -> None:
        """The catalog's one Compute endpoint from now on."""
        body = {"endpoint": {"url": url, "region_id": region}}
        self._ask("PATCH", f"/endpoints/{self._endpoint_id}", body)

    def new_token(self) -> str:
        """A token of the user `ops`, for the project `ops`."""
        return self._sign_in("ops", self.password)

    def accept(self, access_token: str) -> None:
        """From now on the identity provider's access token is good."""
        with self._access_tokens.open("a") as file:
            file.write(f"{access_token}\n")

    def add_careful_user(self, password: str) -> None:
        """The user `careful`, whose password alone does not do."""
        options = {"multi_factor_auth_enabled": True, "multi_factor_auth_rules": [["password", "totp"]]}
        user = {"name": "careful", "password": password, "domain_id": "default", "options": options}
        self._ask("POST", "/users", {"user": user})

    def revoke(self, token: str) -> None:
        """From now on the token is not good."""
        self._ask("DELETE", "/auth/tokens", headers={"X-Auth-Token": token, "X-Subject-Token": token})

    def _configure(self) -> None:
        settings = f"""
            [DEFAULT]
            use_stderr = true
            [database]
            connection = sqlite:///{self._folder}/keystone.sqlite
            [fernet_tokens]
            key_repository = {self._folder}/fernet
            [credential]
            key_repository = {self._folder}/credential
            [auth]
            methods = password,token,application_credential,totp,openid
            [openid]
            remote_id_attribute = HTTP_OIDC_ISS
            [identity]
            password_hash_rounds = 4
        """
        self._config.write_text("\n".join(line.strip() for line in settings.splitlines()))
        self._access_tokens.touch(0o600)
        for name in ("fernet", "credential"):
            (self._folder / name).mkdir(mode=0o700)

    def _run(self, keystone: str, *arguments: str, **environment: str) -> None:
        done = subprocess.run(
            [keystone, "--config-file", str(self._config), *arguments],
            env={**self._environment(), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"keystone-manage {arguments[0]} failed:\n{done.stderr[-2000:]}"

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "OS_KEYSTONE_CONFIG_FILES": str(self._config),
            "ACCESS_TOKENS": str(self._access_tokens),
        }

    def _serve(self) -> None:
        with (self._folder / "keystone.log").open("w") as log:
            self._process = subprocess.Popen(
                [str(self._python), "-I", str(_SERVER)],  # -I: beside the script lies a keystone.py
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        self._process.stdout.close()
        assert port, (self._folder / "keystone.log").read_text()[-2000:]
        self.auth_url = f"http://127.0.0.1:{port}/v3"

    def _sign_in(self, name: str, password: str) -> str:
        user = {"name": name, "password": password, "domain": {"id": "default"}}
        scope = {"project": {"name": name, "domain": {"id": "default"}}}
        identity = {"methods": ["password"], "password": {"user": user}}
        body: Any = {"auth": {"identity": identity, "scope": scope}}
        reply = requests.post(f"{self.auth_url}/auth/tokens", json=body, timeout=30)
        assert reply.status_code == 201, reply.text
        return note(reply.headers["X-Subject-Token"])

    def _ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        reply = requests.request(method, self.auth_url + path, json=body, headers=headers or self._admin, timeout=30)
        assert reply.ok, f"{method} {path}: {reply.text}"
        return reply.json() if reply.content else None

    def _populate(self) -> None:
        project = self._ask("POST", "/projects", {"project": {"name": "ops", "domain_id": "default"}})["project"]["id"]
        user_body = {"user": {"name": "ops", "password": self.password, "domain_id": "default"}}
        user = self._ask("POST", "/users", user_body)["user"]["id"]
        role = self._ask("GET", "/roles?name=member")["roles"][0]["id"]
        self._ask("PUT", f"/projects/{project}/users/{user}/roles/{role}")
        service = self._ask("POST", "/services", {"service": {"name": "nova", "type": "compute"}})["service"]["id"]
        endpoint = {
            "service_id": service,
            "interface": "public",
            "region_id": "RegionOne",
            "url": "http://127.0.0.1:1/v2.1",
        }
        self._endpoint_id = self._ask("POST", "/endpoints", {"endpoint": endpoint})["endpoint"]["id"]
        credential = self._ask(
            "POST",
            f"/users/{user}/application_credentials",
            {"application_credential": {"name": "gateway"}},
            {"X-Auth-Token": self._sign_in("ops", self.password)},
        )["application_credential"]
        self.application_credential = {"id": credential["id"], "secret": note(credential["secret"])}
        self._federate(project, role)

    def _federate(self, project: str, role: str) -> None:
        group_body = {"group": {"name": "sso", "domain_id": "default"}}
        group = self._ask("POST", "/groups", group_body)["group"]["id"]
        self._ask("PUT", f"/projects/{project}/groups/{group}/roles/{role}")
        provider = {"identity_provider": {"remote_ids": ["https://sign-in.invalid"], "enabled": True}}
        self._ask("PUT", "/OS-FEDERATION/identity_providers/sso", provider)
        rule = {
            "local": [{"user": {"name": "{0}"}, "group": {"id": group}}],
            "remote": [{"type": "HTTP_OIDC_SUB"}],
        }
        self._ask("PUT", "/OS-FEDERATION/mappings/sso", {"mapping": {"rules": [rule]}})
        protocol = {"protocol": {"mapping_id": "sso"}}
        self._ask("PUT", "/OS-FEDERATION/identity_providers/sso/protocols/openid", protocol)
