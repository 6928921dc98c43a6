"""What was promised of a building's operation, wherever it was promised, and what is measured of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from scicity.domains.buildings.methods import promised
from scicity.domains.buildings.schemes import REVIEW, place_of
from scicity.kernel.computing import Slot
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Read, derived, source

EPOCH = date(1970, 1, 1)
MANUAL = "manual"  # the origin of what people decided, which names none

MEASURE = source(
    "buildings.promise_measure",
    packaged=__file__,
    path="standards/promise_measures.csv",
    columns=[
        *("promise_measure", "symbol", "direction", "tolerance", "minimum_coverage", "name_zh", "name_en"),
        *("note_zh", "note_en"),
    ],
    grain=["promise_measure"],
    choices={"direction": (promised.LOWER, promised.HIGHER)},
    ranges={"tolerance": (0, 100), "minimum_coverage": (0, 1)},
    title_zh="可承诺的指标",
    title_en="What can be promised",
    doc="What can be promised of a building's operation and held against its meters: unit, which way is better, the tolerance, "
    "and the coverage below which a year is not judged. Tolerance and coverage are our own, and no standard's.",
)

TOLERANCE = source(
    "buildings.promise_tolerance",
    path="registers/promise_tolerances.csv",
    columns=["promise_measure", "tolerance", "document", "review", "source"],
    optional=("source",),
    grain=["promise_measure"],
    references={"promise_measure": "buildings.promise_measure.promise_measure"},
    choices={"review": REVIEW},
    ranges={"tolerance": (0, 100)},
    title_zh="本区的承诺容差",
    title_en="The district's own tolerances",
    doc="How much worse than promised a year may be, as the district sets it in place of the program's.",
)


def _check_promises(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """A promise is in the unit of its measure, and one of a building and measure holds from a day on."""
    first: dict[tuple[Any, ...], dict[str, Any]] = {}
    units = {row["promise_measure"]: row["symbol"] for row in tables["buildings.promise_measure"].to_pylist()}
    for row in table.to_pylist():
        unit = units.get(row["promise_measure"])
        if unit is not None and row["symbol"] is not None and row["symbol"] != unit:
            problems.add("unit", *place_of(row), "symbol", found=row["symbol"], expected=f"{unit}, the unit of the measure")
        key = (row["building"], row["promise_measure"], row["valid_from"])
        if None not in key and first.setdefault(key, row) is not row:
            expected = f"one promise from then on; the first is row {first[key]['source_row']}"
            problems.add("key-twice", *place_of(row), "valid_from", found=row["valid_from"], expected=expected)


PROMISE = source(
    "buildings.promise",
    path="registers/promises.csv",
    columns=[
        *("promise", "project", "building", "promise_measure", "promise_value", "symbol", "stage", "valid_from"),
        *("document", "review", "origin", "source"),
    ],
    optional=("project", "stage", "source"),
    grain=["promise"],
    references={
        "building": "buildings.building.building",
        "promise_measure": "buildings.promise_measure.promise_measure",
    },
    choices={"review": REVIEW},
    ranges={"promise_value": (0, 1e12)},
    check=_check_promises,
    title_zh="承诺登记",
    title_en="Promises of the register",
    doc="What was promised of a year of a building's operation, since when, and the document in which it stands.",
)

SHARED = ("project", "building", "promise_measure", "promise_value", "symbol", "stage")
SINCE = ("valid_from", "decided_on")  # the column of a table of promises that says since when each holds
# Every table of promises that there is; another one is one more entry here.
STATED = {
    "register": Read(
        "buildings.promise",
        columns=(*SHARED, "valid_from", "document", "review", "origin", "source"),
        trace={"building": "building", "promise_measure": "promise_measure"},
    ),
    "reviews": Read(
        "reviews.promise",
        columns=(*SHARED, "decided_on"),
        trace={"building": "building", "promise_measure": "promise_measure"},
    ),
}


@derived(
    reads=STATED,
    columns=[*SHARED, "first_day", "document", "review", "origin", "source"],
    grain=["building", "promise_measure", "first_day"],
    by_partition=True,
    title_zh="全部承诺",
    title_en="Promises of all sources",
)
def promise_stated(slot: Slot, **tables: pa.Table) -> pa.Table:
    """The promises of all sources by building, measure and the day from which each holds.

    Where two sources tell one for the same day, that of the later source in `STATED` stands. A promise of a project that has no
    building yet is not listed.
    """
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for table in tables.values():
        since = next(name for name in SINCE if name in table.column_names)
        for row in table.to_pylist():
            if not row["building"] or row[since] is None:
                continue
            kept = {name: row.get(name) for name in (*SHARED, "document", "review", "source")}
            kept["origin"] = row.get("origin", MANUAL)
            key = (row["building"], row["promise_measure"], local_day(slot, row[since]))
            found[key] = {**kept, "first_day": key[2]}
    return pa.Table.from_pylist([found[key] for key in sorted(found)], schema=promise_stated.schema)


def local_day(slot: Slot, moment: Any) -> date:
    """The district's day of an instant; a day stays as it is."""
    if not hasattr(moment, "hour"):
        return moment  # type: ignore[no-any-return]
    number = slot.calendar.days(np.array([int(moment.timestamp()) * 1_000_000]))[0]
    return EPOCH + timedelta(days=int(number))


