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
from urllib.parse import urlsplit

import keystoneauth1.exceptions as theirs
import openstack.exceptions

from launcher.cloud import wire
from launcher.cloud.sent import asks_for_access_token, sent_secrets
from launcher.cloud.tls_faults import distrust
from launcher.cloud.transport import ReplyTooLargeError
from launcher.egress import AddressRefusedError
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

_REQUIRED = re.compile(r"(\w{1,40}) is a required attribute")
"""How keystoneauth1's generic plugins name what an entry lacks, in a plain `Exception`."""
_DEPTH = 8
_ALERTS: Final = {
    "ALERT_CERTIFICATE_REQUIRED": "it wants a client certificate; name one in cert and key of clouds.yaml",
    "ALERT_UNKNOWN_CA": "it does not know who signed the client certificate",
    "ALERT_BAD_CERTIFICATE": "it does not accept the client certificate",
    "ALERT_CERTIFICATE_EXPIRED": "the client certificate is over",
    "ALERT_CERTIFICATE_REVOKED": "the client certificate was revoked",
}
"""What a server says of the client's certificate (RFC 8446 §6.2), as OpenSSL spells it."""
_MULTI_FACTOR = (
    "its user signs in with multi-factor authentication, and a daemon has no one to ask for the code. Use the user's "
    "API key: write api_key: {credential: NAME} in place of password."
)
_FORBIDDEN_V2 = " Either this user is disabled, or multi-factor authentication is enforced and not set up yet."
_CHECK_CLIENT = "Check client_id and client_secret in clouds.yaml."


def fault_of_signin(cloud: str, error: Exception, now: datetime) -> LauncherError:
    """The error that an exception of keystoneauth1, openstacksdk or a plugin means."""
    missing = _REQUIRED.fullmatch(str(error))
    if missing:
        return CloudCredentialsError(f"{cloud} cannot sign in: clouds.yaml does not say {missing[1]}.", cloud=cloud)
    for cause in _chain(error):
        if isinstance(cause, theirs.HttpError) and cause.response is not None:
            return _refused(cloud, cause.response, now)
        if isinstance(cause, theirs.MissingAuthMethods):
            return _factors_missing(cloud, cause)
        if isinstance(cause, theirs.InvalidResponse):
            reply = _reply(cause.response)
            return wire.unusable(cloud, reply, "an Identity service's answer", "Is its auth_url an Identity service's?")
        if isinstance(cause, theirs.ConnectionError):
            return _unreachable(cloud, cause)
    return _unusable_entry(cloud, error)


