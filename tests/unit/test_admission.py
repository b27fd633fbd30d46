"""``admission``: from which page, whose address, how many."""

from collections import Counter

import pytest

from chat.admission import Admission, Policy
from chat.config import Settings
from chat.errors import SettingsError


def admission(
    origins: str = "", proxies: str = "", most: int = 0, without_account: int = 0
) -> Admission:
    settings = Settings(
        allowed_origins=origins,
        trusted_proxies=proxies,
        sockets_per_address=most,
        sockets_without_account=without_account,
    )
    return Admission(Policy.of(settings), Counter())


def status(
    door: Admission, path: str = "/ws", address: str = "", without_account: int = 0, **headers: str
) -> int | None:
    refused = door.refuses(path, headers, address, without_account)
    return refused and refused[0]


# Paths and leaving


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/ws", None), ("/ws?a=b", None), ("/ws/", 404), ("/", 404), ("", 404), ("/WS", 404)],
)
def test_the_path(path: str, expected: int | None) -> None:
    """The socket is at /ws, whatever query comes with it."""
    assert status(admission(), path) == expected


def test_a_node_that_leaves() -> None:
    """503 sends the client to another node."""
    door = admission()
    door.closed = True
    assert status(door) == 503


# Origins


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("https://chat.test", "chat.test", True),
        ("http://chat.test", "chat.test", True),
        ("http://chat.test:8000", "chat.test:8000", True),
        ("HTTPS://CHAT.test", "chat.TEST", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("http://chat.test:8000", "chat.test", False),
        ("http://chat.test", "chat.test:8000", False),
        ("https://elsewhere.test", "chat.test", False),
        ("https://chat.test.elsewhere.test", "chat.test", False),
        ("https://sub.chat.test", "chat.test", False),
        ("https://chat.test@elsewhere.test", "chat.test", False),
        ("null", "chat.test", False),
        ("null", "null", False),
        ("", "chat.test", False),
        ("chat.test", "chat.test", False),
        ("file://chat.test", "chat.test", False),
        ("http://[chat.test", "chat.test", False),
        ("http://", "", False),
    ],
)
def test_without_a_list_only_the_own_page(origin: str, host: str, allowed: bool) -> None:
    """The page's host is the one that the request names."""
    assert status(admission(), Origin=origin, Host=host) == (None if allowed else 403)


def test_a_page_to_a_host_without_a_name() -> None:
    """With nothing to compare there is no permission."""
    assert status(admission(), Origin="https://chat.test") == 403


@pytest.mark.parametrize("origins", ["", "https://chat.test", "*"])
def test_what_is_no_browser(origins: str) -> None:
    """A client that sends no Origin is no page, so no page can misuse it."""
    assert status(admission(origins), Host="chat.test") is None


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://chat.test", True),
        ("https://CHAT.test", True),
        ("http://other.test:8000", True),
        ("http://chat.test", False),
        ("https://chat.test:8443", False),
        ("https://here.test", False),
        ("null", False),
        ("", False),
    ],
)
def test_a_list(origin: str, allowed: bool) -> None:
    """Exactly the pages of the list, in any case of letters; the own host is not among them."""
    door = admission(" https://chat.test/ , HTTP://other.test:8000,, ")
    assert status(door, Origin=origin, Host="here.test") == (None if allowed else 403)


@pytest.mark.parametrize("origin", ["https://anywhere.test", "null", ""])
def test_every_page(origin: str) -> None:
    """With * also a page without an origin of its own."""
    assert status(admission("*"), Origin=origin, Host="here.test") is None


def test_pages_without_an_origin_may_be_listed() -> None:
    """``null`` in the list means what it says."""
    assert status(admission("null"), Origin="null", Host="here.test") is None


# How many


def test_sockets_of_an_address_are_counted() -> None:
    """429 at the limit, room again when one leaves; another address is not concerned."""
    door = admission(most=2)
    door.enters("a")
    assert status(door, address="a") is None
    door.enters("a")
    assert status(door, address="a") == 429
    assert status(door, address="b") is None
    door.leaves("a")
    assert status(door, address="a") is None


def test_an_address_that_left_is_forgotten() -> None:
    """Nothing is kept about addresses without a socket."""
    door = admission(most=1)
    for number in range(100):
        door.enters(str(number))
        door.leaves(str(number))
    assert len(door._sockets) == 0


def test_no_limit() -> None:
    """0 is no limit."""
    door = admission()
    for _ in range(1000):
        door.enters("a")
    assert status(door, address="a") is None


# Addresses


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("", ""),
    ],
)
def test_what_is_counted(peer: str, counted: str) -> None:
    """An IPv4 address, also inside an IPv6 one; a /64 of IPv6; a Unix socket's peer has none."""
    assert admission().address_of(peer, None) == counted


PROXIES = "10.0.0.0/8, 2001:db8:ffff::/48, 192.0.2.9"


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("192.0.2.9", "198.51.100.7", "198.51.100.7"),
        ("2001:db8:ffff::1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", " 198.51.100.7 ,10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "nonsense, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", ",,,", "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7\udcff", "10.0.0.1"),
        ("198.51.100.9", "203.0.113.1", "198.51.100.9"),
        ("198.51.100.9", "203.0.113.1, 10.0.0.2", "198.51.100.9"),
        ("192.0.2.8", "203.0.113.1", "192.0.2.8"),
        ("", "203.0.113.1", ""),
    ],
)
def test_forwarded_addresses(peer: str, forwarded: str | None, counted: str) -> None:
    """From the nearest on, as far as every hop is trusted: the first that is not is the client."""
    assert admission(proxies=PROXIES).address_of(peer, forwarded) == counted


def test_without_trusted_proxies_nothing_is_believed() -> None:
    """Otherwise a client could choose its address."""
    assert admission().address_of("10.0.0.1", "203.0.113.1") == "10.0.0.1"


def test_a_proxy_on_a_dual_stack_socket() -> None:
    """A node that listens on :: sees an IPv4 proxy as ::ffff:10.0.0.1; it is the same proxy."""
    door = admission(proxies="10.0.0.0/8")
    assert door.address_of("::ffff:10.0.0.1", "198.51.100.7") == "198.51.100.7"


@pytest.mark.parametrize("proxies", ["nonsense", "10.0.0.0/33", "10.0.0.1, x", "10.0.0.0/8/8"])
def test_proxies_that_cannot_be_read(proxies: str) -> None:
    """The setting is named."""
    with pytest.raises(SettingsError, match="CHAT_TRUSTED_PROXIES"):
        admission(proxies=proxies)


def test_a_proxy_with_host_bits() -> None:
    """10.0.0.1/8 is taken as the network that it is in."""
    assert admission(proxies="10.0.0.1/8").address_of("10.2.3.4", "192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize(("arrived", "expected"), [(0, None), (4, None), (5, 503), (6, 503)])
def test_too_many_without_an_account(arrived: int, expected: int | None) -> None:
    """Another node, or a moment later: an address that never asks for an account fills nothing."""
    assert status(admission(without_account=5), without_account=arrived) == expected
    assert status(admission(), without_account=arrived) is None, "0 is no limit"
