"""What the statements of reports imply about the air of years that they do not print."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa

from scicity.domains.environment.methods import assessment
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

YEAR = re.compile(r"\d{4}")
PLACES = Decimal("0.01")  # the statements have one place; two show where the interval ends


@derived(
    reads={
        "statements": Read(
            "indicators.statement",
            columns=(
                *("claim_id", "topic", "subject_en", "measure_en", "unit", "value_reported", "stated_period"),
                *("baseline_period", "quote_zh"),
            ),
            trace={"claim_id": "claim_id"},
        ),
        "levels": Read(
            "indicators.statement",
            columns=("claim_id", "measure_en", "value_reported", "stated_period"),
            trace={"level_claim": "claim_id"},
        ),
        "spoken": Read("environment.spoken", trace={"pollutant": "pollutant"}),
    },
    columns=[
        *("claim_id", "pollutant", "year", "concentration", "concentration_low", "concentration_high", "level_claim", "origin"),
    ],
    grain=["claim_id", "level_claim"],
    by_partition=True,
    title_zh="陈述所隐含的基年浓度",
    title_en="Baselines that statements imply",
)
def implied_baseline(_: Slot, statements: pa.Table, levels: pa.Table, spoken: pa.Table) -> pa.Table:
    """The earlier concentration that a stated level and a stated fall imply: level / (1 - fall), with its rounding interval.

    A fall is set against the level of the same pollutant and period; the first statement of a level counts.
    """
    rows: list[dict[str, Any]] = []
    told = sorted(levels.to_pylist(), key=lambda row: row["claim_id"])
    for names in spoken.to_pylist():
        for change in statements.to_pylist():
            if (change["subject_en"], change["measure_en"]) != (names["subject_en"], names["change_measure"]):
                continue
            same = (row for row in told if row["measure_en"] == names["level_measure"])
            level = next((row for row in same if row["stated_period"] == change["stated_period"]), None)
            year = YEAR.search(change["baseline_period"] or "")
            if level is None or year is None or change["unit"] != "%":
                continue
            implied = assessment.implied_baseline(level["value_reported"], f"-{change['value_reported']}")
            rows.append(
                {
                    "claim_id": change["claim_id"],
                    "pollutant": names["pollutant"],
                    "year": int(year.group()),
                    "concentration": _decimal(implied.value),
                    "concentration_low": _decimal(implied.low),
                    "concentration_high": _decimal(implied.high),
                    "level_claim": level["claim_id"],
                    "origin": "reported",
                }
            )
    return pa.Table.from_pylist(rows, schema=implied_baseline.schema)


def _decimal(value: Fraction) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(PLACES)
