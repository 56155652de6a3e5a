"""Looks for what is wrong between the gateway and a screen: hop by hop, with the time each took and what to change.

    hops       pure: the hops in their order, what was found at each, the report as JSON
    masked     pure: the shape of a console URL, without any secret
    places     pure: what is dialled, and which setting says so
    network    pure: why a place is not reached, and what to change
    advice     pure: why a cloud or a console proxy says no, and what to change
    patient    a cloud that may be looked at
    trail      keeps the hops of one run: their time, their limits, the end at the first that fails
    probes     asks the resolver, connects, shakes hands over TLS
    cloud      one cloud: configuration → DNS, TCP, TLS → Identity → catalog → DNS, TCP, TLS → role
    screen     one server: state → console request → console URL → DNS, TCP, TLS → WebSocket → first bytes
    direct     a static cloud, and one of its servers: target → DNS, connection, TLS → greeting
    doctor     all clouds, or one server; one run for all who ask at the same time

The parts that do the work are the gateway's own (sign-in, Compute, `target_of`, `open_upstream`), made anew for each
run: a token, an API version or a console that is kept already would prove nothing. The probes only name the hop.
Without a server no console is ever requested; with one, a running gateway's broker does, so that its budget holds.
"""
