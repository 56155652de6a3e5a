"""What a cloud's refusal means: every fault shape to one error with a sentence of its own. Pure.

Shapes: Nova's legacy v2 and v2.1 (a fault is one key that names it, its value holds `message`), and what
keystonemiddleware and Repose say in front of them (`error`, a bare `message`, plain text, HTML, nothing at all). The
status decides, and where one status stands for several things, the message. A sentence says what is wrong, then what
to do; what the whole class of errors asks for stands in `launcher.web.problems`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from launcher.cloud.reply import REPLY_LIMIT, Reply, said
from launcher.cloud.retry_after import retry_after
from launcher.errors import (
    CloudBusyError,
    CloudCredentialsError,
    CloudReplyError,
    ConsoleRefusedError,
    HostSilentError,
    KindNotOfferedError,
    LauncherError,
    ServerNotFoundError,
)
from launcher.spans import span

_NO_SUCH_PATH = frozenset({"", "The resource could not be found"})
"""What Nova says of a path, or of an action at a microversion, that it has not; of a server it names the server."""
_NO_SUCH_KIND = re.compile(r"(Invalid|Unavailable) console type|field/attribute type\b")
_EXCEPTION = re.compile(r"<class '(?:\w{1,80}\.){0,8}(\w{1,80})'>")
"""How Nova names what it did not foresee, at the end of "Unexpected API Error …"."""
_CHECK = "Check that its endpoint is that of a Compute API, v2 or v2.1."


@dataclass(frozen=True, slots=True)
class About:
    """What the refused request asked for; empty is what it had not."""

    server_id: str = ""
    kind: str = ""
    """Of the console."""
    provider: str = ""
    """Of the cloud, as the configuration says it."""
    tokenless: bool = False
    """The configuration has no API token for a cloud without Identity."""


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is known of a refused request, ready to be put in words."""

    cloud: str
    reply: Reply
    about: About
    message: str
    """The cloud's own, or nothing."""
    wait: float | None

    @property
    def said(self) -> str:
        """The cloud's own message behind a colon, or nothing."""
        return f": {self.message}" if self.message else ""

    @property
    def exception(self) -> str:
        """The exception that Nova did not foresee, or nothing."""
        found = _EXCEPTION.search(self.message)
        return found[1] if found else ""

    @property
    def named(self) -> dict[str, Any]:
        """What every error of a cloud holds."""
        return {"cloud": self.cloud, "request_id": self.reply.request_id}

    def unusable(self, sentence: str) -> CloudReplyError:
        """The error for what is nobody's to mend but the operators'."""
        return CloudReplyError(sentence, status=self.reply.status, **self.named)


def fault_of(cloud: str, reply: Reply, now: datetime) -> LauncherError:
    """The error that any service's refusal means; `now` is our wall clock in UTC, where the cloud's is not told."""
    fault = _Fault(cloud, reply, About(), said(reply), retry_after(reply, now))
    return _ANYWHERE.get(reply.status, _other)(fault)


def compute_fault(cloud: str, reply: Reply, now: datetime, about: About) -> LauncherError:
    """The error that the Compute API's refusal of a request about this means."""
    fault = _Fault(cloud, reply, about, said(reply), retry_after(reply, now))
    return _COMPUTE.get(reply.status, _other)(fault)


def no_such_path(reply: Reply) -> bool:
    """Whether the API itself says that it has no such path, rather than no such server."""
    return reply.status == 404 and bool(reply.fault) and said(reply) in _NO_SUCH_PATH


def unusable(cloud: str, reply: Reply, wanted: str, advice: str = _CHECK) -> CloudReplyError:
    """The error for a good status whose body is not what was asked for."""
    kind = reply.media_type or "unknown"
    message = f"{cloud} answered with status {reply.status}, but its {kind} body is not {wanted}. {advice}"
    return CloudReplyError(message, cloud=cloud, request_id=reply.request_id, status=reply.status)


def redirected(cloud: str, reply: Reply) -> CloudReplyError:
    """The error for a redirect."""
    message = f"{cloud} answered with a redirect ({reply.status}), which is never followed. {_CHECK}"
    return CloudReplyError(message, cloud=cloud, request_id=reply.request_id, status=reply.status)


