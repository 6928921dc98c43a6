"""One partition of the days of datastreams: Arrow tables in, Arrow table out.

Times are int64 [µs UTC]. Source: the rules of `coming`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.devices.methods.coming import (
    Bools,
    Floats,
    Ints,
    Readings,
    Rules,
    counting,
    frozen,
    gaps_of,
    missing_by_day,
)
from scicity.kernel.calendar import micros
from scicity.vocabulary import term

SECOND = 1_000_000  # [µs]
HOUR = 3_600 * SECOND


class Calendar(Protocol):
    """What is asked of a calendar."""

    def instant(self, day: date) -> int:
        """The instant [µs UTC] at which a local day begins."""

    def days(self, instants: Ints) -> Ints:
        """The local day [days since 1970] of instants [µs UTC]."""


class Slot(Protocol):
    """The first instant of one or more partitions, the one after their last [µs UTC], and the calendar."""

    @property
    def start(self) -> int:
        """The first instant."""

    @property
    def end(self) -> int:
        """The instant after the last."""

    @property
    def calendar(self) -> Calendar:
        """The district's calendar."""


def rules_of(streams: list[dict[str, Any]], behaviours: pa.Table, meters: pa.Table) -> Rules:
    """The rules of datastreams (rows of their register, in order): how often each sends, and when it is frozen.

    A level may rest up to the value that its property's row says; amounts and registers may rest at 0, unless the district's
    register says of their meter that zero is a gap. Flows back may always be 0. Intervals leave in [µs].

    Source: `standards/behaviours.csv`; `zero_is_gap` of `energy.meter`.
    """
    behaviour = {row["property"]: row for row in behaviours.to_pylist()}
    zero_is_gap = dict(zip(*(meters.column(name).to_pylist() for name in ("meter", "zero_is_gap")), strict=True))
    interval, still, rests, register, ends = [], [], [], [], []
    for row in streams:
        told = behaviour.get(row["property"], {})
        every = row["interval_seconds"] or 0
        counted = told.get("value_kind") in ("amount", "register")
        never = counted and bool(zero_is_gap.get(row["thing"])) and row["flow"] != "reverse"
        at_most = told.get("rests_at_most")
        interval.append(every * SECOND)
        still.append((told.get("still_hours") or 0) * HOUR if every else 0)
        rests.append((np.nan if never else 0.0) if counted else np.nan if at_most is None else float(at_most))
        register.append(told.get("value_kind") == "register")
        ends.append(counted)
    whole = (np.array(interval, np.int64), np.array(still, np.int64))
    return Rules(*whole, np.array(rests, float), np.array(register, bool), np.array(ends, bool))


def series_of(names: list[str], tables: list[pa.Table]) -> Readings:
    """The readings that count of tables with datastream, time, value and revision, by number of the name and time [µs UTC].

    Readings of other datastreams are left out. Source: `coming.counting`.
    """
    known = pa.array(names, pa.string())
    columns: list[tuple[Ints, Ints, Floats, Ints]] = []
    for rows in tables:
        if not rows.num_rows:
            continue
        encoded = rows.column("datastream").combine_chunks()
        encoded = encoded if pa.types.is_dictionary(encoded.type) else encoded.dictionary_encode()
        place = pc.fill_null(pc.index_in(encoded.dictionary.cast(pa.string()), value_set=known), -1).to_numpy().astype(np.int64)
        stream = place[encoded.indices.to_numpy()]
        value = pc.fill_null(rows.column("value"), float("nan")).to_numpy()
        columns.append((stream, micros(rows.column("time")), value, rows.column("revision").to_numpy()))
    if not columns:
        empty = np.zeros(0, dtype=np.int64)
        return Readings(empty, empty, np.zeros(0))
    stream, time, value, revision = (np.concatenate(each) for each in zip(*columns, strict=True))
    if (stream < 0).any():
        mine = stream >= 0
        stream, time, value, revision = stream[mine], time[mine], value[mine], revision[mine]
    if (np.diff(stream) < 0).any():
        order = np.argsort(stream, kind="stable")
        stream, time, value, revision = stream[order], time[order], value[order], revision[order]
    return counting(stream, time, value, revision)


def never_frozen(told: pa.Table, registers: Mapping[str, pa.Table], _start: int, _end: int) -> Bools:
    """Of which datastreams a day depends on the readings next to it and on none beyond, shape (n,): of those whose value
    cannot be frozen, by the rules of their property.

    `told`: a row for each datastream, as `kernel.stored.EXTENTS` has them; `registers`: `streams`, `behaviours`, `meters` as
    `stream_days` has them. Source: `coming.frozen`.
    """
    rows = [row for row in registers["streams"].to_pylist() if row["thing"] is not None]
    rules = rules_of(rows, registers["behaviours"], registers["meters"])
    never = (rules.still == 0) | (rules.register & ~np.isnan(rules.rests))
    names = pa.array([row["datastream"] for row, mine in zip(rows, never.tolist(), strict=True) if mine], pa.string())
    found: Bools = pc.is_in(told["datastream"].combine_chunks(), value_set=names).to_numpy(zero_copy_only=False)
    return found & (told["count"].to_numpy() > 1)


