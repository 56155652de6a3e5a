"""The arguments of the commands that ask a running gateway."""

from __future__ import annotations

import argparse
import re
from importlib import import_module
from pathlib import Path

from launcher.cli.arguments import Group, add_gateway, add_json, add_patience, add_where, port_number
from launcher.cli.exits import ALL, ASKING, Exit
from launcher.model import CLOUD_KINDS, Kind

_COUNT = re.compile("[1-9][0-9]{0,8}")
_LISTING = {**ASKING, Exit.TRY_AGAIN: ALL[Exit.TRY_AGAIN]}
_NAMING = {
    **ASKING,
    Exit.REFUSED: "the gateway says no: there is no such server, or several",
    Exit.TRY_AGAIN: "a cloud did not answer or asks for patience",
}
_REFERENCE = """REFERENCE is
  cloud/name   as in the list that "console-launcher servers" prints
  cloud/uuid   always that server, whatever it is called
  an alias     as the operator set it in the configuration
  a name       that only one server has, among all clouds"""


def add_asking(group: Group) -> None:
    """Every command that asks a running gateway."""
    _add_servers(group)
    _add_clouds(group)
    _add_url(group)
    _add_open(group)
    _add_vnc(group)
    _add_console_url(group)
    _add_sessions(group)
    _add_end(group)
    _add_doctor(group)


def _add_servers(group: Group) -> None:
    parser = group.add(
        "servers",
        "list the servers of all clouds",
        ends={**_LISTING, Exit.REFUSED: "the gateway says no: there is no such cloud"},
        about="""With QUERY only those in which every word stands, anywhere in the server's name, cloud,
state, task or UUID; as on the page, in capitals or not.

On a terminal the table is cut to its width. In a file or a pipe it is whole: one line a
server below the line of titles, a tab between the cells, and what is no visible character
written as \\n, \\x1b or \\u202e. --json prints what the gateway's API answers.

A cloud that does not answer hides no other: its problem is told on standard error (with
--json: in "errors"), and the exit code is 75.""",
        examples="""# every server
console-launcher servers
# those with "web" in their name, in one cloud, that run
console-launcher servers web active --cloud prod
# the bookmarks of all servers that run
console-launcher servers --json | jq -r '.servers[] | select(.status=="ACTIVE").page'""",
    )
    parser.add_argument(
        "query",
        metavar="QUERY",
        nargs="*",
        help="a word that must stand in a server's name, cloud, state or UUID",
    )
    _complete(parser.add_argument("--cloud", metavar="NAME", help="only this cloud's"), "clouds")
    parser.add_argument("--limit", metavar="N", type=_count, help="at most so many (default: all)")
    add_json(parser)
    add_gateway(parser)


def _add_clouds(group: Group) -> None:
    parser = group.add(
        "clouds",
        "list the clouds, and how many servers each has",
        ends=_LISTING,
        about="""A cloud that does not answer has the number of servers that are known of it, or a "?"; its
problem, and as of when they are counted, are told on standard error (with --json: in "problem"
and "as_of"), and the exit code is 75.""",
        examples="""# which clouds there are, and whether they answer
console-launcher clouds""",
    )
    add_json(parser)
    add_gateway(parser)


def _add_url(group: Group) -> None:
    parser = group.add(
        "url",
        "print the bookmark of a server's console page",
        ends=_NAMING,
        about=f"""The address begins with the first of the gateway's public_urls and holds no secret: it is
good for years, for everybody who may use the gateway. An alias is a bookmark of its own.

{_REFERENCE}""",
        examples="""# an address to keep
console-launcher url prod/web-01
# one whose page shows the screen and sends nothing
console-launcher url prod/web-01 --view-only""",
    )
    _add_reference(parser)


def _add_open(group: Group) -> None:
    parser = group.add(
        "open",
        "open a server's console page in the browser",
        ends=_NAMING,
        module="open_page",
        about=f"""Where no browser can be shown (no display, or over SSH), the address is printed, to be
opened on your own machine. $BROWSER names another browser.

{_REFERENCE}""",
        examples="""# look at a screen now
console-launcher open prod/web-01""",
    )
    _add_reference(parser)


