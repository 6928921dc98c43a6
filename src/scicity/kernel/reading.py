"""A reading: what a device said of one property of one thing at one time. Every door hands over this and nothing else."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scicity.kernel.calendar import Calendar, micros
from scicity.kernel.lake import Lake, Part, Snapshot, in_parallel
from scicity.kernel.problems import Problems
from scicity.kernel.tables import READING_PREFIX, Table, reading_table
from scicity.vocabulary import conversion, term, terms

FOREVER = 2**62  # [µs] beyond every instant
KEPT_ROWS = 6_000_000  # readings whose files are kept while neighbouring partitions are computed: about 200 MB
EXTENTS = pa.schema([("datastream", pa.string()), ("first", pa.int64()), ("last", pa.int64())])
SHOWN_FAULTS = 20  # faulty readings of one kind in a batch that are listed one by one
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # before any device of a district that is read remotely
ARRIVAL = pa.schema(
    [
        ("datastream", pa.string()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("value", pa.float64()),
        ("revision", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Batch:
    """Readings that arrived together: `rows` in the schema ARRIVAL, units still the sender's; `name` says where from.

    `place` is the file as problems name it, and `first_row` the line of its first reading (2 behind the header of a CSV).
    """

    name: str
    rows: pa.Table
    arrived: datetime
    place: str = ""
    first_row: int = 1


def bucket_of(key: str, buckets: int) -> int:
    """The bucket of a key; the same on every machine and for ever."""
    return zlib.crc32(key.encode()) % buckets


def take(
    lake: Lake,
    batch: Batch,
    datastreams: pa.Table,
    calendar: Calendar,
    buckets: int,
    problems: Problems,
    *,
    write: bool = True,
) -> dict[str, int]:
    """Puts a batch into the lake, converted to canonical units; returns the rows taken by observed property.

    A reading of an unknown datastream, or of a time that cannot be, is a problem; where there is any, nothing of the batch
    is taken. A value that is not a number is kept as unknown. Taking the same batch again changes nothing. With
    `write=False` it only checks.
    """
    rows = batch.rows.cast(ARRIVAL)
    _check_times(batch, rows, problems)
    known = {row["datastream"]: row for row in datastreams.to_pylist()}
    encoded = rows.column("datastream").combine_chunks().dictionary_encode()
    names, codes = encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False)
    for code, name in enumerate(names):
        if name not in known:
            mine = codes == code
            found = f"{name}, in {int(mine.sum())} of the readings"
            where = (batch.place or batch.name, batch.first_row + int(mine.argmax()), "datastream")
            problems.add("datastream", *where, found=found, expected="a datastream of registers/datastreams.csv")
    if len(problems) or rows.num_rows == 0:
        return {}
    taken: dict[str, int] = {}
    observed_of = np.array([known[name]["property"] if _fits(known[name]) else "" for name in names])
    bucket_by_name = np.array([bucket_of(known[name]["thing"], buckets) for name in names])
    all_observed = [str(observed) for observed in np.unique(observed_of[observed_of != ""])]
    for observed in all_observed:
        mine = np.flatnonzero(observed_of[codes] == observed)
        table = reading_table(observed)
        if any(commit.note.get("batch") == batch.name for commit in lake.commits(table.name)):
            continue  # delta-rs accepts a repeated transaction, so the writer looks before it writes
        taken[observed] = len(mine)
        if write:
            values = _canonical(rows.column("value").to_numpy()[mine], codes[mine], names, known, observed)
            parts = _parts(batch, rows.take(pa.array(mine)), values, codes[mine], names, bucket_by_name, calendar)
            lake.append(table.name, parts, table.schema, {"batch": batch.name, "properties": all_observed})
    return taken


def whole_batches(lake: Lake) -> set[str]:
    """The batches of which every property has arrived in the lake."""
    missing: dict[str, set[str]] = {}
    for folder in sorted((lake.root / READING_PREFIX.rstrip(".")).glob("*/_delta_log")):
        observed = folder.parent.name
        for commit in lake.commits(READING_PREFIX + observed):
            if "batch" in commit.note:
                missing.setdefault(commit.note["batch"], set(commit.note.get("properties", ()))).discard(observed)
    return {batch for batch, properties in missing.items() if not properties}


class Stored:
    """The readings of one table of the lake, asked for by time. Files never change: what was read of them holds for ever."""

    def __init__(self, lake: Lake, table: Table) -> None:
        self.lake, self.table = lake, table
        self._extents: dict[str, pa.Table] = {}
        self._files: dict[tuple[str, ...], Future[pa.Table]] = {}
        self._lock = threading.Lock()

    def extents(self, snapshot: Snapshot, bucket: int) -> pa.Table:
        """First and last time [µs UTC] of each datastream in each file of a bucket."""
        paths = sorted(path for part, paths in snapshot.files.items() if part.bucket == bucket for path in paths)
        with self._lock:
            missing = [path for path in paths if path not in self._extents]
            self._extents |= dict(zip(missing, in_parallel(self._extent, missing), strict=True))
            return pa.concat_tables([self._extents[path] for path in paths] or [EXTENTS.empty_table()])

    def around(self, snapshot: Snapshot, bucket: int, start: int, end: int, margin: int, columns: Sequence[str]) -> pa.Table:
        """The readings of a bucket in [start, end) and, of each datastream, back to its last one before and on to its first
        one after, and a margin beyond these; file by file, datastreams as dictionaries. `columns` begin as READING_COLUMNS.
        """
        names, low, high = windows(self.extents(snapshot, bucket), start, end, margin)
        found = []
        for part in sorted(part for part in snapshot.files if part.bucket == bucket):
            for path in snapshot.files[part]:
                extent = self._extents[path]
                place = pc.index_in(extent["datastream"], value_set=names).to_numpy()
                inside = (extent["last"].to_numpy() >= low[place]) & (extent["first"].to_numpy() <= high[place])
                if inside.any():
                    found.append(_within(self._file(path, columns), names, low, high))
        schema = pa.schema([self.table.schema.field(column) for column in columns])
        empty = schema.empty_table().set_column(0, "datastream", pa.array([], pa.dictionary(pa.int32(), pa.string())))
        return pa.concat_tables(found or [empty]).unify_dictionaries()

    def forget(self) -> None:
        """Lets go of the files that are kept."""
        with self._lock:
            self._files.clear()

    def _extent(self, path: str) -> pa.Table:
        rows = self._read(path, ("datastream", "time"))
        rows = rows.set_column(1, "time", rows.column("time").cast(pa.int64()))
        found = rows.group_by("datastream", use_threads=False).aggregate([("time", "min"), ("time", "max")])
        return found.rename_columns(EXTENTS.names).cast(EXTENTS)

    def _file(self, path: str, columns: Sequence[str]) -> pa.Table:
        """A file's readings, read once by whoever asks first; the files asked for last are kept."""
        key = (path, *columns)
        with self._lock:
            known = self._files.pop(key, None)
            kept = self._files[key] = known or Future()
        if known is None:
            try:
                kept.set_result(self._read(path, columns))
            except BaseException as error:
                kept.set_exception(error)
                self._files.pop(key, None)
            with self._lock:
                rows = {each: kept.result().num_rows for each, kept in self._files.items() if kept.done()}
                for each in list(rows)[:-1]:
                    if sum(rows.values()) <= KEPT_ROWS:
                        break
                    del rows[each], self._files[each]
        return kept.result()

    def _read(self, path: str, columns: Sequence[str]) -> pa.Table:
        file = pq.ParquetFile(self.lake.folder(self.table.name) / path, read_dictionary=["datastream"])
        return file.read(list(columns), use_threads=False).unify_dictionaries().combine_chunks()


