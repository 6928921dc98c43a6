"""Arrival: what waits in the inbox goes to the lake, exactly once, and what cannot be placed goes to the quarantine.

The lake's own commit tells up to which batch of the inbox it holds readings, and batches leave in the order in which they
came: a crash between lake and inbox neither loses nor doubles. The inbox forgets a batch when the lake's files and log are on
stable storage, which `reading.append` sees to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.access.inbox import LIVE, Held, Inbox, Waiting
from scicity.kernel.calendar import Calendar
from scicity.kernel.lake import Lake
from scicity.kernel.reading import ARRIVAL, EARLIEST, append, fits, retired_before, sorted_out
from scicity.kernel.tables import reading_table

MOST_AT_ONCE = 2_000_000  # readings that go to the lake in one commit
AHEAD = timedelta(minutes=10)  # so much a device's clock may be fast
SECOND = 1_000_000  # [µs]
ZONES = range(-12, 15)  # hours that a local time told as UTC can be away
UNKNOWN, UNFIT, TIMELESS, RETIRED = 1, 2, 3, 4
CODES = {UNKNOWN: "datastream", UNFIT: "unit", TIMELESS: "time", RETIRED: "readings-retired"}  # of vocabulary/problems.csv
EXPECTED = {
    UNKNOWN: "a datastream of registers/datastreams.csv",
    UNFIT: "a datastream whose property and unit go together",
    TIMELESS: f"from {EARLIEST:%Y-%m-%d} to {AHEAD.seconds // 60} minutes behind its arrival",
    RETIRED: "a month whose readings are kept",
}


@dataclass
class Moved:
    """What one move did: readings that went to the lake by property, readings held by problem, batches."""

    readings: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    batches: int = 0

    def __add__(self, other: Moved) -> Moved:
        return Moved(self.readings + other.readings, self.held + other.held, self.batches + other.batches)


def move(
    inbox: Inbox,
    lake: Lake,
    datastreams: pa.Table,
    calendar: Calendar,
    buckets: int,
    most: int = MOST_AT_ONCE,
    lane: int = LIVE,
) -> Moved:
    """Moves what has waited longest in a lane of the inbox to the lake; nothing where nothing waits.

    `datastreams` is the register. A reading of a datastream that is not in it, of one whose property and unit do not go
    together, of a time before 2000 or more than ten minutes behind its arrival, or of a month whose readings were retired is
    held. One process at a time may call it.
    """
    waiting, moved = inbox.waiting(most, lane), Moved()
    if not waiting:
        return moved
    known = {row["datastream"]: row for row in datastreams.to_pylist()}
    rows, sequences = _together(waiting), [each.sequence for each in waiting]
    source = f"{inbox.identity}/{lane}"
    fault = _retired(_faults(rows, known), rows, lake, calendar, known, source)
    held = _held(rows, fault, dict(zip(sequences, waiting, strict=True)))
    if held:
        inbox.hold(held)  # before the lake is written: what a move that ended there had held stays held
    fault = _still_held(rows, fault, inbox.held_of(sequences, [CODES[UNKNOWN], CODES[UNFIT]]))
    good, last = rows.filter(pa.array(fault == 0)), sequences[-1]
    for observed, (count, parts) in sorted_out(good, known, calendar, buckets).items():
        table = reading_table(observed)
        behind = _sequence_in(lake, table.name, source)
        if behind >= waiting[0].sequence:  # a move that ended between lake and inbox
            fresh = good.filter(pc.greater(good.column("sequence"), behind))
            count, parts = sorted_out(fresh, known, calendar, buckets).get(observed, (0, parts))
        if count:
            append(lake, table, parts(), {"inbox": [source, last]})
            moved.readings[observed] = count
    inbox.moved(sequences)
    for each in held:
        moved.held[each.code] += each.rows.num_rows
    moved.batches = len(waiting)
    return moved


def _together(waiting: list[Waiting]) -> pa.Table:
    """The rows of all batches with the batch's name, its arrival and its sequence."""
    rows = pa.concat_tables([each.batch.rows for each in waiting])
    of_row = pa.array(np.repeat(np.arange(len(waiting)), [each.batch.rows.num_rows for each in waiting]))
    names = pa.array([each.batch.name for each in waiting], pa.string())
    arrived = pa.array([each.batch.arrived for each in waiting], pa.timestamp("us", tz="UTC"))
    sequence = pa.array([each.sequence for each in waiting], pa.int64())
    for name, column in (("batch", names), ("arrived", arrived), ("sequence", sequence)):
        rows = rows.append_column(name, column.take(of_row))
    return rows


