"""A reading: what a device said of one property of one thing at one time. Every door hands over this and nothing else."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scicity.kernel.calendar import Calendar, micros
from scicity.kernel.lake import Lake, Part, Snapshot
from scicity.kernel.problems import Problems
from scicity.kernel.tables import READING_PREFIX, Table, reading_table
from scicity.vocabulary import conversion, term, terms

if TYPE_CHECKING:
    import ibis

FOREVER = 2**62  # [µs] beyond every instant
LONG_STRETCH = 512  # rows, above which stretches are joined one by one and not row by row
KEPT_ROWS = 6_000_000  # readings whose files are kept while neighbouring partitions are computed: about 200 MB
EXTENTS = pa.schema([("datastream", pa.string()), *((name, pa.int64()) for name in ("first", "last", "count", "revision"))])
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
    _check_times(batch, rows, problems, *retired_before(lake, calendar))
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
    same = pa.array(np.zeros(rows.num_rows, dtype=np.int32))
    whole = rows.append_column("batch", pa.DictionaryArray.from_arrays(same, pa.array([batch.name])).cast(pa.string()))
    whole = whole.append_column("arrived", pa.array([batch.arrived], pa.timestamp("us", tz="UTC")).take(same))
    taken: dict[str, int] = {}
    by_property = sorted_out(whole, known, calendar, buckets)
    for observed, (count, parts) in by_property.items():
        table = reading_table(observed)
        if batch.name in _batches_in(lake, table.name):
            continue  # delta-rs accepts a repeated transaction, so the writer looks before it writes
        taken[observed] = count
        if write:
            append(lake, table, parts(), {"batch": batch.name, "properties": list(by_property)})
    return taken


def sorted_out(
    rows: pa.Table, known: Mapping[str, Mapping[str, str]], calendar: Calendar, buckets: int
) -> dict[str, tuple[int, Callable[[], dict[Part, pa.Table]]]]:
    """Readings by observed property: how many, and what gives them by partition, in canonical units, as the lake holds them.

    `rows`: ARRIVAL with `batch` and `arrived`, of datastreams that are all `known` (the rows of the register by name).
    """
    encoded = rows.column("datastream").combine_chunks().dictionary_encode()
    names, codes = encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False)
    observed_of = np.array([known[name]["property"] if fits(known[name]) else "" for name in names])
    bucket_by_name = np.array([bucket_of(known[name]["thing"], buckets) for name in names])

    def of(observed: str) -> tuple[int, Callable[[], dict[Part, pa.Table]]]:
        mine = np.flatnonzero(observed_of[codes] == observed)

        def parts() -> dict[Part, pa.Table]:
            values = _canonical(rows.column("value").to_numpy()[mine], codes[mine], names, known, observed)
            return _parts(rows.take(pa.array(mine)), values, codes[mine], names, bucket_by_name, calendar)

        return len(mine), parts

    return {str(observed): of(observed) for observed in np.unique(observed_of[observed_of != ""])}


def append(lake: Lake, table: Table, parts: Mapping[Part, pa.Table], note: Mapping[str, Any]) -> int:
    """Puts readings into the lake, by datastream, each in the order of time; each file tells in its footer when it has which.

    Returns the version. Raises ValueError for readings in another order.
    """
    footers = {part: footer_of(rows) for part, rows in parts.items()}
    return lake.append(table.name, parts, table.schema, note, footers)


def merge(lake: Lake, table: Table, part: Part, paths: Sequence[str]) -> int:
    """Puts the readings of some files of a partition into one, as `append` would have written it; returns the version."""
    places = lake.store.local(table.name, paths)
    files = [pq.read_table(place, schema=table.schema, partitioning=None) for place in places]
    order = [(column, "ascending") for column in ("datastream", "time", "revision", "arrived", "batch")]
    rows = pa.concat_tables(files).sort_by(order)
    return lake.merge(table.name, part, paths, rows, table.schema, footer_of(rows))


def footer_of(rows: pa.Table) -> dict[str, str]:
    """The footer of a file of readings. Raises ValueError for rows in another order than `append` wants them."""
    return {"extents": json.dumps(_extents_of(rows))}


def _extents_of(rows: pa.Table) -> dict[str, list[Any]]:
    """Of each datastream in order: its first and last time [µs UTC], the number of its readings, their highest revision."""
    runs, times = pc.run_end_encode(rows.column("datastream").combine_chunks()), micros(rows.column("time"))
    names, ends = runs.values.to_pylist(), runs.run_ends.to_numpy().astype(np.int64)
    starts = np.r_[np.int64(0), ends[:-1]]
    falls = np.flatnonzero(times[1:] < times[:-1]) + 1
    if len(set(names)) < len(names) or not np.isin(falls, starts).all():
        raise ValueError("readings are stored by datastream, each in the order of time")
    revision = np.maximum.reduceat(rows.column("revision").to_numpy(), starts) if len(starts) else starts
    columns = (times[starts], times[ends - 1], ends - starts, revision)
    return dict(zip(EXTENTS.names, (names, *(column.tolist() for column in columns)), strict=True))


def whole_batches(lake: Lake) -> set[str]:
    """The batches of which every property has arrived in the lake."""
    missing: dict[str, set[str]] = {}
    for name in lake.store.tables(READING_PREFIX.rstrip(".")):
        for batch, properties in _batches_in(lake, name).items():
            missing.setdefault(batch, set(properties)).discard(name.removeprefix(READING_PREFIX))
    return {batch for batch, properties in missing.items() if not properties}


def _batches_in(lake: Lake, table: str) -> dict[str, tuple[str, ...]]:
    """The file batches that a table of readings holds, with the properties that each came with; the record forgets none."""
    logged = (commit.note for commit in lake.commits(table) if "batch" in commit.note)
    return {**lake.record(table).batches, **{note["batch"]: tuple(note.get("properties", ())) for note in logged}}


class Stored:
    """The readings of one table of the lake, asked for by time. Files never change: what was read of them holds for ever."""

    def __init__(self, lake: Lake, table: Table) -> None:
        self.lake, self.table = lake, table
        self._extents: dict[str, pa.Table] = {}
        self._reach: dict[str, tuple[int, int]] = {}  # first and last time of each file, so that most are not looked into
        self._files: dict[tuple[str, ...], Future[pa.Table]] = {}
        self._lock = threading.Lock()

    def extents(self, snapshot: Snapshot, bucket: int) -> pa.Table:
        """First and last time [µs UTC], number of readings and highest revision of each datastream in each file of a bucket."""
        return self.extents_of(path for part, paths in snapshot.files.items() if part.bucket == bucket for path in paths)

    def extents_of(self, files: Iterable[str]) -> pa.Table:
        """The same of some files."""
        paths = sorted(files)
        with self._lock:
            new = [path for path in paths if path not in self._extents]
            for path, place in zip(new, self.lake.store.local(self.table.name, new), strict=True):
                extent = self._extent(place)
                self._reach[path] = (pc.min(extent["first"]).as_py() or 0, pc.max(extent["last"]).as_py() or 0)
                self._extents[path] = extent
            return pa.concat_tables([self._extents[path] for path in paths] or [EXTENTS.empty_table()])

    def around(self, snapshot: Snapshot, bucket: int, start: int, end: int, margin: int, columns: Sequence[str]) -> pa.Table:
        """The readings of a bucket in [start, end) and, of each datastream, at least back to its last one before and on to its
        first one after, as far as the ends of files tell them apart, and a margin beyond these: by datastream, the stretch of
        each file by its first reading, so that what came in the order of time stands in it.
        The first of the `columns` is the datastream, a dictionary that the footers of the files tell.
        """
        names, low, high = windows(self.extents(snapshot, bucket), start, end, margin)
        earliest, latest = int(low.min(initial=FOREVER)), int(high.max(initial=-FOREVER))
        files, cuts, offset = [], [np.zeros((4, 0), dtype=np.int64)], 0
        for path in (path for part in sorted(snapshot.files) if part.bucket == bucket for path in snapshot.files[part]):
            extent = self._extents[path]
            if self._reach[path][1] < earliest or self._reach[path][0] > latest:
                continue
            place = pc.index_in(extent["datastream"], value_set=names).to_numpy()
            inside = (extent["last"].to_numpy() >= low[place]) & (extent["first"].to_numpy() <= high[place])
            if inside.any():
                files.append(self._file(path, columns, revised=any(extent["revision"].to_pylist())))
                times = micros(files[-1].column("time"))
                begins, ends = _cut(extent, times, low[place], high[place])
                first = times[np.minimum(begins, len(times) - 1)]
                cuts.append(np.stack([place, first, begins + offset, ends - begins])[:, inside])
                offset += files[-1].num_rows
        cut, rows = np.concatenate(cuts, axis=1), self._joined(files, columns[1:])
        cut = cut[:, np.lexsort((cut[1], cut[0]))]
        found = _stretches(rows, cut[2], cut[3])
        if "revision" not in rows.column_names:
            found = found.append_column("revision", pa.array(np.zeros(found.num_rows, dtype=np.int64)))
        of_row = pa.DictionaryArray.from_arrays(np.repeat(cut[0].astype(np.int32), cut[3]), names)
        return found.add_column(0, "datastream", of_row).select(columns)

    def forget(self) -> None:
        """Lets go of the files that are kept."""
        with self._lock:
            self._files.clear()

    def _extent(self, place: Path) -> pa.Table:
        file = pq.ParquetFile(place)
        told = (file.metadata.metadata or {}).get(b"extents")
        # a file of before 0.1 has no such footer
        found = json.loads(told) if told else _extents_of(file.read(["datastream", "time", "revision"]))
        return pa.table(found, schema=EXTENTS)

    def _file(self, path: str, columns: Sequence[str], *, revised: bool) -> pa.Table:
        """A file's readings but their datastreams, read once by whoever asks first; the files asked for last are kept."""
        key = (path, *columns)
        with self._lock:
            known = self._files.pop(key, None)
            kept = self._files[key] = known or Future()
        if known is None:
            try:
                kept.set_result(self._read(path, columns, revised))
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

    def _read(self, path: str, columns: Sequence[str], revised: bool) -> pa.Table:
        file = pq.ParquetFile(self.lake.store.local(self.table.name, [path])[0], memory_map=True)
        wanted = [column for column in columns[1:] if revised or column != "revision"]
        return file.read(wanted, use_threads=False).combine_chunks()

    def _joined(self, files: list[pa.Table], columns: Sequence[str]) -> pa.Table:
        """The rows of files; without revisions where none of them has any, as most have not and their footers say."""
        schema = pa.schema([self.table.schema.field(column) for column in columns])
        if files and not any("revision" in rows.column_names for rows in files):
            return pa.concat_tables(files)
        zero = pa.scalar(0, pa.int64())
        whole = [
            rows if "revision" in rows.column_names else rows.append_column("revision", pa.repeat(zero, rows.num_rows))
            for rows in files
        ]
        return pa.concat_tables([schema.empty_table(), *(rows.select(columns) for rows in whole)])


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


