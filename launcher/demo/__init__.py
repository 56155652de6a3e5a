"""A simulated cloud on loopback, for trying the gateway out without any account.

    cloud ─┬─ identity     Keystone v3 and Rackspace Identity v2.0: credentials → API token and catalog
           ├─ compute      Nova: servers and consoles (`nova` has its shapes)
           ├─ proxy, xvp   the console proxies of both kinds, each a `listener`: `upgrade`, `security` (RFB's first
           │               steps), `consoles` (tokens that die)
           └─ screens      one screen a server, for all who look: `rfb`, `clipboard`, `pixels`
    wire                   requests read and errors written, for both APIs
    fleet                  which servers there are, and what state each is in at a moment
    terminal ─ scene ─ picture    what is typed and pointed at → what a screen shows → which pixels changed
    keys, font, canvas     what keys mean; letters and boxes
    settings               the gateway's own configuration file for all this

The replies have the shapes and the quirks of a real Nova 34 and its console proxy. Console tokens live for a minute and
in memory only. Nothing here imports the daemon: the command line puts the real gateway in front.
"""