def windows(extents: pa.Table, start: int, end: int, margin: int) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """Each datastream with the times [µs UTC] between which its readings matter to [start, end), for `Stored.around`."""
    encoded = extents.column("datastream").combine_chunks().dictionary_encode()
    codes = np.tile(encoded.indices.to_numpy(), 2)
    times = np.r_[extents.column("first").to_numpy(), extents.column("last").to_numpy()]
    before, behind = np.full(len(encoded.dictionary), -FOREVER), np.full(len(encoded.dictionary), FOREVER)
    np.maximum.at(before, codes[times <= start], times[times <= start])
    np.minimum.at(behind, codes[times >= end], times[times >= end])
    low, high = np.where(before == -FOREVER, start, before) - margin, np.where(behind == FOREVER, end, behind) + margin
    return encoded.dictionary, low, high


def _within(rows: pa.Table, names: pa.Array, low: np.ndarray, high: np.ndarray) -> pa.Table:
    """The rows of a file that lie in the windows of their datastreams."""
    encoded = rows.column("datastream").combine_chunks()
    times = micros(rows.column("time"))
    place = pc.index_in(encoded.dictionary, value_set=names).to_numpy(zero_copy_only=False)
    low, high = low[place], high[place]
    if len(times) and (low.max() > times.min() or high.min() < times.max()):
        if low.min() < low.max() or high.min() < high.max():
            codes = encoded.indices.to_numpy()
            low, high = low[codes], high[codes]
        else:
            low, high = low[:1], high[:1]
        return rows.filter(pa.array((times >= low) & (times <= high)))
    return rows


