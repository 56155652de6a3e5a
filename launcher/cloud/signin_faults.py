"""What may go wrong in a sign-in, as an error of this project.

keystoneauth1 reads only some shapes of a refusal and hides others behind `DiscoveryFailure`, so the reply itself is
read again here. Its exceptions hold the request, credentials included: only chosen parts of them get into a message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import keystoneauth1.exceptions as theirs
import openstack.exceptions

from launcher.cloud import wire
from launcher.cloud.transport import ReplyTooLargeError
from launcher.errors import CloudCredentialsError, CloudError, CloudReplyError, CloudUnreachableError, LauncherError

_MISSHAPEN: Final[tuple[type[Exception], ...]] = (
    theirs.ClientException,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    OSError,
)
"""What a reply that is shaped unlike anything expected makes the libraries raise."""

_SECRET_KEYS: Final = frozenset({"password", "secret", "apiKey", "passcode"})
"""The keys that credentials stand behind in a sign-in's body, in Identity v2.0, v3 and Rackspace's."""
_REQUIRED = re.compile(r"(\w{1,40}) is a required attribute")
"""How keystoneauth1's generic plugins name what an entry lacks, in a plain `Exception`."""
_DEPTH = 8


def fault_of_signin(cloud: str, error: Exception, now: datetime) -> LauncherError:
    """The error that an exception of keystoneauth1, openstacksdk or a plugin means."""
    missing = _REQUIRED.fullmatch(str(error))
    if missing:
        return CloudCredentialsError(f"{cloud} cannot sign in: clouds.yaml does not say {missing[1]}.", cloud=cloud)
    for cause in _chain(error):
        if isinstance(cause, theirs.HttpError) and cause.response is not None:
            return _refused(cloud, _reply(cause.response), now)
        if isinstance(cause, theirs.InvalidResponse):
            reply = _reply(cause.response)
            return wire.unusable(cloud, reply, "an Identity service's answer", "Is its auth_url an Identity service's?")
        if isinstance(cause, theirs.ConnectionError):
            return _unreachable(cloud, cause)
    return _unusable_entry(cloud, error)


def _chain(error: BaseException) -> Iterator[Any]:
    """The exception, and those it was raised for."""
    cause: BaseException | None = error
    for _ in range(_DEPTH):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__


def _reply(response: Any) -> wire.Reply:
    """The reply, without the credentials: an Identity service may repeat what it was sent."""
    headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
    content = response.content
    for secret in _sent_secrets(getattr(response.request, "body", None)):
        content = content.replace(secret.encode(), b"***")
    return wire.Reply(response.status_code, headers, content, asked_at=0.0)


def _sent_secrets(body: bytes | str | None) -> Iterator[str]:
    """The credentials in a sign-in's JSON body."""
    try:
        found = [json.loads(body or "null")]
    except ValueError:
        return
    while found:
        value = found.pop()
        if isinstance(value, dict):
            yield from (text for key, text in value.items() if key in _SECRET_KEYS and isinstance(text, str) and text)
            found += value.values()
        elif isinstance(value, list):
            found += value


def _refused(cloud: str, reply: wire.Reply, now: datetime) -> LauncherError:
    """Identity said no: 401, 403, and 404 in JSON for an application credential that it does not know."""
    message = wire.said(reply)
    because = f": {message}" if message else ""
    if reply.status == 401 or (reply.status == 404 and message):
        text = f"{cloud} does not accept the gateway's credentials{because}. Check user name and password or key."
    elif reply.status == 403:
        text = f"{cloud} does not let the gateway's account sign in{because}."
    elif reply.status == 404:
        text = f"{cloud}: there is no Identity service at its auth_url (404). Check the URL."
        return CloudReplyError(text, cloud=cloud, request_id=reply.request_id, status=reply.status)
    else:
        return wire.fault_of(cloud, reply, now)
    return CloudCredentialsError(text, cloud=cloud, request_id=reply.request_id)


def _unreachable(cloud: str, error: Any) -> CloudError:
    """No connection, no TLS, no whole reply in time."""
    url = re.search(r"https?://[^\s/?#@]+", str(error))
    place = f" at {url[0]}" if url else ""
    message = f"{cloud}: its Identity service{place} cannot be reached: {_why(error)}."
    return CloudUnreachableError(message, cloud=cloud)


def _why(error: Any) -> str:
    if isinstance(error, theirs.SSLError):
        return "its TLS certificate or handshake cannot be trusted; name its CA in cacert"
    if isinstance(error, theirs.ConnectTimeout):
        return "no answer in time"
    if isinstance(getattr(error, "original", None), ReplyTooLargeError):
        return f"its answer is larger than {wire.REPLY_LIMIT // 1024**2} MiB"
    system = (cause.strerror for cause in _chain(error) if isinstance(cause, OSError) and cause.strerror)
    return next(system, "no connection, or it broke off")


def _unusable_entry(cloud: str, error: Exception) -> CloudError:
    """What remains: an entry that lacks something, a region it does not list, a catalog without servers."""
    if isinstance(error, theirs.MissingRequiredOptions):
        options = ", ".join(str(option.dest) for option in error.options)
        return CloudCredentialsError(f"{cloud} cannot sign in: clouds.yaml does not say {options}.", cloud=cloud)
    if isinstance(error, theirs.NoMatchingPlugin):
        reason = f'clouds.yaml names the auth_type "{wire.clean(str(error.name))}", which is not installed'
        return CloudCredentialsError(f"{cloud} cannot sign in: {reason}.", cloud=cloud)
    if isinstance(error, theirs.OptionError):
        return CloudCredentialsError(f"{cloud} cannot sign in by clouds.yaml: {wire.clean(str(error))}", cloud=cloud)
    if isinstance(error, openstack.exceptions.ConfigException) and str(error).startswith("Region "):
        return CloudReplyError(f"{cloud}: {wire.clean(str(error))}", cloud=cloud)
    if isinstance(error, openstack.exceptions.ConfigException | theirs.AuthPluginException):
        return CloudCredentialsError(f"{cloud} cannot sign in: its entry in clouds.yaml cannot be used.", cloud=cloud)
    if isinstance(error, theirs.CatalogException):
        return CloudReplyError(f"{cloud}: this account's catalog is empty.", cloud=cloud)
    if isinstance(error, _MISSHAPEN):
        return CloudReplyError(f"{cloud}: what answers at its auth_url does not speak Identity.", cloud=cloud)
    reason = "its entry in clouds.yaml cannot be used; does it say all that its auth_type asks for, the secret too?"
    return CloudCredentialsError(f"{cloud} cannot sign in: {reason}", cloud=cloud)
