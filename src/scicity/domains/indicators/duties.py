"""Duties: who owes which value by when, the values that people enter, and how far each issue is managed by own assessment."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from scicity.domains.indicators.membership import MOST_YEARS
from scicity.domains.indicators.methods import duty as rules
from scicity.kernel.computing import Slot
from scicity.kernel.district import ROOT_ZONE
from scicity.kernel.tables import Derived, Read, derived, recorded
from scicity.vocabulary import term

BY_ZONE = "zone"  # the breakdown of which each zone owes its own value
AHEAD = 10  # years of duties where a framework names no last year

MANUAL_VALUE = recorded(
    "indicators.manual_value",
    columns=["indicator", "zone", "year", "duty_period", "value", "document", "responsible_zh"],
    grain=["indicator", "zone", "duty_period"],
    title_zh="人工录入的指标值",
    title_en="Values entered by hand",
    doc="A value that the body which owes it entered, with the document it stands in; who and when is in the audit trail.",
)

MATURITY = recorded(
    "indicators.maturity",
    columns=["crosswalk_scheme", "iso37101_purpose", "iso37101_issue", "maturity", "maturity_words", "assessed_on"],
    grain=["crosswalk_scheme", "iso37101_purpose", "iso37101_issue"],
    title_zh="成熟度自评",
    title_en="Maturity by own assessment",
    doc="How far the district manages an issue for a purpose of ISO 37101, by its own assessment from 1 to 5.",
)

_DUTY = ["framework", "indicator", "zone", "year", "duty_period", "frequency", "responsible_zh", "responsible_en", "due_on"]
_DUTY += ["delivered", "delivered_origin", "duty_origin", "stand_in"]


def duty_table() -> Derived:
    """`indicators.duty` over the frameworks, the values and what was entered."""
    return derived(
        name="indicators.duty",
        reads={
            "membership": Read("indicators.membership", trace={"framework": "framework", "indicator": "indicator"}),
            "framework": Read("indicators.framework", columns=("framework", "horizon"), trace={"framework": "framework"}),
            "zone": Read("district.zone", columns=("zone",), trace={"zone": "zone"}),
            "value": Read(
                "indicators.value",
                columns=("indicator", "zone", "year", "origin", "value", "kind"),
                trace={"indicator": "indicator", "zone": "zone", "year": "year", "delivered_origin": "origin"},
            ),
            "entered": Read(
                "indicators.manual_value",
                trace={"indicator": "indicator", "zone": "zone", "duty_period": "duty_period"},
            ),
        },
        columns=_DUTY,
        grain=["framework", "indicator", "zone", "duty_period"],
        by_partition=True,
        title_zh="数据报送职责",
        title_en="Duties to deliver values",
    )(duty)


def duty(_: Slot, membership: pa.Table, framework: pa.Table, zone: pa.Table, value: pa.Table, entered: pa.Table) -> pa.Table:
    """Each value that a body owes: its zone and period, the last day in time, and whether it is there.

    Owed is the value of the whole district, and of each zone where the indicator is broken down by `zone`.

    Owed are the periods from `duty_from` to the framework's last year. A year is delivered by a printed, measured or entered
    value, or by a text that was printed; a part of a year by a value that was entered. Whether it is overdue depends on the
    day on which one asks, so the page says it.
    """
    horizon = {row["framework"]: row["horizon"] for row in framework.to_pylist()}
    there: dict[tuple[str, str, str], str] = {}
    for row in sorted(value.to_pylist(), key=lambda row: row["origin"], reverse=True):
        if row["value"] is not None or row["kind"] == "text":
            there[row["indicator"], row["zone"], str(row["year"])] = row["origin"]
    for row in entered.to_pylist():
        there.setdefault((row["indicator"], row["zone"], row["duty_period"]), "manual")
    zones = sorted({ROOT_ZONE, *zone["zone"].to_pylist()})
    rows: list[dict[str, Any]] = []
    for member in membership.to_pylist():
        if member["frequency"] is None or member["duty_from"] is None:
            continue
        by_zone = BY_ZONE in (member["breakdowns"] or "").split("; ")
        last = horizon[member["framework"]] or member["duty_from"] + AHEAD
        for year in range(member["duty_from"], min(last, member["duty_from"] + MOST_YEARS) + 1):
            for period, ends in rules.periods(member["frequency"], year):
                for place in zones if by_zone else (ROOT_ZONE,):
                    origin = there.get((member["indicator"], place, period))
                    rows.append(
                        {
                            **{name: member[name] for name in ("framework", "indicator", "frequency", "duty_origin")},
                            **{name: member[name] for name in ("responsible_zh", "responsible_en")},
                            **{"zone": place, "year": year, "duty_period": period},
                            **{"due_on": rules.due_on(ends, member["due_after"] or 0), "delivered": origin is not None},
                            **{"delivered_origin": origin, "stand_in": member["duty_origin"] == "stand-in"},
                        }
                    )
    return pa.table({column: pa.array([row[column] for row in rows], term(column).arrow) for column in _DUTY})
