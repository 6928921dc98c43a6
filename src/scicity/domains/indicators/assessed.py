"""Assessment: the published methods side by side over every series, and where their verdicts flip."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pyarrow as pa

from scicity.domains.indicators.judged import begun_in, promised, value_of
from scicity.domains.indicators.methods import compare
from scicity.domains.indicators.methods import status as judging
from scicity.domains.indicators.methods.edition import edition_of_year
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Derived, Read, derived, source
from scicity.vocabulary import term

ASSESSMENT_METHOD = source(
    "indicators.assessment_method",
    packaged=__file__,
    path="standards/assessment_methods.csv",
    columns=["assessment_method", "name_zh", "name_en", "review", "source"],
    grain=["assessment_method"],
    title_zh="评估方法",
    title_en="Methods of assessment",
    doc="The published methods, and whether their documents themselves were seen.",
)

KEY = ("framework", "indicator", "zone", "year", "origin")
ASSESSMENT = (
    *(*KEY, "assessment_method", "edition", "value", "value_high", "symbol", "baseline", "baseline_year", "target"),
    *("target_high", "target_year", "verdict", "standing", "score", "progress_measure", "verdict_low", "verdict_high"),
    *("reason", "arithmetic", "stand_in"),
)
FLIP = (*KEY, "agreement", "methods_judged", "verdicts", "stand_in")
PERCENT = "percent"


def assessment_table() -> Derived:
    """`indicators.assessment` over the values and the targets of every edition."""
    return derived(
        name="indicators.assessment",
        reads={
            "value": Read(
                "indicators.value",
                trace={"indicator": "indicator", "zone": "zone", "year": "year", "origin": "origin"},
            ),
            "base": Read(
                "indicators.value",
                trace={"indicator": "indicator", "zone": "zone", "baseline_year": "year", "origin": "origin"},
            ),
            "indicator": Read(
                "indicators.indicator",
                columns=("indicator", "direction", "unit", "minimum_coverage"),
                trace={"indicator": "indicator"},
            ),
            "membership": Read(
                "indicators.membership",
                columns=("framework", "indicator", "base_from", "natural_limit"),
                trace={"framework": "framework", "indicator": "indicator"},
            ),
            "editions": Read(
                "indicators.edition",
                columns=("framework", "edition", "valid_from"),
                trace={"framework": "framework", "edition": "edition"},
            ),
            "promise": Read(
                "indicators.edition_target",
                trace={
                    **{"framework": "framework", "edition": "edition", "indicator": "indicator", "zone": "zone"},
                    "target_year": "year",
                },
            ),
        },
        columns=ASSESSMENT,
        grain=(*KEY, "assessment_method"),
        by_partition=True,
        title_zh="指标评估（多方法并列）",
        title_en="Assessment by several methods",
    )(assessment)


def assessment(
    slot: Slot,
    value: pa.Table,
    base: pa.Table,
    indicator: pa.Table,
    membership: pa.Table,
    editions: pa.Table,
    promise: pa.Table,
) -> pa.Table:
    """Each value of each framework judged by each published method: verdict, score, and the arithmetic that led there.

    Judged is the way from the base (the first number from `base_from`, or 2015, on) to the value, against the target of the
    framework's edition that was in force at the end of the value's year, or its first. What a bound leaves open is
    `undecided`, with the verdicts at both of its ends; what cannot be judged says why in `reason`.
    """
    about = {row["indicator"]: row for row in indicator.to_pylist()}
    targets, begun = promised(promise), begun_in(editions, slot)
    series = defaultdict(list)
    for row in value.to_pylist():
        series[row["indicator"]].append(row)
    rows: list[dict[str, Any]] = []
    for member in sorted(membership.to_pylist(), key=lambda row: (row["framework"], row["indicator"])):
        name, rules = member["indicator"], about.get(member["indicator"])
        if rules is None:
            continue
        by_origin = defaultdict(list)
        for row in series[name]:
            by_origin[row["zone"], row["origin"]].append(row)
        for (zone, _), mine in by_origin.items():
            mine.sort(key=lambda row: row["year"])
            for last, row in enumerate(mine):
                edition = edition_of_year(begun[member["framework"]], row["year"])
                target = judging.target_at(targets[member["framework"], edition, name, zone], row["year"])
                rows += _judged(mine[: last + 1], member, rules, edition, target)
    return pa.table({column: pa.array([row[column] for row in rows], term(column).arrow) for column in ASSESSMENT})


def _judged(
    mine: list[dict[str, Any]],
    member: dict[str, Any],
    rules: dict[str, Any],
    edition: str | None,
    target: judging.Target | None,
) -> list[dict[str, Any]]:
    row = mine[-1]
    by_year = {each["year"]: each for each in mine}
    found = compare.side_by_side(
        [value_of(each) for each in mine],
        rules["direction"],
        target,
        rules["minimum_coverage"],
        limit=member["natural_limit"],
        percent=rules["unit"] == PERCENT,
        base_year=member["base_from"],
    )
    plain = {name: row[name] for name in ("indicator", "zone", "year", "origin", "value", "value_high", "symbol")}
    told = []
    for each in found:
        judged, start = each.assessed, each.base
        first = by_year[start.year] if start else None
        told.append(
            {
                **plain,
                **{"framework": member["framework"], "edition": edition, "assessment_method": each.method},
                **{"baseline": start.value if start else None, "baseline_year": start.year if start else None},
                **{"target": target.value if target else None, "target_high": target.high if target else None},
                **{"target_year": target.year if target else None, "verdict": judged.verdict},
                **{"standing": compare.STANDING.get(judged.verdict), "score": _finite(judged.score)},
                **{"progress_measure": _finite(judged.measure), "verdict_low": each.low, "verdict_high": each.high},
                **{"reason": judged.reason or None, "arithmetic": judged.arithmetic or None},
                "stand_in": _either(row["stand_in"], first["stand_in"] if first else None),
            }
        )
    return told


def _finite(number: float | None) -> float | None:
    return None if number is None or abs(number) == float("inf") else number


def _either(one: bool | None, other: bool | None) -> bool | None:
    known = [each for each in (one, other) if each is not None]
    return any(known) if known else None


def flip_table() -> Derived:
    """`indicators.verdict_flip` over the assessments."""
    return derived(
        name="indicators.verdict_flip",
        reads={"assessments": Read("indicators.assessment")},
        columns=FLIP,
        grain=KEY,
        by_partition=True,
        title_zh="方法间结论不一致",
        title_en="Where verdicts flip",
    )(verdict_flip)


def verdict_flip(_: Slot, assessments: pa.Table) -> pa.Table:
    """How the verdicts of the methods stand to one another for each value: opposite, differ, agree, single or none."""
    groups = defaultdict(list)
    for row in assessments.to_pylist():
        groups[tuple(row[name] for name in KEY)].append(row)
    order = {name: number for number, name in enumerate(compare.METHODS)}
    rows = []
    for key, mine in groups.items():
        mine.sort(key=lambda row: order[row["assessment_method"]])
        judged = [row for row in mine if row["standing"] is not None]
        rows.append(
            {
                **dict(zip(KEY, key, strict=True)),
                "agreement": compare.agreement(row["verdict"] for row in mine),
                "methods_judged": len(judged),
                "verdicts": "; ".join(f"{row['assessment_method']}: {row['verdict']}" for row in mine),
                "stand_in": mine[0]["stand_in"],
            }
        )
    return pa.table({column: pa.array([row[column] for row in rows], term(column).arrow) for column in FLIP})
