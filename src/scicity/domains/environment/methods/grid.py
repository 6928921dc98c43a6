"""Long rows to matrices (series x hours or days) and back: the shape in which the other methods compute."""

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
