"""One partition of the ledger: Arrow tables in, Arrow table out.

Energies are whole micro-kWh [µkWh] until they leave as decimals [kWh]. Source: the rules of `ledger`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.energy.methods import screening
from scicity.domains.energy.methods.devices import FOREVER, HOUR, Installation, Stream
from scicity.domains.energy.methods.gaps import Calendar
from scicity.domains.energy.methods.hours import SECOND, Hours
from scicity.domains.energy.methods.ledger import hours_of, set_aside_of
from scicity.domains.energy.methods.screening import Bools, Ints, Series
from scicity.kernel.calendar import micros

PROPERTY = {"registers": "energy_register", "increments": "energy_increment", "powers": "active_power"}  # the best first
BUCKETS = 128  # whose registers are kept as they are asked for: of two tables in each bucket
SET_ASIDE = pa.schema(
    [
        ("meter", pa.string()),
        ("datastream", pa.string()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("rule", pa.string()),
        ("value", pa.float64()),
    ]
)


NOTHING = pa.table({"meter": pa.array([], pa.string())})  # rows of no partition


class Slot(Protocol):
    """The first instant of one or more partitions and the one after their last, the calendar, and these of each [µs UTC]."""

    start: int
    end: int
    calendar: Calendar
    spans: tuple[tuple[int, int], ...]


def hourly_ledger(
    slot: Slot, streams: pa.Table, meters: pa.Table, installations: pa.Table, readings: Mapping[str, pa.Table]
) -> pa.Table:
    """The ledger's rows of a partition: meter, flow, building, hour and what passed [kWh], as `energy.meter_hourly` has them.

    `streams`: datastream, thing, property, flow, interval_seconds, origin; `meters`: meter, zero_is_gap; `installations`: the
    register; `readings`: by `registers`, `increments`, `powers` the columns datastream, time, value, revision. Where several
    datastreams tell of one meter and flow, the register counts before the increments, and these before the power.
    """
    registers = _Registers((streams, meters, installations))
    by_property = _streams(registers)
    series_of = {observed: _series(found, readings[observed]) for observed, found in by_property.items()}
    idle = _idle(slot, readings)
    shown = _shown(registers, series_of["registers"], idle)
    spans = [span for span in slot.spans if span not in idle or span in shown]
    if not spans:
        return NOTHING
    start, end = spans[0][0], spans[-1][1]
    starts, days = slot.calendar.hours(start, end)
    lengths = np.bincount(days - days.min()) * 3_600
    of_hour = {
        "hour": pa.array(starts).cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC")),
        "day": pa.array(days.astype(np.int32)).cast(pa.date32()),
        "hour_of_day": pa.array(slot.calendar.local(starts) // HOUR % 24),
        "day_seconds": pa.array(lengths[days - days.min()]),
    }
    origins = dict(zip(streams.column("datastream").to_pylist(), streams.column("origin").to_pylist(), strict=True))
    parts = []
    for observed in [each for each, found in by_property.items() if found] or ["registers"]:
        of_property = by_property[observed]
        found, _ = hours_of(of_property, series_of[observed], PROPERTY[observed], np.r_[starts, end], slot.calendar)
        names = [f"{i.building}" for s in of_property for i in s.installations]
        building = np.unique(names, return_inverse=True)[1][found.device] if len(found.device) else found.device
        several = np.array([len(s.installations) > 1 for s in of_property], dtype=bool)
        energy, found = _merged(found, building, several)
        hour = pa.array(found.hour)
        stand_in = np.array([origins[s.name] == "stand-in" for s in of_property], dtype=bool)
        parts.append(
            pa.table(
                {
                    "meter": _named([s.meter for s in of_property], found.stream),
                    "flow": _named([s.flow for s in of_property], found.stream),
                    "building": _named(names, found.device),
                    **{name: column.take(hour) for name, column in of_hour.items()},
                    "energy": energy,
                    "measured_seconds": pa.array(found.measured // SECOND),
                    "estimated_seconds": pa.array(found.estimated // SECOND),
                    "flags": pa.array(found.flags),
                    "stand_in": pa.array(stand_in[found.stream]),
                }
            )
        )
    rows = pa.concat_tables(parts).unify_dictionaries()
    if shown:
        hour, known = micros(rows.column("hour")), rows.column("energy").is_valid().to_numpy()
        within = [(hour >= first) & (hour < last) for first, last in idle]
        rows = rows.filter(pa.array(~np.any([mine & ~known[mine].any() for mine in within], axis=0)))
    return rows


def _idle(slot: Slot, readings: Mapping[str, pa.Table]) -> list[tuple[int, int]]:
    """The partitions without readings in them or on both of their sides: the first ones, or the last."""
    times = [micros(table.column("time")) for table in readings.values() if table.num_rows]
    if not times:
        return list(slot.spans)
    first, last = min(int(each.min()) for each in times), max(int(each.max()) for each in times)
    return [(start, end) for start, end in slot.spans if first >= end or last < start]


def _shown(registers: _Registers, series: Series, idle: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The idle partitions in which something may be known all the same, by what devices showed when they came or went."""
    first, last = (each.copy() for each in _showed(registers))
    told = np.flatnonzero(first <= last)
    if not len(told) or not idle:
        return []
    np.minimum.at(first, series.stream, series.time)
    np.maximum.at(last, series.stream, series.time)
    return [span for span in idle if ((first[told] < span[1]) & (last[told] > span[0])).any()]


