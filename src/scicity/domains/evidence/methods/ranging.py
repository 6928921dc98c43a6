"""Values and ratios against what is possible and what is usual, each range with its source.

Values are in the units of their statements [UCUM]. Source: own rules; what they know of measures and units stands in data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from scicity.domains.evidence.methods.adding import same_period, together
from scicity.domains.evidence.methods.claims import Claims
from scicity.domains.evidence.methods.found import Found, Rules, digits, fits, unit_word

POINTS = "[pp]"
ANY = "*"  # the pattern of every measure
COUNTED = ("count", "rank", "date")  # natures whose values are whole numbers


def ranging(claims: Claims, rules: Rules) -> list[Found]:
    """Statements outside of the range of their measure, in a unit that it cannot have, or in a ratio outside of its range.

    Ranges are in the unit of the statement, those of ratios in units of numerator over denominator. Source: the registers name
    one for each range (`standards/measures.csv`, `standards/ratios.csv`).
    """
    found = list(_measures(claims, rules))
    for ratio in rules.ratios:
        found += _ratio(claims, ratio)
    return found


def _measures(claims: Claims, rules: Rules) -> Iterator[Found]:
    measures, units = claims.column("measure_en"), claims.column("unit")
    rows = [rules.measure(measure, unit) for measure, unit in zip(measures, units, strict=True)]
    lowest = np.array([float(row["lowest"]) if row else -np.inf for row in rows], dtype=float)
    highest = np.array([float(row["highest"]) if row else np.inf for row in rows], dtype=float)
    known = np.isfinite(claims.value)
    top = np.array([float(row.get("value_high") or np.nan) for row in claims.rows], dtype=float)
    outside = known & ((claims.value < lowest) | (claims.value > highest) | (top > highest))
    whole = np.array([bool(row and row["nature"] in COUNTED) for row in rows], dtype=bool)
    broken = known & whole & (np.abs(claims.value - np.round(claims.value)) > 1e-9)
    for i in np.flatnonzero(outside).tolist():
        word = unit_word(units[i])
        limit = f"{digits(lowest[i])} … {digits(highest[i])} {word}".strip()
        told = f"{digits(claims.value[i])} ∉ {limit} ({rows[i]['source']}; {rows[i]['review']})"  # type: ignore[index]
        yield Found(
            "outside_range",
            ((i, "statement"),),
            told,
            float(claims.value[i]),
            float(lowest[i]),
            float(highest[i]),
            word,
            severity="high" if claims.value[i] < 0 or rows[i]["review"] == "verified" else "",  # type: ignore[index]
        )
    for i in np.flatnonzero(broken & ~outside).tolist():
        yield Found(
            "not_whole", ((i, "statement"),), f"{digits(claims.value[i])} {unit_word(units[i])}", float(claims.value[i])
        )
    for i, row in enumerate(rows):
        if (row is None or row["measure_pattern"] == ANY) and units[i] not in ("", POINTS) and known[i]:
            fitting = sorted({str(each["unit_pattern"]) for each in rules.measures if _named(each, measures[i])})
            if fitting:
                yield Found("unit_of_measure", ((i, "statement"),), f"{measures[i]}: {units[i]} ∉ {', '.join(fitting)}")


def _named(row: Any, measure: str) -> bool:
    """Whether a row is of a measure by its name; the rows of any measure say what a unit can be, and not which it is."""
    return row["measure_pattern"] != ANY and fits(row["measure_pattern"], measure)


def _ratio(claims: Claims, ratio: Any) -> Iterator[Found]:
    tops = [i for i in claims.chosen(ratio["numerator"], ratio["numerator_unit"]) if claims.value[i]]
    bottoms = [j for j in claims.chosen(ratio["denominator"], ratio["denominator_unit"]) if claims.value[j]]
    lowest, highest = float(ratio["lowest"]), float(ratio["highest"])
    for i in tops:
        mine = [j for j in bottoms if j != i and together(claims, i, j, ratio["together"]) and same_period(claims, i, j)]
        for j in mine[:1]:
            value = claims.value[i] / claims.value[j] if claims.value[j] else float("inf")
            if lowest <= value <= highest:
                continue
            told = f"{digits(claims.value[i])} / {digits(claims.value[j])} = {digits(value)} {ratio['symbol']}"
            told += f" ∉ {digits(lowest)} … {digits(highest)} ({ratio['source']}; {ratio['review']})"
            reason = (
                f"{ratio['name_zh']}：{ratio['reason_zh']}",
                f"{str(ratio['name_en']).capitalize()}. {ratio['reason_en']}",
            )
            members = ((i, "numerator"), (j, "denominator"))
            yield Found("ratio_outside", members, told, float(value), lowest, highest, str(ratio["symbol"]), reason=reason)
