"""Which readings came and which did not, and where a value stood still: what a day of a datastream is counted from.

Readings are arrays sorted by (stream, time), one for each time; times and intervals are int64 [µs], values in the unit of their
property. Nothing here knows what time it is now, or in which order readings arrived.

Source: the flat-line test of the QARTOD manuals of IOOS for what stands still (as other software describes it; the manuals were
not seen), with a rule of our own for what may rest; for gaps arithmetic alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Readings:
    """Readings of several streams: `stream` (its number), `time` [µs UTC], `value` (NaN where none was told), of one length."""

    stream: Ints
    time: Ints
    value: Floats


@dataclass(frozen=True)
class Rules:
    """By number of the stream: its interval [µs], after how long a value is frozen [µs] (0 for both: not known), up to which
    value it may rest (NaN: it may not), whether it is a register, which rests wherever it stands, and whether a reading is
    about the time before it, so that one at midnight belongs to the day that ends."""

    interval: Ints
    still: Ints
    rests: Floats
    register: Bools
    ends: Bools


@dataclass(frozen=True)
class Gaps:
    """Gaps: the stream, the reading before and the one behind [µs UTC], and how many readings are missing in between."""

    stream: Ints
    before: Ints
    behind: Ints
    missing: Ints


def counting(stream: Ints, time: Ints, value: Floats, revision: Ints) -> Readings:
    """The one reading that counts at each time of each stream: the highest revision, then a known value, then the lowest.

    Times in [µs UTC]; NaN stands for no value. The rule is that of `scicity.kernel.reading.chosen`: it looks at the set of the
    readings alone, so that the order of their arrival cannot matter. Source: own rule.
    """
    after, same = np.diff(stream), np.diff(time)
    troubled = (after < 0) | ((after == 0) & (same <= 0))
    if not troubled.any():
        return Readings(stream, time, value)
    order, some = np.arange(len(stream)), np.arange(len(stream))
    if (after >= 0).all():  # only streams that are out of order, or tell a time twice, are sorted
        of = np.zeros(int(stream[-1]) + 1, dtype=bool)
        of[stream[1:][troubled]] = True
        some = np.flatnonzero(of[stream])
    order[some] = some[np.lexsort((value[some], -revision[some], time[some], stream[some]))]  # NaN sorts behind every number
    stream, time, value = stream[order], time[order], value[order]
    first = np.r_[True, (stream[1:] != stream[:-1]) | (time[1:] != time[:-1])]
    return Readings(stream[first], time[first], value[first])


def gaps_of(readings: Readings, interval: Ints) -> Gaps:
    """The gaps: more than one and a half intervals [µs, by stream] between two readings that follow each other.

    As many readings are missing as whole intervals, to the nearest, fit in beside the one that came. A stream whose interval
    is not known (0) has none: nobody can tell. Before the first reading and behind the last there is no gap either.

    Source: own rule; half an interval is left to clocks and networks.
    """
    step, every = np.diff(readings.time), interval[readings.stream[1:]]
    late = (readings.stream[1:] == readings.stream[:-1]) & (every > 0) & (2 * step > 3 * every)
    at = np.flatnonzero(late)
    missing = (2 * step[at] + every[at]) // (2 * every[at]) - 1
    return Gaps(readings.stream[at], readings.time[at], readings.time[at + 1], missing)


def missing_by_day(gaps: Gaps, interval: Ints, edges: Ints) -> tuple[Ints, Ints, Ints, Bools, Ints]:
    """What is missing on which day: stream, day (its number), missing readings, whether a gap begins there, its length [µs].

    `edges` are the beginnings of the days and the end of the last [µs UTC]. A missing reading belongs to the day in which it
    was due. A gap from before the first day begins on the first; its length is that of the whole gap. Source: own rule.
    """
    every = interval[gaps.stream]

    def due_before(instant: Ints, which: Ints) -> Ints:
        passed = -((gaps.before[which] - instant) // every[which]) - 1  # whole intervals strictly before an instant
        return np.clip(passed, 0, gaps.missing[which])

    whole = np.arange(len(every))
    low, high = (due_before(np.full(len(every), edge), whole) for edge in (edges[0], edges[-1]))
    inside = np.flatnonzero(high > low)
    first = gaps.before[inside] + (low[inside] + 1) * every[inside]
    last = gaps.before[inside] + high[inside] * every[inside]
    begin, end = (np.searchsorted(edges, each, side="right") - 1 for each in (first, last))
    count = end - begin + 1
    which = np.repeat(inside, count)
    day = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(begin, count)
    missing = due_before(edges[day + 1], which) - due_before(edges[day], which)
    some = missing > 0
    begins = day == np.repeat(begin, count)
    length = gaps.missing[which] * every[which]
    return gaps.stream[which][some], day[some], missing[some], begins[some], length[some]


def frozen(readings: Readings, rules: Rules) -> tuple[Bools, Ints]:
    """Which readings are part of a value that stood still for too long, and the time that each stands for [µs].

    A value stands still from one reading to the next where it is the same to the last digit and no gap lies between. It is
    frozen where it does so for at least `still` [µs], counted with the interval of the last reading; but not at a value up to
    `rests` (0 for a closed valve, the floor of an instrument), and a register never where it may rest at 0, for then it shows
    that nothing was used. Source: the flat-line test, see the head of this module.
    """
    first, last, stood = _runs(readings, rules)
    interval = rules.interval[readings.stream]
    lasting = np.r_[np.minimum(np.diff(readings.time), interval[:-1]), interval[-1:]]
    lasting[last] = interval[last]
    return np.repeat(stood, last - first + 1), lasting


def stretches(readings: Readings, rules: Rules) -> list[tuple[int, int]]:
    """The frozen stretches: the first and the last reading of each, by their numbers. Source: as `frozen`. Times in [µs]."""
    first, last, stood = _runs(readings, rules)
    return list(zip(first[stood].tolist(), last[stood].tolist(), strict=True))


def _runs(readings: Readings, rules: Rules) -> tuple[Ints, Ints, Bools]:
    """The first and the last reading of each stretch of one value, and whether it is frozen."""
    stream, time, value = readings.stream, readings.time, readings.value
    if not len(time):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    interval = rules.interval[stream]
    late = 2 * np.diff(time) > 3 * interval[1:]
    first = np.flatnonzero(np.r_[True, (stream[1:] != stream[:-1]) | (value[1:] != value[:-1]) | late])
    last = np.r_[first[1:], len(time)] - 1
    of_run, still = stream[first], rules.still[stream[first]]
    resting = (np.abs(value[first]) <= rules.rests[of_run]) | (rules.register[of_run] & ~np.isnan(rules.rests[of_run]))
    length = time[last] - time[first] + interval[first]
    return first, last, (still > 0) & (length >= still) & (last > first) & ~resting
