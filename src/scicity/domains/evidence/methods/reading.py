"""Does what was taken down follow from the quote: the number, its unit, the words around it, the direction.

Values are in the units of their statements [UCUM]. Source: own rules; what they know of measures and units stands in data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np

from scicity.domains.evidence.methods import numerals
from scicity.domains.evidence.methods.claims import Claims
from scicity.domains.evidence.methods.found import Found, Rules, digits, fits

MULTIPLES = {"百万": 1_000_000, "千万": 10_000_000, "亿": 100_000_000, "万": 10_000, "千": 1_000, "百": 100}
LOOSE = ("余", "多", "几", "大", "整")  # what may stand between a number and its unit and changes neither
COUNTED = "{*}"
POINTS = "[pp]"
SAME_SIDE = {"over": "above", ">": "above", ">=": "above", "<": "below", "<=": "below", "~": "about", "=": "exact"}
TABULATED = "\t"


def reading(claims: Claims, rules: Rules) -> list[Found]:
    """Statements whose value, unit, comparator or direction does not follow from their own quote.

    A value [its unit] is the printed number times the scale of its printed unit. Source: GB/T 15835-2011 and usage.
    """
    scales = _scales(rules)
    shares = {
        row.get("subject_en")
        for row in claims.rows
        if row.get("unit") == "%" and rules.nature(str(row.get("measure_en")), "%") == "share"
    }
    found: list[Found] = []
    for i in range(len(claims)):
        row = claims.rows[i]
        found += _number(claims, i, row)
        found += _value(claims, i, row, scales, rules)
        found += _words(claims, i, row, rules)
        found += _nature(i, row, rules)
        found += _direction(claims, i, row, rules, shares)
    return found


def _number(claims: Claims, i: int, row: Any) -> Iterator[Found]:
    printed, quote = str(row.get("value_reported") or ""), str(row.get("quote_zh") or "")
    if printed and quote and not numerals.stands_whole(printed, quote):
        yield Found("number_in_quote", ((i, "statement"),), f"“{printed}” ∉ “{quote[:60]}”")


@lru_cache(maxsize=8)
def _scales_of(rows: tuple[tuple[str, str, float], ...]) -> dict[str, list[tuple[str, float]]]:
    found: dict[str, list[tuple[str, float]]] = {}
    for printed, patterns, scale in rows:
        found.setdefault(numerals.plain(printed), []).append((patterns, scale))
    return found


def _scales(rules: Rules) -> dict[str, list[tuple[str, float]]]:
    return _scales_of(tuple((str(row["printed"]), str(row["unit_pattern"]), float(row["unit_scale"])) for row in rules.printed))


def scale_of(printed_unit: str, unit: str, scales: dict[str, list[tuple[str, float]]]) -> float | None:
    """How many units a printed unit is; None where it is of another kind, NaN where nothing is known of it."""
    bare = numerals.plain(printed_unit)
    for word in LOOSE:
        bare = bare.removeprefix(word)
    multiple = 1.0
    if bare not in scales:
        for word, times in MULTIPLES.items():
            if bare.startswith(word) and (bare[len(word) :] in scales or unit.startswith("{")):
                multiple, bare = float(times), bare[len(word) :]
                break
    if bare in scales:
        fitting = [scale for patterns, scale in scales[bare] if fits(patterns, unit)]
        return multiple * fitting[0] if fitting else None
    if unit.startswith("{") or not bare:
        return multiple
    return float("nan")


def _value(claims: Claims, i: int, row: Any, scales: Any, rules: Rules) -> Iterator[Found]:
    number, unit = claims.numbers[i], str(row.get("unit") or "")
    printed_unit, quote = str(row.get("unit_reported") or ""), str(row.get("quote_zh") or "")
    if printed_unit and quote and unit != "{year}":
        seen = _printed_unit(str(row.get("value_reported") or ""), quote, _stem(printed_unit), set(scales))
        if seen is not None:
            yield Found("unit_in_quote", ((i, "statement"),), f"“{seen or quote[:60]}” ≠ “{printed_unit}”")
    if number is None or not np.isfinite(claims.value[i]):
        return
    scale = scale_of(printed_unit, unit, scales)
    if scale is None:
        yield Found("unit_of_print", ((i, "statement"),), f"“{printed_unit}” ≠ {unit}")
        return
    if printed_unit == "" and unit == "%" and number.value == 0:
        return
    if np.isnan(scale) or (number.value and not printed_unit and unit not in ("1",) and not unit.startswith("{")):
        return
    within = rules.threshold("value_of_print", 0.001)
    for said, printed in ((row.get("value"), number.value), (row.get("value_high"), number.high)):
        if printed is None or said is None or said == "":
            continue
        expected = float(printed * Decimal(repr(scale)))
        if str(row.get("value_reported") or "").strip() == printed_unit.strip():  # 千兆 is number and unit in one word
            expected = scale
        if abs(float(said) - expected) > within * max(abs(expected), abs(float(said))) and not _rounded(said, expected):
            times = f"{digits(float(printed))} × {digits(scale)} = {digits(expected)} ≠ {digits(float(said))} {unit}"
            yield Found("value_of_print", ((i, "statement"),), times, float(said), expected, expected, unit)


def _rounded(said: Any, expected: float) -> bool:
    """Whether a fraction was taken down with four digits behind the point."""
    return abs(float(said) - expected) < 1e-4 * 0.6 and abs(expected) < 1


def _stem(printed_unit: str) -> str:
    bare = numerals.plain(printed_unit)
    for word in LOOSE[:2]:
        bare = bare.removeprefix(word)
    return bare


def _printed_unit(printed: str, quote: str, looked: str, known: set[str]) -> str | None:
    """None where the unit stands as it was taken down; else the unit that the quote has instead, '' where it has none.

    It stands behind the number, or in the brackets of a table's label. Of what is counted any word may stand.
    """
    within, number = numerals.close(quote), numerals.close(printed)
    if TABULATED in quote:
        label = re.search(r"[（(]([^（）()]+)[）)]", quote.split(TABULATED)[0])
        unit = numerals.plain(label[1]) if label else ""
        return unit if _is_unit(unit, known) and unit != looked else None
    places = [match.end() for match in re.finditer(re.escape(number), within)] if number else []
    behind = [within[place:].lstrip("余多") for place in places]
    if not behind or looked.endswith(number) or any(text.startswith(looked[: max(1, len(text))]) for text in behind):
        return None
    if any(looked.startswith(word) != behind[0].startswith(word) for word in MULTIPLES):
        return behind[0][: len(looked)]
    others = [_longest_unit(text, known) for text in behind]
    if any(others) and not any(looked.endswith(other) or other.startswith(looked) for other in others if other):
        return max(others, key=len)
    return "" if looked in known and looked not in within and looked not in ("人", "名") else None


def _is_unit(text: str, known: set[str]) -> bool:
    return text in known or any(text.startswith(word) and text[len(word) :] in known for word in MULTIPLES)


def _longest_unit(text: str, known: set[str]) -> str:
    units = [word + unit for unit in known for word in ("", *MULTIPLES) if text.startswith(word + unit)]
    return max(units, key=len, default="")


def _words(claims: Claims, i: int, row: Any, rules: Rules) -> Iterator[Found]:
    """The comparator that the words beside the number say, where it stands once in its quote."""
    printed, quote = numerals.plain(str(row.get("value_reported") or "")), numerals.plain(str(row.get("quote_zh") or ""))
    said = str(row.get("comparator") or "=")
    if not printed or quote.count(printed) != 1 or row.get("status") == "event" or row.get("unit") == "a":
        return
    before, after = quote.split(printed)
    words = [str(cue["meaning"]) for cue in rules.words("before") if before.endswith(numerals.plain(str(cue["cue"])))][:1]
    if printed[-1] in "余多":
        words.append("over")
    unit = _stem(str(row.get("unit_reported") or ""))
    rest = after[len(unit) :] if unit and after.startswith(unit) else after
    starts = {after[:1], rest[:2]} - {""}
    words += [
        str(cue["meaning"]) for cue in rules.words("behind") if str(cue["cue"]) in starts and _alone(str(cue["cue"]), after)
    ]
    if str(row.get("unit_reported") or "")[:1] in ("余", "多"):
        words.append("over")
    if not words:
        return
    sides = {SAME_SIDE.get(word, "") for word in words}
    if SAME_SIDE.get(said, "") not in sides:
        yield Found("words_of_quote", ((i, "statement"),), f"“{quote[:60]}” → {words[0]}, {said}")


def _alone(cue: str, after: str) -> bool:
    """多 and 余 count right behind the number or its multiple only, and not within a word such as 多层."""
    return len(cue) > 1 or after.startswith(cue)


def _direction(claims: Claims, i: int, row: Any, rules: Rules, shares: set[Any]) -> Iterator[Found]:
    unit, measure = str(row.get("unit") or ""), str(row.get("measure_en") or "")
    quote, value = str(row.get("quote_zh") or ""), claims.value[i]
    nature = rules.nature(measure, "%" if unit == POINTS else unit)
    behind = _points(row)
    if nature in ("share", "change") and (unit == POINTS or behind == POINTS):
        base_is_share = row.get("subject_en") in shares
        if nature == "share" or not base_is_share:
            yield Found("percent_or_points", ((i, "statement"),), f"{measure}: “{quote[:60]}” → {unit}")
    elif unit == POINTS and behind != POINTS:
        yield Found("percent_or_points", ((i, "statement"),), f"“{quote[:60]}” → {unit}")
    if not np.isfinite(value):
        return
    if nature == "change":
        words = {str(cue["meaning"]) for cue in rules.words("change") if str(cue["cue"]) in quote}
        expected = {"reduction": "down", "growth": "up"}.get(re.split(r"_", measure)[-1], "")
        if len(words) == 1 and expected and next(iter(words)) != expected:
            yield Found("sign_of_words", ((i, "statement"),), f"“{quote[:60]}” ≠ {measure}")
        elif words and value < 0:
            yield Found("sign_of_words", ((i, "statement"),), f"“{quote[:60]}”: {digits(value)} {unit}")
    printed = claims.numbers[i]
    if printed is not None and (value < 0) != (printed.value < 0) and printed.value and value:
        yield Found("sign_of_words", ((i, "statement"),), f"{digits(float(printed.value))} ≠ {digits(value)} {unit}")


def _nature(i: int, row: Any, rules: Rules) -> Iterator[Found]:
    """A fact whose own quote says that it is expected or aimed at."""
    quote = str(row.get("quote_zh") or "")
    words = [str(cue["cue"]) for cue in rules.words("nature") if str(cue["cue"]) in quote]
    if row.get("status") == "actual" and words:
        yield Found("status_of_words", ((i, "statement"),), f"“{quote[:60]}” → {words[0]}")


def _points(row: Any) -> str:
    printed, quote = numerals.plain(str(row.get("value_reported") or "")), numerals.plain(str(row.get("quote_zh") or ""))
    if not printed or printed not in quote:
        return ""
    after = quote[quote.find(printed) + len(printed) :].lstrip("余多")
    return POINTS if re.match(r"个?百分点", after) else ""
