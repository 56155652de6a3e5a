"""Every error that this project raises, by who must act.

    LauncherError
    ├── ConfigError(problems)               the operator: all problems of a configuration at once
    ├── ListenError                         the operator: an address that cannot be listened on
    ├── SetupError(fault)                   the operator: what keeps `init` from setting the gateway up
    ├── RequestError                        the caller
    │   ├── NotSignedInError
    │   ├── ForbiddenError
    │   ├── MisdirectedError(name)          the Host header names somebody else
    │   ├── BadRequestError
    │   ├── NotFoundError                   a path, launch or session that is not there
    │   ├── ServerNotFoundError(request_id)
    │   │   └── CloudNotFoundError          there is no cloud of this name
    │   ├── AmbiguousServerError(candidates)
    │   ├── LoopDetectedError               a session came back to a gateway that it had passed
    │   ├── TooManySessionsError
    │   ├── TooManyConnectionsError
    │   ├── TooManyLookupsError(retry_after)
    │   ├── LogFullError                    nothing reads the gateway's log, and this must be in it
    │   └── GatewayStoppingError
    ├── CloudError(cloud, request_id,       the cloud
    │   │          retry_after)
    │   ├── CloudUnreachableError
    │   ├── CloudBusyError
    │   ├── CloudCredentialsError
    │   ├── CloudReplyError(status)
    │   │   └── HostSilentError             the server's host does not answer the cloud
    │   ├── KindNotOfferedError(kind)       the cloud has no consoles of this kind
    │   └── ConsoleRefusedError(state, hint)
    └── UpstreamError                       the console proxy
        ├── UpstreamUnreachableError
        ├── UpstreamStaleError              it ended before its first bytes: the console is stale
        └── UpstreamProtocolError

A message is one plain sentence, fit for a person, without any secret. The HTTP status, the close code and the hint of
each stand in one table, `launcher.web.problems`.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from launcher.model import Server


class LauncherError(Exception):
    """The root; never raised itself."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing wrong in a configuration: where, and what."""

    file: str
    line: int | None
    key: str
    """Dotted path of the key, empty for the file as a whole."""
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f"{self.key}: " if self.key else ""
        return f"{place} {key}{self.message}" if self.key else f"{place}: {self.message}"


class ConfigError(LauncherError):
    """The configuration cannot be used; `problems` holds every reason found."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class ListenError(LauncherError):
    """An address of `listen` cannot be listened on."""


class SetupFault(enum.Enum):
    """What kind of thing keeps `init` from its work."""

    USAGE = "usage"
    """An option is missing or wrong."""
    REFUSED = "refused"
    """A cloud, or this machine, does not let the account do it."""
    UNWRITABLE = "unwritable"
    """Files cannot be written."""


class SetupError(LauncherError):
    """The gateway cannot be set up, and nothing was written; `advice` are lines that say what to do."""

    def __init__(self, message: str, fault: SetupFault, *advice: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.advice = advice


class RequestError(LauncherError):
    """The caller must change what it asks."""


class NotSignedInError(RequestError):
    """Nobody known asks."""


class ForbiddenError(RequestError):
    """The actor is known and may not do this; `hint` is what that person can do, if anything but asking is known."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class MisdirectedError(RequestError):
    """The request names a host that this gateway is not."""

    def __init__(self, name: str) -> None:
        super().__init__(f'This gateway does not answer to the name "{name}".')
        self.name = name


class BadRequestError(RequestError):
    """The request itself is malformed."""


class NotFoundError(RequestError):
    """No such path, launch or session."""


class ServerNotFoundError(RequestError):
    """No server answers to the reference; `request_id` is the cloud's own, where a cloud was asked."""

    def __init__(self, message: str, *, request_id: str | None = None) -> None:
        super().__init__(message)
        self.request_id = request_id


class CloudNotFoundError(ServerNotFoundError):
    """No cloud has the name that stands before the server's."""


class AmbiguousServerError(RequestError):
    """Several servers answer to the reference: `candidates`."""

    def __init__(self, message: str, candidates: Sequence[Server]) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class TooManyConnectionsError(RequestError):
    """The gateway holds as many connections as it may, of one account or in all."""


class LoopDetectedError(RequestError):
    """The viewer is a gateway, and its session has passed here already, or too many others."""


class TooManySessionsError(RequestError):
    """The gateway carries as many sessions as it is allowed to."""


class TooManyLookupsError(RequestError):
    """The actor has asked for many servers that nobody knows; `retry_after`: seconds until one more is looked up."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LogFullError(RequestError):
    """What is asked must be put on record, and the log has no room."""


class GatewayStoppingError(RequestError):
    """The gateway goes down and begins nothing new."""


class CloudError(LauncherError):
    """A cloud did not give what was asked of it.

    `retry_after`: seconds after which asking again makes sense, as the cloud said or as we decided; None: not known.
    """

    def __init__(
        self, message: str, *, cloud: str, request_id: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.cloud = cloud
        self.request_id = request_id
        self.retry_after = retry_after


class CloudUnreachableError(CloudError):
    """No answer: name, connection, TLS or time limit."""


class CloudBusyError(CloudError):
    """The cloud asks for patience, or is spared by the gateway's own budget for it."""


class CloudCredentialsError(CloudError):
    """The cloud refuses the credentials, or they lack a role."""


class CloudReplyError(CloudError):
    """The cloud answered something that cannot be used; `status` is its HTTP status, if it had one."""

    def __init__(self, message: str, *, cloud: str, request_id: str | None = None, status: int | None = None) -> None:
        super().__init__(message, cloud=cloud, request_id=request_id)
        self.status = status


class ListingCutError(CloudReplyError):
    """The cloud's list of servers is larger than is read and kept; `servers` are those of it that fitted."""

    def __init__(self, message: str, *, cloud: str, servers: Sequence[Server]) -> None:
        super().__init__(message, cloud=cloud)
        self.servers = tuple(servers)


class HostSilentError(CloudReplyError):
    """The cloud waited in vain for the server's own host; finding that out takes half a minute or a whole one."""


class KindNotOfferedError(CloudError):
    """The cloud has no consoles of the kind that was asked for: none at all (`everywhere`), or none for this server.

    `hint` is what a person can do, where that is not to ask the cloud's operator.
    """

    def __init__(
        self,
        message: str,
        *,
        cloud: str,
        kind: str,
        request_id: str | None = None,
        everywhere: bool = False,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, cloud=cloud, request_id=request_id)
        self.kind = kind
        self.everywhere = everywhere
        self.hint = hint


class ConsoleRefusedError(CloudError):
    """The server's state allows no console now.

    `state` is its status in upper case, `hint` what a person can do about it, if they are known.
    """

    def __init__(
        self,
        message: str,
        *,
        cloud: str,
        request_id: str | None = None,
        state: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, cloud=cloud, request_id=request_id)
        self.state = state
        self.hint = hint


class UpstreamError(LauncherError):
    """The console proxy did not give a screen."""


class UpstreamUnreachableError(UpstreamError):
    """No connection, no TLS, or no word within the time limit."""


class UpstreamStaleError(UpstreamError):
    """It ended before its first bytes: the console token is no longer good."""


class UpstreamProtocolError(UpstreamError):
    """It speaks, but not WebSocket or not RFB."""
