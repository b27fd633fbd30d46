"""Addresses as people have them."""

import pytest

from chat.talk.address import socket_url


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("ws://127.0.0.1:8000/ws", "ws://127.0.0.1:8000/ws"),
        ("http://127.0.0.1:8000/", "ws://127.0.0.1:8000/ws"),
        ("http://[::1]:8000", "ws://[::1]:8000/ws"),
        ("HTTPS://chat.example/", "wss://chat.example/ws"),
        ("https://chat.example/eu/ws?x=1", "wss://chat.example/eu/ws?x=1"),
        ("wss://chat.example", "wss://chat.example/ws"),
        (" ws://chat.example\n", "ws://chat.example/ws"),
        ("ws://chat.example?x=1", "ws://chat.example?x=1"),
        ("ftp://chat.example/x", "ftp://chat.example/x"),
        ("chat.example", "chat.example"),
        ("", ""),
    ],
)
def test_the_address_of_a_page_is_that_of_its_socket(address: str, url: str) -> None:
    """http becomes ws, and a node is at /ws; what says more stays as it is."""
    assert socket_url(address) == url
