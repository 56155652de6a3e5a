"""Serves a real Keystone's WSGI application on a port of 127.0.0.1 that the kernel picks, and prints the port.

Run by the Python of Keystone's own virtual environment, with `OS_KEYSTONE_CONFIG_FILES` set. It ends when its stdin
does, so that it never outlives the tests.
"""

from __future__ import annotations

import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: the tests' output is for what fails."""


def main() -> None:
    from keystone.server.wsgi import (  # type: ignore[import-not-found]  # only the environment that runs this has it
        initialize_public_application,
    )

    server = make_server("127.0.0.1", 0, initialize_public_application(), server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
