"""Values beside their targets: the method of `methods/status.py` over the rows of the tables."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pyarrow as pa

from scicity.domains.indicators.methods import status as judging
from scicity.domains.indicators.methods.edition import edition_of_year
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read
from scicity.vocabulary import term

STATUS_COLUMNS = (
    *("indicator", "zone", "year", "origin", "value", "value_high", "comparator", "kind", "coverage", "stand_in", "symbol"),
    *("target", "target_high", "target_year", "target_document", "baseline", "baseline_year", "distance", "progress", "method"),
    *("framework", "edition"),
)
CARRIED = STATUS_COLUMNS[:11]
STATUS_READS = {
    "value": Read("indicators.value"),
    "baseline": Read(
        "indicators.value",
        trace={"indicator": "indicator", "zone": "zone", "origin": "origin", "baseline_year": "year"},
    ),
    "promise": Read(
        "indicators.edition_target",
        trace={
            **{"framework": "framework", "edition": "edition", "indicator": "indicator", "zone": "zone"},
            "target_year": "year",
        },
    ),
    "indicator": Read(
        "indicators.indicator",
        columns=("indicator", "framework", "direction", "minimum_coverage"),
        trace={"indicator": "indicator"},
    ),
    "editions": Read(
        "indicators.edition",
        columns=("framework", "edition", "valid_from"),
        trace={"framework": "framework", "edition": "edition"},
    ),
}


def status(
    slot: Slot, value: pa.Table, baseline: pa.Table, promise: pa.Table, indicator: pa.Table, editions: pa.Table
) -> pa.Table:
    """Where each value stands: the target that counts, the baseline, the distance, and the progress.

    The target is that of the indicator's own framework, in the edition that was in force at the end of the value's year: what
    an adopted revision changed counts from its year on, and the years before keep theirs.
    A value that meets its target is `achieved`, from the target's year on otherwise `missed`. Before that year it is
    `on_track` while it is not farther from the target than the straight line from the baseline, the first number of the
    same origin, to the target; else `behind`. What a printed bound does not prove is `undecided`; what the tables do not
    cover enough is `incomplete`; without a printed target there is `no_target`. Method: `linear_path`.
    """
    about = {row["indicator"]: row for row in indicator.to_pylist()}
    targets, begun = promised(promise), begun_in(editions, slot)
    series = defaultdict(list)
    for row in value.to_pylist():
        series[row["indicator"], row["zone"], row["origin"]].append((row, value_of(row)))
    rows = []
    for (name, zone, _), members in series.items():
        rules = about[name]
        history = [each for _, each in members]
        for row, each in members:
            edition = edition_of_year(begun[rules["framework"]], row["year"])
            mine = targets[rules["framework"], edition, name, zone]
            found = judging.status_of(each, history, mine, rules["direction"], rules["minimum_coverage"])
            told = {column: row[column] for column in CARRIED} | _told(found)
            rows.append(told | {"framework": rules["framework"], "edition": edition})
    return pa.Table.from_pylist(rows, schema=pa.schema([(column, term(column).arrow) for column in STATUS_COLUMNS]))


def promised(promise: pa.Table) -> dict[tuple[str, str | None, str, str], list[judging.Target]]:
    """The targets of each framework, edition, indicator and zone."""
    found = defaultdict(list)
    for row in promise.to_pylist():
        key = (row["framework"], row["edition"], row["indicator"], row["zone"])
        found[key].append(judging.Target(row["year"], row["value"], row["value_high"], row["document"] or ""))
    return found


def begun_in(editions: pa.Table, slot: Slot) -> dict[str, list[tuple[int, str]]]:
    """Of each framework its editions with the local year in which they began; 0 for one that always was."""
    found = defaultdict(list)
    for row in editions.to_pylist():
        begins = row["valid_from"]
        found[row["framework"]].append((begins.astimezone(slot.calendar.tz).year if begins else 0, row["edition"]))
    return found


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