def set_aside(
    slot: Slot, streams: pa.Table, meters: pa.Table, installations: pa.Table, readings: Mapping[str, pa.Table]
) -> pa.Table:
    """The readings of a partition that were not used, with the rule: meter, datastream, time, value, rule.

    Inputs as `hourly_ledger`. Repeated readings are none of these. Where a rule sets several readings of one time aside, the
    highest stands for them; a value that is no number is null.
    """
    idle = _idle(slot, readings)  # there is nothing in them to be set aside
    spans = [span for span in slot.spans if span not in idle] or [(slot.start, slot.start)]
    starts, _ = slot.calendar.hours(spans[0][0], spans[-1][1])
    parts = [SET_ASIDE.empty_table()]
    for observed, of_property in streams_of(streams, meters, installations).items():
        found = set_aside_of(
            of_property, _series(of_property, readings[observed]), PROPERTY[observed], np.r_[starts, spans[-1][1]]
        )
        here = (found.time >= slot.start) & (found.time < slot.end) & (found.rule != screening.DUPLICATE)
        stream, value = pa.array(found.stream[here]), found.value[here]
        columns = {
            "meter": pa.array([each.meter for each in of_property], pa.string()).take(stream),
            "datastream": pa.array([each.name for each in of_property], pa.string()).take(stream),
            "time": pa.array(found.time[here]).cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC")),
            "rule": pa.array(screening.RULES, pa.string()).take(pa.array(found.rule[here])),
            "value": pa.array(value, mask=~np.isfinite(value)),
        }
        parts.append(pa.table(columns, schema=SET_ASIDE))
    rows = pa.concat_tables(parts).group_by(SET_ASIDE.names[:-1], use_threads=False).aggregate([("value", "max")])
    return rows.rename_columns(SET_ASIDE.names).cast(SET_ASIDE)


def decimals(micro: Ints, known: Bools) -> pa.Array:
    """Whole micro-units as decimal128(18, 6), null where not known; exact."""
    words = np.empty((len(micro), 2), dtype=np.int64)
    words[:, 0], words[:, 1] = micro, micro >> 63
    mask = pa.array(known).buffers()[1] if len(known) else None
    return pa.Array.from_buffers(pa.decimal128(18, 6), len(micro), [mask, pa.py_buffer(words)])


def streams_of(streams: pa.Table, meters: pa.Table, installations: pa.Table) -> dict[str, list[Stream]]:
    """The streams of registers, increments and powers that the ledger is made of, by name; of each meter and flow the best.

    Inputs as `hourly_ledger`. Source: rule 1 of `ledger`.
    """
    return _streams(_Registers((streams, meters, installations)))


