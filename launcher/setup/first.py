"""The first run: find, choose, try, plan, write, in this order; nothing is written unless something works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from launcher.config.document import shown
from launcher.config.load import load
from launcher.errors import CloudError, ConfigError, ConfigProblem, SetupError, SetupFault
from launcher.model import Server
from launcher.setup import regions, trial, words
from launcher.setup.accounts import Profile, Source
from launcher.setup.choice import choose
from launcher.setup.found import Found, look, needs_copy
from launcher.setup.places import Target, Way
from launcher.setup.plan import Chosen, OriginalFiles, Plan, plan_of
from launcher.setup.scene import Scene, Wishes
from launcher.setup.write import exists, private_folder, same, write_all

_MEMORY = (Path("/dev/shm"),)  # noqa: S108 -- only a private folder is made there


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An account that let the gateway in."""

    source: Source
    catalog: regions.Regions
    used: regions.Regions
    """The regions that are to be used; empty where the cloud has no choice."""

    @property
    def clouds(self) -> list[tuple[str, str | None]]:
        """Name and region of each cloud that it stands for."""
        names = regions.names(self.source, self.catalog, self.used)
        return list(zip(names, self.used or (None,), strict=True))


def set_up(wishes: Wishes, scene: Scene) -> None:
    """Raises SetupError, ConfigError."""
    found = look(scene.around, wishes.name)
    sources = choose(wishes, found, scene)
    with private_folder(_MEMORY) as folder:
        trial.lay_out(folder, sources)
        chosen, tried = _try_all(sources, wishes, folder, scene)
    plan = plan_of(scene.target, chosen, scene.units, _originals(scene.target, found, chosen))
    _write(plan, wishes, scene)
    if not wishes.dry_run:
        scene.person.tell("\n" + words.next_steps(scene.target, scene.host, tried))


def _try_all(
    sources: Sequence[Source], wishes: Wishes, folder: Path, scene: Scene
) -> tuple[list[Chosen], list[words.Counted]]:
    """The entries that work, and their clouds' servers. Raises SetupError if none does."""
    _tell_found(sources, scene)
    candidates = _signed_in(sources, wishes, folder, scene)
    clouds = [trial.cloud_of(one.source, name, region, folder) for one in candidates for name, region in one.clouds]
    _require_distinct([cloud.name for cloud in clouds])
    answers = trial.servers(clouds, scene.clock)
    chosen: list[Chosen] = []
    tried: list[words.Counted] = []
    for one in candidates:
        good = _good(one, answers, tried, scene)
        if good is not None:
            chosen.append(good)
    if not chosen:
        raise SetupError("no cloud let the gateway in: nothing was written.", SetupFault.REFUSED)
    return chosen, tried


def _tell_found(sources: Sequence[Source], scene: Scene) -> None:
    for origin in dict.fromkeys(source.origin for source in sources):
        names = words.listed(source.name for source in sources if source.origin == origin)
        scene.person.tell(f"Found {shown(origin, 4096)}: {names}")
    scene.person.tell("Signing in, to try them (no console is asked for):")


def _signed_in(sources: Sequence[Source], wishes: Wishes, folder: Path, scene: Scene) -> list[_Candidate]:
    """Those that can sign in, with their regions; the others are told."""
    answers = trial.regions([trial.cloud_of(one, one.name, None, folder) for one in sources], scene.clock)
    found = []
    for source in sources:
        catalog = answers[source.name]
        if isinstance(catalog, CloudError):
            scene.person.warn(f"  left out: {shown(str(catalog), 1000)}")
            continue
        try:
            found.append(_Candidate(source, catalog, _used(source, catalog, wishes, scene)))
        except ValueError as error:
            scene.person.warn(f"  left out: {error}.")
    return found


def _used(source: Source, catalog: regions.Regions, wishes: Wishes, scene: Scene) -> regions.Regions:
    """The regions to use: by the option, by the person's answer, else all. Raises ValueError, SetupError."""
    if wishes.regions:
        return regions.wished(source, catalog, wishes.regions)
    offered = regions.offered(source, catalog)
    if len(offered) < 2 or not scene.person.interactive:
        return offered
    scene.person.tell(f"  {source.name} has servers in the regions {words.listed(offered)}.")
    while True:
        try:
            return regions.parsed(scene.person.ask("  Which of them? [all] "), offered)
        except ValueError as error:
            scene.person.warn(f"  {error}")


def _good(
    one: _Candidate, answers: trial.Outcomes[tuple[Server, ...]], tried: list[words.Counted], scene: Scene
) -> Chosen | None:
    """The entry with the clouds that listed their servers; each is told, and the good ones are added to `tried`."""
    good = []
    for name, region in one.clouds:
        answer = answers[name]
        if isinstance(answer, CloudError):
            scene.person.warn(f"  left out: {shown(str(answer), 1000)}")
            continue
        tried.append(words.Counted(name, answer))
        scene.person.tell(words.counted(tried[-1]))
        good.append(region)
    if not good:
        return None
    used = tuple(region for region in good if region is not None)
    name = regions.entry_name(one.source, one.catalog, used)
    return Chosen(name, one.source, regions.to_write(one.source, one.catalog, used))


def _require_distinct(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            message = f"two clouds would be called {name}: take one of them in (--cloud NAME), or give another --name"
            raise SetupError(message, SetupFault.USAGE)


def _originals(target: Target, found: Found, chosen: Sequence[Chosen]) -> OriginalFiles | None:
    """clouds.yaml where it is, for an account's own service; the system's sees no home, a folder holds all itself."""
    profiles = [entry.source for entry in chosen if isinstance(entry.source, Profile)]
    if target.way is not Way.USER or any(needs_copy(profile) for profile in profiles):
        return None
    return found.originals


def _write(plan: Plan, wishes: Wishes, scene: Scene) -> None:
    """All that is not there yet. Raises SetupError, ConfigError."""
    there = [file for file in plan.files if exists(file.path)]
    missing = [file for file in plan.files if file not in there]
    credentials = [file for file in there if file.path.startswith(f"{scene.target.credentials}/")]
    for file in credentials:
        if not same(file):
            message = f"{file.path} exists and holds something else: nothing was written."
            raise SetupError(message, SetupFault.UNWRITABLE, *words.afresh([file.path], scene.command).splitlines())
    if wishes.dry_run:
        new = [folder for folder in plan.folders if not exists(folder[0])]
        scene.person.tell("\n" + words.would_be_written(new, missing))
    else:
        write_all(
            plan.folders,
            missing,
            lambda stage: _check(stage, scene.target),
            only_checked=credentials,
            disk=scene.disk,
        )
        scene.person.tell("\n" + words.written(missing))
    differing = [file.path for file in there if not same(file)]
    for file in there:
        scene.person.tell(words.kept(file.path, differs=file.path in differing))
    if differing:
        scene.person.tell("\n" + words.afresh(differing, scene.command))


def _check(stage: Path, target: Target) -> None:
    """Raises ConfigError if the new configuration could not be used."""
    try:
        load(stage / "config.yaml")
    except ConfigError as error:
        raise ConfigError([
            ConfigProblem(target.config, problem.line, problem.key, problem.message.replace(str(stage), target.folder))
            for problem in error.problems
        ]) from error  # fmt: skip
