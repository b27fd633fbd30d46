"""What a Redis URL may say, and in which words it is told that a Redis cannot be used."""

import pytest

from chat.errors import SettingsError
from chat.store.address import Address
from chat.store.reasons import in_words


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
        ("WRONGPASS invalid username-password pair", "WRONGPASS invalid username-password pair"),
        ("ERR \x1b[31mred\x07", "ERR \ufffd[31mred\ufffd"),
        ("", ""),
    ],
)
def test_words_for_people(said: str, words: str) -> None:
    """What to do about it, and never a password."""
    assert in_words(said) == words
