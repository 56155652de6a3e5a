"""Asks a cloud: signs in to it, lists its servers, gets consoles from its Compute API.

    reply           pure: one reply, and what it says
    retry_after     pure: how long a reply asks to wait
    faults          pure: what a refusal means; one table from HTTP status to error
    wire            pure: requests built, good replies parsed
    flight          asks once for all who wait
    transport       how keystoneauth1 reaches an Identity service: bounded, without redirects
    rackspace       Rackspace's ways to sign in, as keystoneauth1 plugins
    settings        an entry of clouds.yaml, as openstacksdk reads it, and what is refused in it
    signin          blocking: one sign-in with keystoneauth1, for a worker thread
    signin_faults   what may go wrong in it
    sent            pure: the secrets of a request, which no message may repeat
    catalog         pure: what a sign-in gave → the one Compute endpoint
    holding         pure: how long an API token holds, and how long a refusal
    identity        the API token: fetched once for all who wait, reused, renewed
    hostsfile       the names that /etc/hosts puts on loopback
    http            how Compute APIs are reached: guarded addresses, without redirects
    compute         the Compute API of one cloud: servers and consoles
    freshness       pure: when a kept listing is asked for again
    listing         pure: a cloud's servers at one moment, searched and cut into parts
    kept            one cloud's listing, kept while it is used
    tokens          blocking: websockify's token files, for a worker thread
    static          the servers of a static cloud: of the configuration, and of its token files
    directory       a reference, over all clouds → one server, or which error

A call passes `directory` or `compute` → `identity` → `signin`, and every reply passes `wire`. No redirect is ever
followed, no link of a Compute API's reply is ever dialled, and no token, key or console URL gets into an error or a log
line. (keystoneauth1 itself does follow the links of a Keystone's version document, as the operators' other tools do.)
"""
