"""The stock `websockify` command on eventlet's non-blocking sockets, as nova-novncproxy runs websockify.

    python -m tests.fakes.eventlet_websockify --token-plugin TokenFile … 127.0.0.1:PORT

`monkey_patch` must come before anything that holds a socket module is imported. The hub is poll's: websockify forks for
each session, and forked processes would share one epoll and take each other's events.
"""

from __future__ import annotations

import eventlet
from eventlet import hubs

hubs.use_hub("poll")
eventlet.monkey_patch()

from websockify.websocketproxy import websockify_init  # noqa: E402 - see above

if __name__ == "__main__":
    websockify_init()
