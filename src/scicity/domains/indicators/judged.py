"""Values beside their targets: the method of `methods/status.py` over the rows of the tables."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pyarrow as pa

from scicity.domains.indicators.methods import status as judging
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read
from scicity.vocabulary import term

STATUS_COLUMNS = (
    *("indicator", "zone", "year", "origin", "value", "value_high", "comparator", "kind", "coverage", "stand_in", "symbol"),
    *("target", "target_high", "target_year", "target_document", "baseline", "baseline_year", "distance", "progress", "method"),
)
CARRIED = STATUS_COLUMNS[:11]
STATUS_READS = {
    "value": Read("indicators.value"),
    "baseline": Read(
        "indicators.value",
        trace={"indicator": "indicator", "zone": "zone", "origin": "origin", "baseline_year": "year"},
    ),
    "target": Read("indicators.target", trace={"indicator": "indicator", "zone": "zone", "target_year": "year"}),
    "indicator": Read(
        "indicators.indicator",
        columns=("indicator", "direction", "minimum_coverage"),
        trace={"indicator": "indicator"},
    ),
}


def status(_: Slot, value: pa.Table, baseline: pa.Table, target: pa.Table, indicator: pa.Table) -> pa.Table:
    """Where each value stands: the target that counts, the baseline, the distance, and the progress.

    A value that meets its target is `achieved`, from the target's year on otherwise `missed`. Before that year it is
    `on_track` while it is not farther from the target than the straight line from the baseline, the first number of the
    same origin, to the target; else `behind`. What a printed bound does not prove is `undecided`; what the tables do not
    cover enough is `incomplete`; without a printed target there is `no_target`. Method: `linear_path`.
    """
    about = {row["indicator"]: row for row in indicator.to_pylist()}
    targets = defaultdict(list)
    for row in target.to_pylist():
        targets[row["indicator"], row["zone"]].append(
            judging.Target(row["year"], row["value"], row["value_high"], row["document"] or "")
        )
    series = defaultdict(list)
    for row in value.to_pylist():
        series[row["indicator"], row["zone"], row["origin"]].append((row, value_of(row)))
    rows = []
    for (name, zone, _), members in series.items():
        rules = about[name]
        history = [each for _, each in members]
        for row, each in members:
            found = judging.status_of(each, history, targets[name, zone], rules["direction"], rules["minimum_coverage"])
            rows.append({**{column: row[column] for column in CARRIED}, **_told(found)})
    return pa.Table.from_pylist(rows, schema=pa.schema([(column, term(column).arrow) for column in STATUS_COLUMNS]))


def value_of(row: dict[str, Any]) -> judging.Value:
    """A row of `indicators.value` as the methods take it."""
    return judging.Value(
        year=row["year"],
        value=row["value"],
        high=row["value_high"],
        comparator=row["comparator"] or "=",
        kind=row["kind"],
        coverage=row["coverage"],
    )


def _told(found: judging.Status) -> dict[str, Any]:
    promised, start = found.target, found.baseline
    return {
        "target": promised.value if promised else None,
        "target_high": promised.high if promised else None,
        "target_year": promised.year if promised else None,
        "target_document": promised.document if promised else None,
        "baseline": start.value if start else None,
        "baseline_year": start.year if start else None,
        "distance": found.distance,
        "progress": found.progress,
        "method": judging.METHOD,
    }
