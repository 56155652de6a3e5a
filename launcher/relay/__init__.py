"""Relays a session: the embedded websockify.

    dial → openings ─── first bytes ───► pump ◄─── viewer
    (upstream)                             │       websocketviewer: websockify's protocol engine (`engine`)
    handshake, xvp, security, firstbytes   │       nativeviewer: raw RFB on a Unix socket
                                           ├ carriage   what a server's bytes become for this viewer
                                           ├ governor   follows RFB (`rfb`) where a session must be understood
                                           └ terms, stall

The upstream is dialled (`dial`, as `launcher.egress` allows), greeted as its carrier wants it (`openings`: a WebSocket,
an xvpvnc proxy, a VNC server) and believed once its first bytes are a screen's. `pump` joins the two ends. Between two
WebSockets server frames pass verbatim and only their headers are read (`frames`); what the viewer sends is decoded, one
message in, one message out. `rfb` follows a conversation (`rfbhandshake`, `rfbmessages`) and keeps it view-only;
`security` speaks sign-ins itself (`dialogue`, `vncauth`). All upstreams are read into one buffer (`basin`). `sessions`
knows who is joined to what.

A session that comes back to a gateway which it has passed is refused (`loops`).

Never here: threads, forks, `select`, an unbounded queue, a console token or a password in a text.
"""
