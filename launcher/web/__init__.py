"""The gateway as its users see it: pages, API and WebSockets, and the guard before all of them.

A request passes `problems` (errors become answers), then `guard` (Host, Origin, the account, its rights), then `links`
(links of other sites ask first), then its route.
GET never changes state and never costs a console request: a launch begins with a WebSocket or a POST.
"""
