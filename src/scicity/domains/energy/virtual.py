"""Virtual meters: formulas over meters, checked when they are loaded, evaluated by the hour."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.energy.entered import virtuals_of
from scicity.domains.energy.enterprises import LEDGER
from scicity.domains.energy.methods import formulas, rights
from scicity.domains.energy.methods.accounts import ACCOUNT, EXACT, bit_or, by_calendar, covered, known
from scicity.domains.energy.methods.hours import FLAGS
from scicity.domains.energy.methods.partition import decimals
from scicity.domains.energy.methods.trees import ALWAYS, instant_of, labels_of
from scicity.kernel.calendar import micros
from scicity.kernel.computing import Slot
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Read, derived, source

CARRIERS = ("electricity", "natural_gas", "heat")
MICRO = 1_000_000  # of a kWh
LARGEST = 2.0**62  # [µkWh] beyond it a result is none


def _check_virtual(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    rows = table.to_pylist()
    labels = labels_of(tables["energy.membership"].to_pylist(), "enterprise")
    for fault in rights.faults(virtuals_of(rows), tables["energy.meter"].to_pylist(), labels):
        place = (rows[fault.row]["source_file"], rows[fault.row]["source_row"], fault.field)
        problems.add(fault.code, *place, found=fault.found, expected=fault.expected)


virtual_meter = source(
    "energy.virtual_meter",
    path="registers/virtual_meters.csv",
    columns=[
        *(
            "meter",
            "name_zh",
            "name_en",
            "meter_formula",
            "carrier",
            "building",
            "enterprise",
            "valid_from",
            "valid_to",
            "source",
        ),
    ],
    optional=("building", "enterprise", "valid_to", "source"),
    grain=["meter", "valid_from"],
    key_of_period=("meter",),
    during=("valid_from", "valid_to"),
    references={"building": "buildings.building.building", "enterprise": "buildings.enterprise.enterprise"},
    choices={"carrier": CARRIERS},
    check=_check_virtual,
    title_zh="虚拟表",
    title_en="Virtual meters",
    doc="Meters that are formulas of others, such as `east-01.electricity - east-02.electricity * 0.5`: numbers, meters, "
    "+ - * /, parentheses, min and max. A formula with an enterprise may name only meters of that enterprise. What is unknown "
    "makes the whole unknown.",
)


@derived(
    reads={"virtuals": Read("energy.virtual_in_force", columns=("meter", "meter_formula"))},
    columns=["meter"],
    grain=["meter"],
    by_partition=True,
    title_zh="公式引用的计量表",
    title_en="Meters that formulas name",
)
def virtual_named(slot: Slot, virtuals: pa.Table) -> pa.Table:
    """The meters of which the formulas of virtual meters need the hours."""
    own = set(virtuals.column("meter").to_pylist())
    texts = {text for text in virtuals.column("meter_formula").to_pylist() if text}
    named = {name for text in texts for name in formulas.meters_of(formulas.parsed(text))}
    return pa.table({"meter": pa.array(sorted(named - own), pa.string())})


_HOUR = ("hour", "day", "hour_of_day", "day_seconds")


@derived(
    reads={
        "hourly": Read(LEDGER.table, columns=(*LEDGER.columns, "hour_of_day", "day_seconds")),
        "named": Read("energy.virtual_named", key="meter"),
    },
    columns=["meter", *_HOUR, "energy", "estimated_seconds", "flags", "stand_in"],
    grain=["meter", "hour"],
    period="month",
    fine="day",
    time="day",
    key="meter",
    title_zh="虚拟表的逐时分项",
    title_en="Hours of the parts of virtual meters",
)
def virtual_part_hourly(hourly: Any, named: Any) -> Any:
    """Net energy of the meters that formulas name, by the hour; an hour of which a part is unknown is unknown."""
    rows = hourly.semi_join(named, "meter")
    rows = rows.mutate(
        seconds=rows.measured_seconds + rows.estimated_seconds,
        energy=ibis.ifelse(rows.flow == "reverse", -rows.energy, rows.energy),
    )
    each = rows.group_by("meter", "flow", *_HOUR).agg(
        energy=rows.energy.sum(),
        seconds=rows.seconds.sum(),
        estimated_seconds=rows.estimated_seconds.sum(),
        flags=bit_or(rows.flags),
        stand_in=rows.stand_in.max(),
    )
    whole = each.group_by("meter", *_HOUR).agg(
        energy=each.energy.sum(),
        least=each.seconds.min(),
        estimated_seconds=each.estimated_seconds.max(),
        flags=bit_or(each.flags),
        stand_in=each.stand_in.max(),
    )
    return whole.mutate(energy=ibis.ifelse(whole.least >= 3600, whole.energy, ibis.null(EXACT)))


@derived(
    reads={
        "parts": "energy.virtual_part_hourly",
        "virtuals": Read(
            "energy.virtual_in_force",
            columns=("meter", "meter_formula", "carrier", "building", "enterprise", "valid_from", "valid_to"),
            during=("valid_from", "valid_to"),
        ),
    },
    columns=["meter", "carrier", "building", "enterprise", *_HOUR, *ACCOUNT],
    grain=["meter", "hour"],
    by_partition=True,
    period="month",
    fine="day",
    time="day",
    title_zh="虚拟表逐时能耗",
    title_en="Virtual meters by hour",
)
def virtual_hourly(slot: Slot, parts: pa.Table, virtuals: pa.Table) -> pa.Table:
    """Energy of each virtual meter in each hour in which it has a formula: the formula over the hours of its parts.

    An hour of which any part is unknown, or in which a formula divides by 0, is unknown. Rounded once, to a milliwatt-hour.
    """
    rows = list(virtuals.sort_by([("meter", "ascending"), ("valid_from", "ascending")]).to_pylist())
    if not rows or not parts.num_rows:
        return virtual_hourly.schema.empty_table()
    hours, first = np.unique(micros(parts.column("hour")), return_index=True)
    grid = _Grid(parts, hours)
    named = {row["meter"]: set[str]() for row in rows}
    trees = [formulas.parsed(row["meter_formula"]) for row in rows]
    for row, tree in zip(rows, trees, strict=True):
        named[row["meter"]] |= set(formulas.meters_of(tree))
    found = {}
    for meter in formulas.in_turn(named):
        energy = np.full(len(hours), np.nan)
        about = np.zeros((3, len(hours)), dtype=np.int64)  # whether a formula holds, flags, stand-in
        of = np.full(len(hours), -1)
        for place, (row, tree) in enumerate(zip(rows, trees, strict=True)):
            if row["meter"] == meter:
                start, end = instant_of(row["valid_from"], -ALWAYS), instant_of(row["valid_to"], ALWAYS)
                holds = (hours >= start) & (hours < end)
                below = formulas.meters_of(tree)
                value = formulas.evaluated(tree, {name: grid.energy_of(name) for name in below}, len(hours))
                energy = np.where(holds, value, energy)
                flags = [grid.about.get(name, grid.nothing) for name in below]
                about = np.where(holds, _joined(flags, grid.nothing), about)
                of = np.where(holds, place, of)
        energy[~(np.abs(energy) < LARGEST)] = np.nan
        grid.energy[meter], grid.about[meter] = energy, about
        found[meter] = of
    return _rows(rows, found, grid, parts.take(pa.array(first)))


class _Grid:
    """Energies [µkWh] of meters over the same hours as real numbers, NaN where unknown, with flags and origin of each."""

    def __init__(self, parts: pa.Table, hours: np.ndarray) -> None:
        names = parts.column("meter").combine_chunks().cast(pa.string()).dictionary_encode()
        row, at = names.indices.to_numpy(), np.searchsorted(hours, micros(parts.column("hour")))
        energy = np.full((len(names.dictionary), len(hours)), np.nan)
        exact = pc.multiply(parts.column("energy"), pa.scalar(MICRO)).cast(pa.float64())
        energy[row, at] = pc.fill_null(exact, float("nan")).to_numpy()
        about = np.zeros((len(names.dictionary), 3, len(hours)), dtype=np.int64)
        about[row, 0, at] = parts.column("estimated_seconds").to_numpy()
        about[row, 1, at] = parts.column("flags").to_numpy()
        about[row, 2, at] = pc.cast(parts.column("stand_in"), pa.int64()).to_numpy()
        self.nothing = np.zeros((3, len(hours)), dtype=np.int64)
        self.unknown = np.full(len(hours), np.nan)
        words = names.dictionary.to_pylist()
        self.energy = dict(zip(words, energy, strict=True))
        self.about = dict(zip(words, about, strict=True))

    def energy_of(self, name: str) -> np.ndarray:
        """The energies of a meter; of one without rows all are unknown."""
        return self.energy.get(name, self.unknown)


def _joined(several: list[np.ndarray], nothing: np.ndarray) -> np.ndarray:
    stacked = np.stack([nothing, *several])
    return np.stack([stacked[:, 0].max(axis=0), np.bitwise_or.reduce(stacked[:, 1], axis=0), stacked[:, 2].max(axis=0)])


def _rows(rows: list[dict[str, Any]], found: dict[str, np.ndarray], grid: _Grid, hours: pa.Table) -> pa.Table:
    tables = []
    for meter, of in sorted(found.items()):
        there = np.flatnonzero(of >= 0)
        energy, about = grid.energy[meter][there], grid.about[meter][:, there]
        known = np.isfinite(energy)
        micro = np.rint(np.where(known, energy, 0)).astype(np.int64)
        flags = np.where(known, about[1] & ~FLAGS["partial"], about[1] | FLAGS["partial"])
        told = {
            name: pa.array([rows[place][name] for place in of[there]], pa.string())
            for name in ("carrier", "building", "enterprise")
        }
        tables.append(
            pa.table(
                {
                    "meter": pa.array([meter] * len(there), pa.string()),
                    **told,
                    **{name: hours.column(name).take(pa.array(there)) for name in _HOUR},
                    "energy": decimals(micro, known),
                    "estimated_energy": decimals(np.where(about[0] > 0, micro, 0), known),
                    "known_seconds": np.where(known, 3600, 0),
                    "expected_seconds": np.full(len(there), 3600),
                    "coverage": known.astype(float),
                    "flags": flags,
                    "stand_in": about[2] > 0,
                }
            )
        )
    return pa.concat_tables(tables)


@derived(
    reads={"hourly": "energy.virtual_hourly"},
    columns=["meter", "carrier", "enterprise", "day", *ACCOUNT],
    grain=["meter", "carrier", "enterprise", "day"],
    period="month",
    time="day",
    title_zh="虚拟表逐日能耗",
    title_en="Virtual meters by day",
)
def virtual_daily(hourly: Any) -> Any:
    """Energy of a virtual meter in a day: the sum of the hours that are known."""
    return covered(
        hourly.group_by("meter", "carrier", "enterprise", "day").agg(**known(hourly), expected_seconds=hourly.day_seconds.max())
    )


@derived(
    reads={"daily": "energy.virtual_daily"},
    columns=["meter", "carrier", "enterprise", "month", *ACCOUNT],
    grain=["meter", "carrier", "enterprise", "month"],
    period="year",
    time="month",
    title_zh="虚拟表逐月能耗",
    title_en="Virtual meters by month",
)
def virtual_monthly(daily: Any) -> Any:
    """Energy of a virtual meter in a month: the sum of its days; missing days lower the coverage."""
    return covered(by_calendar(daily.mutate(month=daily.day.truncate("M")), ["meter", "carrier", "enterprise", "month"], "M"))
