"""What a Redis URL may say, and in which words it is told that a Redis cannot be used."""

import re
from pathlib import Path

import pytest

from chat.errors import SettingsError
from chat.store.address import Address
from chat.store.place import place_of
from chat.store.reasons import in_words
from chat.store.sentinel import Sentinels


@pytest.mark.parametrize(
    ("url", "parameter"),
    [
        ("redis://localhost?foo=bar", "foo"),
        ("redis://localhost/0?db=1&protocol=2", "protocol"),
        ("rediss://localhost?ssl_ca_cert=secret", "ssl_ca_cert"),
        ("rediss://localhost?ssl_ca_certz=", "ssl_ca_certz"),
        ("unix:///run/redis?socket_timeout=1", "socket_timeout"),
        ("redis://localhost?host=secret", "host"),
    ],
)
def test_an_unknown_parameter(url: str, parameter: str) -> None:
    """It is named; its value, which may be a secret, is not."""
    with pytest.raises(SettingsError) as error:
        Address.parse(url)
    assert str(error.value) == f"the Redis URL cannot be used: {parameter} is no parameter of it"


@pytest.mark.parametrize("sign", "#/?[")
@pytest.mark.parametrize("first", ["cret", "123"])
@pytest.mark.parametrize(
    "url",
    ["redis://ada:{}@one/0", "redis+sentinel://ada:{}@one/chat", "redis+sentinel://ada:{}@one/0"],
)
def test_a_password_that_is_not_written_right(url: str, first: str, sign: str) -> None:
    """Neither half of it is shown, it does not become a port, and it is not dropped without a word."""
    with pytest.raises(SettingsError) as error:
        place_of(url.format(f"{first}{sign}hush"))
    assert str(error.value).startswith("the Redis URL cannot be used: ")
    assert not {"cret", "123", "hush"} & set(re.findall(r"\w+", str(error.value)))


@pytest.mark.parametrize("scheme", ["http", "redis-cluster", "redis+clusters", "sentinel"])
def test_another_scheme(scheme: str) -> None:
    """All that there are are named, those of sentinels and clusters too."""
    with pytest.raises(SettingsError) as error:
        place_of(f"{scheme}://one/chat")
    for known in "unix://", "rediss+sentinel://", "redis+cluster://":
        assert known in str(error.value)


def test_a_value_that_is_none() -> None:
    """Told in words of its own."""
    with pytest.raises(SettingsError, match="'db'"):
        Address.parse("redis://localhost?db=three")


def test_a_parameter_of_tls_without_tls() -> None:
    """It would be without effect, and the connection in the open."""
    with pytest.raises(SettingsError, match="ssl_ca_certs is for rediss://"):
        Address.parse("redis://localhost?ssl_ca_certs=/etc/ca.pem")


def test_the_parameters_there_are() -> None:
    """The database, the login, and all of TLS."""
    address = Address.parse("unix:///run/redis?db=3&username=ada&password=x")
    assert address.login == [
        ("HELLO", 3, "AUTH", "ada", "x", "SETNAME", "chat-node"),
        ("SELECT", 3),
    ]
    assert Address.parse("rediss://localhost?ssl_cert_reqs=none&ssl_check_hostname=false").tls


@pytest.mark.parametrize("name", ["ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"])
@pytest.mark.parametrize(
    "place", ["rediss://one", "rediss+sentinel://one/chat", "rediss+cluster://one"]
)
def test_a_certificate_that_is_not_there(place: str, name: str) -> None:
    """Whoever has to find the mistake is told the name of the file."""
    with pytest.raises(SettingsError) as error:
        place_of(f"{place}?{name}=/no/such/file")
    assert f" {name}=/no/such/file cannot be read: No such file or directory" in str(error.value)


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    """The same where the file is something else, or a file where there should be a directory."""
    file = tmp_path / "ca.crt"
    file.write_text("nonsense")
    for parameter in f"ssl_ca_certs={file}", f"ssl_ca_path={file}":
        with pytest.raises(SettingsError) as error:
            Address.parse(f"rediss://localhost?{parameter}")
        assert parameter in str(error.value)
    assert Address.parse(f"rediss://localhost?ssl_ca_path={tmp_path}").tls


def places(url: str) -> list[tuple[str, int]]:
    return [(one.host, one.port) for one in Sentinels.parse(url)._sentinels]


