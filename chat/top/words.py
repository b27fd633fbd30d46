"""Numbers, times and sizes in few characters."""

UNKNOWN = "-"


def count(number: float | None) -> str:
    """1234 of something: 0, 12, 99999, 123k, 12M."""
    if number is None:
        return UNKNOWN
    if number < 100_000:
        return f"{number:.0f}"
    return f"{number / 1e3:.0f}k" if number < 10_000_000 else f"{number / 1e6:.0f}M"


def rate(number: float | None) -> str:
    """For each second: 0, 0.3, 12.5, 340, 12.3k, 1.2M."""
    if number is None:
        return UNKNOWN
    if number < 99.95:
        return f"{number:.1f}" if number >= 0.05 else "0"
    if number < 9_999.5:
        return f"{number:.0f}"
    return f"{number / 1e3:.1f}k" if number < 999_950 else f"{number / 1e6:.1f}M"


def seconds(number: float | None) -> str:
    """9 s, 12 min, 50 h, 30 d: two digits are enough."""
    if number is None:
        return UNKNOWN
    for unit, size, most in (("s", 1, 100), ("min", 60, 6_000), ("h", 3_600, 360_000)):
        if number < most:
            return f"{number // size:.0f} {unit}"
    return f"{number // 86_400:.0f} d"


def size(number: float) -> str:
    """Of memory: 900 KiB, 1.5 MiB, 12 GiB."""
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    while number >= 1023.5 and len(units) > 1:
        number /= 1024
        del units[0]
    return f"{number:.1f} {units[0]}" if number < 9.95 else f"{number:.0f} {units[0]}"


def many(number: float, thing: str) -> str:
    """1 session, 2 sessions."""
    return f"{number:.0f} {thing}" + ("" if number == 1 else "s")


def shorten(text: str, width: int) -> str:
    """The middle gives way: of a node's name both ends tell something."""
    if len(text) <= width:
        return text
    if width < 5:
        return text[: max(width, 0)]
    tail = min(9, width * 2 // 3)
    return f"{text[: width - tail - 1]}…{text[-tail:]}"
