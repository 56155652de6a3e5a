"""Relays a session: the embedded websockify.

The viewer's end is websockify's protocol engine (`engine`), driven by the event loop (`viewer`). The upstream is
dialled (`upstream`, allowed by `egress`, greeted by `handshake`, believed by `firstbytes`). `pump` joins the two:
server frames pass to the viewer verbatim, only their headers are read (`frames`); what the viewer sends is always
decoded, one message in, one message out. `sessions` knows who is joined to what.

Never here: threads, forks, `select`, an unbounded queue, a console token in a text.
"""