def _faults(rows: pa.Table, known: Mapping[str, Mapping[str, str]]) -> np.ndarray:
    """Of each row what is wrong with it, 0 where nothing is."""
    encoded = rows.column("datastream").combine_chunks().dictionary_encode(null_encoding="encode")
    of_name = [UNKNOWN if name not in known else 0 if fits(known[name]) else UNFIT for name in encoded.dictionary.to_pylist()]
    fault = np.array(of_name, dtype=np.int64)[encoded.indices.to_numpy()]
    time, arrived = rows.column("time"), rows.column("arrived")
    early = pc.less(time, pa.scalar(EARLIEST, time.type))
    late = pc.greater(pc.cast(time, pa.int64()), pc.add(pc.cast(arrived, pa.int64()), int(AHEAD.total_seconds()) * SECOND))
    impossible = pc.fill_null(pc.or_(early, late), True).to_numpy()
    return np.where((fault == 0) & impossible, TIMELESS, fault)


def _retired(
    fault: np.ndarray, rows: pa.Table, lake: Lake, calendar: Calendar, known: Mapping[str, Mapping[str, str]], source: str
) -> np.ndarray:
    """The faults with those of readings whose month was retired, but for what a move that ended has put into the lake."""
    if not lake.retirements():
        return fault
    _, begins = retired_before(lake, calendar)
    late = (fault == 0) & pc.fill_null(pc.less(pc.cast(rows.column("time"), pa.int64()), begins), False).to_numpy()
    for observed in {known[name]["property"] for name in set(rows.filter(pa.array(late)).column("datastream").to_pylist())}:
        behind = _sequence_in(lake, reading_table(observed).name, source)
        mine = pa.array([name for name, row in known.items() if row["property"] == observed])
        there = pc.and_(pc.less_equal(rows.column("sequence"), behind), pc.is_in(rows.column("datastream"), value_set=mine))
        late &= ~there.to_numpy()
    return np.where(late, RETIRED, fault)


def _still_held(rows: pa.Table, fault: np.ndarray, held: set[tuple[int, str]]) -> np.ndarray:
    """The faults with those of datastreams that an earlier move of the same batch held, though they are registered by now."""
    for sequence, name in held if (fault == 0).any() else ():
        same = pc.and_(pc.equal(rows.column("sequence"), sequence), pc.equal(rows.column("datastream"), name))
        fault = np.where((fault == 0) & pc.fill_null(same, False).to_numpy(), UNKNOWN, fault)
    return fault


def _held(rows: pa.Table, fault: np.ndarray, waiting: Mapping[int, Waiting]) -> list[Held]:
    """The faulty rows by batch, fault and datastream."""
    bad = rows.filter(pa.array(fault != 0)).append_column("fault", pa.array(fault[fault != 0]))
    if bad.num_rows == 0:
        return []
    bad = bad.sort_by([(name, "ascending") for name in ("sequence", "fault", "datastream")])
    names = bad.column("datastream").combine_chunks().dictionary_encode(null_encoding="encode")
    keys = np.stack([bad.column("sequence").to_numpy(), bad.column("fault").to_numpy(), names.indices.to_numpy()])
    begins = np.flatnonzero(np.r_[True, (keys[:, 1:] != keys[:, :-1]).any(axis=0)])
    rows, found = bad.select(ARRIVAL.names), []
    for begin, end in zip(begins, [*begins[1:], bad.num_rows], strict=True):
        sequence, code, at = (int(key[begin]) for key in keys)
        each, name, own = waiting[sequence].batch, names.dictionary[at].as_py(), rows.slice(begin, end - begin)
        time = own.column("time")[0].as_py()
        told = _clock(time, each.arrived) if code == TIMELESS else (name or "no datastream")
        told += f" at {time:%Y-%m-%dT%H:%M:%SZ}" if code == RETIRED else ""
        found.append(Held(sequence, each.place, each.arrived, CODES[code], name or "", told, EXPECTED[code], own))
    return found


def _clock(time: datetime | None, arrived: datetime) -> str:
    """A time that cannot be, with the fault of a clock that would explain it."""
    if time is None:
        return "no time"
    at, now = time.timestamp(), arrived.timestamp()
    reasons = {
        "seconds told as milliseconds": at * 1_000,
        "milliseconds told as seconds": at / 1_000,
        **{f"local time of UTC{hours:+d} told as UTC": at - hours * 3_600 for hours in ZONES if hours},
    }
    near = [reason for reason, right in reasons.items() if abs(right - now) <= AHEAD.total_seconds()]
    if not near and abs(at) < 86_400:
        near = ["a clock that was never set"]
    if not near and 0 < at - now <= 3_600:
        near = [f"a clock {round((at - now) / 60)} minutes fast"]
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" + (f": {near[0]}" if near else "")


def _sequence_in(lake: Lake, table: str, source: str) -> int:
    """Up to which batch of a lane of an inbox a table of readings holds what came; -1 before the first."""
    for commit in lake.newest_first(table):
        identity, sequence = commit.note.get("inbox", ("", -1))
        if identity == source:
            return int(sequence)
    return lake.record(table).sequences.get(source, -1)