def _add_vnc(group: Group) -> None:
    parser = group.add(
        "vnc",
        "show a server's screen in a native viewer",
        ends={
            **_NAMING,
            Exit.REFUSED: "the gateway says no, or ended the session: there is no such server, an operator did",
            Exit.NO_VIEWER: "no gateway answers; or there is no viewer, no display, or no port for one",
            Exit.CANNOT_WRITE: "no private folder can be made",
            Exit.TRY_AGAIN: "a cloud asks for patience, or the session broke off",
        },
        about=f"""Starts the first viewer that is here: TigerVNC, Remmina, RealVNC's. The command ends with it.

TigerVNC comes in by a Unix socket that only your account can open. Other viewers come in by a
port of 127.0.0.1 that lets no other account in, and asks for a password that is good once:
TigerVNC is given it in a file, any other viewer asks you, and the command tells it. Through a
port only screens can be shown whose VNC server asks for no password itself.

With --print no viewer is started: the path of the socket, or with --port the address and the
password, are printed for one that you start, here or through ssh -L. Nothing is asked of the
cloud before it connects.

COMMAND is a command line of your own. A word in it may hold {{socket}} or {{port}}; without either
the address, 127.0.0.1::PORT, comes last.

{_REFERENCE}""",
        examples="""# look at a screen now
console-launcher vnc prod/web-01
# only to look
console-launcher vnc prod/web-01 --view-only
# with another viewer
console-launcher vnc prod/web-01 --viewer 'gvncviewer 127.0.0.1::{port}'
# for a viewer of your own: an address and a password
console-launcher vnc prod/web-01 --print --port 5901""",
    )
    _add_server(parser)
    parser.add_argument("--view-only", action="store_true", help="only look: nothing of what you do reaches the server")
    parser.add_argument("--print", action="store_true", help="start no viewer: print where one finds the screen")
    parser.add_argument(
        "--viewer", metavar="VIEWER", help="tigervnc, remmina, realvnc, or a COMMAND (default: the first that is here)"
    )
    by = parser.add_mutually_exclusive_group()
    by.add_argument("--socket", action="store_true", help="let the viewer in by a Unix socket, or not at all")
    by.add_argument("--port", metavar="N", type=_local_port, help="let it in by this port of 127.0.0.1; 0: a free one")
    add_json(parser)
    add_gateway(parser)