def too_large(cloud: str, reply: Reply) -> CloudReplyError:
    """The error for a body of more than `REPLY_LIMIT`."""
    message = f"{cloud} answered with more than {REPLY_LIMIT // 1024**2} MiB. {_CHECK}"
    return CloudReplyError(message, cloud=cloud, request_id=reply.request_id, status=reply.status)


# By status


def _malformed(fault: _Fault) -> LauncherError:
    """400."""
    if fault.about.kind and _NO_SUCH_KIND.search(fault.message):
        return _no_such_kind(fault)
    if "project_id" in fault.message:
        sentence = f"{fault.cloud}: the project in its endpoint is not that of the API token. Check the endpoint."
        return fault.unusable(sentence)
    return fault.unusable(f"{fault.cloud} takes the request for malformed (status 400){fault.said}. {_CHECK}")


def _no_such_kind(fault: _Fault) -> LauncherError:
    """400 and 500 with words about the kind, and 501."""
    kind = fault.about.kind
    sentence = f"{fault.cloud} has no {kind} console for this server. Ask for another kind."
    # "Unavailable", and 501, are of the server's host; "invalid" is what the cloud does not know at all.
    of_the_host = fault.reply.status == 501 or "navailable" in fault.message
    return KindNotOfferedError(sentence, kind=kind, everywhere=not of_the_host, **fault.named)


def _token(fault: _Fault) -> LauncherError:
    """401, after the API token was renewed."""
    if fault.about.tokenless:
        sentence = f"{fault.cloud} wants an API token{fault.said}. Give its entry one (api_token)."
    elif fault.about.provider == "none":
        sentence = f"{fault.cloud} does not accept the API token{fault.said}. Replace the one that its api_token names."
    else:
        sentence = (
            f"{fault.cloud} does not accept the API token, nor a new one{fault.said}. Check the account that the "
            "gateway uses there."
        )
    return CloudCredentialsError(sentence, **fault.named)


def _role(fault: _Fault) -> LauncherError:
    """403. A reader, and at Rackspace an observer or creator, may list but gets no console."""
    rackspace = fault.about.provider == "rackspace"
    if fault.about.kind:
        does, role, lesser = "give consoles to", "role member in the server's project", "reader"
        if rackspace:
            role, lesser = "role admin for Cloud Servers", "observer or creator"
        advice = f"It needs the {role}; {lesser} is not enough."
    else:
        does = "show its servers to"
        advice = "It needs the role reader in the project, and credentials that name the project."
        if rackspace:
            advice = "It needs a role for Cloud Servers."
    sentence = f"{fault.cloud} does not {does} the gateway's account{fault.said}. {advice}"
    return CloudCredentialsError(sentence, **fault.named)


def _not_found(fault: _Fault) -> LauncherError:
    """404: the server (or, for a console, what its host has of it), the path, or the API itself."""
    if fault.about.kind and no_such_path(fault.reply):
        sentence = f"{fault.cloud} knows no request for consoles at its endpoint (status 404). {_CHECK}"
        return fault.unusable(sentence)
    if fault.about.server_id and "itemNotFound" in fault.reply.document:
        sentence = f"{fault.cloud} has no server {fault.about.server_id}."
        if fault.about.kind:  # the API may know it, and its host may not
            sentence = f"{fault.cloud} finds no server {fault.about.server_id} to give a console of."
        return ServerNotFoundError(sentence, request_id=fault.reply.request_id)
    return _in_front(fault) if fault.about.server_id else _no_such_request(fault)


def _no_such_request(fault: _Fault) -> LauncherError:
    """405, and 404 for a listing."""
    if not fault.reply.fault:
        return _in_front(fault)
    status = fault.reply.status
    return fault.unusable(
        f"{fault.cloud} knows no such request at its endpoint (status {status}){fault.said}. {_CHECK}"
    )


def _in_front(fault: _Fault) -> LauncherError:
    """404 and 405 in another shape than the API's own: of a front end, or of another service."""
    status, kind = fault.reply.status, fault.reply.media_type or "no type"
    return fault.unusable(
        f"{fault.cloud}: what answers at its endpoint is no Compute API (status {status}, {kind}). {_CHECK}"
    )


def _version(fault: _Fault) -> LauncherError:
    """406."""
    sentence = f"{fault.cloud} does not speak the version of the API that was asked for (status 406){fault.said}."
    return fault.unusable(f"{sentence} {_CHECK}")


