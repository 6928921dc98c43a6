"""Printed numbers as numbers: Arabic, Chinese and Roman numerals, fractions and ranges; and where one stands in a quote.

Values are in the units of their statements [UCUM]. Source: own rules; what they know of measures and units stands in data.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache

DIGITS = {**{sign: value for value, sign in enumerate("〇一二三四五六七八九")}, "零": 0, "两": 2, "双": 2, "几": 0}
STEPS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000, "兆": 1_000_000}
ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10}
FIRST = ("首", "唯一")  # a first or an only one counts as rank 1
ARABIC = re.compile(r"[-−+]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?")
BETWEEN = re.compile(r"\s*%?\s*[-–—~至到]\s*")
CHINESE = set(DIGITS) | set(STEPS)
LONGEST = 40  # characters of a printed number
KEPT = 1 << 12  # texts that are remembered: the same ones are looked at by many checks


@dataclass(frozen=True)
class Number:
    """A printed number: its value, the second of a range, the step of its last printed digit (0: exact), its digits."""

    value: Decimal
    high: Decimal | None
    step: Decimal
    digits: int


@lru_cache(maxsize=KEPT)
def plain(text: str) -> str:
    """The text with full-width signs as plain ones and no white space."""
    return "".join(unicodedata.normalize("NFKC", text).split())


@lru_cache(maxsize=KEPT)
def close(text: str) -> str:
    """As `plain`, but a space stays where it parts two numbers."""
    return re.sub(r"\s+", lambda gap: " " if gap.end() < len(gap.string) and _parts(gap) else "", _folded(text))


def _parts(gap: re.Match[str]) -> bool:
    before, after = gap.string[gap.start() - 1 : gap.start()], gap.string[gap.end()]
    return (before.isdigit() or before == "%") and after.isdigit()


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=KEPT)
def read(text: str) -> Number | None:
    """The number that a printed text is, or None. `1,200.5`, `400-600`, `十五`, `三分之一`, `千余`, `III`, `首批`, `1+1`.

    The step is that of the last printed digit [the unit of the number]. Source: usage of Chinese reports; GB/T 15835-2011
    (numerals in publications).
    """
    bare = plain(text).rstrip("余多")
    if not bare or len(bare) > LONGEST:
        return None
    if bare.upper() in ROMAN:
        return _exact(ROMAN[bare.upper()])
    if bare.startswith(FIRST):
        return _exact(1)
    found = [match[0] for match in ARABIC.finditer(bare)]
    if found:
        return _arabic(bare, found)
    if "分之" in bare:
        below, _, above = bare.partition("分之")
        parts = (_chinese(below), _chinese(above))
        return None if None in parts or not parts[0] else Number(Decimal(parts[1]) / Decimal(parts[0]), None, Decimal(0), 4)  # type: ignore[arg-type]
    word = _chinese(bare)
    return None if word is None else _exact(word)


def _arabic(bare: str, found: list[str]) -> Number | None:
    if "+" in bare and re.fullmatch(r"\d+(?:\+\d+)+", bare):
        return _exact(sum(int(part) for part in bare.split("+")))
    first = ARABIC.match(bare)
    if first is None:
        return None
    rest = bare[first.end() :]
    value, step, digits = _decimal(first[0])
    if rest in ("", "%", "%o"):
        return Number(value, None, step, digits)
    gap = BETWEEN.match(rest)
    second = ARABIC.fullmatch(rest[gap.end() :].rstrip("%")) if gap else None
    if second is not None:
        high, other, _ = _decimal(second[0])
        return Number(value, high, min(step, other), digits)
    steps = rest.rstrip("%")
    if steps and all(sign in STEPS for sign in steps):
        for sign in steps:
            value, step = value * STEPS[sign], step * STEPS[sign]
        return Number(value, None, step, digits)
    return None


def _decimal(text: str) -> tuple[Decimal, Decimal, int]:
    bare = text.replace(",", "").replace("−", "-")
    try:
        value = Decimal(bare)
    except InvalidOperation:
        return Decimal(0), Decimal(1), 1
    return value, Decimal(1).scaleb(int(value.as_tuple().exponent)), len(bare.lstrip("+-").replace(".", "").lstrip("0")) or 1


def _exact(value: int) -> Number:
    return Number(Decimal(value), None, Decimal(0), len(str(value)))


def _chinese(text: str) -> int | None:
    """A Chinese numeral as a whole number, or None: 十五, 二千零二十, 千万, 两, 双."""
    if not text or any(sign not in CHINESE for sign in text):
        return None
    if all(sign in DIGITS for sign in text):
        return int("".join(str(DIGITS[sign]) for sign in text))
    total, section, digit = 0, 0, None
    for sign in text:
        if sign in DIGITS:
            digit = DIGITS[sign]
            continue
        step = STEPS[sign]
        if step >= STEPS["万"]:
            total = (total + section + (digit or 0) or 1) * step
            section, digit = 0, None
        else:
            section += (1 if digit is None else digit) * step
            digit = None
    return total + section + (digit or 0)


def stands_whole(printed: str, quote: str) -> bool:
    """Whether a printed number stands in a quote as a whole number, and not only as a part of a longer one."""
    looked, within = close(printed), close(quote)
    if not looked:
        return False
    start = within.find(looked)
    while start >= 0:
        before, after = within[:start], within[start + len(looked) :]
        if not (_goes_on(looked[0], before[-1:], before[-2:-1]) or _goes_on(looked[-1], after[:1], after[1:2])):
            return True
        start = within.find(looked, start + 1)
    return False


def _goes_on(edge: str, beside: str, beyond: str) -> bool:
    """Whether a number whose edge is this sign goes on in the sign beside it."""
    if edge.isdigit():
        return beside.isdigit() or (beside in (".", ",") and beyond.isdigit() and bool(beside))
    if edge in CHINESE:
        return beside in CHINESE and beside not in ("几",)
    return False
