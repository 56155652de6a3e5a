"""What relaying costs, beside nginx and the stock websockify command: `python -m tests.benchmarks.relay`.

One run holds three kinds of process: a *source* (`source.py`: a console proxy, and a plain VNC server for websockify),
the *proxy* under measure (`proxies.py`), and a *sink* (`sink.py`: the viewers). The run itself (`relay.py`) only asks
and reads meters (`processes.py`); all three speak the conversation of `wire.py`, and `figures.py` makes the table.

What the list of ten thousand servers costs: `python -m tests.benchmarks.directory`.

Nothing here asserts how long anything takes, and nothing here is part of the gate.
"""
