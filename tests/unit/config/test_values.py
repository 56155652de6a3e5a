from __future__ import annotations

from collections.abc import Callable

import pytest

from launcher.config.values import (
    format_duration,
    format_size,
    parse_api_url,
    parse_base_url,
    parse_directory,
    parse_duration,
    parse_host_pattern,
    parse_identity_url,
    parse_linking_site,
    parse_name,
    parse_public_url,
    parse_server_pattern,
    parse_size,
)

GOOD: list[tuple[Callable[[str], object], str, object]] = [
    (parse_duration, "500ms", 0.5),
    (parse_duration, "1.5s", 1.5),
    (parse_duration, "10m", 600.0),
    (parse_duration, "12h", 43200.0),
    (parse_duration, "7d", 604800.0),
    (parse_size, "0B", 0),
    (parse_size, "64KiB", 65536),
    (parse_size, "1MiB", 1048576),
    (parse_name, "rax-dfw.2_x", "rax-dfw.2_x"),
    (parse_api_url, "https://cloud.example.net:8774/v2.1", "https://cloud.example.net:8774/v2.1"),
    (parse_api_url, "http://[::1]:8774", "http://[::1]:8774"),
    (parse_base_url, "ws://h:6080/path", "ws://h:6080/path"),
    (parse_public_url, "http://Jump.localhost:6080/", "http://jump.localhost:6080"),
    (parse_public_url, "http://localhost:80", "http://localhost"),
    (parse_public_url, "http://[::1]:6080", "http://[::1]:6080"),
    (parse_public_url, "https://jump.example.net:443", "https://jump.example.net"),
    (parse_public_url, "https://jump.example.net:80", "https://jump.example.net:80"),
    (parse_host_pattern, "*.Example.net", "*.example.net"),
    (parse_host_pattern, "console?.example.net", "console?.example.net"),
    (parse_host_pattern, "10.0.0.1", "10.0.0.1"),
    (parse_host_pattern, "fd00::1", "fd00::1"),
]
DURATION = "a duration like 30s, 10m or 12h is expected"
SIZE = "a size like 64KiB or 1MiB is expected"
NAME = "a name begins with a letter or digit"
API = "a URL like https://cloud.example.net:8774/v2.1 is expected"
BASE = "the beginning of a URL like http://console.example.net:6080/ is expected"
PUBLIC = "a URL like http://jump.localhost:6080 or https://jump.example.net is expected"
HOST = "a host name like *.example.net is expected, without scheme, port and path"
BAD: list[tuple[Callable[[str], object], object, str]] = [
    *[
        (parse_duration, text, DURATION)
        for text in ("30", "s", "-1s", "1 s", "1w", "٣s", "1s\n", 30, None, "9" * 5000 + "s")
    ],
    *[(parse_size, text, SIZE) for text in ("1", "1KB", "1.5MiB", "-1B", "1GiB", 1024, None, "9" * 5000 + "B")],
    *[(parse_name, text, NAME) for text in ("", "-a", "a b", "a/b", "é", "x" * 64, "a\n", False)],
    *[
        (parse_api_url, text, API)
        for text in (
            "",
            "h",
            "ftp://h/",
            "https://",
            "https:///x",
            "//h",
            "http://h:0",
            "http://h:99999",
            "http://h:",
            "http://[::1",
            "http://h\\x",
            "http://h /",
            "http://é/",
            "http://-h/",
            "http://[fe80::1%25lo]/",
            "http://h\n",
        )
    ],
    (parse_api_url, "https://me:pw@h/", "a URL without a user name is expected: credentials have keys of their own"),
    (parse_api_url, "https://h/?a", "a URL without ? and # is expected"),
    (parse_api_url, "https://h/#a", "a URL without ? and # is expected"),
    *[(parse_base_url, text, BASE) for text in ("h", "ftp://h", "http://u@h/", "http://h/?a", "http://h/#a")],
    *[(parse_public_url, text, PUBLIC) for text in ("jump", "ws://jump", "https://u@jump")],
    (parse_public_url, "https://jump/x", "a public URL has no path: leave out what stands behind host and port"),
    (parse_public_url, "https://jump/?x", "a public URL has no path: leave out what stands behind host and port"),
    (
        parse_public_url,
        "http://jump.example.net",
        ("beyond localhost, *.localhost, 127.0.0.1 and [::1] a public URL begins with https://"),
    ),
    (parse_public_url, "http://xlocalhost", "beyond localhost"),
    *[(parse_host_pattern, text, "this would allow every host") for text in ("*", "*.*", "")],
    *[(parse_host_pattern, text, HOST) for text in ("http://h", "h:6080", "h/x", "[::1]", "a..b", "[a-z].net", "h ")],
]