def _conflict(fault: _Fault) -> LauncherError:
    """409."""
    if not fault.about.kind:
        return _other(fault)
    sentence = f"{fault.cloud} gives no console in the server's present state{fault.said}."
    return ConsoleRefusedError(sentence, **fault.named)


def _limited(fault: _Fault) -> LauncherError:
    """413 and 429."""
    what = "consoles" if fault.about.kind else "requests"
    sentence = f"{fault.cloud} allows no more {what} and asks for patience{_for_how_long(fault)}{fault.said}."
    return CloudBusyError(sentence, retry_after=fault.wait, **fault.named)


def _broken(fault: _Fault) -> LauncherError:
    """500: some of what Nova did not foresee is well known."""
    console = _UNFORESEEN.get(fault.exception) if fault.about.kind else None
    if console is not None:
        return console(fault)
    why = f": {fault.exception}" if fault.exception else fault.said
    return fault.unusable(f"{fault.cloud} has a fault of its own (status 500){why}. Its operator must look at it.")


def _moving(fault: _Fault) -> LauncherError:
    """500 of `remote-consoles`, and of Nova before 2022, where the action says 409."""
    sentence = f"{fault.cloud} gives no console in the server's present state: it is being moved or deleted."
    return ConsoleRefusedError(sentence, **fault.named)


def _silent_host(fault: _Fault) -> LauncherError:
    """500 after Nova's own time limit."""
    sentence = f"{fault.cloud}: the server's host does not answer the cloud (status 500, MessagingTimeout)."
    return HostSilentError(f"{sentence} Its operator must look at that host.", status=fault.reply.status, **fault.named)


def _not_implemented(fault: _Fault) -> LauncherError:
    """501."""
    return _no_such_kind(fault) if fault.about.kind else _other(fault)


def _nothing_behind(fault: _Fault) -> LauncherError:
    """502 and 504, of what stands in front of the API."""
    how = "no usable answer" if fault.reply.status == 502 else "no answer in time"
    sentence = (
        f"{fault.cloud}: its front end has {how} from the API behind it (status {fault.reply.status}){fault.said}."
    )
    return fault.unusable(f"{sentence} Try again.")


def _unavailable(fault: _Fault) -> LauncherError:
    """503: of Repose or Nova, or of keystonemiddleware, which cannot ask Identity about our API token."""
    deaf = _is_keystonemiddleware(fault.reply)
    what = "cannot ask its Identity service about the API token" if deaf else "is busy"
    sentence = f"{fault.cloud} {what} and asks for patience{_for_how_long(fault)}{fault.said}."
    return CloudBusyError(sentence, retry_after=fault.wait, **fault.named)


def _other(fault: _Fault) -> LauncherError:
    status, why = fault.reply.status, fault.said or " and no message that can be read"
    return fault.unusable(f"{fault.cloud} answered with status {status}{why}.")


_ANYWHERE: Final[Mapping[int, Callable[[_Fault], LauncherError]]] = {
    413: _limited,
    429: _limited,
    500: _broken,
    502: _nothing_behind,
    503: _unavailable,
    504: _nothing_behind,
}
_COMPUTE: Final[Mapping[int, Callable[[_Fault], LauncherError]]] = {
    **_ANYWHERE,
    400: _malformed,
    401: _token,
    403: _role,
    404: _not_found,
    405: _no_such_request,
    406: _version,
    409: _conflict,
    501: _not_implemented,
}
_UNFORESEEN: Final[Mapping[str, Callable[[_Fault], LauncherError]]] = {
    "InstanceInvalidState": _moving,
    "ConsoleTypeInvalid": _no_such_kind,
    "ConsoleTypeUnavailable": _no_such_kind,
    "MessagingTimeout": _silent_host,
}


def _is_keystonemiddleware(reply: Reply) -> bool:
    """Its 503 is webob's bare object, whose `code` is a whole status line, or (until 2016) one line of plain text."""
    bare = str(reply.document.get("code", "")).startswith("503 ")
    return bare or (reply.media_type == "text/plain" and reply.body.strip().lower() == b"service unavailable")


def _for_how_long(fault: _Fault) -> str:
    return f" for {span(fault.wait)}" if fault.wait else ""
