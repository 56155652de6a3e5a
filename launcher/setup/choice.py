"""Which credentials are to be tried: by the options, by what was found, and by what the person answers."""

from __future__ import annotations

import dataclasses

from launcher.config.document import shown
from launcher.config.environment import Surroundings
from launcher.config.translate import did_you_mean
from launcher.config.values import parse_identity_url
from launcher.errors import SetupError, SetupFault
from launcher.model import Secret
from launcher.setup.accounts import Account, Profile, Source, named_apart, short_name
from launcher.setup.asking import Person
from launcher.setup.found import Found, places_looked_at, with_certificates
from launcher.setup.scene import Scene, Wishes
from launcher.setup.words import listed

ALL = "all"


def choose(wishes: Wishes, found: Found, scene: Scene) -> list[Source]:
    """With names of their own, and the certificates that they need. Raises SetupError if there is none."""
    for problem in found.problems:
        scene.person.warn(f"left out: {shown(problem, 4096)}")
    sources = [*_of_found(wishes, found, scene.person), *_account(wishes, found, scene)]
    names = named_apart(source.name for source in sources)
    left: list[Source] = []
    for source, name in zip(sources, names, strict=True):
        try:
            left.append(_complete(_renamed(source, name), scene.around))
        except ValueError as error:
            scene.person.warn(f"left out: {name}: {error}.")
    if not left:
        raise SetupError("no credentials are left to try: nothing was written.", SetupFault.REFUSED)
    return left


def _of_found(wishes: Wishes, found: Found, person: Person) -> list[Source]:
    """Those of clouds.yaml and `OS_*` that are wanted: all, unless options say otherwise. Raises SetupError."""
    there = {source.profile: source for source in found.sources}
    if not wishes.clouds and _wants_account(wishes):
        if there:
            person.warn(f"left out, for a Rackspace account is asked for: {listed(there)} (--cloud NAME takes one in)")
        return []
    for name in wishes.clouds:
        if name not in there and name != ALL:
            near = did_you_mean(name, there)
            has = listed(there) or "none was found"
            raise SetupError(f'there is no cloud "{shown(name)}" (there are: {has}).{near}', SetupFault.USAGE)
    if not wishes.clouds or ALL in wishes.clouds:
        return list(there.values())
    return [there[name] for name in dict.fromkeys(wishes.clouds)]


def _wants_account(wishes: Wishes) -> bool:
    return any(wish is not None for wish in (wishes.rackspace_user, wishes.api_key, wishes.identity_url))


def _account(wishes: Wishes, found: Found, scene: Scene) -> list[Source]:
    """The Rackspace account that is asked for, or that is the only way left. Raises SetupError."""
    if not _wants_account(wishes):
        if found.sources:
            return []
        if not scene.person.interactive:
            raise SetupError(_not_found(scene.around), SetupFault.USAGE, *_ELSE)
        scene.person.tell(f"{_not_found(scene.around)}\nFor a Rackspace account (Ctrl-C leaves):")
    username = wishes.rackspace_user or _asked_user(scene.person)
    key = wishes.api_key or _asked_key(scene.person, username)
    name = short_name(wishes.name or "rax")
    return [Account(name, username, key, f"the Rackspace user {username}", auth_url=wishes.identity_url)]


def _asked_user(person: Person) -> str:
    if not person.interactive:
        raise SetupError(f"--rackspace-user NAME is missing{_NOBODY}", SetupFault.USAGE)
    answer = person.ask("Rackspace user name: ")
    if not answer:
        raise SetupError("no user name was given: nothing was written.", SetupFault.USAGE)
    return answer


def _asked_key(person: Person, username: str) -> Secret:
    if not person.interactive:
        raise SetupError(f"--api-key-file FILE (- for standard input) is missing{_NOBODY}", SetupFault.USAGE)
    key = person.ask_secret(f"API key of {shown(username)} (it is not shown): ")
    if not key:
        raise SetupError("no API key was given: nothing was written.", SetupFault.USAGE)
    return key


_NOBODY = ": nobody can be asked, because this is no terminal."
_ELSE = (
    "Put a clouds.yaml into one of these folders, or name a Rackspace account:",
    "console-launcher init --rackspace-user NAME --api-key-file FILE   (- for standard input)",
)


def _not_found(around: Surroundings) -> str:
    places = ", ".join(places_looked_at(around))
    sudo = " (sudo may have kept it from this command)" if around.sudo_user else ""
    return f"There is no clouds.yaml that can be used (in {places}), and OS_AUTH_URL is not set{sudo}."


def _renamed(source: Source, name: str) -> Source:
    """A cloud of `OS_*` is called the same in the clouds.yaml that is made for it."""
    if isinstance(source, Profile) and not source.in_files:
        return dataclasses.replace(source, name=name, profile=name)
    return dataclasses.replace(source, name=name)


def _complete(source: Source, around: Surroundings) -> Source:
    """Raises ValueError."""
    if isinstance(source, Profile):
        return with_certificates(source, around)
    if not source.username or not source.api_key:
        raise ValueError("its entry in clouds.yaml says no username or no api_key")
    if source.auth_url is not None:
        parse_identity_url(source.auth_url)  # before the key is sent there
    return source
