"""A later run: what is there stays as it is, and is tried; what is missing beside it is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from launcher.config.clouds_yaml import read_yaml
from launcher.config.document import shown
from launcher.config.load import load
from launcher.config.models import Config, api_clouds_of
from launcher.errors import CloudError
from launcher.setup import trial, words
from launcher.setup.accounts import Profile, Source
from launcher.setup.differences import differences, wanted
from launcher.setup.found import look, with_certificates
from launcher.setup.plan import CLOUDS_YAML, File
from launcher.setup.scene import Scene, Wishes
from launcher.setup.write import exists, same, write_all


def look_again(wishes: Wishes, scene: Scene) -> None:
    """Raises ConfigError if the configuration is not good, SetupError if what is missing cannot be written."""
    missing = [file for file in scene.units if not exists(file.path)]
    differing = [file.path for file in scene.units if file not in missing and not same(file)]
    config = load(Path(scene.target.config))
    tried = _try(config, scene)
    _write(missing, wishes, scene)
    scene.person.tell("")
    for path in _there(scene, missing):
        scene.person.tell(words.kept(path, differs=path in differing))
    lacking = differences(config, _own_copy(scene), _wanted(wishes, scene))
    for sentence in lacking:
        scene.person.warn(f"{sentence}.")
    if lacking or differing:
        home = [scene.target.folder] if lacking else []
        apart = [path for path in differing if not (home and path.startswith(f"{home[0]}/"))]
        scene.person.tell("\n" + words.afresh([*home, *apart], scene.command))
    target = dataclasses.replace(scene.target, public_url=config.public_urls[0])
    scene.person.tell("\n" + words.next_steps(target, scene.host, tried))


def _write(missing: list[File], wishes: Wishes, scene: Scene) -> None:
    if not missing:
        return
    if wishes.dry_run:
        scene.person.tell("\n" + words.would_be_written([], missing))
        return
    folders = dict.fromkeys(file.path.rpartition("/")[0] for file in missing)
    home = (scene.target.folder, 0o755)
    write_all([home, *((folder, 0o755) for folder in folders)], missing, lambda _stage: None, disk=scene.disk)
    scene.person.tell("\n" + words.written(missing))


def _there(scene: Scene, missing: list[File]) -> list[str]:
    """Every file of the set-up that is there."""
    with_secrets: list[str] = []
    with suppress(OSError):
        with_secrets = sorted(str(path) for path in Path(scene.target.credentials).iterdir())
    return [scene.target.config, *with_secrets, *(file.path for file in scene.units if file not in missing)]


def _wanted(wishes: Wishes, scene: Scene) -> list[Source]:
    """What a first run would try, with the certificates that can be read."""
    found: list[Source] = []
    for source in wanted(look(scene.around, wishes.name).sources, wishes):
        if isinstance(source, Profile):
            with suppress(ValueError):
                found.append(with_certificates(source, scene.around))
        else:
            found.append(source)
    return found


def _own_copy(scene: Scene) -> Mapping[str, Any]:
    """The clouds of the set-up's own clouds.yaml, if it has one."""
    with suppress(ValueError):
        clouds = read_yaml(Path(scene.target.credentials) / CLOUDS_YAML).get("clouds")
        if isinstance(clouds, Mapping):
            return {str(name): settings for name, settings in clouds.items()}
    return {}


def _try(config: Config, scene: Scene) -> list[words.Counted]:
    """The configuration's clouds, with their servers; what does not work is told."""
    scene.person.tell(
        f"{shown(scene.target.config, 4096)} exists: signing in with it, to try it (no console is asked for):"
    )
    clouds = api_clouds_of(config)
    answers = trial.servers(clouds, scene.clock)
    tried = []
    for cloud in clouds:
        answer = answers[cloud.name]
        if isinstance(answer, CloudError):
            scene.person.warn(f"  {shown(str(answer), 1000)}")
            continue
        tried.append(words.Counted(cloud.name, answer))
        scene.person.tell(words.counted(tried[-1]))
    return tried
