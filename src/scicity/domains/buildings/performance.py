"""Promised against measured: each building by year and, within a year, to the end of each month; and how many are kept."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import ibis
import pyarrow as pa

from scicity.domains.buildings.labels import STAND_IN
from scicity.domains.buildings.methods import promised
from scicity.kernel.computing import Slot
from scicity.kernel.district import ROOT_ZONE
from scicity.kernel.tables import Read, derived

EPOCH = date(1970, 1, 1)
_KEY = {"building": "building", "promise_measure": "promise_measure"}
_OF_MEASURE = {"promise_measure": "promise_measure"}
_READS = {
    "stated": Read("buildings.promise_stated", trace=_KEY | {"first_day": "first_day"}),
    "measures": Read(
        "buildings.promise_measure",
        columns=("promise_measure", "symbol", "direction", "tolerance", "minimum_coverage"),
        trace=_OF_MEASURE,
    ),
    "tolerances": Read("buildings.promise_tolerance", columns=("promise_measure", "tolerance"), trace=_OF_MEASURE),
    "buildings": Read("buildings.building", columns=("building", "zone", "origin"), trace={"building": "building"}),
}
_COLUMNS = ["zone", "project", "first_day", "promise_value", "symbol"]


def _in_force(stated: pa.Table, year: int) -> dict[tuple[str, str], dict[str, Any]]:
    """The promise of each building and measure that holds for a year: the last one from before it began."""
    begin = (date(year, 1, 1) - EPOCH).days
    of: dict[tuple[str, str], dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in stated.to_pylist():
        of[row["building"], row["promise_measure"]][(row["first_day"] - EPOCH).days] = row
    held = {key: (rows, promised.holding(rows, begin)) for key, rows in of.items()}
    return {key: rows[first] for key, (rows, first) in sorted(held.items()) if first is not None}


def _rules(measures: pa.Table, tolerances: pa.Table) -> dict[str, dict[str, Any]]:
    own = {row["promise_measure"]: row["tolerance"] for row in tolerances.to_pylist()}
    return {
        r["promise_measure"]: {**r, "tolerance": own.get(r["promise_measure"], r["tolerance"])} for r in measures.to_pylist()
    }


def _about(row: dict[str, Any], built: dict[str, Any]) -> dict[str, Any]:
    kept = {name: row[name] for name in ("building", "promise_measure", "project", "first_day", "promise_value", "symbol")}
    return {**kept, "zone": built.get("zone")}


@derived(
    reads={
        **_READS,
        "measured": Read("buildings.measured_yearly", trace=_KEY | {"year": "year"}),
    },
    columns=[
        *("building", "promise_measure", "year", *_COLUMNS, "measured_value", "gap", "gap_share", "tolerance"),
        *("promise_verdict", "coverage", "document", "review", "stand_in"),
    ],
    grain=["building", "promise_measure", "year"],
    period="year",
    time="year",
    by_partition=True,
    title_zh="承诺与实测",
    title_en="Promised against measured",
)
def performance_yearly(slot: Slot, measured: pa.Table, **tables: pa.Table) -> pa.Table:
    """Each promise that holds for a whole year beside what was measured: the gap, and whether it was kept.

    The promise is the last one that holds from before the year began. A year whose coverage is below the least one is
    incomplete: it shows what is known, and no gap. Kept is as good as promised or better, tolerated is worse within the
    tolerance. A promise of a measure that there is not, or in another unit, is not compared.
    """
    year = int(slot.part.period)
    found = {(row["building"], row["promise_measure"]): row for row in measured.to_pylist()}
    rules = _rules(tables["measures"], tables["tolerances"])
    built = {row["building"]: row for row in tables["buildings"].to_pylist()}
    rows = []
    for key, promise in _in_force(tables["stated"], year).items():
        rule = rules.get(key[1], {})
        if promised.comparable(promise["promise_value"], promise["symbol"], rule.get("symbol")):
            seen = found.get(key, {})
            told = promised.judged(
                promise["promise_value"],
                seen.get("measured_value"),
                seen.get("coverage"),
                rule["direction"],
                rule["tolerance"],
                rule["minimum_coverage"],
            )
        else:
            seen, told = {}, promised.Judged(None, None, promised.NOT_COMPARABLE)
        of = built.get(key[0], {})
        rows.append(
            {
                **_about(promise, of),
                **{"year": year, "measured_value": seen.get("measured_value"), "coverage": seen.get("coverage")},
                **{
                    "gap": told.gap,
                    "gap_share": told.share,
                    "promise_verdict": told.verdict,
                    "tolerance": rule.get("tolerance"),
                },
                **{"document": promise["document"], "review": promise["review"]},
                "stand_in": bool(seen.get("stand_in")) or STAND_IN in (promise["origin"], of.get("origin")),
            }
        )
    return pa.Table.from_pylist(rows, schema=performance_yearly.schema)


@derived(
    reads={
        **_READS,
        "measured": Read("buildings.measured_monthly", trace=_KEY),
    },
    columns=[
        *("building", "promise_measure", "month", *_COLUMNS, "promised_to_date", "measured_to_date", "measured_value"),
        *("coverage", "stand_in"),
    ],
    grain=["building", "promise_measure", "month"],
    period="year",
    time="month",
    by_partition=True,
    title_zh="承诺与实测（当年至今）",
    title_en="Promised against measured, year to date",
)
def performance_to_date(slot: Slot, measured: pa.Table, **tables: pa.Table) -> pa.Table:
    """What was measured from the first of January to the end of each month beside that share of the promise.

    The promise's share goes by days, seasons not regarded, so this is no verdict. What is known is added up and nothing is made
    up for the rest: `coverage` is that of all days from the first of January on.
    """
    year = int(slot.part.period)
    by_month: dict[tuple[str, str], dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in measured.to_pylist():
        by_month[row["building"], row["promise_measure"]][row["month"].month] = row
    built = {row["building"]: row for row in tables["buildings"].to_pylist()}
    rules = {row["promise_measure"]: row["symbol"] for row in tables["measures"].to_pylist()}
    of = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    rows = []
    for key, promise in _in_force(tables["stated"], year).items():
        if not promised.comparable(promise["promise_value"], promise["symbol"], rules.get(key[1])):
            continue
        months, total, parts, stand_in = by_month.get(key, {}), 0.0, [], False
        for number in range(1, max(months, default=0) + 1):
            first = date(year, number, 1)
            length = ((first + timedelta(days=31)).replace(day=1) - first).days
            seen = months.get(number, {})
            known = seen.get("measured_value") is not None
            total += seen["measured_value"] if known else 0.0
            stand_in = stand_in or bool(seen.get("stand_in"))
            parts.append(((seen.get("coverage") or 0.0) if known else 0.0, length))
            here = built.get(key[0], {})
            rows.append(
                {
                    **_about(promise, here),
                    **{"month": first, "measured_value": seen.get("measured_value"), "measured_to_date": total},
                    "promised_to_date": promised.to_date(promise["promise_value"], sum(days for _, days in parts), of),
                    "coverage": promised.covered(parts),
                    "stand_in": stand_in or STAND_IN in (promise["origin"], here.get("origin")),
                }
            )
    return pa.Table.from_pylist(rows, schema=performance_to_date.schema)


@derived(
    reads={"yearly": Read("buildings.performance_yearly", trace={"zone": "zone", "year": "year", **_OF_MEASURE})},
    columns=[
        *("zone", "promise_measure", "year", "promises_counted", "promises_kept", "promises_tolerated", "promises_missed"),
        *("promises_open", "stand_in"),
    ],
    grain=["zone", "promise_measure", "year"],
    period="year",
    time="year",
    title_zh="承诺兑现情况",
    title_en="How many promises are kept",
)
def promise_yearly(yearly: Any) -> Any:
    """The promises of a zone's buildings in a year by measure: kept, within the tolerance, missed, and those not to be judged.

    The zone `district` is all zones together.
    """
    rows = yearly.union(yearly.filter(yearly.zone != ROOT_ZONE).mutate(zone=ibis.literal(ROOT_ZONE)), distinct=False)

    def count(*verdicts: str) -> Any:
        return rows.promise_verdict.isin(verdicts).sum().cast("int64")

    return rows.group_by("zone", "promise_measure", "year").agg(
        promises_counted=rows.count(),
        promises_kept=count(promised.KEPT),
        promises_tolerated=count(promised.TOLERATED),
        promises_missed=count(promised.MISSED),
        promises_open=count(promised.INCOMPLETE, promised.NOT_MEASURED, promised.NOT_COMPARABLE),
        stand_in=rows.stand_in.max(),
    )
