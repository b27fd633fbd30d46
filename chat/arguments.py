"""Numbers on a command line, and in words what is wrong with them."""

import argparse
import math


def number(text: str, least: float, most: float) -> float:
    """Raises ArgumentTypeError for what is none, and for one out of these bounds."""
    value = _read(text)
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number {_bounds(least, most)}")
    return value


def whole_number(text: str, least: int, most: int) -> int:
    """Likewise."""
    value = _read(text)
    if not (least <= value <= most and value.is_integer()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {_bounds(least, most)}")
    return int(value)


def _read(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _bounds(least: float, most: float) -> str:
    return f"from {least:.10g} to {most:.10g}"
