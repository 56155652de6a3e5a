"""Asks the running gateway over HTTP, by its Unix socket or a URL.

The standard library's client: it is imported in a seventh of the time that aiohttp takes, and the TAB key waits for it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import pwd
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from launcher.cli.answers import Answer, Object, parse_answer, stranger
from launcher.cli.exits import Exit
from launcher.cli.failure import Failure
from launcher.cli.gateway import (
    Gateway,
    TcpGateway,
    UnixGateway,
    choose,
    manager,
    parse_gateway,
    places,
    trusting,
    ways_out,
)
from launcher.config.environment import GATEWAY_VARIABLE, runtime_folder, wished_authorities, wished_gateway

LIMIT: Final = 64 * 1024**2
"""Bytes of an answer; a thousand servers with the longest names there can be take a third of it."""
_OF_PATIENCE: Final = 0.8
_OLDEST: Final = 15


class Client:
    """Asks one gateway. Every method raises Failure."""

    def __init__(self, gateway: Gateway, timeout: float) -> None:
        """`timeout`: seconds for one answer, from the connection to its last byte."""
        self.gateway = gateway
        self._timeout = timeout

    @property
    def until_answered(self) -> dict[str, str]:
        """For a query about all clouds: waits for slow ones, yet leaves time for the answer without them.

        A command is typed to see how it is now: what is older than some seconds is asked for anew.
        """
        return {"wait": f"{self._timeout * _OF_PATIENCE:.3f}", "max_age": str(_OLDEST)}

    def within(self, seconds: float) -> Client:
        """A client of the same gateway that waits no longer than this."""
        return Client(self.gateway, min(seconds, self._timeout))

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Object:
        """What the API answers; `path` is percent-encoded."""
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: Object) -> Object:
        """What the API answers to a JSON object."""
        return self._ask("POST", path, json.dumps(body).encode())

    def delete(self, path: str) -> None:
        self._ask("DELETE", path)

    def _ask(self, method: str, target: str, body: bytes | None = None) -> Object:
        connection = _Connection(self.gateway, self._timeout)
        try:
            with _explained(self.gateway, self._timeout, connection):
                answer = _answer(connection, method, target, body)
        finally:
            connection.finish()
        return parse_answer(self.gateway, answer)


class _Connection(http.client.HTTPConnection):
    """A connection to a gateway, cut off when its time is over: each single wait would count anew else."""

    def __init__(self, gateway: Gateway, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.out_of_time = False
        self.gateway = gateway
        self._seconds = timeout
        self._timer: threading.Timer | None = None

    def connect(self) -> None:
        self.sock = _dial(self.gateway, self._seconds)
        self._timer = threading.Timer(self._seconds, self._cut_off, [self.sock])
        self._timer.daemon = True
        self._timer.start()

    def finish(self) -> None:
        """The end of it. `close` is not: http.client closes as soon as it has seen the answer's head."""
        if self._timer is not None:
            self._timer.cancel()
        self.close()

    def _cut_off(self, sock: socket.socket) -> None:
        self.out_of_time = True
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def client_of(options: argparse.Namespace) -> Client:
    """The client that the options `--gateway`, `--cacert` and `--timeout` ask for. Raises Failure."""
    return Client(gateway_for(options), options.timeout)


def gateway_for(options: argparse.Namespace) -> Gateway:
    """The gateway that the options `--gateway` and `--cacert` mean. Raises Failure."""
    return trusting(gateway_of(options.gateway), options.cacert or wished_authorities())


def server_path(reference: str) -> str:
    """Where the API tells of the server that a person means: `cloud/server`, an alias or a name. Raises Failure."""
    check_reference(reference)
    try:
        return "/api/v1/servers/" + "/".join(quote(part, safe="") for part in reference.split("/", 1))
    except UnicodeEncodeError:
        raise Failure(Exit.USAGE, f'"{reference}" is no text in UTF-8.') from None


def check_reference(reference: str) -> None:
    """Raises Failure for a text that can name no server: one half of `cloud/server` is missing."""
    if not all(reference.split("/", 1)):
        raise Failure(
            Exit.USAGE,
            f'"{reference}" names no server: a REFERENCE is cloud/name, cloud/uuid, an alias or a name.',
            "console-launcher servers lists them all.",
        )


def gateway_of(named: Gateway | None) -> Gateway:
    """The gateway that is named, else the person's wish, else the first that is there. Raises Failure."""
    if named is not None:
        return named
    wished = wished_gateway()
    if wished is None:
        return choose(places(runtime_folder()), _exists)
    try:
        return parse_gateway(wished)
    except ValueError as error:
        raise Failure(Exit.USAGE, f'{GATEWAY_VARIABLE} is "{wished}": {error}.') from None


