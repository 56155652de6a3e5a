"""The hops of one run as they are come to: their time, their limits, and the end at the first that fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from launcher.audit.log import describe
from launcher.clock import Clock
from launcher.doctor.advice import late_fault
from launcher.doctor.hops import Hop, HopName, Verdict
from launcher.doctor.network import Fault
from launcher.errors import LauncherError

_LOG = logging.getLogger(__name__)


class StoppedError(Exception):
    """A hop failed, which is noted: those behind it are not reached."""


class HopFailedError(Exception):
    """The hop that is under way fails for this reason."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


@dataclass(slots=True)
class Step:
    """A hop that is under way; whoever takes it says what is seen."""

    seen: str = ""


class Trail:
    """Keeps what was found at each hop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.hops: list[Hop] = []

    def skip(self, name: HopName, why: str) -> None:
        """There is nothing to look at."""
        self.hops.append(Hop(name, Verdict.SKIPPED, seen=why))

    def passed(self, name: HopName, seconds: float, seen: str) -> None:
        """A hop that somebody else has timed."""
        self.hops.append(Hop(name, Verdict.OK, seconds, seen))

    def fail(self, name: HopName, seconds: float, fault: Fault, seen: str = "") -> StoppedError:
        """A hop that somebody else has timed; the error is to be raised."""
        self.hops.append(Hop(name, Verdict.FAILED, seconds, seen, fault.reason, fault.advice))
        return StoppedError(fault.reason)

    @asynccontextmanager
    async def hop(
        self, name: HopName, explain: Callable[[LauncherError], Fault] | None = None, limit: float | None = None
    ) -> AsyncIterator[Step]:
        """Take a hop: it is well if the block ends well. Raises StoppedError where it does not.

        `explain` says what an error of the block means for whoever must mend it; `limit` is in seconds.
        """
        step, began_at = Step(), self._clock.monotonic()
        try:
            async with asyncio.timeout(limit):
                yield step
        except HopFailedError as failed:
            fault = failed.fault
        except TimeoutError:
            fault = late_fault(limit or 0.0)
        except LauncherError as error:
            fault = explain(error) if explain else Fault.of(str(error))
        except Exception as error:  # noqa: BLE001 -- one hop's fault must not hide what is known of the others
            _LOG.error("doctor: a fault at the hop %s: %s", name, describe(error))
            fault = Fault.of(f"A fault of the gateway while it looked ({type(error).__name__}): its log has the place.")
        else:
            self.passed(name, self._clock.monotonic() - began_at, step.seen)
            return
        raise self.fail(name, self._clock.monotonic() - began_at, fault, step.seen)
