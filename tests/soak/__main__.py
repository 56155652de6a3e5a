"""All parts of a long run, one after another, and the table: `python -m tests.soak`"""

from __future__ import annotations

import sys

from tests.soak import sessions, short, transfer
from tests.soak.run import together

PARTS = (sessions.PART, short.PART, transfer.PART)

if __name__ == "__main__":
    sys.exit(together(PARTS, __doc__))
