"""Columns of tables from arrays: exact decimals, words as dictionaries, the newest of several revisions, means of groups.

Values in the unit of their column, instants [µs]. Source: the Arrow columnar format, decimals in two's complement.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scicity.kernel.calendar import DAY, Calendar

HOUR = 3_600_000_000  # [µs]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
PLACES = 1_000_000
DECIMAL = pa.decimal128(18, 6)


def decimals(values: Floats) -> pa.Array:
    """Values of any size below 10^12 as decimals of six places, shape (n,); what is not finite is null."""
    known = np.isfinite(values)
    whole = np.rint(np.where(known, values, 0.0) * PLACES).astype(np.int64)
    halves = np.empty((whole.size, 2), np.int64)
    halves[:, 0], halves[:, 1] = whole, whole >> 63
    mask = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little").tobytes())
    return pa.Array.from_buffers(DECIMAL, whole.size, [mask, pa.py_buffer(halves.tobytes())])


def words(names: Sequence[str], which: Ints) -> pa.DictionaryArray:
    """The words `names[which]` as a dictionary without doubles."""
    unique, place = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    return pa.DictionaryArray.from_arrays(pa.array(place[which].astype(np.int32)), pa.array(unique.tolist(), pa.string()))


def newest(readings: pa.Table) -> tuple[npt.NDArray[np.object_], Ints, Floats]:
    """Datastream, time [µs UTC] and value of readings, of each time the highest revision; those without a value are left
    out."""
    if not readings.num_rows:
        return np.empty(0, object), np.empty(0, np.int64), np.empty(0)
    encoded = readings.column("datastream").combine_chunks().dictionary_encode()
    name = encoded.indices.to_numpy()
    time = readings.column("time").cast(pa.int64()).to_numpy()
    revision = readings.column("revision").fill_null(0).to_numpy()
    value = readings.column("value").to_numpy(zero_copy_only=False).astype(np.float64)
    order = np.lexsort((revision, time, name))
    last = np.r_[(np.diff(name[order]) != 0) | (np.diff(time[order]) != 0), True]
    kept = order[last]
    kept = kept[np.isfinite(value[kept])]
    return encoded.dictionary.to_numpy(zero_copy_only=False)[name[kept]], time[kept], value[kept]


def grouped_means(values: Floats, place: Ints, count: int) -> Floats:
    """The mean of the values at each of `count` places, NaN where there is none; places outside are left out."""
    inside = (place >= 0) & (place < count)
    sums = np.bincount(place[inside], values[inside], minlength=count)
    counts = np.bincount(place[inside], minlength=count)
    return np.divide(sums, counts, out=np.full(count, np.nan), where=counts > 0)


def moments(values: Ints) -> pa.Array:
    """Instants [µs UTC] as Arrow has them, shape (n,)."""
    return pa.array(values.astype(np.int64)).cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))


def local_parts(calendar: Calendar, hours: Ints) -> tuple[Ints, Ints, Ints]:
    """Month [1-12], month · 100 + day, and hour of the day [0-23] of instants [µs UTC] in the district's time, shape (n,)."""
    local = calendar.local(hours)
    days = (local // DAY).astype("datetime64[D]")
    months = days.astype("datetime64[M]").astype(np.int64) % 12 + 1
    number = (days - days.astype("datetime64[M]")).astype(np.int64) + 1
    return months, months * 100 + number, local % DAY // HOUR
