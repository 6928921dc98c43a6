"""Statements beside what was measured: values of indicators, and earlier values that a level and a fall imply.

Values are in the units of their statements [UCUM]. Source: own rules; what they know of measures and units stands in data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scicity.domains.evidence.methods.claims import Claims
from scicity.domains.evidence.methods.found import Found, Rules, digits

LEAST_COVERAGE = 0.75  # of a measured value that can contradict a statement


def measuring(
    claims: Claims,
    rules: Rules,
    values: Sequence[Mapping[str, Any]],
    implied: Sequence[Mapping[str, Any]],
    stations: Sequence[Mapping[str, Any]],
) -> list[Found]:
    """Statements that measurements of the same time contradict; what is a stand-in contradicts nobody.

    `values`: rows of `indicators.value` [the indicator's unit]; `implied`: rows of `environment.implied_baseline`, and
    `stations` of `environment.air_yearly` [ug/m3]. Source: the tables' own methods.
    """
    place = {str(row.get("claim_id")): i for i, row in enumerate(claims.rows)}
    return [*_values(claims, rules, values, place), *_implied(claims, rules, implied, stations, place)]


def _values(claims: Claims, rules: Rules, values: Sequence[Mapping[str, Any]], place: dict[str, int]) -> Iterator[Found]:
    within = rules.threshold("measured_apart", 0.05)
    measured = {
        (v["indicator"], v["zone"], v["year"]): v
        for v in values
        if v["origin"] == "measured" and v["value"] is not None and not v.get("stand_in")
    }
    for value in values:
        i = place.get(str(value.get("claim_id")))
        own = measured.get((value["indicator"], value["zone"], value["year"]))
        if i is None or own is None or value["origin"] != "reported" or value["value"] is None:
            continue
        if own["coverage"] is not None and own["coverage"] < LEAST_COVERAGE:
            continue
        said, seen = float(value["value"]), float(own["value"])
        if abs(said - seen) > within * max(abs(said), abs(seen)):
            told = f"{digits(said)} ≠ {digits(seen)} {value.get('symbol') or ''} ({value['indicator']}, {value['year']})"
            yield Found("measured_apart", ((i, "statement"),), told, said, seen, seen, str(value.get("symbol") or ""))


def _implied(
    claims: Claims,
    rules: Rules,
    implied: Sequence[Mapping[str, Any]],
    stations: Sequence[Mapping[str, Any]],
    place: dict[str, int],
) -> Iterator[Found]:
    within = rules.threshold("baseline_measured_apart", 0.15)
    means: dict[tuple[Any, Any], list[float]] = defaultdict(list)
    for row in stations:
        covered = row["coverage"] is None or row["coverage"] >= LEAST_COVERAGE
        if row["concentration"] is not None and covered:
            means[row["pollutant"], row["year"]].append(float(row["concentration"]))
    for row in implied:
        i, level = place.get(str(row["claim_id"])), place.get(str(row["level_claim"]))
        seen = means.get((row["pollutant"], row["year"]))
        if i is None or not seen or row["concentration_low"] is None or row["concentration_high"] is None:
            continue
        low, high = min(seen) * (1 - within), max(seen) * (1 + within)
        if float(row["concentration_high"]) < low or float(row["concentration_low"]) > high:
            told = f"{digits(float(row['concentration']))} ∉ {digits(low)} … {digits(high)} µg/m³"
            told += f" ({row['pollutant']}, {row['year']})"
            members = ((i, "change"), *(((level, "level"),) if level is not None else ()))
            yield Found("baseline_measured_apart", members, told, float(row["concentration"]), low, high, "µg/m³")
