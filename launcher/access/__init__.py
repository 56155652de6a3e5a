"""Who asks, and whether they may.

    origin        P   the names this gateway answers to, and the origins whose pages may use it
    provenance    P   from which site a browser's request comes, and as what (Fetch Metadata)
    peer              who is at the other end: Unix sockets by peer credentials, TCP by the kernel's answer
    sockdiag          asks the kernel for one TCP socket's owner
    proctcp       P   the kernel's TCP tables, read where it may not be asked
    accountnames      what an account is called, looked up in threads that may hang; nametable (P) decides which
    accounts          account names ↔ user ids: who is let in
    claims        P   headers that name a person or an address: ignored, and told
    policy        P   may this actor do this?

A request passes `origin` and `provenance` first, then `peer`, then `policy`. Nothing here trusts a header about who
somebody is, and nothing is decided by where a connection comes from alone: a jump host has other users.
"""
