"""Whose energy it is: the memberships of meters, and the energy of each enterprise by day, month and year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from scicity.domains.energy.methods import trees
from scicity.domains.energy.methods.accounts import ACCOUNT, covered, known
from scicity.domains.energy.methods.shares import UNATTRIBUTED, labelled_by_hour, shared_by_day, shared_by_period
from scicity.kernel.computing import Slot
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Read, derived, source

COMMON = "common"
RESERVED = (COMMON, UNATTRIBUTED)


def _check_memberships(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """What is let is part of a building's energy; and no enterprise has the name of what belongs to none."""
    ways = trees.chains(tables["energy.meter"].to_pylist())
    roles = {row["meter"]: row["role"] for row in tables["energy.meter"].to_pylist()}
    for row in table.to_pylist():
        if roles.get(row["meter"]) == "sub" and row["meter"] not in ways:
            expected = "a meter that is a main meter or has one above it (`parent` in registers/meters.csv)"
            problems.add("reference", row["source_file"], row["source_row"], "meter", found=row["meter"], expected=expected)
    for row in tables["buildings.enterprise"].to_pylist():
        if row["enterprise"] in RESERVED:
            expected = "a name other than " + " and ".join(RESERVED) + ", which stand for what belongs to no enterprise"
            where = (row["source_file"], row["source_row"], "enterprise")
            problems.add("choice", *where, found=row["enterprise"], expected=expected)


membership = source(
    "energy.membership",
    path="registers/memberships.csv",
    columns=["meter", "enterprise", "valid_from", "valid_to", "source"],
    optional=("valid_to", "source"),
    grain=["meter", "valid_from"],
    key_of_period=("meter",),
    during=("valid_from", "valid_to"),
    references={"meter": "energy.meter.meter", "enterprise": "buildings.enterprise.enterprise"},
    check=_check_memberships,
    title_zh="计量表的归属",
    title_en="Whose energy a meter counts",
    doc="Which enterprise's energy a meter counts, since when and until when: from the first instant up to the last one, which "
    "is not included. What is measured by the hour belongs to whom the meter belonged when the hour began. What stands "
    "below the meter goes with it, unless it has a row of its own.",
)


def head_rows(slot: Slot, meters: pa.Table, labels: pa.Table, label: str) -> list[dict[str, Any]]:
    """The heads of a register of labels, each cut into whole days and the hours of the days at its edges."""
    borne = trees.labels_of((row for row in labels.to_pylist() if row["valid_from"] is not None), label)
    return [
        {
            "meter": head.meter,
            label: head.label,
            "above": head.above,
            f"above_{label}": head.above_label,
            "first_day": span.first,
            "last_day": span.last,
            "valid_from": trees.moment_of(max(span.start, slot.calendar.instant(trees.FIRST_DAY))),
            "valid_to": trees.moment_of(min(span.end, slot.calendar.instant(trees.LAST_DAY + trees.DAY))),
            "whole_days": span.whole,
        }
        for head in trees.heads(meters.to_pylist(), borne)
        for span in trees.spans(head.start, head.end, slot.calendar)
    ]


def renamed(rows: Any, pairs: Mapping[str, str]) -> Any:
    """Rows with columns of other names (new name: old name)."""
    return rows.rename(dict(pairs))


_SPAN = ("first_day", "last_day", "valid_from", "valid_to", "whole_days")
METERS = Read("energy.meter", columns=("meter", "parent", "role"))


@derived(
    reads={
        "meters": METERS,
        "memberships": Read("energy.membership", columns=("meter", "enterprise", "valid_from", "valid_to")),
    },
    columns=["meter", "enterprise", "above", "above_enterprise", *_SPAN],
    grain=["meter", "valid_from"],
    by_partition=True,
    title_zh="各户计量表",
    title_en="Meters that stand for enterprises",
)
def meter_owner(slot: Slot, meters: pa.Table, memberships: pa.Table) -> pa.Table:
    """Which meters stand for which enterprise when, and from whose energy theirs is taken off.

    Only buildings of which any meter is let have rows. A main meter that is not let stands for no enterprise: what is left
    behind its let sub-meters is common. `whole_days` rows hold on whole local days; the others in the hours of one day that
    begin from `valid_from` on and before `valid_to`.
    """
    return pa.Table.from_pylist(head_rows(slot, meters, memberships, "enterprise"), schema=meter_owner.schema)


LEDGER = Read(
    "energy.meter_hourly",
    columns=(
        *("meter", "flow", "building", "hour", "day", "energy", "measured_seconds", "estimated_seconds", "flags", "stand_in"),
    ),
)
_OWNERS = Read("energy.meter_owner", during=("valid_from", "valid_to"), key="meter")


