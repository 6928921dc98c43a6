"""Printed numbers as exact fractions: nothing is lost between the page of a document and the factor that is used.

A number is in the unit that is printed beside it [unit]; a slope is a ratio of two units [1].
Source: arithmetic alone; the vocabulary's type `factor` for the places that are kept.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from scicity.vocabulary import conversion

LARGEST_DENOMINATOR = 10_000  # multiples, hours and joules stand in ratios of whole numbers below this
FLOAT_NOISE = 1e-14  # [1] relative; what floating point leaves of such a ratio
DECIMAL_PLACES = 12  # of the vocabulary's type `factor`


def exact_slope(slope: float) -> Fraction:
    """The exact number that a unit conversion's floating-point slope (> 0) stands for.

    A ratio of small whole numbers where there is one (3.5999999999999996 is 18/5), else the decimal of 15 digits (a pound is
    0.45359237 kg). Raises ValueError for a slope that is not positive.
    """
    if not slope > 0:
        raise ValueError(f"a slope is positive, not {slope!r}")
    if slope >= 1:
        found = Fraction(slope).limit_denominator(LARGEST_DENOMINATOR)
    else:
        found = 1 / Fraction(1 / Fraction(slope)).limit_denominator(LARGEST_DENOMINATOR)
    return found if abs(float(found) / slope - 1) < FLOAT_NOISE else Fraction(f"{slope:.15g}")


def scale(unit: str, canonical_unit: str) -> Fraction:
    """What a number in `unit` is multiplied by to be in `canonical_unit` (both in pint's notation).

    Raises ValueError where the units do not measure the same, or differ by an offset.
    """
    slope, offset = conversion(unit, canonical_unit)
    if offset:
        raise ValueError(f"{unit!r} and {canonical_unit!r} differ by an offset")
    return exact_slope(slope)


def printed_number(printed: str) -> Fraction:
    """The number that a printed decimal such as `0.5568` is. Raises ValueError for anything else (`0.06-0.11`, `1e3`, `½`)."""
    text = printed.strip()
    if not text.isascii() or not text.replace(".", "", 1).isdigit():
        raise ValueError(f"{printed!r} is not a plain decimal number")
    return Fraction(Decimal(text))


def last_place(printed: str) -> Fraction:
    """One unit of the last printed digit: 1/10 000 of `0.5580`, 1 of `860`. Raises ValueError as `printed_number`."""
    printed_number(printed)
    _, _, behind = printed.strip().partition(".")
    return Fraction(1, 10 ** len(behind))


def canonical(printed: str, unit: str, canonical_unit: str) -> Fraction:
    """A printed number [unit] in the canonical unit, exactly. Raises ValueError as `scale` and `printed_number`."""
    return printed_number(printed) * scale(unit, canonical_unit)


def twelve_places(value: Fraction) -> Decimal:
    """A value as the vocabulary's type `factor` keeps it: twelve decimal places, half to even."""
    return Decimal(round(value * 10**DECIMAL_PLACES)).scaleb(-DECIMAL_PLACES)


def six_places(value: Fraction) -> Decimal:
    """A value as the vocabulary's type `decimal` keeps it: six decimal places, half to even."""
    return Decimal(round(value * 10**6)).scaleb(-6)