_ENERGY = ("building", "carrier", "energy", "coverage", "stand_in")
_UNITS = Read("buildings.promise_measure", columns=("promise_measure", "symbol"), trace={"promise_measure": "promise_measure"})
_METERS = Read("energy.meter", columns=("meter", "role", "carrier"), key="meter")
_BUILDINGS = Read("buildings.building", columns=("building", "floor_area"), trace={"building": "building"})
_MEASURED = ["building", "promise_measure", "measured_value", "coverage", "stand_in"]


def _summed(rows: Any, measure: str, amount: Any, keys: tuple[str, ...]) -> Any:
    """Rows of one measure: unknown where a part is unknown, the least coverage of its parts."""
    sums = rows.group_by(*keys).agg(
        measured_value=ibis.ifelse(
            amount.isnull().any(), ibis.null("float64"), amount.cast("decimal(18, 6)").sum().cast("float64")
        ),
        coverage=rows.coverage.fill_null(0.0).min(),
        stand_in=rows.stand_in.max(),
    )
    return sums.mutate(promise_measure=ibis.literal(measure))


def _all(energy: Any, emission: Any, meters: Any, roles: Any, buildings: Any, units: Any, period: str) -> Any:
    """What is measured of each measure by building and period."""
    keys = ("building", period)
    electric, heat = energy.filter(energy.carrier == "electricity"), energy.filter(energy.carrier == "heat")
    made = meters.inner_join(roles, "meter")
    made = made.filter((made.role == "generation") & (made.flow == "forward") & made.building.notnull())
    parts = [
        _summed(electric, "electricity_use", electric.energy, keys),
        _summed(heat, "heat_use", heat.energy, keys),
        _summed(made, "pv_yield", made.energy, keys),
    ]
    for rows, amount, measure in ((energy, "energy", "energy_intensity"), (emission, "emission", "carbon_intensity")):
        sums = _summed(rows, measure, rows[amount], keys).inner_join(buildings, "building")
        parts.append(sums.mutate(measured_value=sums.measured_value / sums.floor_area.nullif(0.0)))
    names = [*keys, *(name for name in _MEASURED if name != "building")]
    return ibis.union(*(part.select(names) for part in parts), distinct=False).inner_join(units, "promise_measure")


@derived(
    reads={
        "energy": Read("energy.consumption_yearly", columns=(*_ENERGY, "year")),
        "emission": Read("carbon.building_total_yearly", columns=("building", "year", "emission", "coverage", "stand_in")),
        "meters": Read("energy.meter_yearly", columns=("meter", "flow", "building", "year", "energy", "coverage", "stand_in")),
        "roles": _METERS,
        "buildings": _BUILDINGS,
        "units": _UNITS,
    },
    columns=[*_MEASURED[:2], "year", *_MEASURED[2:], "symbol"],
    grain=["building", "promise_measure", "year"],
    period="year",
    time="year",
    title_zh="建筑逐年实测（承诺口径）",
    title_en="Measured of what can be promised, by year",
)
def measured_yearly(energy: Any, emission: Any, meters: Any, roles: Any, buildings: Any, units: Any) -> Any:
    """What was measured in a year of each measure that can be promised: what is known, with the coverage of its weakest part.

    Nothing is extrapolated. Water has no table yet, so it is never measured here.
    """
    return _all(energy, emission, meters, roles, buildings, units, "year")


@derived(
    reads={
        "energy": Read("energy.consumption_monthly", columns=(*_ENERGY, "month")),
        "emission": Read(
            "carbon.emission_monthly",
            columns=("building", "month", "emission_scope", "emission", "coverage", "stand_in"),
        ),
        "meters": Read(
            "energy.meter_monthly", columns=("meter", "flow", "building", "month", "energy", "coverage", "stand_in")
        ),
        "roles": _METERS,
        "buildings": _BUILDINGS,
        "units": _UNITS,
    },
    columns=[*_MEASURED[:2], "month", *_MEASURED[2:], "symbol"],
    grain=["building", "promise_measure", "month"],
    period="year",
    time="month",
    title_zh="建筑逐月实测（承诺口径）",
    title_en="Measured of what can be promised, by month",
)
def measured_monthly(energy: Any, emission: Any, meters: Any, roles: Any, buildings: Any, units: Any) -> Any:
    """What was measured in a month of each measure that can be promised; as buildings.measured_yearly."""
    own = emission.filter(emission.emission_scope <= 2)  # what scope 3 adds is in no promise
    return _all(energy, own, meters, roles, buildings, units, "month")
