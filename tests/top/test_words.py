"""Numbers and names in the picture, as people read them."""

import pytest

from chat.top.words import count, many, rate, seconds, shorten, size


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([count(number) for number in (None, 0, 99_999, 123_456, 12_345_678)], "- 0 99999 123k 12M"),
        ([rate(number) for number in (None, 0.0, 0.3, 99.94, 99.96, 9999, 12_345, 1e6)], "- 0 0.3 99.9 100 9999 12.3k 1.0M"),
        ([seconds(number) for number in (None, 0.9, 99, 100, 5999, 6000, 400_000)], "- 0 s 99 s 1 min 99 min 1 h 4 d"),
        ([size(number) for number in (5, 1e3, 1024, 1e6, 5e6, 5e8, 2**31, 2**42, 2**52)], "5.0 B 1000 B 1.0 KiB 977 KiB 4.8 MiB 477 MiB 2.0 GiB 4.0 TiB 4096 TiB"),
        ([many(1, "client"), many(0, "client")], "1 client 0 clients"),
        ([shorten("0123456789abcdef", width) for width in (16, 12, 5, 3)], "0123456789abcdef 012…89abcdef 0…def 012"),
    ],
)  # fmt: skip
def test_numbers_are_short(said: list[str], expected: str) -> None:
    """So that columns are narrow."""
    assert " ".join(said) == expected
