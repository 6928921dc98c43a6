"""Readings as they are stored: what each file tells of its datastreams, and the readings around a stretch of time."""

from __future__ import annotations

import base64
import json
import threading
import zlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scicity.kernel.calendar import micros
from scicity.kernel.lake import Lake, Snapshot
from scicity.kernel.tables import Table

FOREVER = 2**62  # [µs] beyond every instant
LONG_STRETCH = 512  # rows, above which stretches are joined one by one and not row by row
KEPT_ROWS = 6_000_000  # readings whose files are kept while neighbouring partitions are computed: about 200 MB
SPARE_FILES = 100  # whose footers are kept beyond those of the files that there are
# What a file tells of each of its datastreams: when it has readings [µs UTC], how many, their highest revision; the times [µs]
# between them; first and last value, the steps between values, the steepest of these [unit/µs]; NaN where a value is unknown.
EXTENTS = pa.schema(
    [
        ("datastream", pa.string()),
        *((name, pa.int64()) for name in ("first", "last", "count", "revision", "shortest", "longest")),
        *((name, pa.float64()) for name in ("opens", "closes", "least", "most", "steepest")),
    ]
)
UNTOLD = {"shortest": 0, "longest": FOREVER, **dict.fromkeys(EXTENTS.names[7:], float("nan"))}  # by an older file


class Calm(NamedTuple):
    """Datastreams (rows in the schema EXTENTS) of which readings as far away as `near` [µs] matter, and none beyond."""

    streams: pa.Table = EXTENTS.empty_table()
    near: int = 0


NONE_CALM = Calm()


def extents_of(rows: pa.Table) -> dict[str, list[Any]]:
    """What a file with these readings tells of each datastream, in their order, as columns of EXTENTS.

    Raises ValueError for rows that are not by datastream, each in the order of time.
    """
    column, times = rows.column("datastream").combine_chunks(), micros(rows.column("time"))
    dictionary = pa.types.is_dictionary(column.type)
    runs = pc.run_end_encode(column.indices if dictionary else column)
    names = (column.dictionary.take(runs.values) if dictionary else runs.values).to_pylist()
    ends = runs.run_ends.to_numpy().astype(np.int64)
    starts = np.r_[np.int64(0), ends[:-1]] if len(ends) else ends
    falls = np.flatnonzero(times[1:] < times[:-1]) + 1
    if len(set(names)) < len(names) or not np.isin(falls, starts).all():
        raise ValueError("readings are stored by datastream, each in the order of time")
    if not names:
        return {name: [] for name in EXTENTS.names}
    value = rows.column("value")
    values = (pc.fill_null(value, float("nan")) if value.null_count else value).to_numpy()
    shortest, longest, *steps = _between(times, values, starts, ends)
    revision = np.maximum.reduceat(rows.column("revision").to_numpy(), starts)
    whole = (times[starts], times[ends - 1], ends - starts, revision, shortest, longest)
    columns = (*whole, values[starts], values[ends - 1], *steps)
    return dict(zip(EXTENTS.names, (names, *(column.tolist() for column in columns)), strict=True))


def packed(extents: Mapping[str, list[Any]]) -> dict[str, str]:
    """What a file tells as its footer: thousands of datastreams with one reading each would tell more than their readings."""
    return {"stretches": base64.b64encode(zlib.compress(json.dumps(extents).encode(), 1)).decode()}


def unpacked(footer: Mapping[bytes, bytes]) -> dict[str, list[Any]]:
    """What a file's footer tells; that of an older one is shorter, or has nothing."""
    if told := footer.get(b"stretches"):
        found: dict[str, list[Any]] = json.loads(zlib.decompress(base64.b64decode(told)))
        return found
    return dict(json.loads(footer.get(b"extents", b"{}")))


