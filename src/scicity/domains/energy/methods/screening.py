"""Which readings count: one at a time, possible values, and the register readings that their neighbours contradict.

Arrays are sorted by (stream, time); times are int64 [µs UTC]. Every verdict looks at most `LOOK` to either side and at most
`NEIGHBOURS` readings, so that a part of the history gives the same verdicts as the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DAY = 86_400_000_000  # [µs]
LOOK = 3 * DAY  # [µs] a register that is back where it was within three days was never away
NEIGHBOURS = 400  # readings to either side, so that a noisy meter cannot make the work quadratic
LARGEST = 1e12  # [kWh] beyond every meter: a register of 12 digits

SOUND, DUPLICATE, CONFLICT, IMPOSSIBLE, SPIKE, DIP, UNPLACED = range(7)
RULES = ("sound", "duplicate", "conflict", "impossible", "spike", "dip", "no installation")


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


def ordered(series: Series) -> Series:
    """The readings by stream, time, falling revision, rising value; unchanged where they are in order already."""
    later = (series.stream[1:] > series.stream[:-1]) | (
        (series.stream[1:] == series.stream[:-1]) & (series.time[1:] > series.time[:-1])
    )
    if later.all():
        return series
    return series.take(np.lexsort((series.value, -series.revision, series.time, series.stream)))


def verdict_of_repeats(series: Series) -> npt.NDArray[np.uint8]:
    """SOUND for the reading that counts at each time: the highest revision, then the lowest value; the others by their kind.

    `series` as `ordered` gives it. DUPLICATE repeats the value that counts, CONFLICT says another at the same revision or an
    earlier one. Values that are no number, and those of no meter (beyond 1e12 kWh), are IMPOSSIBLE.
    """
    verdict = np.zeros(len(series.time), dtype=np.uint8)
    verdict[~(np.abs(series.value) <= LARGEST)] = IMPOSSIBLE
    possible = np.flatnonzero(verdict == SOUND)
    stream, time = series.stream[possible], series.time[possible]
    again = np.r_[False, (stream[1:] == stream[:-1]) & (time[1:] == time[:-1])]
    if again.any():
        first = np.maximum.accumulate(np.where(again, 0, np.arange(len(again))))
        same = series.value[possible] == series.value[possible[first]]
        verdict[possible[again & same]] = DUPLICATE
        verdict[possible[again & ~same]] = CONFLICT
    return verdict


def verdict_of_neighbours(run: Ints, time: Ints, count: Ints) -> npt.NDArray[np.uint8]:
    """SPIKE or DIP for readings of a register that an earlier and a later one contradict together, SOUND for the others.

    A reading is a spike where a later one is lower and still not below an earlier one; it is a dip where an earlier one is
    higher and a later one not below that. So a register that jumps up and back, that is reset and comes back to its old
    value, or that steps back by a digit keeps its total; a drop that lasts (a rollover, a reset) contradicts nobody.
    """
    verdict = np.zeros(len(time), dtype=np.uint8)
    drops = np.flatnonzero((count[1:] < count[:-1]) & (run[1:] == run[:-1]))
    if not len(drops):
        return verdict
    near = np.zeros(len(time), dtype=bool)
    for drop in drops.tolist():
        if near[drop] and near[drop + 1]:
            continue
        low = int(np.searchsorted(time[max(0, drop - NEIGHBOURS) : drop + 1], time[drop] - LOOK)) + max(0, drop - NEIGHBOURS)
        high = int(np.searchsorted(time[drop : drop + NEIGHBOURS], time[drop] + LOOK, side="right")) + drop
        near[low:high] = True
    for at in np.flatnonzero(near).tolist():
        verdict[at] = _verdict_at(at, run, time, count)
    return verdict


def _verdict_at(at: int, run: Ints, time: Ints, count: Ints) -> int:
    low, high = max(0, at - NEIGHBOURS), at + 1 + NEIGHBOURS
    of_run = run[low:high] == run[at]
    close = of_run & (np.abs(time[low:high] - time[at]) <= LOOK)
    before = count[low:at][close[: at - low]]
    after = count[at + 1 : high][close[at + 1 - low :]]
    if not len(before) or not len(after):
        return SOUND
    mine = count[at]
    if ((after < mine) & (after >= before.min())).any():
        return SPIKE
    if ((before > mine) & (before <= after.max())).any():
        return DIP
    return SOUND