def _local_port(text: str) -> int:
    try:
        return 0 if text == "0" else port_number(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; 0 is a free one") from error


def _add_console_url(group: Group) -> None:
    parser = group.add(
        "console-url",
        "print a console URL of the cloud itself, for a viewer outside the gateway",
        ends={**_NAMING, Exit.REFUSED: "the gateway says no: no such server, several, or no console of this kind"},
        about=f"""A console URL holds a console token: whoever has it has the console, until it expires. So it
is printed only with --reveal, only through the gateway's Unix socket, and the gateway records
who asked. It is a new one each time; no session of the gateway depends on it.

Standard output is the URL alone (on a terminal, for xvpvnc, the Java viewer's command line
below it), what is to be said about it goes to standard error, and --json has it in "url".
A bookmark ("console-launcher url") needs none of this, and does not expire.

A novnc console URL is opened by a browser. An xvpvnc one is taken by the Java viewer:

  java -jar VncViewer.jar URL 'CONSOLE_URL'

Only the viewer derived from xvp (nova-xvpvncviewer) understands the word URL; those of RealVNC
and TightVNC do not. Its command line puts the console token into the list of processes, where
every account of that machine can read it.

{_REFERENCE}""",
        examples="""# for a browser outside the gateway
console-launcher console-url prod/web-01 --reveal
# for the Java viewer
java -jar VncViewer.jar URL "$(console-launcher console-url prod/web-01 --kind xvpvnc --reveal)\"""",
    )
    _add_server(parser)
    parser.add_argument(
        "--kind",
        type=_kind,
        choices=tuple(str(kind) for kind in CLOUD_KINDS),
        default=str(Kind.NOVNC),
        help="the kind of console: novnc for a browser, xvpvnc for the Java viewer (default: %(default)s)",
    )
    parser.add_argument("--reveal", action="store_true", help="yes, print the URL with the console token in it")
    add_json(parser)
    add_gateway(parser)


def _add_sessions(group: Group) -> None:
    parser = group.add(
        "sessions",
        "list the sessions: who views which server now",
        ends=ASKING,
        about="""SENT is what the person sent (keys, pointer), RECEIVED what the screen showed.
SINCE is in UTC.""",
        examples="""# who is there
console-launcher sessions""",
    )
    add_json(parser)
    add_gateway(parser)


def _add_end(group: Group) -> None:
    parser = group.add(
        "end",
        "end a session; its viewer is told who did",
        ends={**ASKING, Exit.REFUSED: "the gateway says no: there is no such session, or several"},
        about="""SESSION is the id from "console-launcher sessions", or the beginning of it that no other
session has. The person can open the page again; what they may do is the operator's to set.""",
        examples="""# end the session whose id begins with 3f2a
console-launcher end 3f2a""",
    )
    _complete(
        parser.add_argument("session", metavar="SESSION", help="the session's id, or its beginning"),
        "sessions",
    )
    add_json(parser)
    add_gateway(parser)


def _add_doctor(group: Group) -> None:
    parser = group.add(
        "doctor",
        "find what is wrong between the gateway and a screen, hop by hop",
        ends={
            Exit.REFUSED: "the gateway says no: there is no such cloud, or several servers have the name",
            Exit.NO_GATEWAY: "a hop failed; or no gateway answers, and there is no configuration to go on with",
            Exit.TRY_AGAIN: "the gateway restarts or stops",
            Exit.NOT_ALLOWED: ASKING[Exit.NOT_ALLOWED],
            Exit.CONFIG: "the hop that failed is the configuration; all its problems are told",
        },
        about=f"""Without REFERENCE it looks at every cloud: configuration, DNS, TCP, TLS, Identity, catalog,
Compute API, and the role that lists servers. No console is requested.

With REFERENCE it goes on to that server's screen: its state, a new console (one request, as for
a session), the console URL with its token masked, the console proxy's DNS, TCP, TLS and
WebSocket, and the first bytes of the screen, which is then closed.

Each hop is a line: whether it is well, how long it took, what was seen. Of the one that failed
it says why, and what to change; those behind it are not reached.

The running gateway is asked, which sees the network and the credentials as its sessions do.
With --config FILE the command looks itself, with no gateway. It also does so where no gateway
answers in the usual places and the usual configuration can be read; the first hop then says so.

{_REFERENCE}""",
        examples="""# does every cloud let the gateway in?
console-launcher doctor
# why does this server show no screen?
console-launcher doctor prod/web-01
# before the service is started, and for no longer than 3 s at each hop
console-launcher doctor --config config.yaml --timeout 3
# the name of the hop that fails, for a script
console-launcher doctor prod/web-01 --json | jq -r .failed""",
    )
    reference = parser.add_argument("reference", metavar="REFERENCE", nargs="?", help="the server (see above)")
    _complete(reference, "servers")
    where = parser.add_mutually_exclusive_group()
    add_where(where)
    where.add_argument(
        "-c", "--config", metavar="FILE", type=Path, help="look with this configuration, without a gateway"
    )
    add_patience(parser, "the longest that any hop may take (default: 5 to 30, by hop)", default=None)
    add_json(parser)


def add_completion(group: Group) -> None:
    """`completion`, which asks nobody; what it prints does."""
    parser = group.add(
        "completion",
        "print what teaches your shell to complete with the TAB key",
        ends={},
        about="""Commands, options, and from the running gateway servers, clouds and sessions.
Put the line of your shell into its file, and open a new shell:

  bash   ~/.bashrc                    eval "$(console-launcher completion bash)"
  zsh    ~/.zshrc, after compinit     eval "$(console-launcher completion zsh)"
  fish   ~/.config/fish/config.fish   console-launcher completion fish | source""",
        examples="""# for this shell only, to try it
eval "$(console-launcher completion bash)\"""",
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell")


def _add_server(parser: argparse.ArgumentParser) -> None:
    _complete(parser.add_argument("reference", metavar="REFERENCE", help="the server (see above)"), "servers")


def _add_reference(parser: argparse.ArgumentParser) -> None:
    _add_server(parser)
    parser.add_argument("--view-only", action="store_true", help="for a page that sends no keys and no pointer")
    add_json(parser)
    add_gateway(parser)


def _complete(action: argparse.Action, offers: str) -> None:
    """Lets the TAB key offer what a function of `launcher.cli.candidates` finds."""

    def completer(**asked: object) -> object:
        return getattr(import_module("launcher.cli.candidates"), offers)(**asked)

    action.completer = completer  # type: ignore[attr-defined]  # the argcomplete library looks for it there


def _kind(text: str) -> str:
    if text not in CLOUD_KINDS:
        offered = ", ".join(CLOUD_KINDS)
        raise argparse.ArgumentTypeError(f"{text!r} consoles are not offered here; the kinds are: {offered}")
    return text


def _count(text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise argparse.ArgumentTypeError(f'"{text}": a number from 1 to 999999999 is expected')
    return int(text)
