"""A toy domain for the kernel's tests: increments of three meters to hours, days, months and a total, with a dated factor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from scicity.kernel.calendar import Calendar, micros
from scicity.kernel.computing import Computing, Slot
from scicity.kernel.district import DATASTREAM, KERNEL_SOURCES
from scicity.kernel.lake import Lake, Part
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch, take
from scicity.kernel.tables import Catalog, Read, derived, finer, source
from scicity.stores import Store

HOUR = 3_600_000_000
ZONE = "Asia/Shanghai"
METERS = ("m1", "m2", "m3")
FIRST = datetime(2022, 11, 30, 16, tzinfo=UTC)  # 1 December, 00:00 in Beijing

tariff = source(
    "toy.tariff",
    path="registers/tariffs.csv",
    columns=["carrier", "valid_from", "valid_to", "multiplier"],
    optional=("valid_to",),
    grain=["carrier", "valid_from"],
    key_of_period=("carrier",),
    during=("valid_from", "valid_to"),
)


@derived(
    name="toy.hourly",
    reads={
        "readings": Read(
            "reading.energy_increment",
            columns=("datastream", "time", "value", "revision"),
            margin=timedelta(days=2),
            anchored=True,
        ),
        "streams": Read("district.datastream", columns=("datastream", "thing"), trace={"meter": "thing"}),
    },
    columns=["meter", "hour", "day", "energy"],
    grain=["meter", "hour"],
    period="month",
    fine="day",
    time="day",
    key="meter",
    by_partition=True,
)
def hourly(slot: Slot, readings: pa.Table, streams: pa.Table) -> pa.Table:
    """The mean of the readings around every sixth hour: it looks a day back and ahead, so that edges of partitions matter."""
    hours, days = (each[::6] for each in slot.calendar.hours(slot.start, slot.end))
    found: dict[tuple[str, int], tuple[int, int]] = {}
    kept: dict[tuple[str, int], tuple[int, float]] = {}
    for name, at, value, revision in zip(
        readings["datastream"].to_pylist(),
        micros(readings["time"]).tolist(),
        readings["value"].to_pylist(),
        readings["revision"].to_pylist(),
        strict=True,
    ):
        if value is not None and kept.get((name, at), (-1, 0.0)) < (revision, -value):
            kept[name, at] = (revision, -value)
    for (name, at), (_, negative) in kept.items():
        for hour in hours.tolist():
            if abs(at - hour) <= 24 * HOUR:
                total, count = found.get((name, hour), (0, 0))
                found[name, hour] = (total + round(-negative * 1000), count + 1)
    day_of = dict(zip(hours.tolist(), days.tolist(), strict=True))
    rows = [
        {"meter": m.removesuffix(".e"), "hour": h, "day": day_of[h], "energy": ibis_decimal(total, count)}
        for (m, h), (total, count) in found.items()
    ]
    names = ("meter", "hour", "day", "energy")
    types = (pa.string(), pa.int64(), pa.int32(), pa.decimal128(18, 6))
    table = pa.Table.from_pylist(rows, schema=pa.schema(list(zip(names, types, strict=True))))
    return table.set_column(1, "hour", table["hour"].cast(pa.timestamp("us", "UTC"))).set_column(
        2, "day", table["day"].cast(pa.date32())
    )


def ibis_decimal(total: int, count: int) -> Any:
    """`total` thousandths over `count`, as an exact decimal with six places."""
    from decimal import Decimal

    return Decimal(total * 1000 // count).scaleb(-6)


@derived(
    name="toy.daily",
    reads={"hourly": "toy.hourly"},
    columns=["meter", "day", "energy"],
    grain=["meter", "day"],
    period="month",
    fine="day",
    time="day",
    key="meter",
)
def daily(hourly: Any) -> Any:
    """The hours of a day, added up."""
    return hourly.group_by("meter", "day").agg(energy=hourly.energy.sum())


@derived(
    name="toy.cost",
    reads={"daily": "toy.daily", "tariffs": Read("toy.tariff", during=("valid_from", "valid_to"))},
    columns=["meter", "month", "energy"],
    grain=["meter", "month"],
    period="month",
    time="month",
)
def cost(daily: Any, tariffs: Any) -> Any:
    """Days times the tariff in force at their beginning in UTC."""
    rows = daily.inner_join(
        tariffs,
        [
            tariffs.valid_from.cast("date") <= daily.day,
            tariffs.valid_to.isnull() | (tariffs.valid_to.cast("date") > daily.day),
        ],
    )
    return (
        rows.mutate(month=rows.day.truncate("M"), energy=rows.energy * rows.multiplier)
        .group_by("meter", "month")
        .agg(energy=ibis._.energy.sum())
    )


@derived(name="toy.total", reads={"cost": "toy.cost"}, columns=["year", "energy"], grain=["year"])
def total(cost: Any) -> Any:
    """All meters of a year."""
    return cost.mutate(year=cost.month.year()).group_by("year").agg(energy=ibis._.energy.sum())


def catalog(by_days: bool = False) -> Catalog:
    """The toy domain's tables."""
    tables = [*KERNEL_SOURCES, tariff, hourly, daily, cost, total]
    return Catalog(finer(tables) if by_days else tables)


def streams() -> pa.Table:
    """One datastream a meter."""
    rows = [
        {"datastream": f"{m}.e", "thing": m, "property": "energy_increment", "unit": "kWh", "flow": "forward"}
        | {"interval_seconds": 21600, "origin": "stand-in", "source": "", "source_file": "datastreams.csv", "source_row": n}
        for n, m in enumerate(METERS, start=2)
    ]
    return pa.Table.from_pylist(rows, schema=DATASTREAM.schema)


class Toy:
    """A lake with the toy domain over it."""

    def __init__(self, root: Path, buckets: int = 1, by_days: bool = False, store: Store | None = None) -> None:
        self.lake, self.buckets, self.by_days = Lake(root, store), buckets, by_days
        self.computing = Computing(self.lake, catalog(by_days), Calendar(ZONE), buckets)
        self.lake.replace("district.datastream", {Part("all"): streams()}, DATASTREAM.schema, inputs={}, code="")

    def tariffs(self, rows: list[tuple[datetime, datetime | None, str]]) -> None:
        """Replaces the register of tariffs."""
        table = pa.Table.from_pylist(
            [
                {"carrier": "electricity", "valid_from": a, "valid_to": b, "multiplier": ibis_decimal(int(float(m) * 1000), 1)}
                | {"source_file": "tariffs.csv", "source_row": n}
                for n, (a, b, m) in enumerate(rows, start=2)
            ],
            schema=tariff.schema,
        )
        self.lake.replace("toy.tariff", {Part("all"): table}, tariff.schema, inputs={}, code="")

    def read(self, name: str, rows: list[tuple[str, datetime, float, int]]) -> dict[str, int]:
        """Takes a batch of (datastream, time, value, revision)."""
        table = pa.Table.from_pylist(
            [{"datastream": d, "time": t, "value": v, "revision": r} for d, t, v, r in rows], schema=ARRIVAL
        )
        problems = Problems()
        taken = take(
            self.lake, Batch(name, table, datetime(2026, 1, 1, tzinfo=UTC)), streams(), Calendar(ZONE), self.buckets, problems
        )
        problems.refuse()
        return taken

    def contents(self) -> dict[str, frozenset[str]]:
        """The files of every derived table, which are named by their content."""
        return {t.name: self.lake.snapshot(t.name).paths for t in self.computing.catalog.derived}
