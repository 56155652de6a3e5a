from __future__ import annotations

from pathlib import Path

import pytest

from launcher.config.listen import TcpAddress
from launcher.config.load import PROBLEM_LIMIT, load
from launcher.config.models import BareEntry, RackspaceEntry, clouds_of
from launcher.errors import ConfigError
from tests.fakes.issued import issue, note
from tests.unit.config.conftest import GOOD, Told

RAX = "clouds:\n  rax:\n    provider: rackspace\n    username: ops\n    api_key: {file: key}\n    regions: [DFW]\n"


@pytest.fixture(autouse=True)
def key(nowhere: Path) -> str:
    """The API key that the samples name."""
    secret = issue()
    (nowhere / "key").touch(0o600)
    (nowhere / "key").write_text(f"{secret}\n")
    return secret


def test_a_whole_configuration_becomes_one_frozen_value(nowhere: Path, key: str) -> None:
    file = nowhere / "config.yaml"
    file.write_text(
        RAX.replace("[DFW]", "[DFW, ORD]")
        + "  bare: {provider: none, endpoint: 'http://127.0.0.1:8774/v2.1', console_ttl: 90s}\n"
        + "listen: ['127.0.0.1:0']\npublic_urls: ['http://Jump.localhost:6080/']\naliases: {db: rax-dfw/db-01}\n"
        + "relay: {frame_limit: 64KiB}\n"
    )
    config = load(file)
    rax, bare = config.clouds["rax"], config.clouds["bare"]
    assert isinstance(rax, RackspaceEntry)
    assert rax.api_key is not None
    assert rax.api_key.reveal() == key
    assert isinstance(bare, BareEntry)
    assert (bare.console_ttl, config.relay.frame_limit) == (90.0, 65536)
    assert config.addresses == (TcpAddress("127.0.0.1", 0),)
    assert config.public_urls == ("http://jump.localhost:6080",)
    assert [(cloud.name, cloud.region) for cloud in clouds_of(config)] == [
        ("rax-dfw", "DFW"), ("rax-ord", "ORD"), ("bare", None),
    ]  # fmt: skip
    assert key not in repr(config)
    assert key not in str(config)
    with pytest.raises(ValueError):
        config.listen = ()  # type: ignore[misc]  # that it is frozen is what is tested


def test_one_region_keeps_the_name_of_its_entry(nowhere: Path) -> None:
    (nowhere / "config.yaml").write_text(RAX)
    assert [(cloud.name, cloud.region) for cloud in clouds_of(load(Path("config.yaml")))] == [("rax", "DFW")]


FILES = {
    "nowhere.yaml": "nowhere.yaml: there is no such file: `console-launcher init` writes one, or name yours with "
    "--config FILE",
    ".": ".: is a directory: name the file in it",
    "key/x": "key/x: cannot be read: Not a directory",
    "a\0b": "a\\x00b: cannot be read: embedded null byte",
}