def refusal_of_token(cloud: str, error: Any) -> CloudCredentialsError | None:
    """What `Unauthorized` and `NotFound` mean where the credentials are a token; None: nothing of its own."""
    if error.response is None:
        return None
    reply = _reply(error.response)
    message = wire.said(reply)
    if reply.status != 401 and not message:
        return None
    text = (
        f"{cloud}: the token in clouds.yaml is over or was revoked{_because(message)}. A token cannot be renewed: "
        "put a new one there or, better, an application credential."
    )
    return CloudCredentialsError(text, cloud=cloud, request_id=reply.request_id)


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
    request = response.request
    for secret in sent_secrets(getattr(request, "body", None), getattr(request, "headers", {})):
        for spelt in (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
            content = content.replace(spelt.encode(), b"***")
    return wire.Reply(response.status_code, headers, content, asked_at=0.0)


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _because(message: str) -> str:
    return f": {message}" if message else ""


def _refused(cloud: str, response: Any, now: datetime) -> LauncherError:
    """Identity, or a provider that it trusts, said no."""
    reply = _reply(response)
    text = _words_of_refusal(cloud, response, reply)
    if text is not None:
        return CloudCredentialsError(text, cloud=cloud, request_id=reply.request_id)
    if reply.status == 404 and asks_for_access_token(getattr(response.request, "body", None)):
        text = f"{cloud}: {_origin(response.url)} has no such token endpoint (404). Check access_token_endpoint."
    elif reply.status == 404:
        text = f"{cloud}: there is no Identity service at its auth_url (404). Check the URL."
    elif reply.status == 409:  # from a Compute API it is about a server's state
        text = f"{cloud}: its Identity service answered with status 409{_because(wire.said(reply))}."
    else:
        return wire.fault_of(cloud, reply, now)
    return CloudReplyError(text, cloud=cloud, request_id=reply.request_id, status=reply.status)


def _words_of_refusal(cloud: str, response: Any, reply: wire.Reply) -> str | None:
    """What to say of refused credentials: 401, 403, and 404 in JSON for an application credential that is not known."""
    provider = _oauth_refusal(reply) if asks_for_access_token(getattr(response.request, "body", None)) else None
    if provider is not None:
        place = _origin(response.url)
        return f"{cloud} cannot sign in: its OpenID Connect provider at {place} says no: {provider}. {_CHECK_CLIENT}"
    because = _because(wire.said(reply))
    if reply.status == 401 and reply.headers.get("www-authenticate", "").startswith("OS-MF"):
        return f"{cloud} cannot sign in: {_MULTI_FACTOR}"
    if reply.status == 401 or (reply.status == 404 and because):
        return f"{cloud} does not accept the gateway's credentials{because}. Check user name and password or key."
    if reply.status == 403:
        more = _FORBIDDEN_V2 if urlsplit(str(response.url)).path.endswith("/v2.0/tokens") else ""
        return f"{cloud} does not let the gateway's account sign in{because}.{more}"
    return None


def _oauth_refusal(reply: wire.Reply) -> str | None:
    """What a token endpoint said no with (RFC 6749 §5.2); None for any other reply."""
    document = _json(reply.body)
    error = document.get("error") if isinstance(document, dict) else None
    if reply.status not in {400, 401, 403} or not isinstance(error, str) or not error:
        return None
    description = document.get("error_description")
    return wire.clean(f"{error}: {description}" if isinstance(description, str) else error).rstrip(".")


def _factors_missing(cloud: str, error: Any) -> CloudCredentialsError:
    """Keystone's own way to ask for more than a password: a receipt."""
    text = (
        f"{cloud} cannot sign in: its user must sign in in several ways at once, and a daemon has nobody to ask. "
        "Put an application credential of that user into clouds.yaml."
    )
    return CloudCredentialsError(text, cloud=cloud, request_id=_reply(error.response).request_id)


def _origin(url: object) -> str:
    parts = urlsplit(str(url))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _unreachable(cloud: str, error: Any) -> CloudError:
    """No connection, no TLS, no whole reply in time."""
    url = re.search(r"https?://[^\s/?#@]+", str(error))
    place = f" at {url[0]}" if url else ""
    refused = next((cause for cause in _chain(error) if isinstance(cause, AddressRefusedError)), None)
    if refused is not None:
        mend = (
            "Correct the auth_url, or what the name in it resolves to; or Identity names versions of itself elsewhere"
        )
        message = f"{cloud}: its Identity service{place} is not dialled: {refused}. {mend}."
        return CloudUnreachableError(message, cloud=cloud)
    message = f"{cloud}: its Identity service{place} cannot be reached: {_why(error)}."
    return CloudUnreachableError(message, cloud=cloud)


def _why(error: Any) -> str:
    for alert, meaning in _ALERTS.items():
        if any(alert in str(cause).upper().replace(" ", "_") for cause in _chain(error)):
            return meaning
    if isinstance(error, theirs.SSLError):
        if "EOF occurred" in str(error):
            return "it broke the TLS handshake off; perhaps it wants a client certificate (cert and key of clouds.yaml)"
        return distrust(error)
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
    if isinstance(error, openstack.exceptions.ConfigException | theirs.AuthPluginException):
        return CloudCredentialsError(f"{cloud} cannot sign in: its entry in clouds.yaml cannot be used.", cloud=cloud)
    if isinstance(error, theirs.CatalogException):
        return CloudReplyError(f"{cloud}: this account's catalog is empty.", cloud=cloud)
    if isinstance(error, _MISSHAPEN):
        return CloudReplyError(f"{cloud}: what answers at its auth_url does not speak Identity.", cloud=cloud)
    reason = "its entry in clouds.yaml cannot be used; does it say all that its auth_type asks for, the secret too?"
    return CloudCredentialsError(f"{cloud} cannot sign in: {reason}", cloud=cloud)
