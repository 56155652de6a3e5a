"""Looks at all clouds, or at one server.

All clouds are looked at by one run for all who ask at the same time: a task of the daemon's, so that a monitor which
leaves early has no other begin anew. Whoever asks often is given the last outcome again for `REUSE` seconds, and where
signing in failed, for `REUSE_REFUSED`. No more than `AT_ONCE` runs are under way, for each signs in anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from launcher.doctor.cloud import MayView, Tools, examine
from launcher.doctor.hops import CloudReport, Hop, HopName, Limits, Report, Verdict
from launcher.doctor.patient import Patient
from launcher.errors import CloudError, CloudNotFoundError
from launcher.model import Actor

REUSE: Final = 10.0
"""Seconds that an outcome is good for a monitor: one that asks each second costs nothing."""
REUSE_REFUSED: Final = 60.0
"""The same where a cloud let nobody in: a monitor must not have the account locked."""
AT_ONCE: Final = 8
"""Runs; whoever asks for another one waits."""


class Locates(Protocol):
    """Which server a name stands for."""

    def canonical(self, alias_or_name: str) -> tuple[str, str] | None: ...
    async def locate(self, name: str, *, by: Actor | None = None) -> tuple[str, str]: ...


class Doctor:
    """Examines the clouds of one configuration."""

    def __init__(
        self, patients: Mapping[str, Patient], directory: Locates, tools: Tools, tasks: asyncio.TaskGroup
    ) -> None:
        self._patients = dict(patients)
        self._directory = directory
        self._tools = tools
        self._tasks = tasks
        self._under_way: dict[Limits, asyncio.Future[Report]] = {}
        self._kept: tuple[float, Report] | None = None
        self._places = asyncio.Semaphore(AT_ONCE)

    async def lately(self) -> Report:
        """All clouds, as they were found a moment ago."""
        if self._kept is not None and self._tools.clock.monotonic() - self._kept[0] < _good_for(self._kept[1]):
            return self._kept[1]
        return await self.all_clouds(Limits())

    async def all_clouds(self, limits: Limits) -> Report:
        """All clouds, from now on, or by the run with these limits that is under way."""
        # No await between the look and the note that a run is under way: there can be no second one.
        under_way = self._under_way.get(limits) or self._begin(limits)
        return await asyncio.shield(under_way)

    async def one(self, reference: str, may: MayView, limits: Limits, *, by: Actor | None = None) -> Report:
        """The server of a reference, to the first bytes of its screen; `may` is asked before its console is requested.

        Where a cloud is silent that a mere name may belong to, all clouds are looked at instead. `by` is whose look-up
        it is.

        Raises ServerNotFoundError, AmbiguousServerError, TooManyLookupsError, and RequestError of `may`.
        """
        placed = await self._placed(reference, limits, by)
        if placed is None:
            report = await self.all_clouds(limits)
            return Report(reference, report.hops, report.clouds)
        patient, server = placed
        async with self._places:
            found = await examine(patient, self._tools, limits, server, may)
        return Report(reference, (self._configuration(),), (found,))

    async def _placed(self, reference: str, limits: Limits, by: Actor | None) -> tuple[Patient, str] | None:
        cloud, slash, server = reference.partition("/")
        if not slash:
            try:
                async with asyncio.timeout(limits.api):
                    cloud, server = await self._located(reference, by)
            except (CloudError, TimeoutError):
                return None
        patient = self._patients.get(cloud)
        if patient is None:
            raise CloudNotFoundError(f'There is no cloud "{cloud}" (there are: {", ".join(self._patients)}).')
        return patient, server

    async def _located(self, name: str, by: Actor | None) -> tuple[str, str]:
        if len(self._patients) == 1 and self._directory.canonical(name) is None:
            [cloud] = self._patients  # it need not answer to be the one that is meant
            return cloud, name
        return await self._directory.locate(name, by=by)

    def _begin(self, limits: Limits) -> asyncio.Future[Report]:
        asked: asyncio.Future[Report] = asyncio.get_running_loop().create_future()
        self._under_way[limits] = asked
        self._tasks.create_task(self._run(limits, asked), name="doctor")
        return asked

    async def _run(self, limits: Limits, asked: asyncio.Future[Report]) -> None:
        """Settle the future whatever happens: somebody is waiting."""
        try:
            report = Report(None, (self._configuration(),), await self._each(limits))
        except asyncio.CancelledError:
            asked.cancel()
            raise
        except Exception as error:  # noqa: BLE001 -- it belongs to those who wait, and must not end the daemon's other tasks
            asked.set_exception(error)
        else:
            if limits == Limits():
                self._kept = self._tools.clock.monotonic(), report
            asked.set_result(report)
        finally:
            del self._under_way[limits]
            if not asked.cancelled():
                asked.exception()  # everyone may have left: then nobody else reads it

    async def _each(self, limits: Limits) -> tuple[CloudReport, ...]:
        async with self._places, asyncio.TaskGroup() as group:
            tasks = [group.create_task(examine(patient, self._tools, limits)) for patient in self._patients.values()]
        return tuple(task.result() for task in tasks)

    def _configuration(self) -> Hop:
        """It is in force, so it was read well."""
        names = ", ".join(self._patients)
        return Hop(HopName.CONFIGURATION, Verdict.OK, seen=f"in force, with the clouds {names}")


def _good_for(report: Report) -> float:
    """Seconds that an outcome serves monitors."""
    refused = any(cloud.failed is not None and cloud.failed.name is HopName.IDENTITY for cloud in report.clouds)
    return REUSE_REFUSED if refused else REUSE