@pytest.mark.parametrize(("name", "expected"), FILES.items())
def test_a_file_that_cannot_be_read_is_said_with_what_to_do(name: str, expected: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(Path(name))
    assert str(error.value) == expected


def test_a_file_of_somebody_else_is_said_with_what_to_do(nowhere: Path) -> None:
    class Closed(type(Path())):  # type: ignore[misc]  # root may read everything, so the refusal is made by hand
        def open(self, *args: object, **kwargs: object) -> None:
            raise PermissionError(13, "Permission denied")

    with pytest.raises(ConfigError) as error:
        load(Closed("config.yaml"))
    assert str(error.value) == (
        "config.yaml: cannot be read by this account: give it the right to read the file, or use the service's account"
    )


NAME = (
    "a name begins with a letter or digit and goes on with letters, digits, dots, dashes and underscores, 63 "
    "characters at most"
)
TOP = "access, aliases, clouds, clouds_yaml, consoles, listen, log_level, public_urls, relay, secure_yaml, tls"
SENTENCES = {
    "unknown key": ("relai: {}", 'relai: unknown key "relai". Did you mean "relay"?'),
    "unlike any": ("xyz: {}", f'xyz: unknown key "xyz". Known here: {TOP}.'),
    "none of a few": ("log_level: loud", "log_level: one of these is expected: 'debug', 'info', 'warning', 'error'"),
    "a socket twice": (
        "listen: [systemd, 'systemd:web']",
        'listen: "systemd" takes every socket that is passed: leave "systemd:web" out, or "systemd"',
    ),
    "unknown below": ("relay: {session: 1}", 'relay.session: unknown key "session". Did you mean "sessions"?'),
    "text for a list": ("listen: 127.0.0.1:6080", 'listen: a list is expected: ["127.0.0.1:6080"]'),
    "keys for a list": ("listen: {a: b}", "listen: a list is expected, not keys of its own"),
    "text for keys": ("relay: fast", "relay: keys of its own are expected, not a text"),
    "list for keys": ("aliases: [a]", "aliases: keys of its own are expected, not a list"),
    "number for a text": (
        "aliases: {a: 5}",
        'aliases.a: a text is expected, but YAML reads 5 as a number. Put it in quotes: "5"',
    ),
    "fraction for a text": (
        "aliases: {a: 1.50}",
        'aliases.a: a text is expected, but YAML reads 1.50 as a number. Put it in quotes: "1.50"',
    ),
    "false for a text": (
        "aliases: {a: No}",
        'aliases.a: a text is expected, but YAML reads No as false. Put it in quotes: "No"',
    ),
    "list for a text": ("aliases: {a: [b]}", "aliases.a: a text is expected, not a list"),
    "text for a number": ("relay: {sessions: many}", "relay.sessions: a whole number is expected, not a text"),
    "fraction for a number": ("relay: {sessions: 1.5}", "relay.sessions: a whole number is expected, not a fraction"),
    "false for a number": ("relay: {sessions: no}", "relay.sessions: a whole number is expected, not true or false"),
    "too few": ("relay: {sessions: 0}", "relay.sessions: a number of at least 1 is expected"),
    "too many": ("relay: {sessions: 9999999}", "relay.sessions: a number of at most 1000000 is expected"),
    "no unit": ("relay: {ping: 30}", "relay.ping: a duration like 30s, 10m or 12h is expected"),
    "too short": ("relay: {ping: 0s}", "relay.ping: a time from 100ms to 10m is expected"),
    "too long": ("consoles: {margin: 2d}", "consoles.margin: a time from 0s to 1d is expected"),
    "wrong size": ("relay: {frame_limit: 1MB}", "relay.frame_limit: a size like 64KiB or 1MiB is expected"),
    "too small": ("relay: {frame_limit: 1B}", "relay.frame_limit: a size from 1KiB to 64MiB is expected"),
    "empty list": ("listen: []", "listen: at least one is needed"),
    "twice": ("listen: ['[::1]:1', '[::1]:1']", 'listen: "[::1]:1" stands twice in this list: keep one'),
    "address": (
        "listen: ['0.0.0.0:1']",
        (
            "listen[0]: this gateway does not listen beyond loopback until TLS and "
            "sign-in are configured, and these do not exist yet: use unix:/path or localhost, and reach it "
            "through ssh -L"
        ),
    ),
    "public url": (
        "public_urls: ['http://jump.example.net']",
        ("public_urls[0]: beyond localhost, *.localhost, 127.0.0.1 and [::1] a public URL begins with https://"),
    ),
    "account": (
        "access: {local_users: [root, nobody-at-all]}",
        'access.local_users[1]: there is no account "nobody-at-all" on this machine',
    ),
    "alias name": ("aliases: {a b: bare/x}", f"aliases.a b: {NAME}"),
    "alias target": ("aliases: {a: web-01}", "aliases.a: an alias names a server as cloud/name or cloud/uuid"),
    "alias of no cloud": (
        "aliases: {a: baer/x}",
        'aliases.a: there is no cloud "baer" (there are: bare). Did you mean "bare"?',
    ),
    "alias like a cloud": (
        "aliases: {bare: bare/x}",
        'aliases.bare: "bare" is also the name of a cloud: rename the alias',
    ),
    "file": ("clouds_yaml: /nowhere", "clouds_yaml: cannot read /nowhere: No such file or directory"),
    "no file": ("clouds_yaml: [a]", "clouds_yaml: the path of a file is expected, or {credential: NAME}"),
    "duplicate": ("clouds: {}", "clouds: this key stands twice here (first in line 1): keep one"),
}


@pytest.mark.parametrize(("line", "expected"), SENTENCES.values(), ids=SENTENCES.keys())
def test_each_mistake_has_its_sentence(told: Told, line: str, expected: str) -> None:
    assert told(f"{GOOD}{line}\n") == [f"config.yaml:3 {expected}"]


ENTRIES = {
    "no provider": (
        "{endpoint: 'http://h/'}",
        ["x.provider: this key is missing: one of rackspace, openstack, none, static"],
    ),
    "wrong provider": (
        "{provider: openstak}",
        [
            (
                'x.provider: there is no provider "openstak" (there are: rackspace, '
                'openstack, none, static). Did you mean "openstack"?'
            )
        ],
    ),
    "no keys": ("bare", ["x: keys of its own are expected, not a text"]),
    "missing": ("{provider: none}", ["x.endpoint: this key is missing: the Compute API's URL"]),
    "missing with markup": (
        "{provider: rackspace, username: a, regions: [b]}",
        [
            (
                "x.api_key: this key is missing: the API key of that user: {credential: NAME} or {file: PATH}; "
                "or give its password that way, as password"
            )
        ],
    ),
    "account": (
        "{provider: rackspace, username: a, api_key: {file: key}, regions: [b], tenant_id: true}",
        ['x.tenant_id: a text is expected, but YAML reads true as true. Put it in quotes: "true"'],
    ),
    "plain password": (
        "{provider: rackspace, username: a, password: word, regions: [b]}",
        ["x.password: a secret never stands in this file: write {credential: NAME} or {file: PATH}"],
    ),
    "another provider's": (
        "{provider: none, endpoint: 'http://h/', auth_url: 'http://h/'}",
        ['x.auth_url: unknown key "auth_url". It belongs to provider: rackspace.'],
    ),
    "two other providers'": (
        "{provider: none, endpoint: 'http://h/', regions: [a]}",
        ['x.regions: unknown key "regions". It belongs to provider: rackspace or openstack.'],
    ),
    "suggestion": (
        "{provider: rackspace, username: a, api_key: {file: key}, regoins: [a], regions: [b]}",
        ['x.regoins: unknown key "regoins". Did you mean "regions"?'],
    ),
    "region": (
        "{provider: rackspace, username: a, api_key: {file: key}, regions: [b, b]}",
        ['x.regions: "b" stands twice in this list: keep one'],
    ),
    "empty region": (
        "{provider: rackspace, username: a, api_key: {file: key}, regions: ['']}",
        ["x.regions[0]: a text is expected that is not empty and has no space around it"],
    ),
    "no region": (
        "{provider: rackspace, username: a, api_key: {file: key}, regions: []}",
        ["x.regions: at least one is needed"],
    ),
    "url": (
        "{provider: none, endpoint: 'cloud:8774'}",
        ["x.endpoint: a URL like https://cloud.example.net:8774/v2.1 is expected"],
    ),
    "rewriting": (
        "{provider: none, endpoint: 'http://h/', console_url: [{from: a, to: 'http://b/', path: c}]}",
        [
            "x.console_url[0].from: the beginning of a URL like http://console.example.net:6080/ is expected",
            "x.console_url[0].path: a path that begins with / and has no query is expected",
        ],
    ),
    "rewriting misspelt": (
        "{provider: none, endpoint: 'http://h/', console_url: [{form: 'http://a/', to: 'http://b/'}]}",
        [
            'x.console_url[0].form: unknown key "form". Did you mean "from"?',
            (
                "x.console_url[0].from: this key is missing: the beginning of the console URLs to mend, as the "
                "cloud gives them"
            ),
        ],
    ),
    "hosts": (
        "{provider: none, endpoint: 'http://h/', console_hosts: ['https://h']}",
        ["x.console_hosts[0]: a host name like *.example.net is expected, without scheme, port and path"],
    ),
    "life": (
        "{provider: none, endpoint: 'http://h/', console_ttl: 0s}",
        ["x.console_ttl: a time from 100ms to 30d is expected"],
    ),
    "truth": (
        "{provider: none, endpoint: 'http://h/', plain_console: maybe}",
        ["x.plain_console: true or false is expected, not a text"],
    ),
    "authorities": (
        "{provider: none, endpoint: 'http://h/', cacert: {file: /nowhere}}",
        ["x.cacert: cannot read /nowhere: No such file or directory"],
    ),
    "a Nova key in a static cloud": (
        "{provider: static, servers: {a: {vnc: 'tcp://h'}}, console_ttl: 5m}",
        ['x.console_ttl: unknown key "console_ttl". It belongs to provider: rackspace or openstack or none.'],
    ),
    "a budget in a static cloud": (
        "{provider: static, servers: {a: {vnc: 'tcp://h'}}, budget: {at_once: 1}}",
        ['x.budget: unknown key "budget". It belongs to provider: rackspace or openstack or none.'],
    ),
    "servers in a cloud": (
        "{provider: none, endpoint: 'http://h/', servers: {}}",
        ['x.servers: unknown key "servers". It belongs to provider: static.'],
    ),
    "a server without an address": (
        "{provider: static, servers: {a: {}}}",
        [
            (
                "x.servers.a.vnc: this key is missing: where its VNC server listens: tcp://host:port, tls://host:port "
                "(5900 where no port is said) or unix:/path"
            )
        ],
    ),
    "a server that is its address": (
        "{provider: static, servers: {a: 'tcp://h'}}",
        ["x.servers.a: keys of its own are expected, not a text"],
    ),
    "an unknown key of a server": (
        "{provider: static, servers: {a: {vnc: 'tcp://h', pasword: {file: x}}}}",
        ['x.servers.a.pasword: unknown key "pasword". Did you mean "password"?'],
    ),
    "a password in the file": (
        "{provider: static, servers: {a: {vnc: 'tcp://h', password: word}}}",
        ["x.servers.a.password: a secret never stands in this file: write {credential: NAME} or {file: PATH}"],
    ),
    "an address without a scheme": (
        "{provider: static, servers: {a: {vnc: '10.7.0.11:5900'}}}",
        [
            (
                "x.servers.a.vnc: an address like tcp://10.7.0.11:5900, tls://vnc.example.net:5900 or "
                'unix:/run/kvm-a.vnc is expected. Write "tcp://10.7.0.11:5900"'
            )
        ],
    ),
    "a name with a line break": (
        '{provider: static, servers: {"a\\nb": {vnc: "tcp://h"}}}',
        ["x.servers.a\\nb: a line break or a character that cannot be seen stands in this text: remove it"],
    ),
    "tokens by a relative path": (
        "{provider: static, websockify_tokens: tokens.cfg}",
        ["x.websockify_tokens: the absolute path of a token file, or of a directory of token files, is expected"],
    ),
    "tokens that are no path": (
        "{provider: static, websockify_tokens: {file: /tokens}}",
        ["x.websockify_tokens: the absolute path of a token file, or of a directory of token files, is expected"],
    ),
    "no authorities": (
        "{provider: none, endpoint: 'http://h/', cacert: {file: /etc/hostname}}",
        ["x.cacert: /etc/hostname holds no certificate in PEM that can be used"],
    ),
}


@pytest.mark.parametrize("written", ["610275", "'610275'"])
def test_an_account_number_may_be_written_as_a_number(nowhere: Path, written: str) -> None:
    (nowhere / "key").touch(0o600)
    (nowhere / "key").write_text(issue())
    (nowhere / "config.yaml").write_text(f"{RAX}    tenant_id: {written}\n")
    rax = load(Path("config.yaml")).clouds["rax"]
    assert isinstance(rax, RackspaceEntry)
    assert (rax.tenant_id, rax.password) == ("610275", None)


@pytest.mark.parametrize(("entry", "expected"), ENTRIES.values(), ids=ENTRIES.keys())
def test_each_mistake_in_an_entry_has_its_sentence(told: Told, entry: str, expected: list[str]) -> None:
    assert told(f"{GOOD}  x: {entry}\n") == [f"config.yaml:3 clouds.{line}" for line in expected]


def test_a_good_rewriting_rule_is_kept(told: Told) -> None:
    rule = "console_url: [{from: 'http://a/', to: 'https://b/', path: /websockify}]"
    assert told(f"{GOOD}  x: {{provider: none, endpoint: 'http://h/', {rule}}}\n") == []


def test_a_name_that_yaml_reads_as_false_is_told_once_and_the_rest_is_looked_at(told: Told) -> None:
    assert told(f"{GOOD}  no: {{provider: none}}\n") == [
        'config.yaml:3 clouds.no: YAML reads no as false. Put it in quotes: "no"',
        "config.yaml:3 clouds.no.endpoint: this key is missing: the Compute API's URL",
    ]


def test_a_file_without_clouds_says_what_they_are(told: Told) -> None:
    assert told("listen: ['127.0.0.1:0']\n") == [
        "config.yaml clouds: this key is missing: the clouds, by the short names that stand in bookmarks"
    ]


def test_every_problem_is_told_at_once_in_the_order_of_the_file(told: Told) -> None:
    said = told(
        "clouds:\n  rax:\n    provider: rackspace\n    username: no\n    username: ops\n    regoins: [DFW]\n"
        "    regions: DFW\n    api_key: *key\naliases: {db: rxa/db}\nrelai: {}\n"
    )
    assert [line.split(": ")[0] for line in said] == [
        "config.yaml:4 clouds.rax.username", "config.yaml:5 clouds.rax.username", "config.yaml:6 clouds.rax.regoins",
        "config.yaml:7 clouds.rax.regions", "config.yaml:8 clouds.rax.api_key", "config.yaml:9 aliases.db",
        "config.yaml:10 relai",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{<<: {provider: none}}", ["x: merge keys (<<) are not allowed here: write the keys out"]),
        ("{<<: {endpoint: a}, provider: none}", ["x: merge keys (<<) are not allowed here: write the keys out"]),
        ("*y", ["x: aliases (*y) are not allowed here: write the value out"]),
        ("{provider: !z a}", ["x.provider: tags (!…) are not allowed here: write a plain value"]),
        ("{provider: none, endpoint: *y}", ["x.endpoint: aliases (*y) are not allowed here: write the value out"]),
    ],
)
def test_what_yaml_refused_is_not_told_a_second_time(told: Told, entry: str, expected: list[str]) -> None:
    assert told(f"{GOOD}  x: {entry}\n") == [f"config.yaml:3 clouds.{line}" for line in expected]


def test_the_file_is_named_as_the_person_typed_it(nowhere: Path) -> None:
    (nowhere / "sub").mkdir()
    (nowhere / "sub/c.yaml").write_text("a: [\n")
    with pytest.raises(ConfigError) as error:
        load(Path("sub/../sub/c.yaml"))
    assert str(error.value).startswith("sub/../sub/c.yaml:2: ")


def test_a_plain_secret_is_refused_and_not_repeated(told: Told) -> None:
    secret = note("hunter-the-second")
    (said,) = told(RAX.replace("{file: key}", secret))
    assert said == (
        "config.yaml:5 clouds.rax.api_key: a secret never stands in this file: write {credential: NAME} or {file: PATH}"
    )


def test_a_secret_under_an_unknown_key_is_not_repeated(told: Told) -> None:
    secret = note("0123456701234567")
    said = told(f"{GOOD}password: {secret}\naccess: {{local_users: 5, token: {secret}}}\n")
    assert secret not in "\n".join(said)


def test_no_more_is_told_than_a_person_can_use(told: Told) -> None:
    said = told(GOOD + "".join(f"k{n}: 1\n" for n in range(150)))
    assert len(said) == PROBLEM_LIMIT + 1
    assert said[-1] == "config.yaml: and 50 more after these"
