"""Which readings count: one at a time, and only values that a meter can show.

Arrays are sorted by (stream, time); times are int64 [µs UTC]. What the neighbours of a register reading say against it stands
in `contradictions`.

Source: rules 1 and 2 of `ledger`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Verdicts = npt.NDArray[np.uint8]

DAY = 86_400_000_000  # [µs]
SEQUENCES = 64  # sorted sequences one behind the other that are merged, not sorted
LARGEST = 1e12  # [kWh] beyond every meter: a register of 12 digits

SOUND, DUPLICATE, CONFLICT, IMPOSSIBLE, SPIKE, DIP, NOISY, ZERO, UNPLACED = range(9)
RULES = ("sound", "duplicate", "conflict", "impossible", "spike", "dip", "noisy", "zero is a gap", "no installation")


@dataclass(frozen=True)
class Series:
    """Readings of several streams, by stream and time: `stream`, `time` [µs], `value`, `revision`, all of one length."""

    stream: Ints
    time: Ints
    value: Floats
    revision: Ints

    def take(self, which: npt.NDArray[np.intp] | Bools) -> Series:
        """Some of the readings, in the order in which they are named."""
        return Series(self.stream[which], self.time[which], self.value[which], self.revision[which])

    def slices(self, which: list[slice]) -> Series:
        """Stretches of the readings, one behind the other."""
        if not which:
            return self.take(np.zeros(0, dtype=np.intp))
        columns = (self.stream, self.time, self.value, self.revision)
        stream, time, value, revision = (np.concatenate([column[each] for each in which]) for column in columns)
        return Series(stream, time, value, revision)

    def of(self, streams: Ints) -> Series:
        """The readings of some streams; sorted by stream, as the streams named are."""
        low, high = np.searchsorted(self.stream, streams), np.searchsorted(self.stream, streams, side="right")
        return self.slices([slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True)])

    def between(self, stream: int, after: int, before: int) -> tuple[int, int] | None:
        """The first and the last time at which a stream has readings strictly between two instants; None where it has none."""
        first, last = (int(np.searchsorted(self.stream, stream, side)) for side in ("left", "right"))  # type: ignore[call-overload]
        low = first + int(np.searchsorted(self.time[first:last], after, side="right"))
        high = first + int(np.searchsorted(self.time[first:last], before, side="left"))
        return (int(self.time[low]), int(self.time[high - 1])) if low < high else None


def by_stream(series: Series) -> Series:
    """The readings by stream; within a stream in the order in which they came."""
    series = _merged(series)
    if (series.stream[1:] < series.stream[:-1]).any():
        return series.take(np.argsort(series.stream, kind="stable"))
    return series


def ordered(series: Series) -> Series:
    """The readings, sorted by stream, by time, falling revision, rising value; unchanged where they are in order already."""
    stream, time = series.stream, series.time
    if ((stream[1:] != stream[:-1]) | (time[1:] > time[:-1])).all():
        return series
    return series.take(np.lexsort((series.value, -series.revision, time, stream)))


def _merged(series: Series) -> Series:
    """The readings by stream, where they are a few sequences of that order, one behind the other, as files are."""
    ends = np.flatnonzero(series.stream[1:] < series.stream[:-1]) + 1
    if not 0 < len(ends) <= SEQUENCES:
        return series
    bounds = np.arange(int(series.stream.max()) + 2)
    starts = [low + np.searchsorted(series.stream[low:high], bounds) for low, high in pairwise([0, *ends, len(series.stream)])]
    return series.slices([slice(int(each[s]), int(each[s + 1])) for s in bounds[:-1] for each in starts])


def verdict_of_repeats(series: Series) -> Verdicts:
    """SOUND for the reading that counts at each time: the highest revision, then the lowest value; the others by their kind.

    `series` as `ordered` gives it. DUPLICATE repeats the value that counts, CONFLICT says another at the same revision or an
    earlier one. Values that are no number, negative (the other flow is a datastream of its own), or of no meter (beyond 1e12
    kWh) are IMPOSSIBLE; they displace nobody.
    """
    verdict = np.zeros(len(series.time), dtype=np.uint8)
    verdict[~((series.value >= 0) & (series.value <= LARGEST))] = IMPOSSIBLE
    possible = np.flatnonzero(verdict == SOUND)
    stream, time = series.stream[possible], series.time[possible]
    again = np.r_[False, (stream[1:] == stream[:-1]) & (time[1:] == time[:-1])]
    if again.any():
        first = np.maximum.accumulate(np.where(again, 0, np.arange(len(again))))
        same = series.value[possible] == series.value[possible[first]]
        verdict[possible[again & same]] = DUPLICATE
        verdict[possible[again & ~same]] = CONFLICT
    return verdict
