"""How a number is written for people: digits, Chinese and English groups, dates. Pure: no Django, no clock."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

SIGNIFICANT = 4
WAN, YI = Decimal(10**4), Decimal(10**8)
UNKNOWN = "—"


# Units that people read large amounts in: canonical symbol, language (any, if empty), from which amount on, divisor, symbol.
LARGER = (
    ("kWh", "en", Decimal(10**7), Decimal(10**6), "GWh"),
    ("kWh", "en", Decimal(10**4), Decimal(10**3), "MWh"),
    ("kg", "", Decimal(10**4), Decimal(10**3), "t"),
    ("kgce", "", Decimal(10**4), Decimal(10**3), "tce"),
    ("m²", "", Decimal(10**6), Decimal(10**6), "km²"),
)


def in_larger_unit(value: Any, symbol: str, language: str) -> tuple[Any, str]:
    """An amount in the unit that people read it in, and that unit's symbol."""
    if value is None or isinstance(value, (str, bool)) or (isinstance(value, float) and not math.isfinite(value)):
        return value, symbol
    number = exact(value)
    for canonical, only, least, divisor, larger in LARGER:
        if symbol == canonical and only in ("", language) and abs(number) >= least:
            return number / divisor, larger
    return value, symbol


def in_language(symbol: str, language: str) -> str:
    """A symbol for a reader: powers raised, money by its code in English, and counting words such as 人 in Chinese alone."""
    symbol = symbol.replace("**2", "²").replace("**3", "³")
    symbol = symbol if language == "zh" else symbol.replace("元", "CNY")
    return "" if language != "zh" and any("\u4e00" <= sign <= "\u9fff" for sign in symbol) else symbol


def exact(value: Any) -> Decimal:
    """A number as a decimal, digit by digit as Python prints it. Raises ValueError for what is no finite number."""
    number = value if isinstance(value, Decimal) else Decimal(repr(value) if isinstance(value, float) else str(value))
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    return number


def plain(number: Decimal) -> str:
    """All digits with thousands separators, without an exponent or closing zeros."""
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def rounded(number: Decimal, significant: int = SIGNIFICANT) -> Decimal:
    """To some significant digits, half to even; digits before the point are never dropped."""
    if number == 0:
        return Decimal(0)
    places = max(0, significant - 1 - number.adjusted())
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


def written(value: Any, language: str, *, full: bool = False, significant: int = SIGNIFICANT, grouped: bool = True) -> str:
    """A number for a reader of `zh` or `en`: 1,234 · 12.35 万 · 0.1234; None and NaN are `—`.

    Chinese counts large numbers by 万 (from 100,000 on) and 亿; English prints all digits before the point. `full` writes
    every digit in either; without `grouped` columns of a table stay comparable: no 万.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return UNKNOWN
    if isinstance(value, bool):
        return {True: ("是", "yes"), False: ("否", "no")}[value][language != "zh"]
    if isinstance(value, str):
        return value
    number = exact(value)
    if full:
        return plain(number)
    size = abs(number)
    if grouped and language == "zh" and size >= YI:
        return f"{plain(rounded(number / YI, significant))} 亿"
    if grouped and language == "zh" and size >= 10 * WAN:
        return f"{plain(rounded(number / WAN, significant))} 万"
    if isinstance(value, int):
        return plain(number)
    return plain(rounded(number, significant))


def share(value: Any) -> str:
    """A share from 0 to 1 as a percentage; never rounded up to 100 %."""
    percent = (exact(value) * 100).quantize(Decimal("0.1"), ROUND_FLOOR)
    return f"{plain(percent)} %"


def moment(value: date | datetime, zone: ZoneInfo) -> str:
    """A date as it is, an instant in local time to the minute (to the second where it has any)."""
    if not isinstance(value, datetime):
        return value.isoformat()
    local = value.astimezone(zone)
    return local.strftime("%Y-%m-%d %H:%M:%S" if local.second else "%Y-%m-%d %H:%M")
