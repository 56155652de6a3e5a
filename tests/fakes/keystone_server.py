"""Serves a real Keystone's WSGI application on a port of 127.0.0.1 that the kernel picks, and prints the port.

Before its federated sign-in stands what Apache's mod_auth_openidc does there (`AuthType oauth20`): a bearer token that
is good becomes the claims of whom it was given to, and any other a 401. Good are those in the file `$ACCESS_TOKENS`.

Run by the Python of Keystone's own virtual environment, with `OS_KEYSTONE_CONFIG_FILES` set. It ends when its stdin
does, so that it never outlives the tests.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: the tests' output is for what fails."""


def _with_claims(keystone: Application, access_tokens: Path) -> Application:
    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "/OS-FEDERATION/" in environ["PATH_INFO"] and environ["PATH_INFO"].endswith("/auth"):
            scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
            if scheme != "Bearer" or token not in access_tokens.read_text().split():
                start_response("401 Unauthorized", [("Content-Type", "text/html"), ("WWW-Authenticate", "Bearer")])
                return [b"<html><body>Unauthorized</body></html>"]
            environ |= {"HTTP_OIDC_ISS": "https://sign-in.invalid", "HTTP_OIDC_SUB": "gateway"}
        return keystone(environ, start_response)

    return answer


def main() -> None:
    from keystone.server.wsgi import (  # type: ignore[import-not-found]  # only the environment that runs this has it
        initialize_public_application,
    )

    application = _with_claims(initialize_public_application(), Path(os.environ["ACCESS_TOKENS"]))
    server = make_server("127.0.0.1", 0, application, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
