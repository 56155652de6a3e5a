"""What relaying costs, beside nginx, stock websockify and a plain relay: `python -m tests.benchmarks.relay`.

One run holds three kinds of process: a *source* (`source.py`: a console proxy, and a plain VNC server for raw
upstreams), the *proxy* under measure (`proxies.py`; `messages.py` is the plain relay), and *sinks* (`sink.py`: the
viewers). The run itself (`relay.py`, `measures.py`) only asks and reads meters (`processes.py`); all speak the
conversation of `wire.py`. `figures.py` has the medians, `targets.py` what they are to come to, `report.py` the tables.

What the list of ten thousand servers costs: `python -m tests.benchmarks.directory`.

Nothing here asserts how long anything takes, and nothing here is part of the gate.
"""