@derived(
    reads={
        "hourly": LEDGER,
        "daily": "energy.meter_daily",
        "meters": Read("energy.meter", columns=("meter", "carrier", "role"), key="meter"),
        "owners": _OWNERS,
    },
    columns=["building", "carrier", "enterprise", "day", *ACCOUNT],
    grain=["building", "carrier", "enterprise", "day"],
    period="month",
    time="day",
    title_zh="建筑内各户逐日能耗",
    title_en="Consumption by building, enterprise and day",
)
def part_daily(hourly: Any, daily: Any, meters: Any, owners: Any) -> Any:
    """Energy of a building by whose it is: its enterprises, what is `common`, and what nobody can tell (`unattributed`).

    Together they are what the building took, to the last digit. An hour belongs to whom the meter belonged when it began.
    Where a let meter or the one above it is not wholly known on a day, the rest of that day is nobody's.
    """
    heads = renamed(owners, {"label": "enterprise", "above_label": "above_enterprise"})
    return renamed(shared_by_day(hourly, daily, meters, heads, COMMON), {"enterprise": "label"})


@derived(
    reads={"daily": "energy.part_daily"},
    columns=["building", "carrier", "enterprise", "month", *ACCOUNT],
    grain=["building", "carrier", "enterprise", "month"],
    period="year",
    time="month",
    title_zh="建筑内各户逐月能耗",
    title_en="Consumption by building, enterprise and month",
)
def part_monthly(daily: Any) -> Any:
    """Energy of a building in a month by whose it is: the sum of its days. A tenancy of half a month is whole in that half."""
    return shared_by_period(daily.mutate(month=daily.day.truncate("M")), "enterprise", "M", "month")


@derived(
    reads={"daily": "energy.part_daily"},
    columns=["building", "carrier", "enterprise", "year", *ACCOUNT],
    grain=["building", "carrier", "enterprise", "year"],
    period="year",
    time="year",
    title_zh="建筑内各户逐年能耗",
    title_en="Consumption by building, enterprise and year",
)
def part_yearly(daily: Any) -> Any:
    """Energy of a building in a year by whose it is: the sum of its days."""
    return shared_by_period(daily.mutate(year=daily.day.year().cast("int64")), "enterprise", "Y", "year")


def _by_enterprise(parts: Any, period: str) -> Any:
    sums = parts.group_by("enterprise", "carrier", period).agg(**known(parts), expected_seconds=parts.expected_seconds.sum())
    return covered(sums)


@derived(
    reads={"parts": "energy.part_daily"},
    columns=["enterprise", "carrier", "day", *ACCOUNT],
    grain=["enterprise", "carrier", "day"],
    period="month",
    time="day",
    title_zh="企业逐日能耗",
    title_en="Consumption by enterprise and day",
)
def enterprise_daily(parts: Any) -> Any:
    """Energy of an enterprise in a day, in all buildings. `common` is what belongs to none, `unattributed` what nobody can
    tell; all rows of a carrier and day are together what the buildings took."""
    return _by_enterprise(parts, "day")


@derived(
    reads={"parts": "energy.part_monthly"},
    columns=["enterprise", "carrier", "month", *ACCOUNT],
    grain=["enterprise", "carrier", "month"],
    period="year",
    time="month",
    title_zh="企业逐月能耗",
    title_en="Consumption by enterprise and month",
)
def enterprise_monthly(parts: Any) -> Any:
    """Energy of an enterprise in a month, in all buildings; with `common` and `unattributed` it is all that buildings took."""
    return _by_enterprise(parts, "month")


@derived(
    reads={"parts": "energy.part_yearly"},
    columns=["enterprise", "carrier", "year", *ACCOUNT],
    grain=["enterprise", "carrier", "year"],
    period="year",
    time="year",
    title_zh="企业逐年能耗",
    title_en="Consumption by enterprise and year",
)
def enterprise_yearly(parts: Any) -> Any:
    """Energy of an enterprise in a year, in all buildings; with `common` and `unattributed` it is all that buildings took."""
    return _by_enterprise(parts, "year")


@derived(
    reads={
        "hourly": Read(LEDGER.table, columns=(*LEDGER.columns, "hour_of_day", "day_seconds")),
        "meters": Read("energy.meter", columns=("meter", "carrier", "role"), key="meter"),
        "owners": _OWNERS,
    },
    columns=["enterprise", "carrier", "hour", "day", "hour_of_day", "day_seconds", *ACCOUNT],
    grain=["enterprise", "carrier", "hour"],
    period="month",
    fine="day",
    time="day",
    title_zh="企业逐时能耗",
    title_en="Consumption by enterprise and hour",
)
def enterprise_hourly(hourly: Any, meters: Any, owners: Any) -> Any:
    """Energy of an enterprise in an hour, in all buildings: its meters less what is let of them to others.

    An hour belongs to whom the meter belonged when it began. What is left of a meter in an hour of which a part is unknown is
    unknown. What is common or nobody's has no hours here.
    """
    heads = renamed(owners, {"label": "enterprise", "above_label": "above_enterprise"})
    return renamed(labelled_by_hour(hourly, meters, heads), {"enterprise": "label"})