@pytest.mark.parametrize(("parse", "text", "value"), GOOD)
def test_good_texts_are_parsed(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(("parse", "text", "message"), BAD)
def test_bad_texts_are_refused_with_what_is_expected(
    parse: Callable[[object], object], text: object, message: str
) -> None:
    with pytest.raises(ValueError) as refused:
        parse(text)
    assert str(refused.value).startswith(message)


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(ValueError) as refused:
        parse_api_url("https://me:hunter2@h/")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("text", ["0s", "500ms", "90s", "10m", "12h", "30d"])
def test_durations_are_written_as_a_person_writes_them(text: str) -> None:
    assert format_duration(parse_duration(text)) == text


@pytest.mark.parametrize("text", ["0B", "1000B", "64KiB", "1MiB"])
def test_sizes_are_written_as_a_person_writes_them(text: str) -> None:
    assert format_size(parse_size(text)) == text


@pytest.mark.parametrize("url", ["https://id.example.com/v2.0", "http://127.0.0.1:5000/v2.0", "http://localhost/v2.0"])
def test_a_key_may_pass_there(url: str) -> None:
    assert parse_identity_url(url) == url


def test_a_key_passes_unencrypted_only_on_this_machine() -> None:
    with pytest.raises(ValueError, match="https://: a key passes there"):
        parse_identity_url("http://identity.example.com/v2.0")


@pytest.mark.parametrize("text", ["prod/*", "*/web-*", "prod/a/b", "prod/a6e0f2b8-0b5b-4c6b-9e0b-0d6c3d7f8a11"])
def test_a_pattern_of_servers_names_cloud_and_server(text: str) -> None:
    assert parse_server_pattern(text) == text


@pytest.mark.parametrize("text", ["", "prod", "prod/", "/web", "prod/\n"])
def test_half_a_pattern_of_servers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a pattern like"):
        parse_server_pattern(text)


@pytest.mark.parametrize(("text", "path"), [("/run/x", "/run/x"), ("/run/x//", "/run/x"), ("/", "/")])
def test_a_directory_is_an_absolute_path(text: str, path: str) -> None:
    assert parse_directory(text) == path


@pytest.mark.parametrize("text", ["", "run", "/run/../x", "/a\0b"])
def test_a_path_that_leads_elsewhere_is_no_directory(text: str) -> None:
    with pytest.raises(ValueError, match="absolute path of a directory"):
        parse_directory(text)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://wiki.example.net", "https://wiki.example.net"),
        ("HTTPS://Wiki.Example.net:443/", "https://wiki.example.net"),
        ("https://wiki.example.net:8443", "https://wiki.example.net:8443"),
        ("http://wiki.localhost:8080", "http://wiki.localhost:8080"),
        ("https://[2001:db8::0:1]", "https://[2001:db8::1]"),
    ],
)
def test_a_linking_site_is_an_origin_as_browsers_write_it(text: str, origin: str) -> None:
    assert parse_linking_site(text) == origin


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wiki.example.net", "scheme, host and perhaps a port"),
        ("https://*.example.net", "no \\* in it"),
        ("https://me@wiki.example.net", "the origin of one site"),
        ("https://wiki.example.net/ops", "not its pages"),
        ("https://wiki.example.net?x", "not its pages"),
        ("http://wiki.example.net", "can write the pages of an http:// site"),
        ("null", "the origin of one site"),
    ],
)
def test_what_is_no_origin_is_no_linking_site(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_linking_site(text)
