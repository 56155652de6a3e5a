"""The doctor in the command's own process: a configuration's clouds as the daemon would have them, and no daemon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from launcher.cli.answers import Object
from launcher.cli.exits import Exit
from launcher.cli.failure import Failure
from launcher.clock import Clock, SystemClock
from launcher.cloud.http import open_http
from launcher.config.load import load
from launcher.config.models import Config, clouds_of
from launcher.doctor.doctor import Doctor
from launcher.doctor.hops import Hop, HopName, Limits, Report, Verdict
from launcher.errors import AmbiguousServerError, ConfigError, RequestError
from launcher.launches import Launches
from launcher.parts import Lasting, build, gather
from launcher.relay.sessions import Sessions
from launcher.relay.terms import Rules
from launcher.relay.upstream import DialLimits

_NAME_THREADS = 32


def examine(file: Path, reference: str | None, timeout: float | None, no_gateway: Failure | None) -> Object:
    """The report as JSON; where no gateway answered, that is its first hop. Raises Failure."""
    before = () if no_gateway is None else (_gateway(no_gateway),)
    clock = SystemClock()
    began_at = clock.monotonic()
    try:
        config = load(file, serving=True)
    except ConfigError as error:
        return Report(reference, (_problems(file, error),), ()).behind(*before).as_json()
    read = _read(file, config, clock.monotonic() - began_at)
    found = asyncio.run(_run(config, reference, Limits().within(timeout), clock))
    if isinstance(found, RequestError):
        candidates = found.candidates if isinstance(found, AmbiguousServerError) else ()
        raise Failure(Exit.REFUSED, str(found), *(f"{server.cloud}/{server.id}" for server in candidates))
    return Report(reference, (*before, read), found.clouds).as_json()


async def _run(config: Config, reference: str | None, limits: Limits, clock: Clock) -> Report | RequestError:
    async with _doctor(config, clock) as doctor:
        try:
            if reference is None:
                return await doctor.all_clouds(limits)
            return await doctor.one(reference, lambda _server: None, limits)
        except RequestError as error:  # raised here, the group of the doctor's tasks would wrap it
            return error


@asynccontextmanager
async def _doctor(config: Config, clock: Clock) -> AsyncIterator[Doctor]:
    names = ThreadPoolExecutor(_NAME_THREADS, thread_name_prefix="names")
    asyncio.get_running_loop().set_default_executor(names)
    gathered = gather(config)
    try:
        async with open_http() as http, asyncio.TaskGroup() as tasks:
            lasting = Lasting(
                clock=clock,
                http=http,
                tasks=tasks,
                sessions=Sessions(config.relay.sessions),
                launches=Launches(clock),
                limits=DialLimits(frame=config.relay.frame_limit),
                rules=Rules(),
                margin=config.consoles.margin,
                public_url=config.public_urls[0],
            )
            yield build(gathered, lasting, {}).doctor
    finally:
        # Closing, the event loop waits for its threads, which a resolver may hold: it gets one without any.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        names.shutdown(wait=False, cancel_futures=True)


def _gateway(failure: Failure) -> Hop:
    advice = (*failure.advice, "This command has gone on by itself, with the usual configuration.")
    return Hop(HopName.GATEWAY, Verdict.FAILED, reason=failure.sentence, advice=advice)


def _read(file: Path, config: Config, seconds: float) -> Hop:
    names = [cloud.name for cloud in clouds_of(config)]
    return Hop(HopName.CONFIGURATION, Verdict.OK, seconds, f"{file}, with the clouds {', '.join(names)}")


def _problems(file: Path, error: ConfigError) -> Hop:
    problems = tuple(str(problem) for problem in error.problems)
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return Hop(HopName.CONFIGURATION, Verdict.FAILED, None, str(file), f"The configuration has {count}.", problems)
