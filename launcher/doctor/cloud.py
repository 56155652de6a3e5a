"""One cloud, from its entry in the configuration to the listing of one server; and from there one server's screen.

Identity and Compute API are asked by the gateway's own parts, made anew for the run, and proxied by nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from launcher.clock import Clock
from launcher.cloud.catalog import CatalogError
from launcher.cloud.compute import Compute
from launcher.cloud.http import CloudHttp
from launcher.cloud.identity import ApiAccess, SharedAccess, identity_door, identity_of
from launcher.config.models import BareEntry, Cloud, StaticCloud
from launcher.doctor.advice import catalog_fault, configuration_fault, identity_fault, role_fault
from launcher.doctor.direct import DirectExamination
from launcher.doctor.hops import CLOUD_HOPS, SCREEN_HOPS, CloudReport, HopName, Limits, completed
from launcher.doctor.network import Fault
from launcher.doctor.patient import Patient
from launcher.doctor.places import Place, compute_place, identity_place, settings_of
from launcher.doctor.probes import reach
from launcher.doctor.screen import Screen
from launcher.doctor.trail import HopFailedError, StoppedError, Trail
from launcher.egress import Gate, Listeners, NoListeners
from launcher.errors import CloudError
from launcher.model import Server

MayView = Callable[[Server], None]
"""Raises RequestError where whoever asks may have no console of the server."""

_NO_IDENTITY = "this cloud has no Identity"


@dataclass(frozen=True, slots=True)
class Tools:
    """What a run works with."""

    http: CloudHttp
    clock: Clock
    frame_limit: int
    own: Listeners = field(default_factory=NoListeners)
    """Where this process listens."""


async def examine(
    patient: Patient, tools: Tools, limits: Limits, server: str | None = None, may: MayView = lambda _server: None
) -> CloudReport:
    """One cloud; with the name or UUID of a server also its screen, for which a console is requested.

    Raises RequestError of `may`, before that request.
    """
    # A thread of its own, so that the gateway's own sign-ins do not wait for it; nor do we where a cloud holds it.
    pool = ThreadPoolExecutor(1, thread_name_prefix=f"doctor {patient.cloud.name}")
    try:
        if isinstance(patient.cloud, StaticCloud):
            direct = DirectExamination(patient.cloud, patient.rules, tools, limits, pool)
            return await direct.run(server, may)
        return await _Examination(patient, patient.cloud, tools, limits, pool).run(server, may)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class _Examination:
    """Of one cloud, once."""

    def __init__(self, patient: Patient, cloud: Cloud, tools: Tools, limits: Limits, pool: ThreadPoolExecutor) -> None:
        self._patient = patient
        self._cloud = cloud
        self._rules = patient.rules
        self._tools = tools
        self._limits = limits
        self._pool = pool
        self._settings = settings_of(cloud)
        self._bare = isinstance(cloud.entry, BareEntry)
        self._trail = Trail(tools.clock)

    async def run(self, server: str | None, may: MayView) -> CloudReport:
        names, server_id = CLOUD_HOPS, None
        screen: Screen | None = None
        try:
            compute = await self._to_the_role()
            if server is not None:
                screen = Screen(
                    self._patient, self._cloud, self._tools.clock, self._limits, self._trail, compute, self._tools.own
                )
                await screen.examine(server, may, self._tools.frame_limit)
        except StoppedError:
            pass
        if server is not None:
            names, server_id = CLOUD_HOPS + SCREEN_HOPS, screen.server_id if screen else None
        hops = completed(self._trail.hops, names)
        return CloudReport(self._cloud.name, self._cloud.entry.provider, self._cloud.region, hops, server_id)

    async def _to_the_role(self) -> Compute:
        """A Compute API that lists servers. Raises StoppedError."""
        identity = await self._signed_in_at()
        access = await self._sign_in(identity)
        await self._reach_compute(access)
        compute = Compute(self._cloud, identity, self._tools.http, self._tools.clock)
        await self._list_one(compute)
        return compute

    async def _signed_in_at(self) -> SharedAccess:
        """The hops from the configuration to Identity's door."""
        cloud, limits = self._cloud, self._limits
        async with self._trail.hop(
            HopName.CONFIGURATION, lambda error: configuration_fault(self._settings, error), limits.sign_in
        ) as step:
            step.seen = self._settings.key + (f", region {cloud.region}" if cloud.region else "")
            door = await identity_door(cloud, self._tools.clock, self._pool)
            place = self._place(lambda: identity_place(self._settings, door.url)) if door else None
            step.seen += f"; {self._settings.credentials}"
        names = (HopName.IDENTITY_DNS, HopName.IDENTITY_TCP, HopName.IDENTITY_TLS)
        if door is None or place is None:
            for name in names:
                self._trail.skip(name, _NO_IDENTITY)
        else:
            gate = Gate(door.loopback, self._tools.own)
            await reach(self._trail, names, place, limits, tls=door.tls or self._rules.tls, gate=gate)
        return identity_of(cloud, self._tools.clock, self._pool, self._tools.own)

    def _place(self, parsed: Callable[[], Place]) -> Place:
        """Raises HopFailedError for what is no URL."""
        try:
            return parsed()
        except ValueError as error:
            where = self._settings.auth_url or f"{self._settings.key}.endpoint"
            raise HopFailedError(Fault.of(f"{where} cannot be used: {error}.", f"Correct {where}.")) from None

    async def _sign_in(self, identity: SharedAccess) -> ApiAccess:
        """The hops Identity and catalog, which one sign-in passes together."""
        clock, trail = self._tools.clock, self._trail
        access: ApiAccess | None = None
        missing: CatalogError | None = None
        if self._bare:
            trail.skip(HopName.IDENTITY, _NO_IDENTITY)
            async with trail.hop(HopName.CATALOG, lambda error: catalog_fault(self._settings, error)) as step:
                access = await identity.access()
                step.seen = f"{access.endpoint}, as configured"
            return access
        async with trail.hop(
            HopName.IDENTITY, lambda error: identity_fault(self._settings, error), self._limits.sign_in
        ) as step:
            try:
                access = await identity.access()
            except CatalogError as error:
                missing = error
            step.seen = _token(access, clock)
        if access is None:
            assert missing is not None
            raise trail.fail(HopName.CATALOG, 0.0, catalog_fault(self._settings, missing))
        trail.passed(HopName.CATALOG, 0.0, access.endpoint)
        return access

    async def _reach_compute(self, access: ApiAccess) -> None:
        place = compute_place(self._settings, self._cloud, access.endpoint)
        names = (HopName.COMPUTE_DNS, HopName.COMPUTE_TCP, HopName.COMPUTE_TLS)
        gate = Gate(access.loopback, self._tools.own)
        await reach(self._trail, names, place, self._limits, tls=access.tls or self._rules.tls, gate=gate)

    async def _list_one(self, compute: Compute) -> None:
        async with self._trail.hop(
            HopName.ROLE, lambda error: role_fault(self._settings, error, bare=self._bare), self._limits.api
        ) as step:
            try:
                api, reply = await compute.glance()
            except CloudError as error:
                step.seen = error.request_id or ""
                raise
            consoles = "remote-consoles (from 2.6 on)" if api.remote_consoles else "the action os-getVNCConsole"
            known = f", {reply.request_id}" if reply.request_id else ""
            step.seen = f"lists servers: status {reply.status}{known}; consoles by {consoles}"


def _token(access: ApiAccess | None, clock: Clock) -> str:
    if access is None or access.expires_at is None:
        return "signed in"
    return f"signed in; the API token lives for {max(0.0, access.expires_at - clock.monotonic()) / 60:.0f} min"