def _stretches(rows: pa.Table, at: np.ndarray, count: np.ndarray) -> pa.Table:
    """The rows of stretches, each from `at` on so many (`count`), behind each other."""
    if count.sum() > LONG_STRETCH * len(count):
        return pa.concat_tables([rows.slice(a, n) for a, n in zip(at.tolist(), count.tolist(), strict=True)]).combine_chunks()
    ends = np.cumsum(count)
    return rows.combine_chunks().take(pa.array(np.arange(int(count.sum())) + np.repeat(at - ends + count, count)))


def _cut(extent: pa.Table, times: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a file that lie in the windows [low, high] [µs UTC] of its datastreams: from which row to which."""
    ends = np.cumsum(extent["count"].to_numpy())
    begins = ends - extent["count"].to_numpy()
    starts, late = np.flatnonzero(extent["first"].to_numpy() < low), np.flatnonzero(extent["last"].to_numpy() > high)
    before = _rows_before(times, begins[starts], ends[starts], low[starts])
    ends[late] = begins[late] + _rows_before(times, begins[late], ends[late], high[late] + 1)
    begins[starts] += before
    return begins, ends


def _rows_before(times: np.ndarray, begins: np.ndarray, ends: np.ndarray, instant: np.ndarray) -> np.ndarray:
    """How many times of each stretch [begins, ends), of which one is not, lie before its instant: mostly as many as of the
    first stretch, because devices send at the same times."""
    if not len(begins):
        return begins
    first = int(np.searchsorted(times[begins[0] : ends[0]], instant[0]))
    found = np.minimum(first, ends - begins - 1)
    wrong = (times[begins + found] < instant) | ((found > 0) & (times[begins + np.maximum(found - 1, 0)] >= instant))
    for at in np.flatnonzero(wrong).tolist():
        found[at] = np.searchsorted(times[begins[at] : ends[at]], instant[at])
    return found


def chosen(readings: ibis.Table) -> ibis.Table:
    """The one reading that counts at each time of each datastream: the highest revision, then the lowest value.

    The rule looks at the set of the readings alone, so that the order in which they arrived cannot matter.
    """
    import ibis  # here: what takes readings begins without it

    rank = ibis.row_number().over(
        group_by=[readings.datastream, readings.time],
        order_by=[readings.revision.desc(), readings.value.asc(nulls_first=False)],
    )
    return readings.mutate(rank_=rank).filter(lambda t: t.rank_ == 0).drop("rank_")


def retired_before(lake: Lake, calendar: Calendar) -> tuple[str, int]:
    """The first month whose readings are kept (`2021-01`; empty, where all are) and the instant [µs UTC] at which it begins."""
    acts = lake.retirements()
    return (acts[-1].before, calendar.bounds(acts[-1].before)[0]) if acts else ("", -FOREVER)


def _check_times(batch: Batch, rows: pa.Table, problems: Problems, first: str, begins: int) -> None:
    if rows.num_rows == 0:
        return
    times = rows.column("time")
    whole = "both a datastream and a time in every reading"
    for column in ("datastream", "time"):
        _list_rows(batch, rows, pc.is_null(rows.column(column)), "value-missing", column, whole, problems)
    early, late = pc.less(times, pa.scalar(EARLIEST)), pc.greater(times, pa.scalar(batch.arrived))
    _list_rows(batch, rows, early, "time", "time", f"not before {EARLIEST:%Y-%m-%d}", problems)
    if first:
        gone = pc.and_(pc.less(pc.cast(times, pa.int64()), begins), pc.invert(early))
        kept = f"not before {first}: the readings of earlier months were retired"
        _list_rows(batch, rows, gone, "readings-retired", "time", kept, problems)
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


def fits(stream: Mapping[str, str]) -> bool:
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
    table = pa.table(
        {
            "datastream": rows.column("datastream"),
            "time": rows.column("time"),
            "value": pa.array(values, mask=~np.isfinite(values)),
            "revision": pc.fill_null(rows.column("revision"), 0),
            "batch": rows.column("batch"),
            "arrived": rows.column("arrived"),
        }
    ).take(pa.array(order))
    months, buckets = months[order], bucket_by_name[codes][order]
    starts = np.flatnonzero(np.r_[True, (months[1:] != months[:-1]) | (buckets[1:] != buckets[:-1])])
    ends = np.r_[starts[1:], len(order)]
    return {
        Part(str(months[start]), int(buckets[start])): table.slice(start, end - start)
        for start, end in zip(starts, ends, strict=True)
    }
