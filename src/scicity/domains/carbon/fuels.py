"""Fuels, heat and water that no meter counts: what bills say, month by month, as energy and as emissions."""

from __future__ import annotations

import csv
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.carbon.methods import amounts, exact, factor_lint, spreading
from scicity.domains.carbon.methods.accounts import OTHER, holds_in
from scicity.domains.carbon.sources import PERIOD, REVIEW, STANDARDS
from scicity.kernel.calendar import micros
from scicity.kernel.computing import Slot
from scicity.kernel.district import ORIGINS
from scicity.kernel.files import read_csv
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Read, derived, source

MILLION = 1_000_000
KELVIN = Fraction("273.15")  # [K] 0 °C, by definition of the Celsius scale
ACTIVITIES = ("stationary", "mobile", "generation")
STATED = ("fuel_amount", "canonical_unit")  # not in the file
LARGEST = 1e11  # of a canonical unit; more is a unit that is off
DECIMAL, FACTOR = "decimal(18, 6)", "decimal(18, 12)"

GAS_CONDITION = source(
    "carbon.gas_condition",
    packaged=__file__,
    path="standards/gas_conditions.csv",
    columns=[
        *("condition", "name_zh", "name_en", "gas_temperature", "gas_pressure", "document", "clause", "review", "note"),
    ],
    optional=("clause", "note"),
    grain=["condition"],
    choices={"review": REVIEW, "condition": (amounts.NORMAL, amounts.AT_20)},
    title_zh="燃气计量状态",
    title_en="Conditions of gas",
    doc="At which temperature and pressure a cubic metre of gas is counted.",
)


def _rows_of(name: str) -> list[dict[str, str]]:
    with (STANDARDS / name).open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


@cache
def known() -> amounts.Known:
    """What turns one measure into another, from the conditions and constants that come with the domain."""
    constants = {row["constant"]: row for row in _rows_of("constants.csv")}
    at = {
        row["condition"]: (exact.printed_number(row["gas_temperature"]) + KELVIN, exact.printed_number(row["gas_pressure"]))
        for row in _rows_of("gas_conditions.csv")
    }
    volumes = {name: amounts.normal_volume(*state, *at[amounts.NORMAL]) for name, state in at.items()}
    water = constants["density_water"]
    coal = factor_lint.constants_of(_rows_of("constants.csv")).heat_of_standard_coal
    return amounts.Known(volumes, coal, exact.canonical(water["printed"], water["unit"], "kg/m**3"))


@cache
def measures() -> dict[str, tuple[str, ...]]:
    """By what each carrier may be measured."""
    return {row["carrier"]: tuple(row["measures"].split()) for row in _rows_of("carriers.csv")}


def _parse_fuel_use(file: Path, place: str, problems: Problems) -> list[dict[str, Any]]:
    """The rows of a file of bills, each with its amount in the canonical unit of its carrier."""
    rows = read_csv(file, place, FUEL_USE, problems)
    for row in rows:
        where = (place, row["source_row"])
        for column in STATED:
            if row.get(column):
                problems.add("column-unknown", *where, column, found=row[column], expected="nothing: it is computed")
            row[column] = None
        row["activity"] = row.get("activity") or ACTIVITIES[0]
        if not row.get("building") and not row.get("enterprise"):
            problems.add("value-missing", *where, "building", expected="a building or an enterprise, or both")
        able = measures().get(row.get("carrier") or "")
        if not able or not row.get("printed") or not row.get("unit"):
            continue  # told by the register's references, or as a missing value
        try:
            amount = amounts.amount_of(
                row["printed"], row["unit"], row.get("condition") or "", row.get("density") or "", able, known()
            )
        except amounts.AmountRefused as error:
            problems.add(error.code, *where, error.field, found=error.found, expected=error.expected)
            continue
        if amount.value > LARGEST:
            expected = f"at most {LARGEST:g} {amount.unit}"
            problems.add("range", *where, "printed", found=f"{row['printed']} {row['unit']}", expected=expected)
            continue
        row["fuel_amount"] = f"{exact.six_places(amount.value):f}"
        row["canonical_unit"] = amount.unit
        row["condition"] = amount.basis or row.get("condition") or ""
    return rows


