"""A reading: what a device said of one property of one thing at one time. Every door hands over this and nothing else."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scicity.kernel.calendar import Calendar, micros
from scicity.kernel.lake import Lake, Part
from scicity.kernel.problems import Problems
from scicity.kernel.stored import FOREVER, extents_of, packed
from scicity.kernel.tables import READING_PREFIX, Table, reading_table
from scicity.vocabulary import conversion, term, terms

if TYPE_CHECKING:
    import ibis

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
    files = [pq.read_table(place, read_dictionary=["datastream", "batch"], partitioning=None) for place in places]
    rows = _ordered(pa.concat_tables(files).select(table.schema.names).unify_dictionaries().combine_chunks())
    return lake.merge(table.name, part, paths, rows, table.schema, footer_of(rows))


def _ordered(rows: pa.Table) -> pa.Table:
    """Readings by datastream, time, revision, arrival and batch; most of a datastream are of one time each."""
    stream, batch = (_rank(rows.column(name)) for name in ("datastream", "batch"))
    time = micros(rows.column("time"))
    order = np.lexsort((time, stream))
    same = np.flatnonzero((np.diff(stream[order]) == 0) & (np.diff(time[order]) == 0))
    if len(same):
        tied = np.union1d(same, same + 1)
        some = order[tied]
        revision, arrived = rows.column("revision").to_numpy()[some], micros(rows.column("arrived"))[some]
        order[tied] = some[np.lexsort((batch[some], arrived, revision, time[some], stream[some]))]
    return rows.take(pa.array(order))


def _rank(words: pa.ChunkedArray) -> np.ndarray:
    """The place of each word of a dictionary column in the order of words."""
    encoded = words.combine_chunks()
    rank = np.argsort(np.argsort(encoded.dictionary.to_numpy(zero_copy_only=False).astype(str))).astype(np.int32)
    found: np.ndarray = rank[encoded.indices.to_numpy()]
    return found


def footer_of(rows: pa.Table) -> dict[str, str]:
    """The footer of a file of readings. Raises ValueError for rows in another order than `append` wants them."""
    return packed(extents_of(rows))


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
