"""What the URL of a Redis Cluster may say, and where that puts a pool."""

import re

import pytest

from chat.errors import SettingsError
from chat.store.address import Address
from chat.store.place import place_of
from chat.store.topology import Topology


def servers(topology: Topology) -> list[tuple[str, int]]:
    """All that it says, each once."""
    return sorted(topology._known)


def test_hosts_and_a_login() -> None:
    """Hosts with and without a port, names and addresses of both kinds; the login is for all of them, and no
    password is shown."""
    topology = Topology.parse(
        "redis+cluster://ada:se%2Ccret@one:1234,two,10.0.0.3,[::1]:6380,[::2]"
    )
    assert servers(topology) == [
        ("10.0.0.3", 6379), ("::1", 6380), ("::2", 6379), ("one", 1234), ("two", 6379),
    ]  # fmt: skip
    assert topology.shown == "redis+cluster://one:1234,two,10.0.0.3,[::1]:6380,[::2]"
    address = topology.address(("10.0.0.9", 7000))
    assert (address.host, address.port, address.path, address.tls) == ("10.0.0.9", 7000, None, None)
    assert address.login == [("HELLO", 3, "AUTH", "ada", "se,cret", "SETNAME", "chat-node")]
    assert address.shown == f"10.0.0.9:7000, of {topology.shown}"
    assert topology.address(("::1", 6379)).shown.startswith("[::1]:6379, of ")


def test_a_server_that_is_named_twice() -> None:
    """Is one."""
    topology = Topology.parse("redis+cluster://two,one,one:6379")
    assert servers(topology) == [("one", 6379), ("two", 6379)]


def test_without_a_login() -> None:
    """None is said; a slash at the end says nothing either."""
    address = Topology.parse("redis+cluster://one/").address(("one", 6379))
    assert address.login == [("HELLO", 3, "SETNAME", "chat-node")]


def test_tls() -> None:
    """rediss+cluster:// with the parameters of rediss://, for every server."""
    query = "?ssl_cert_reqs=none&ssl_check_hostname=false"
    topology = Topology.parse(f"rediss+cluster://one,two{query}")
    assert topology.address(("one", 1)).tls is topology.address(("two", 1)).tls is not None
    assert topology.shown == "rediss+cluster://one,two"


def test_each_scheme_has_its_place() -> None:
    """By what stands before ://."""
    assert isinstance(place_of("redis+cluster://one"), Topology)
    assert isinstance(place_of("rediss+cluster://one"), Topology)
    assert isinstance(place_of("redis://one"), Address)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis+cluster://", "host:port, comma separated"),
        ("redis+cluster://one,,two", "host:port, comma separated"),
        ("redis+cluster://one,", "host:port, comma separated"),
        ("redis+cluster://one:port", "host:port, comma separated"),
        ("redis+cluster://one:99999", "host:port, comma separated"),
        ("redis+cluster://[::1", "host:port, comma separated"),
        ("redis+cluster://ada:secret@", "host:port, comma separated"),
        ("redis+cluster://ada:sec,ret@", "host:port, comma separated"),
        ("redis+cluster://one/0", "no databases"),
        ("redis+cluster://one/chat/1", "no databases"),
        ("redis+cluster://ada:sec/ret@one", "its password has one of"),
        ("redis+cluster://one?db=1", "no databases"),
        ("redis+cluster://one?foo=secret", "foo is no parameter of it"),
        ("redis+cluster://one?ssl_ca_certs=x", "ssl_ca_certs is for rediss"),
    ],
)
def test_a_url_of_a_cluster_that_is_none(url: str, words: str) -> None:
    """Told in words for people, without what may be a secret."""
    with pytest.raises(SettingsError) as error:
        place_of(url)
    assert words in str(error.value)
    assert str(error.value).startswith("the Redis URL cannot be used: ")
    assert not re.search("sec|ret", str(error.value))


@pytest.mark.parametrize("sign", "#/?[@:,")
@pytest.mark.parametrize("first", ["cret", "123"])
def test_a_password_that_is_not_written_right(first: str, sign: str) -> None:
    """Neither half of it is shown, and it does not become a port or a server: either it is refused, or it can
    be read in one way only."""
    url = f"redis+cluster://ada:{first}{sign}hush@one"
    try:
        topology = place_of(url)
    except SettingsError as error:
        shown = str(error)
    else:
        assert sign in "@:,", "these are taken as they are: the last @ ends the login"
        assert isinstance(topology, Topology)
        assert servers(topology) == [("one", 6379)]
        assert topology.address(("one", 6379)).login[0][4] == f"{first}{sign}hush"
        shown = topology.address(("one", 6379)).shown
    assert not {"cret", "123", "hush"} & set(re.findall(r"\w+", shown))
