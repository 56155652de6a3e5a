"""Long runs: thousands of sessions at once, tens of thousands one after another. `python -m tests.soak`

One run holds four kinds of process: the *run* itself, which only asks and reads meters, with a simulated Compute API in
it (`world.py`); the *gateway* (`gateway.py`), which is `console-launcher serve` with an observer in its event loop; the
console proxy behind it (`upstream.py`); and the *viewers* before it (`viewers.py`). The last two hold the conversation
of `conversation.py`, in which both ends know what must come next, so that nothing can be lost, doubled or handed to
somebody else without being seen. They have several addresses of 127.0.0.0/8, so that ports do not run out.

`sessions.py`, `short.py` and `transfer.py` (which has a world of its own) are the parts of a run; each gives figures
(`figures.py`), some of which have a target.

Nothing here is part of the gate but a tiny run of each part (`tests/process/test_soak.py`), which looks at everything
that does not depend on the machine.
"""
