"""What is known of each launch: its steps, how long they took, and how it ended. The page asks for it.

Kept while under way, and for a while after, so that a page can still read why its launch failed.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from launcher.clock import Clock
from launcher.errors import BadRequestError, LauncherError, NotFoundError
from launcher.model import Actor, Console, Ending, Kind, Server

_KEPT_AFTER = 120.0
_KEPT_AT_MOST = 2000


class StepName(enum.StrEnum):
    """The steps of a launch, as a person is told them."""

    LOG = "log"
    """Only where it has to be waited for."""
    RESOLVE = "resolve"
    AUTHORIZE = "authorize"
    WAIT = "wait"
    OBTAIN = "obtain"
    OPEN = "open"


class LaunchState(enum.StrEnum):
    LAUNCHING = "launching"
    OPEN = "open"
    FAILED = "failed"
    ENDED = "ended"


@dataclass(slots=True)
class Step:
    """One step: when it began, and how long it took once it is over."""

    name: StepName
    text: str
    began_at: float
    seconds: float | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a launch waits for just now."""

    why: str
    until: float | None
    """The moment of the next try, where it is not a few seconds off anyway."""


@dataclass(slots=True)
class Launch:
    """One launch, from what was asked to how it ended."""

    id: str
    actor: Actor
    cloud: str
    reference: str
    kind: Kind
    began_at: float
    clock: Clock
    anyway: bool = False
    """The person wants the console whatever the server's state is."""
    view_only: bool = False
    """Nothing that the viewer sends may change anything on the server."""
    gateways: tuple[str, ...] = ()
    """The ids of other gateways that the viewer has passed on its way here."""
    waiting: Waiting | None = None
    steps: list[Step] = field(default_factory=list)
    state: LaunchState = LaunchState.LAUNCHING
    session: str | None = None
    server: Server | None = None
    console: Console | None = None
    cached: bool | None = None
    stale: bool = False
    let_in: bool = False
    """Whether it has begun: there was room in the log for what it will put there."""
    problem: LauncherError | None = None
    ending: Ending | None = None
    """Of its session: known here also where the session was cut off, and its viewer was told nothing."""
    over_at: float | None = None

    @contextmanager
    def step(self, name: StepName, text: str) -> Iterator[Step]:
        """A step lasts as long as this context; what it raises passes through."""
        step = Step(name, text, self.clock.monotonic())
        self.steps.append(step)
        try:
            yield step
        except BaseException:
            step.failed = True
            raise
        finally:
            step.seconds = self.clock.monotonic() - step.began_at

    def seconds(self) -> float:
        """Since it began."""
        return self.clock.monotonic() - self.began_at


class Launches:
    """The launches of now and of the last minutes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._launches: dict[str, Launch] = {}
        self._over: OrderedDict[str, Launch] = OrderedDict()
        """Those of them that are over, as they ended. Not a dict: that looks for its first among all that it had."""

    def begin(
        self,
        launch_id: str,
        actor: Actor,
        cloud: str,
        reference: str,
        kind: Kind,
        *,
        anyway: bool = False,
        view_only: bool = False,
        gateways: tuple[str, ...] = (),
    ) -> Launch:
        """A new launch. Raises BadRequestError where the id is in use."""
        now = self._clock.monotonic()
        self._forget(now)
        if launch_id in self._launches:
            raise BadRequestError("This launch id is in use. Make a new random one for each launch.")
        launch = Launch(launch_id, actor, cloud, reference, kind, now, self._clock, anyway, view_only, gateways)
        self._launches[launch_id] = launch
        return launch

    def finish(self, launch: Launch, state: LaunchState, problem: LauncherError | None = None) -> None:
        """It is over: kept a while longer for its page."""
        launch.state = state
        launch.problem = _without_frames(problem)
        launch.over_at = self._clock.monotonic()
        launch.console = None
        if self._launches.get(launch.id) is launch:
            self._over.pop(launch.id, None)
            self._over[launch.id] = launch
        self._forget(launch.over_at)

    def get(self, launch_id: str, actor: Actor) -> Launch:
        """An actor's own launch. Raises NotFoundError, also for somebody else's."""
        launch = self._launches.get(launch_id)
        if launch is None or launch.actor.uid != actor.uid:
            raise NotFoundError(
                f'There is no launch "{launch_id[:40]}" of yours; launches are kept for two minutes after their end.'
            )
        return launch

    def __len__(self) -> int:
        return len(self._launches)

    def _forget(self, now: float) -> None:
        """Drop what is over long since; of many, the oldest that are over. Looks at no more than it drops, and one."""
        while self._over:
            launch = next(iter(self._over.values()))
            assert launch.over_at is not None
            if len(self._over) <= _KEPT_AT_MOST and now - launch.over_at <= _KEPT_AFTER:
                break
            del self._over[launch.id], self._launches[launch.id]


def _without_frames(problem: LauncherError | None) -> LauncherError | None:
    """The error alone: its traceback would keep the viewer, its engine and its buffers for as long as the launch."""
    error: BaseException | None = problem
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
    return problem