def stream_days(
    slot: Slot, streams: pa.Table, behaviours: pa.Table, meters: pa.Table, readings: Mapping[str, pa.Table]
) -> pa.Table:
    """The days of a partition on which anything of a datastream came or should have come, as `devices.stream_daily` has them.

    `streams`: datastream, thing, property, flow, interval_seconds [s], origin; `behaviours`, `meters`: the registers;
    `readings`: tables with datastream, time, value, revision. A day expects what its length holds of intervals, or where the
    stream begins or ends in it what came and is missing. Shares leave in [%], times in [s]. Source: the rules of `coming`.
    """
    rows = sorted((row for row in streams.to_pylist() if row["thing"] is not None), key=lambda row: row["datastream"])
    edges = _edges(slot)
    width = len(edges) - 1
    rules = rules_of(rows, behaviours, meters)
    series = series_of([row["datastream"] for row in rows], list(readings.values()))
    series = Readings(series.stream, series.time - rules.ends[series.stream], series.value)  # a microsecond earlier
    size = len(rows) * width

    def summed(key: Ints, of: Ints | None = None) -> Ints:
        found = np.zeros(size, dtype=np.int64)
        np.add.at(found, key, 1 if of is None else of)
        return found

    stream, day, count, begins, length = missing_by_day(gaps_of(series, rules.interval), rules.interval, edges)
    key = stream * width + day
    missing, gaps, longest = summed(key, count), summed(key, begins.astype(np.int64)), np.zeros(size, dtype=np.int64)
    np.maximum.at(longest, key, length)

    stood, lasting = frozen(series, rules)
    inside = np.flatnonzero((series.time >= slot.start) & (series.time < slot.end))
    time, value = series.time[inside], series.value[inside]
    key = series.stream[inside] * width + np.searchsorted(edges, time, side="right") - 1
    received, valueless = np.bincount(key, minlength=size), np.bincount(key[np.isnan(value)], minlength=size)
    still = summed(key[stood[inside]], lasting[inside][stood[inside]])
    last = np.zeros(size, dtype=np.int64)
    last[key] = time + rules.ends[series.stream[inside]]  # rises within a key: the last one stays

    compared = {row["property"] for row in behaviours.to_pylist() if row["neighbour_reach"] is not None}
    of_compared = np.array([row["property"] in compared for row in rows], dtype=bool)
    level = _medians(key, value, of_compared[series.stream[inside]], size)

    at = np.flatnonzero((received > 0) | (missing > 0))
    return _table(rows, rules, slot, edges, at, received, missing, valueless, gaps, longest, still, last, level)


def _edges(slot: Slot) -> Ints:
    first, last = slot.calendar.days(np.array([slot.start, slot.end - 1])).tolist()
    days = [date(1970, 1, 1) + timedelta(days=number) for number in range(first, last + 2)]
    return np.array([slot.calendar.instant(day) for day in days], dtype=np.int64)


def _medians(key: Ints, value: Floats, wanted: Bools, size: int) -> Floats:
    """The middle of the values of each key, NaN where there are none: the same whatever their order."""
    found = np.full(size, np.nan)
    some = wanted & ~np.isnan(value)
    key, value = key[some], value[some]
    order = np.lexsort((value, key))
    key, value = key[order], value[order]
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.zeros(0, dtype=np.int64)
    count = np.diff(np.r_[first, len(key)])
    found[key[first]] = (value[first + (count - 1) // 2] + value[first + count // 2]) / 2
    return found


def _table(
    rows: list[dict[str, Any]],
    rules: Rules,
    slot: Slot,
    edges: Ints,
    at: Ints,
    received: Ints,
    missing: Ints,
    valueless: Ints,
    gaps: Ints,
    longest: Ints,
    still: Ints,
    last: Ints,
    level: Floats,
) -> pa.Table:
    stream, day = at // (len(edges) - 1), at % (len(edges) - 1)
    every = rules.interval[stream]
    known = every > 0
    got, gone = received[at], missing[at]
    room = np.maximum(np.diff(edges)[day] // np.maximum(every, 1), 1)
    expected = gone + np.minimum(got, np.maximum(room - gone, got > 0))
    first = int(slot.calendar.days(np.array([slot.start]))[0])

    def named(column: str) -> pa.Array:
        return pa.array([row[column] for row in rows], pa.string()).take(pa.array(stream))

    symbols = pa.array([term(row["property"]).symbol or None for row in rows], pa.string())
    return pa.table(
        {
            "thing": named("thing"),
            "datastream": named("datastream"),
            "day": pa.array((first + day).astype(np.int32)).cast(pa.date32()),
            "expected_readings": pa.array(expected, mask=~known),
            "received_readings": pa.array(got),
            "missing_readings": pa.array(gone, mask=~known),
            "valueless_readings": pa.array(valueless[at]),
            "received_share": pa.array(100 * (1 - gone / np.maximum(expected, 1)), mask=~known),
            "gaps": pa.array(gaps[at], mask=~known),
            "missing_seconds": pa.array(gone * every // SECOND, mask=~known),
            "longest_gap_seconds": pa.array(longest[at] // SECOND, mask=~known),
            "frozen_seconds": pa.array(still[at] // SECOND, mask=rules.still[stream] == 0),
            "level": pa.array(level[at], mask=np.isnan(level[at])),
            "last_reading": pa.array(last[at], mask=got == 0).cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC")),
            "symbol": symbols.take(pa.array(stream)),
            "origin": named("origin"),
        }
    )