def _check_fuel_use(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """A fuel that a main meter of the same building, or a meter of the same enterprise, counts already is counted twice."""
    metered = _metered(tables)
    for row in table.to_pylist():
        begin, end = row["valid_from"], row["valid_to"]
        if begin is None or end is None:
            continue
        for column in ("building", "enterprise"):
            spans = metered.get((column, row[column], row["carrier"]), ())
            clash = next((s for s in spans if s[1] < end and (s[2] is None or s[2] > begin)), None)
            if clash and (column == "building" or not row["building"]):
                expected = f"{column} {row[column]} without a meter of {row['carrier']} at that time; {clash[0]} counts it"
                where = (row["source_file"], row["source_row"], "carrier")
                problems.add("fuel-metered", *where, found=f"{row['carrier']} of {row['entry']}", expected=expected)
                break


def _metered(tables: dict[str, pa.Table]) -> dict[tuple[str, str, str], list[tuple[str, Any, Any]]]:
    """The meters of each building and enterprise by carrier, with the time for which they count."""
    if not {"energy.meter", "energy.installation"} <= set(tables):
        return {}
    meters = {row["meter"]: row for row in tables["energy.meter"].to_pylist()}
    found: dict[tuple[str, str, str], list[tuple[str, Any, Any]]] = {}
    for name, column in (("energy.installation", "building"), ("energy.membership", "enterprise")):
        for row in tables[name].to_pylist() if name in tables else ():
            meter = meters.get(row["meter"])
            if meter and row["valid_from"] is not None and (column == "enterprise" or meter["role"] == "main"):
                span = (row["meter"], row["valid_from"], row["valid_to"])
                found.setdefault((column, row[column], meter["carrier"]), []).append(span)
    return found


FUEL_USE = source(
    "carbon.fuel_use",
    path="registers/fuel_use.csv",
    columns=[
        *("entry", "building", "enterprise", "plant", "carrier", "activity", *PERIOD, "printed", "unit", "condition"),
        *("density", "origin", "source", *STATED),
    ],
    optional=("building", "enterprise", "plant", "activity", "condition", "density", *STATED),
    grain=["entry"],
    during=PERIOD,
    references={
        **{"building": "buildings.building.building", "enterprise": "buildings.enterprise.enterprise"},
        **{"carrier": "carbon.carrier.carrier", "plant": "carbon.plant.plant"},
    },
    choices={"activity": ACTIVITIES, "condition": amounts.CONDITIONS},
    ranges={"density": (0.4, 1.2)},
    parse=_parse_fuel_use,
    check=_check_fuel_use,
    title_zh="燃料与用水凭证",
    title_en="Bills of fuels, heat and water",
    doc="What an enterprise or a building used of a fuel, of heat or of water that no meter counts in kWh: as printed on the "
    "bill, with the condition of a gas or the density of a liquid, and in its canonical unit (kWh, kg or Nm3).",
)


@derived(
    reads={"bills": Read("carbon.fuel_use", during=PERIOD, makes=True, trace={"entry": "entry"})},
    columns=[
        *("entry", "month", "building", "enterprise", "plant", "carrier", "activity", "condition", "fuel_amount"),
        *("canonical_unit", "known_seconds", "expected_seconds", "origin", "stand_in"),
    ],
    grain=["entry", "month"],
    period="year",
    time="month",
    by_partition=True,
    title_zh="逐月燃料与用水",
    title_en="Fuels, heat and water by month",
)
def fuel_monthly(slot: Slot, bills: pa.Table) -> pa.Table:
    """The amount of each bill that falls into each month, by the days that they have in common; the months sum to the bill.

    The expected time is the month, so that months of which a bill covers a part, or that have none, lower the coverage.
    """
    names = ("entry", "building", "enterprise", "plant", "carrier", "activity", "condition", "canonical_unit", "origin")
    return by_month(slot, bills, "fuel_amount", names).select(fuel_monthly.schema.names)


def by_month(slot: Slot, entries: pa.Table, amount: str, names: tuple[str, ...]) -> pa.Table:
    """The amounts of entries by month, for the months of a slot: `names` as they stand, and month, amount and seconds."""
    told = entries.filter(pc.and_(pc.is_valid(entries.column(amount)), pc.is_valid(entries.column("valid_to"))))
    first, until = micros(told.column("valid_from")), micros(told.column("valid_to"))
    touched = (first < slot.end) & (until > slot.start)
    rows, first, until = told.filter(pa.array(touched)), first[touched], until[touched]
    begin, end = (int(first.min()), int(until.max()) - 1) if len(rows) else (slot.start, slot.start)
    months = slot.calendar.covering(begin, end, "month")  # all of them, so that the parts sum to the entry
    edges = np.array([slot.calendar.bounds(month)[0] for month in months] + [slot.calendar.bounds(months[-1])[1]])
    seconds = spreading.overlaps(first, until, edges) // MILLION
    whole = np.array([int(value * MILLION) for value in rows.column(amount).to_pylist()], dtype=np.int64)
    parts = spreading.spread(whole, seconds)
    entry, month = np.nonzero((seconds > 0) & (edges[:-1] >= slot.start) & (edges[:-1] < slot.end))
    taken = rows.take(pa.array(entry))
    return pa.table(
        {
            **{name: taken.column(name) for name in names},
            "month": pa.array([f"{name}-01" for name in months]).take(pa.array(month)).cast(pa.date32()),
            amount: pa.array([Decimal(part).scaleb(-6) for part in parts[entry, month].tolist()], pa.decimal128(18, 6)),
            "known_seconds": seconds[entry, month],
            "expected_seconds": (np.diff(edges) // MILLION)[month],
            "stand_in": pc.equal(taken.column("origin"), ORIGINS[-1]),
        }
    )


_USES = Read(
    "carbon.factor_in_use",
    columns=(
        *("purpose", "carrier", "first_day", "last_day", "factor", "factor_value", "canonical_unit", "ratio", "energy_ratio"),
        *("review", "missing"),
    ),
    during=("first_day", "last_day"),
    trace={"carrier": "carrier"},
)


@derived(
    reads={
        "used": "carbon.fuel_monthly",
        "uses": _USES,
        "carriers": Read("carbon.carrier", columns=("carrier", "emission_scope")),
        "buildings": Read("buildings.building", columns=("building", "zone")),
        "enterprises": Read("buildings.enterprise", columns=("enterprise", "zone")),
    },
    columns=[
        *("entry", "month", "building", "enterprise", "zone", "plant", "carrier", "emission_scope", "activity", "fuel_amount"),
        *("canonical_unit", "heat_value", "energy", "factor", "emission_factor", "emission", "known_seconds"),
        *("expected_seconds", "coverage", "review", "missing", "stand_in"),
    ],
    grain=["entry", "month"],
    period="year",
    time="month",
    title_zh="燃料逐月碳排放",
    title_en="Emissions of fuels by bill and month",
)
def fuel_emission_monthly(used: Any, uses: Any, carriers: Any, buildings: Any, enterprises: Any) -> Any:
    """Carbon dioxide of a bill in a month: amount x net calorific value x emission factor by energy.

    GB/T 32150-2025, 7.5 (unverified). The calorific value is a factor chosen for `heat_value`; energy on the gross value is
    turned by the ratio of the choice. Of water there is no energy: amount x footprint of its supply. What is not there stands
    in `missing`, and there is no emission.
    """
    rows = used.inner_join(carriers, "carrier")
    rows = rows.mutate(wanted=ibis.ifelse(rows.emission_scope == OTHER, "supply_chain", "location_based"))
    heat = uses.filter(uses.purpose == "heat_value").select(
        heat_carrier="carrier",
        heat_first="first_day",
        heat_last="last_day",
        heat_value="factor_value",
        heat_unit="canonical_unit",
        heat_review="review",
    )
    until = ibis.interval(days=1)
    whole = [
        rows.carrier == heat.heat_carrier,
        ibis.literal("kWh/") + rows.canonical_unit == heat.heat_unit,
        heat.heat_first <= rows.month,
        heat.heat_last.isnull() | (heat.heat_last + until >= rows.month + ibis.interval(months=1)),
    ]
    rows = rows.left_join(heat, whole)
    same = [rows.carrier == uses.carrier, rows.wanted == uses.purpose, *holds_in(uses, rows)]
    rows = rows.left_join(uses, same).drop("carrier_right", "canonical_unit_right")
    gross = rows.condition == amounts.GROSS
    ratio = ibis.ifelse(
        gross, ibis.ifelse(rows.ratio.isnull(), ibis.null(FACTOR), rows.energy_ratio), ibis.literal(1).cast(FACTOR)
    )
    in_energy = rows.canonical_unit == amounts.ENERGY
    no_energy = rows.emission_scope == OTHER
    rows = rows.mutate(
        energy=ibis.cases(
            (no_energy, ibis.null(DECIMAL)),
            (in_energy, (rows.fuel_amount * ratio).cast(DECIMAL)),
            else_=(rows.fuel_amount * rows.heat_value).cast(DECIMAL),
        ),
        lacks=ibis.cases(
            (rows.factor.isnull(), "choice"),
            (rows.missing.notnull() & (rows.missing != "ratio"), rows.missing),
            (in_energy & gross & ratio.isnull(), "ratio"),
            (~no_energy & ~in_energy & rows.heat_value.isnull(), "heat_value"),
            else_=ibis.null("string"),
        ),
    )
    rows = rows.mutate(
        emission=(ibis.ifelse(no_energy, rows.fuel_amount, rows.energy) * rows.factor_value).cast(DECIMAL),
        emission_factor=ibis.ifelse(no_energy, ibis.null(FACTOR), rows.factor_value),
        review=ibis.least(rows.review, ibis.coalesce(rows.heat_review, rows.review)),
    )
    known_seconds = ibis.ifelse(rows.emission.isnull(), 0, rows.known_seconds)
    rows = rows.mutate(
        missing=rows.lacks, known_seconds=known_seconds, coverage=known_seconds.cast("float64") / rows.expected_seconds
    )
    of_building = buildings.select(building="building", zone_of_building="zone")
    of_enterprise = enterprises.select(enterprise="enterprise", zone_of_enterprise="zone")
    rows = rows.left_join(of_building, "building").drop("building_right").left_join(of_enterprise, "enterprise")
    return rows.mutate(zone=ibis.coalesce(rows.zone_of_building, rows.zone_of_enterprise))