def chosen(readings: ibis.Table) -> ibis.Table:
    """The one reading that counts at each time of each datastream: the highest revision, then the lowest value.

    The rule looks at the set of the readings alone, so that the order in which they arrived cannot matter.
    """
    rank = ibis.row_number().over(
        group_by=[readings.datastream, readings.time],
        order_by=[readings.revision.desc(), readings.value.asc(nulls_first=False)],
    )
    return readings.mutate(rank_=rank).filter(lambda t: t.rank_ == 0).drop("rank_")


def _check_times(batch: Batch, rows: pa.Table, problems: Problems) -> None:
    if rows.num_rows == 0:
        return
    times = rows.column("time")
    whole = "both a datastream and a time in every reading"
    for column in ("datastream", "time"):
        _list_rows(batch, rows, pc.is_null(rows.column(column)), "value-missing", column, whole, problems)
    early, late = pc.less(times, pa.scalar(EARLIEST)), pc.greater(times, pa.scalar(batch.arrived))
    _list_rows(batch, rows, early, "time", "time", f"not before {EARLIEST:%Y-%m-%d}", problems)
    latest = f"not after its arrival, {batch.arrived:%Y-%m-%d %H:%M} UTC"
    _list_rows(batch, rows, late, "time", "time", latest, problems)


def _list_rows(
    batch: Batch, rows: pa.Table, faulty: pa.ChunkedArray, code: str, column: str, expected: str, problems: Problems
) -> None:
    where = pc.indices_nonzero(pc.fill_null(faulty, False))
    for number, index in enumerate(where[:SHOWN_FAULTS].to_pylist(), start=1):
        more = f" (and {len(where) - SHOWN_FAULTS} more rows)" if number == SHOWN_FAULTS < len(where) else ""
        value = rows.column(column)[index].as_py()
        place = (batch.place or batch.name, batch.first_row + index, column)
        problems.add(code, *place, found=f"{'' if value is None else value}{more}", expected=expected)


def _fits(stream: Mapping[str, str]) -> bool:
    """Whether a registered datastream's unit and property go together; where not, the register's own check says so."""
    observed = terms().get(stream["property"] or "")
    if observed is None or observed.type not in ("real", "decimal"):
        return False
    try:
        conversion(stream["unit"] or "", observed.unit)
    except ValueError:
        return False
    return True


def _canonical(
    values: np.ndarray, codes: np.ndarray, names: list[str], known: Mapping[str, Mapping[str, str]], observed: str
) -> np.ndarray:
    slopes, offsets = np.ones(len(names)), np.zeros(len(names))
    for code, name in enumerate(names):
        if known[name]["property"] == observed:
            slopes[code], offsets[code] = conversion(known[name]["unit"], term(observed).unit)
    if (slopes == 1).all() and not offsets.any():
        return values
    return values * slopes[codes] + offsets[codes]


def _parts(
    batch: Batch,
    rows: pa.Table,
    values: np.ndarray,
    codes: np.ndarray,
    names: list[str],
    bucket_by_name: np.ndarray,
    calendar: Calendar,
) -> dict[Part, pa.Table]:
    times = micros(rows.column("time"))
    months = calendar.days(times).astype("datetime64[D]").astype("datetime64[M]")
    rank = np.argsort(np.argsort(np.array(names)))[codes]
    order = np.lexsort((times, rank, bucket_by_name[codes], months))
    same = pa.array(np.zeros(len(order), dtype=np.int32))
    table = pa.table(
        {
            "datastream": rows.column("datastream"),
            "time": rows.column("time"),
            "value": pa.array(values, mask=~np.isfinite(values)),
            "revision": pc.fill_null(rows.column("revision"), 0),
            "batch": pa.DictionaryArray.from_arrays(same, pa.array([batch.name])).cast(pa.string()),
            "arrived": pa.array([batch.arrived], pa.timestamp("us", tz="UTC")).take(same),
        }
    ).take(pa.array(order))
    months, buckets = months[order], bucket_by_name[codes][order]
    starts = np.flatnonzero(np.r_[True, (months[1:] != months[:-1]) | (buckets[1:] != buckets[:-1])])
    ends = np.r_[starts[1:], len(order)]
    return {
        Part(str(months[start]), int(buckets[start])): table.slice(start, end - start)
        for start, end in zip(starts, ends, strict=True)
    }
