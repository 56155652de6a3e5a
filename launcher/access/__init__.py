"""Who asks, and whether they may.

    origin    P   the names this gateway answers to, and the origins whose pages may use it
    proctcp   P   the kernel's TCP tables → the account at the other end of a connection
    peer          who is at the other end: Unix sockets by peer credentials, TCP by those tables
    accounts      account names ↔ user ids: who is let in
    policy    P   may this actor do this?

A request passes `origin` first, then `peer`, then `policy`. Nothing here trusts a header about who somebody is, and
nothing is decided by where a connection comes from alone: a jump host has other users.
"""
