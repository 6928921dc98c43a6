"""Long rows to matrices (series x hours or days) and back: the shape in which the other methods compute.

Values [millionths of the column's unit], days [d since 1970-01-01]. Source: this project's own shape; nothing is computed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.environment.methods.exact import Flags, Integers
from scicity.domains.environment.methods.standards import POLLUTANTS

EXACT = pa.decimal128(18, 6)


@dataclass(frozen=True)
class Grid:
    """Values [millionths of µg/m³] of each station and pollutant, shape (stations x pollutants, columns).

    Series run by station, within it in the order of POLLUTANTS.
    """

    stations: list[str]
    values: Integers
    known: Flags

    @property
    def by_station(self) -> tuple[Integers, Flags]:
        """The same with shape (stations, pollutants, columns)."""
        shape = (len(self.stations), len(POLLUTANTS), -1)
        return self.values.reshape(shape), self.known.reshape(shape)


def millionths_of(column: pa.ChunkedArray | pa.Array) -> tuple[Integers, Flags]:
    """A decimal(18, 6) column as whole millionths, and which are known; 0 where null. Length (rows,)."""
    known = (
        pc.is_valid(column).to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else pc.is_valid(column).to_numpy()
    )
    filled = pc.fill_null(column, pa.scalar(Decimal(0), EXACT))
    array = filled.combine_chunks() if isinstance(filled, pa.ChunkedArray) else filled
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], EXACT)
    # A decimal128 is 16 bytes, little-endian; below 2**63 millionths the lower half is the whole number.
    words = np.frombuffer(array.buffers()[1], dtype=np.int64) if len(array) else np.zeros(0, dtype=np.int64)
    return words[2 * array.offset : 2 * (array.offset + len(array)) : 2].copy(), np.asarray(known, dtype=bool)


def decimals(values: Integers, known: Flags | None = None) -> pa.Array:
    """Whole millionths (any shape, flattened; >= 0) as a decimal(18, 6) column, null where not known."""
    flat = np.ascontiguousarray(values, dtype=np.int64).ravel()
    words = np.zeros(2 * len(flat), dtype=np.int64)
    words[::2] = flat
    words[1::2] = flat >> 63
    column = pa.Array.from_buffers(EXACT, len(flat), [None, pa.py_buffer(words.tobytes())])
    if known is None:
        return column
    return pc.if_else(pa.array(known.ravel()), column, pa.scalar(None, EXACT))


def gridded(rows: pa.Table, column: str, place: npt.NDArray[np.int64], columns: int) -> Grid:
    """Rows (`station`, `pollutant`, decimal `column`) as a grid; `place` is the grid column of each row, -1 to leave it out.

    Of several rows of one place the last counts; rows of one grain have one. Pollutants not in POLLUTANTS are left out.
    """
    station = rows.column("station").combine_chunks().dictionary_encode()
    names = station.dictionary.to_pylist()
    stations = sorted(names)
    rank = np.array([stations.index(name) for name in names], dtype=np.int64)
    pollutant = pc.index_in(rows.column("pollutant"), pa.array(POLLUTANTS)).fill_null(-1).to_numpy().astype(np.int64)
    values, known = millionths_of(rows.column(column))
    series = rank[station.indices.to_numpy(zero_copy_only=False)] * len(POLLUTANTS) + pollutant if len(rows) else pollutant
    here = known & (place >= 0) & (pollutant >= 0)
    shape = (len(stations) * len(POLLUTANTS), columns)
    grid, there = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    grid[series[here], place[here]] = values[here]
    there[series[here], place[here]] = True
    return Grid(stations, grid, there)


def labels(names: list[str], repeats: int, tiles: int = 1) -> pa.Array:
    """Each name `repeats` times, the whole `tiles` times over, as a text column."""
    codes = np.tile(np.repeat(np.arange(len(names), dtype=np.int32), repeats), tiles)
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(names, pa.string())).cast(pa.string())


def table(**columns: Any) -> pa.Table:
    """An Arrow table of Arrow or numpy columns of one length."""
    return pa.table({name: c if isinstance(c, pa.Array | pa.ChunkedArray) else pa.array(c) for name, c in columns.items()})


def series_columns(stations: list[str], columns: int) -> dict[str, pa.Array]:
    """The columns `station` and `pollutant` of a flattened grid of so many columns."""
    return {
        "station": labels(stations, len(POLLUTANTS) * columns),
        "pollutant": labels(list(POLLUTANTS), columns, len(stations)),
    }


def day_numbers(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """A date column as days since 1970."""
    return np.asarray(column.cast(pa.int32()).to_numpy(), dtype=np.int64)


def dates(days: npt.NDArray[Any]) -> pa.Array:
    """Days since 1970 as a date column."""
    return pa.array(days.astype(np.int32)).cast(pa.date32())


def chosen(readings: pa.Table) -> pa.Table:
    """The one reading that counts at each time of each datastream: the highest revision, then the lowest value.

    Columns `datastream`, `time`, `value`, `revision`; unknown values are dropped after the choice. The rule is the
    kernel's (`scicity.kernel.reading.chosen`), for Arrow.
    """
    order = [("datastream", "ascending"), ("time", "ascending"), ("revision", "descending"), ("value", "ascending")]
    rows = readings.sort_by(order)
    if len(rows) > 1:
        same = [
            pc.equal(rows.column(name).slice(1), rows.column(name).slice(0, len(rows) - 1)).to_numpy()
            for name in ("datastream", "time")
        ]
        rows = rows.filter(pa.array(np.r_[True, ~(same[0] & same[1])]))
    return rows.filter(pc.is_valid(rows.column("value")))


def groups_of(rows: pa.Table, keys: list[str]) -> tuple[pa.Table, Integers]:
    """The distinct keys of rows, and which of them each row has."""
    coded = np.zeros(len(rows), dtype=np.int64)
    for name in keys:
        encoded = rows.column(name).combine_chunks().dictionary_encode()
        coded = coded * (len(encoded.dictionary) + 1) + encoded.indices.to_numpy(zero_copy_only=False)
    _, first, which = np.unique(coded, return_index=True, return_inverse=True)
    return rows.select(keys).take(pa.array(first)), which.astype(np.int64)


def worst(origin: pa.ChunkedArray, group: Integers, groups: int, ranking: tuple[str, ...]) -> pa.Array:
    """The origin of each group that comes last in `ranking`, null for a group in which none is told."""
    found = np.full(groups, -1, dtype=np.int64)
    np.maximum.at(found, group, pc.index_in(origin, pa.array(ranking)).fill_null(-1).to_numpy().astype(np.int64))
    return pa.array(ranking, pa.string()).take(pa.array(found, mask=found < 0))


def worst_by_series(rows: pa.Table, stations: list[str], columns: int, ranking: tuple[str, ...]) -> pa.Array:
    """The worst origin of each series among rows, for each cell of a flattened grid of so many columns."""
    station = pc.index_in(rows.column("station"), pa.array(stations)).to_numpy().astype(np.int64)
    pollutant = pc.index_in(rows.column("pollutant"), pa.array(POLLUTANTS)).to_numpy().astype(np.int64)
    series = len(stations) * len(POLLUTANTS)
    found = worst(rows.column("origin"), station * len(POLLUTANTS) + pollutant, series, ranking)
    return found.take(pa.array(np.repeat(np.arange(series), columns)))