def _between(times: np.ndarray, values: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> list[np.ndarray]:
    """Of the stretches [starts, ends) the shortest and longest time between readings, the least, most and steepest step."""
    found = [np.full(len(starts), value) for value in (FOREVER, -FOREVER, np.inf, -np.inf, -np.inf)]  # of one reading
    several = np.flatnonzero(ends - starts > 1)
    if not len(several):
        return found
    place = np.stack([starts[several], ends[several] - 1], axis=1).ravel()  # every second stretch leads to the next datastream
    apart, step = (np.diff(column, append=column[-1:]) for column in (times, values))
    with np.errstate(divide="ignore", invalid="ignore"):
        steep = step / apart
    asked = ((np.minimum, apart), (np.maximum, apart), (np.minimum, step), (np.maximum, step), (np.maximum, steep))
    for column, (extreme, of) in zip(found, asked, strict=True):
        column[several] = extreme.reduceat(of, place)[::2]
    return found


def chained(extents: pa.Table) -> pa.Table:
    """What several files tell of each datastream, as if they were one: a row of EXTENTS for each.

    Where two stretches of a datastream overlap, the shortest time between its readings is not above 0.
    """
    encoded = extents.column("datastream").combine_chunks().dictionary_encode()
    codes, told = encoded.indices.to_numpy(), {name: extents.column(name).to_numpy() for name in EXTENTS.names[1:]}
    order = np.lexsort((told["last"], told["first"], codes))
    codes, told = codes[order], {name: column[order] for name, column in told.items()}
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    if not len(starts):
        return EXTENTS.empty_table()
    ends = np.r_[starts[1:], len(codes)]
    follows = np.flatnonzero(codes[1:] == codes[:-1]) + 1
    apart = told["first"][follows] - told["last"][follows - 1]
    step = told["opens"][follows] - told["closes"][follows - 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, extreme, of in (
            ("shortest", np.minimum, apart),
            ("longest", np.maximum, apart),
            ("least", np.minimum, step),
            ("most", np.maximum, step),
            ("steepest", np.maximum, step / apart),
        ):
            told[name] = told[name].copy()
            told[name][follows] = extreme(told[name][follows], of)
    reduced = {
        **{name: told[name][starts] for name in ("first", "opens")},
        **{name: np.minimum.reduceat(told[name], starts) for name in ("shortest", "least")},
        **{name: np.maximum.reduceat(told[name], starts) for name in ("last", "revision", "longest", "most", "steepest")},
        "closes": told["closes"][ends - 1],
        "count": np.add.reduceat(told["count"], starts),
    }
    names = encoded.dictionary.take(pa.array(codes[starts]))
    return pa.table([names, *(pa.array(reduced[name]) for name in EXTENTS.names[1:])], schema=EXTENTS)


class Told(NamedTuple):
    """What a file tells (rows of EXTENTS), with its first and last time of all [µs UTC], so that most are not looked into."""

    extents: pa.Table
    first: int
    last: int


def _told_in(place: Path) -> Told:
    file = pq.ParquetFile(place)
    found = unpacked(file.metadata.metadata or {}) or extents_of(file.read(["datastream", "time", "value", "revision"]))
    count = len(found["datastream"])
    told = pa.table({name: found.get(name) or [UNTOLD.get(name)] * count for name in EXTENTS.names}, schema=EXTENTS)
    return Told(told, pc.min(told["first"]).as_py() or 0, pc.max(told["last"]).as_py() or 0)


class Stored:
    """The readings of one table of the lake, asked for by time. Files never change: what was read of them holds for ever."""

    def __init__(self, lake: Lake, table: Table) -> None:
        self.lake, self.table = lake, table
        self._told: dict[str, Told] = {}
        self._files: dict[tuple[str, ...], Future[pa.Table]] = {}
        self._lock = threading.Lock()

    def extents(self, snapshot: Snapshot, bucket: int) -> pa.Table:
        """What each file of a bucket tells of each datastream: rows of EXTENTS."""
        self._let_go(snapshot)
        return self.extents_of(path for part, paths in snapshot.files.items() if part.bucket == bucket for path in paths)

    def extents_of(self, files: Iterable[str]) -> pa.Table:
        """The same of some files."""
        return pa.concat_tables([EXTENTS.empty_table(), *(each.extents for each in self._told_by(sorted(files)))])

    def _told_by(self, paths: Sequence[str]) -> list[Told]:
        """What files tell, read where it is not known yet."""
        with self._lock:
            new = [path for path in paths if path not in self._told]
            for path, place in zip(new, self.lake.store.local(self.table.name, new), strict=True):
                self._told[path] = _told_in(place)
            return [self._told[path] for path in paths]

    def _let_go(self, snapshot: Snapshot) -> None:
        """Forgets what files told that were merged since, once these are more than the others."""
        with self._lock:
            if len(self._told) > 2 * len(snapshot.paths) + SPARE_FILES:
                self._told = {path: told for path, told in self._told.items() if path in snapshot.paths}

    def told_around(self, snapshot: Snapshot, bucket: int, start: int, end: int, margin: int) -> pa.Table:
        """What files tell of each datastream of a bucket, at least of all its readings in [start, end), back to the last one
        before and on to the first one after, and a margin beyond these: a row of EXTENTS for each."""
        extents = self.extents(snapshot, bucket)
        names, low, high = windows(extents, start, end, margin)
        place = pc.index_in(extents["datastream"], value_set=names).to_numpy()
        inside = (extents["last"].to_numpy() >= low[place]) & (extents["first"].to_numpy() <= high[place])
        return chained(extents.filter(pa.array(inside)))

    def around(
        self, snapshot: Snapshot, bucket: int, start: int, end: int, margin: int, columns: Sequence[str], calm: Calm = NONE_CALM
    ) -> pa.Table:
        """The readings of a bucket in [start, end) and, of each datastream, back to its last one before and on to its first one
        after, and a margin (of a calm one: its `near`) beyond these: by datastream, the stretch of each file by its first
        reading, so that what came in the order of time stands in it.
        The first of the `columns` is the datastream, a dictionary that the footers of the files tell.
        """
        names, before, behind = anchors(self.extents(snapshot, bucket), start, end)
        margins = np.full(len(names), margin)
        which = pc.index_in(calm.streams["datastream"], value_set=names).to_numpy()
        first, last, longest = (calm.streams[name].to_numpy() for name in ("first", "last", "longest"))
        margins[which] = calm.near
        before[which] = np.maximum(before[which], np.where(first <= start, np.minimum(start, last) - longest, -FOREVER))
        behind[which] = np.minimum(behind[which], np.where(last >= end, np.maximum(end, first) + longest, FOREVER))
        low, high = _beyond(before, start, -margins), _beyond(behind, end, margins)
        earliest, latest = int(low.min(initial=FOREVER)), int(high.max(initial=-FOREVER))
        found = []
        paths = [path for part in sorted(snapshot.files) if part.bucket == bucket for path in snapshot.files[part]]
        for path, (extent, first_of_all, last_of_all) in zip(paths, self._told_by(paths), strict=True):
            if last_of_all < earliest or first_of_all > latest:
                continue
            place = pc.index_in(extent["datastream"], value_set=names).to_numpy()
            inside = (extent["last"].to_numpy() >= low[place]) & (extent["first"].to_numpy() <= high[place])
            if inside.any():
                rows = self._file(path, columns, revised=any(extent["revision"].to_pylist()))
                found.append((extent, place, inside, rows, micros(rows.column("time"))))
        before[:], behind[:] = -FOREVER, FOREVER  # the files tell where in them the nearest readings are
        for extent, place, _, _, times in found:
            last_before, first_behind = _nearest(extent, times, start, end)
            before[place], behind[place] = np.maximum(before[place], last_before), np.minimum(behind[place], first_behind)
        low, high = _beyond(before, start, -margins), _beyond(behind, end, margins)
        cuts, offset = [np.zeros((4, 0), dtype=np.int64)], 0
        for extent, place, inside, rows, times in found:
            begins, ends = _cut(extent, times, low[place], high[place])
            first = times[np.minimum(begins, len(times) - 1)]
            cuts.append(np.stack([place, first, begins + offset, ends - begins])[:, inside & (ends > begins)])
            offset += rows.num_rows
        cut, whole = np.concatenate(cuts, axis=1), self._joined([rows for *_, rows, _ in found], columns[1:])
        cut = cut[:, np.lexsort((cut[1], cut[0]))]
        taken = _stretches(whole, cut[2], cut[3])
        if "revision" not in whole.column_names:
            taken = taken.append_column("revision", pa.array(np.zeros(taken.num_rows, dtype=np.int64)))
        of_row = pa.DictionaryArray.from_arrays(np.repeat(cut[0].astype(np.int32), cut[3]), names)
        return taken.add_column(0, "datastream", of_row).select(columns)

    def forget(self) -> None:
        """Lets go of the files that are kept."""
        with self._lock:
            self._files.clear()

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
    """Each datastream with the times [µs UTC] between which its readings can matter to [start, end), by the ends of files."""
    names, before, behind = anchors(extents, start, end)
    return names, _beyond(before, start, -margin), _beyond(behind, end, margin)


def anchors(extents: pa.Table, start: int, end: int) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """Each datastream with the last end of a file [µs UTC] at or before `start`, and the first one at or after `end`."""
    encoded = extents.column("datastream").combine_chunks().dictionary_encode()
    codes = np.tile(encoded.indices.to_numpy(), 2)
    times = np.r_[extents.column("first").to_numpy(), extents.column("last").to_numpy()]
    before, behind = np.full(len(encoded.dictionary), -FOREVER), np.full(len(encoded.dictionary), FOREVER)
    np.maximum.at(before, codes[times <= start], times[times <= start])
    np.minimum.at(behind, codes[times >= end], times[times >= end])
    return encoded.dictionary, before, behind


def _beyond(anchor: np.ndarray, edge: int, margin: int | np.ndarray) -> np.ndarray:
    """A margin beyond each anchor, or beyond the edge where there is none."""
    return np.where(np.abs(anchor) == FOREVER, edge, anchor) + margin


def _nearest(extent: pa.Table, times: np.ndarray, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each datastream of a file its last time up to `start`, and its first from `end` on; for ever where it has none."""
    first, last = extent["first"].to_numpy(), extent["last"].to_numpy()
    ends = np.cumsum(extent["count"].to_numpy())
    begins = ends - extent["count"].to_numpy()
    before, behind = np.where(last <= start, last, -FOREVER), np.where(first >= end, first, FOREVER)
    over = np.flatnonzero((first <= start) & (last > start))
    before[over] = times[begins[over] + _rows_before(times, begins[over], ends[over], np.full(len(over), start + 1)) - 1]
    over = np.flatnonzero((first < end) & (last >= end))
    behind[over] = times[begins[over] + _rows_before(times, begins[over], ends[over], np.full(len(over), end))]
    return before, behind


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