def test_sentinels_and_a_service() -> None:
    """Hosts with and without a port, names and addresses of both kinds; the login and the database are
    those of Redis, and no password is shown."""
    url = "redis+sentinel://ada:se%2Ccret@one:1234,two,10.0.0.3,[::1]:26380,[::2]/my%20chat/3"
    sentinels = Sentinels.parse(url)
    assert places(url) == [
        ("one", 1234), ("two", 26379), ("10.0.0.3", 26379), ("::1", 26380), ("::2", 26379),
    ]  # fmt: skip
    assert sentinels._service == "my chat"
    assert sentinels._primary.login == [
        ("HELLO", 3, "AUTH", "ada", "se,cret", "SETNAME", "chat-node"),
        ("SELECT", 3),
    ]
    assert sentinels.shown == "redis+sentinel://one:1234,two,10.0.0.3,[::1]:26380,[::2]/my%20chat"
    assert {tuple(one.login) for one in sentinels._sentinels} == {
        (("HELLO", 3, "SETNAME", "chat-node"),)
    }


def test_a_login_to_the_sentinels() -> None:
    """Another one than that of Redis, and only for them."""
    url = "redis+sentinel://:x@one/chat?sentinel_username=bob&db=2&sentinel_password=s%26y"
    sentinels = Sentinels.parse(url)
    assert sentinels._sentinels[0].login == [
        ("HELLO", 3, "AUTH", "bob", "s&y", "SETNAME", "chat-node")
    ]
    assert sentinels._primary.login == [
        ("HELLO", 3, "AUTH", "default", "x", "SETNAME", "chat-node"),
        ("SELECT", 2),
    ]


def test_tls_with_sentinels() -> None:
    """rediss+sentinel:// is for both, with the same parameters."""
    sentinels = Sentinels.parse(
        "rediss+sentinel://one/chat?ssl_cert_reqs=none&ssl_check_hostname=false"
    )
    assert sentinels._primary.tls is sentinels._sentinels[0].tls is not None
    assert Sentinels.parse("redis+sentinel://one/chat")._sentinels[0].tls is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis+sentinel://", "names no service"),
        ("redis+sentinel://one,two", "names no service"),
        ("redis+sentinel://one/", "names no service"),
        ("redis+sentinel://one?db=1", "names no service"),
        ("redis+sentinel:///chat", "host:port, comma separated"),
        ("redis+sentinel://one,,two/chat", "host:port, comma separated"),
        ("redis+sentinel://one:port/chat", "host:port, comma separated"),
        ("redis+sentinel://one:99999/chat", "host:port, comma separated"),
        ("redis+sentinel://[::1/chat", "host:port, comma separated"),
        ("redis+sentinel://one/chat/many", "many is not a number of a database"),
        ("redis+sentinel://one/chat/1/2", "1/2 is not a number of a database"),
        ("redis+sentinel://one/chat?foo=secret", "foo is no parameter of it"),
        ("redis+sentinel://one/chat?sentinel_user=secret", "sentinel_user is no parameter of it"),
        ("redis+sentinel://one/chat?ssl_ca_certs=x", "ssl_ca_certs is for rediss://"),
        ("redis+sentinel://ada:sec/ret@one/chat", "host:port, comma separated"),
    ],
)
def test_a_url_of_sentinels_that_is_none(url: str, words: str) -> None:
    """Told in words for people, without what may be a secret."""
    with pytest.raises(SettingsError) as error:
        Sentinels.parse(url)
    assert words in str(error.value)
    assert str(error.value).startswith("the Redis URL cannot be used: ")
    assert "sec" not in str(error.value).replace("sentinel_user", "")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, `secret`, ",
            "Redis 7.0 or newer is needed, and this one is older (ERR unknown command `HELLO`)",
        ),
        (
            "ERR unknown command 'FUNCTION', with args beginning with: 'LOAD' 'REPLACE' ",
            "Redis 7.0 or newer is needed, and this one is older (ERR unknown command 'FUNCTION')",
        ),
        (
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO",
            "it asks for a password (NOAUTH), and the URL has none: redis://:password@host",
        ),
        (
            "HELLO must be called with the client already authenticated, otherwise the HELLO",
            "it asks for a password (NOAUTH), and the URL has none: redis://:password@host",
        ),
        ("WRONGPASS invalid username-password pair", "WRONGPASS invalid username-password pair"),
        ("ERR \x1b[31mred\x07", "ERR \ufffd[31mred\ufffd"),
        ("", ""),
    ],
)
def test_words_for_people(said: str, words: str) -> None:
    """What to do about it, and never a password."""
    assert in_words(said) == words