class _Registers(tuple[pa.Table, pa.Table, pa.Table]):
    """Streams, meters and installations, alike where they are the same tables: all months of a bucket are given the same."""

    def __hash__(self) -> int:
        return hash(tuple(map(id, self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Registers) and all(mine is its for mine, its in zip(self, other, strict=True))


@lru_cache(BUCKETS)
def _streams(registers: _Registers) -> dict[str, list[Stream]]:
    """The streams of registers, increments and powers, by name; of each meter and flow only the best."""
    streams, meters, installations = registers
    zero = dict(zip(meters.column("meter").to_pylist(), meters.column("zero_is_gap").to_pylist(), strict=True))
    devices: dict[str, list[Installation]] = {}
    for name, missing in (("valid_from", -FOREVER), ("valid_to", FOREVER)):
        column = pc.fill_null(installations.column(name).cast(pa.int64()), missing)
        installations = installations.set_column(installations.schema.get_field_index(name), name, column)
    for row in installations.sort_by([("meter", "ascending"), ("valid_from", "ascending")]).to_pylist():
        devices.setdefault(row["meter"], []).append(_installation(row))
    rank = {observed: place for place, observed in enumerate(PROPERTY.values())}
    best: dict[tuple[str, str], tuple[int, str, dict[str, Any]]] = {}
    for row in streams.to_pylist():
        if row["property"] in rank and row["thing"] in zero:
            key = (row["thing"], row["flow"] or "forward")
            candidate = (rank[row["property"]], row["datastream"], row)
            best[key] = min(best.get(key, candidate), candidate, key=lambda each: each[:2])
    found: dict[str, list[Stream]] = {name: [] for name in PROPERTY}
    names = {observed: name for name, observed in PROPERTY.items()}
    for (meter, flow), (_, name, row) in sorted(best.items(), key=lambda item: item[1][1]):
        interval = int(row["interval_seconds"]) * 1_000_000
        stream = Stream(name, meter, flow, row["property"], interval, bool(zero[meter]), tuple(devices.get(meter, ())))
        found[names[row["property"]]].append(stream)
    return found


@lru_cache(BUCKETS)
def _showed(registers: _Registers) -> tuple[Ints, Ints]:
    """Of each stream of registers the first and last instant at which it is told what a device showed; none: first > last."""
    streams = _streams(registers)["registers"]
    first, last = np.full(len(streams), FOREVER), np.full(len(streams), -FOREVER)
    for at, stream in enumerate(streams):
        for each in stream.installations:
            for showed, instant in ((each.register_start, each.start), (each.register_end, each.end)):
                if showed is not None and -FOREVER < instant < FOREVER:
                    first[at], last[at] = min(first[at], instant), max(last[at], instant)
    return first, last


def _installation(row: Mapping[str, Any]) -> Installation:
    return Installation(
        meter=row["meter"],
        building=row["building"],
        start=row["valid_from"],
        end=row["valid_to"],
        serial=row["serial"],
        multiplier=row["multiplier"],
        digits=row["register_digits"],
        decimals=row["register_decimals"],
        register_start=row["register_start"],
        register_end=row["register_end"],
        rated_power=row["rated_power"],
    )


def _series(streams: list[Stream], rows: pa.Table) -> Series:
    stream = _places(rows.column("datastream").combine_chunks(), pa.array([s.name for s in streams], pa.string()))
    if (stream < 0).any():
        rows, stream = rows.filter(pa.array(stream >= 0)), stream[stream >= 0]
    value = rows.column("value")
    return Series(
        stream,
        rows.column("time").cast(pa.int64()).to_numpy(),
        (pc.fill_null(value, float("nan")) if value.null_count else value).to_numpy(),
        rows.column("revision").to_numpy(),
    )


def _places(names: pa.Array, known: pa.Array) -> Ints:
    """Of each name its place among the known ones, -1 where it is not among them. Names that repeat are looked up once."""
    if pa.types.is_dictionary(names.type):
        codes = pc.fill_null(pc.index_in(names.dictionary.cast(pa.string()), value_set=known), -1)
        return codes.to_numpy(zero_copy_only=False).astype(np.int64)[names.indices.to_numpy(zero_copy_only=False)]
    runs = pc.run_end_encode(names)
    codes = pc.fill_null(pc.index_in(runs.values, value_set=known), -1).to_numpy(zero_copy_only=False)
    return np.repeat(codes.astype(np.int64), np.diff(runs.run_ends.to_numpy(), prepend=0))


def _named(names: list[str], index: Ints) -> pa.Array:
    words, place = np.unique(np.array(names, dtype=str), return_inverse=True)
    return pa.DictionaryArray.from_arrays(place.astype(np.int32)[index], pa.array(words, pa.string()))


def _merged(found: Hours, building: Ints, several: Bools) -> tuple[pa.Array, Hours]:
    """One row for each stream, building and hour, also where two devices (a stream may have `several`) share an hour."""
    known = found.measured + found.estimated > 0
    width = int(found.hour.max(initial=0)) + 1
    place = (found.stream * width + found.hour)[several[found.stream]]
    if len(np.unique(place)) == len(place):
        return decimals(found.energy, known), found
    order = np.lexsort((found.hour, building, found.stream))
    found, known, building = Hours(*(column[order] for column in found)), known[order], building[order]
    keys = np.stack([found.stream, building, found.hour])
    starts = np.flatnonzero(np.r_[True, (np.diff(keys) != 0).any(axis=0)])
    energy, measured, estimated = (
        np.add.reduceat(column, starts) for column in (np.where(known, found.energy, 0), found.measured, found.estimated)
    )
    flags = np.bitwise_or.reduceat(found.flags, starts)
    merged = Hours(found.stream[starts], found.device[starts], found.hour[starts], energy, measured, estimated, flags)
    return decimals(energy, measured + estimated > 0), merged