def _exists(path: str) -> bool:
    """Also where only its folder can be seen: whoever may not look inside is told so later."""
    try:
        Path(path).stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _dial(gateway: Gateway, timeout: float) -> socket.socket:
    if not isinstance(gateway, UnixGateway):
        return _dial_tcp(gateway, timeout)
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(timeout)
        sock.connect(gateway.path)
    except BaseException:
        sock.close()
        raise
    return sock


def _dial_tcp(gateway: TcpGateway, timeout: float) -> socket.socket:
    tls = tls_context(gateway) if gateway.tls else None
    sock = socket.create_connection((gateway.dialled, gateway.port), timeout)
    if tls is None:
        return sock
    try:
        return tls.wrap_socket(sock, server_hostname=gateway.host)
    except BaseException:
        sock.close()
        raise


def tls_context(gateway: TcpGateway) -> ssl.SSLContext:
    """What the gateway's certificate is judged by. Raises Failure."""
    try:
        return ssl.create_default_context(cafile=gateway.authorities)
    except OSError as error:
        why = "it holds no certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror
        raise Failure(
            Exit.USAGE, f"{gateway.authorities} cannot vouch for the certificate of {gateway}: {why}."
        ) from error


def _answer(connection: _Connection, method: str, target: str, sent: bytes | None) -> Answer:
    headers = {"Host": connection.gateway.host_header, "Accept": "application/json", "Connection": "close"}
    if sent is not None:
        headers["Content-Type"] = "application/json"
    connection.request(method, target, sent, headers)
    with connection.getresponse() as response:
        body = response.read(LIMIT + 1)
        if response.length or len(body) > LIMIT:  # a read with a limit does not tell that the rest is missing
            raise http.client.IncompleteRead(body)
        content_type = response.headers.get_content_type()
        return Answer(response.status, content_type, body)


@contextmanager
def _explained(gateway: Gateway, timeout: float, connection: _Connection) -> Iterator[None]:
    """Turns whatever may go wrong on the way into a Failure."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        if connection.out_of_time or isinstance(error, TimeoutError):
            raise _hangs(gateway, timeout) from error
        raise _why(gateway, error) from error
    if connection.out_of_time:
        raise _hangs(gateway, timeout)


def _hangs(gateway: Gateway, timeout: float) -> Failure:
    return Failure(
        Exit.NO_GATEWAY,
        f"the gateway at {gateway} did not answer within {timeout:g} s.",
        "A slow cloud may need longer: --timeout SECONDS.",
        *_service(gateway, "If the gateway hangs: {} restart console-launcher"),
    )


def _service(gateway: Gateway, advice: str) -> list[str]:
    """The advice with the command that knows the gateway's service, where there is one."""
    known = manager(gateway, runtime_folder())
    return [advice.format(known)] if known else []


def _nobody(gateway: Gateway, sentence: str) -> Failure:
    return Failure(Exit.NO_GATEWAY, sentence, *ways_out([manager(gateway, runtime_folder())]))


def _why(gateway: Gateway, error: OSError | http.client.HTTPException) -> Failure:
    if isinstance(error, PermissionError) and isinstance(gateway, UnixGateway):
        return _may_not_open(gateway)
    if isinstance(error, ssl.SSLError):
        return _no_tls(gateway, error)
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        return _nobody(gateway, f"no gateway runs at {gateway}: nothing listens there.")
    if isinstance(error, ConnectionError):
        return Failure(
            Exit.NO_GATEWAY,
            f"the gateway at {gateway} hung up without an answer.",
            "It may be stopping, or no console-launcher at all: look at what listens there.",
            *(["A gateway with TLS answers to https:// alone."] if _is_plain_tcp(gateway) else []),
            *_service(gateway, "{} status console-launcher tells of the service."),
        )
    if isinstance(error, OSError):
        return _nobody(gateway, f"{gateway} cannot be reached: {error.strerror or error}.")
    return stranger(gateway)


def _is_plain_tcp(gateway: Gateway) -> bool:
    return isinstance(gateway, TcpGateway) and not gateway.tls


def _no_tls(gateway: Gateway, error: ssl.SSLError) -> Failure:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure(
            Exit.NO_GATEWAY,
            f"the certificate of {gateway} is not trusted: {error.verify_message.rstrip('.')}.",
            "If it is signed by an authority of your own, name that: --cacert FILE, or $CONSOLE_LAUNCHER_CACERT.",
        )
    return Failure(
        Exit.NO_GATEWAY,
        f"no TLS could be agreed on with {gateway}: {error.reason or error}.",
        "A gateway without TLS (the key tls of its configuration) answers to http:// in place of https://.",
    )


def _may_not_open(gateway: UnixGateway) -> Failure:
    try:
        account = name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        account, name = f"uid {os.geteuid()}", "NAME"
    return Failure(
        Exit.NOT_ALLOWED,
        f'account "{account}" may not open {gateway.path}: operators of consoles are in the group console-operators.',
        f"Ask root of this machine for:  usermod -aG console-operators {name}",
        "Then sign in anew: groups count from the sign-in on.",
    )
