"""Known answers of what came, what is missing, and what stood still."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.domains.devices.methods.coming import Readings, Rules, counting, frozen, gaps_of, missing_by_day

HOUR = 3_600_000_000  # [µs]
DAY = 24 * HOUR


def readings(hours: list[float], values: list[float] | None = None, stream: int = 0) -> Readings:
    time = np.array([round(hour * HOUR) for hour in hours], dtype=np.int64)
    value = np.arange(len(time), dtype=float) if values is None else np.array(values, dtype=float)
    return Readings(np.full(len(time), stream), time, value)


def missing(hours: list[float], every: float = 1.0) -> list[int]:
    return gaps_of(readings(hours), np.array([round(every * HOUR)])).missing.tolist()


def test_gaps() -> None:
    assert missing([0, 1, 2, 3]) == []
    assert missing([0, 1, 4]) == [2]
    assert missing([0, 1.5, 2.9]) == [], "half an interval is left to clocks"
    assert missing([0, 1.51]) == [1]
    assert missing([0, 2.49, 5]) == [1, 2], "to the nearest whole interval"
    assert missing([0, 0.25, 0.5, 2.5]) == [1], "sending more often than registered is no gap"
    assert missing([0, 24 * 40], 24 * 30) == []
    assert missing([0, 500], 0) == [], "nobody can tell without an interval"


def test_a_gap_is_told_on_the_days_on_which_its_readings_were_due() -> None:
    gaps = gaps_of(readings([21, 30]), np.array([HOUR]))  # 22:00 and 23:00 of one day, 0:00 to 5:00 of the next
    edges = np.arange(4) * DAY
    _, day, count, begins, length = missing_by_day(gaps, np.array([HOUR]), edges)
    assert (day.tolist(), count.tolist(), begins.tolist()) == ([0, 1], [2, 6], [True, False])
    assert length.tolist() == [8 * HOUR] * 2
    _, day, count, begins, length = missing_by_day(gaps, np.array([HOUR]), edges[1:])
    assert (day.tolist(), count.tolist(), begins.tolist(), length.tolist()) == ([0], [6], [True], [8 * HOUR])
    assert not len(missing_by_day(gaps, np.array([HOUR]), edges[2:])[0])


def test_a_gap_of_days_between_readings_of_weeks() -> None:
    every = np.array([7 * DAY])
    gaps = gaps_of(readings([0, 24 * 28]), every)
    _, day, count, _, _ = missing_by_day(gaps, every, np.arange(29) * DAY)
    assert (day.tolist(), count.tolist()) == ([7, 14, 21], [1, 1, 1])


@given(st.lists(st.integers(0, 40 * 24 * 4), min_size=2, max_size=60, unique=True), st.sampled_from([15, 60, 24 * 60]))
def test_days_add_up_to_gaps(quarters: list[int], minutes: int) -> None:
    time = np.sort(np.array(quarters, dtype=np.int64)) * (HOUR // 4)
    interval = np.array([minutes * HOUR // 60])
    gaps = gaps_of(Readings(np.zeros(len(time), np.int64), time, np.zeros(len(time))), interval)
    found = missing_by_day(gaps, interval, np.arange(42) * DAY)
    assert found[2].sum() == gaps.missing.sum()
    assert (found[2] > 0).all()
    assert found[3].sum() == len(gaps.missing)
    halves = [missing_by_day(gaps, interval, edges)[2].sum() for edges in (np.arange(18) * DAY, np.arange(17, 42) * DAY)]
    assert sum(halves) == gaps.missing.sum(), "two months hold what the whole holds"


def judged(
    values: list[float],
    *,
    hours: list[float] | None = None,
    still: int = 24,
    rests: float = np.nan,
    register: bool = False,
) -> list[bool]:
    rules = Rules(np.array([HOUR]), np.array([still * HOUR]), np.array([rests]), np.array([register]), np.array([False]))
    return frozen(readings(hours or list(range(len(values))), values), rules)[0].tolist()


CASES = {
    "a sensor that says 21.5 for a day": ([20.0, *[21.5] * 24, 22.0], {}, 24),
    "the same for an hour less": ([20.0, *[21.5] * 23, 22.0], {}, 0),
    "a closed gas valve": ([3.0, *[0.0] * 400, 2.0], {"rests": 0.0}, 0),
    "a meter of which 0 is a gap": ([3.0, *[0.0] * 400, 2.0], {}, 400),
    "the same use hour by hour": ([1.0, *[5.8] * 121], {"rests": 0.0}, 121),
    "a register where nothing is used": ([7.0, *[995.25] * 700, 996.0], {"rests": 0.0, "register": True}, 0),
    "a register of a meter that always counts": ([7.0, *[995.25] * 30, 996.0], {"register": True}, 30),
    "the floor of an instrument": ([9.0, *[2.0] * 300, 5.0], {"rests": 4.0}, 0),
    "one digit above the floor": ([9.0, *[4.1] * 30, 5.0], {"rests": 4.0}, 30),
    "no rule is known": ([1.0] * 100, {"still": 0}, 0),
    "a constant from the beginning to the end": ([1.0] * 100, {}, 100),
    "no number at all": ([np.nan] * 100, {}, 0),
    "no number in the middle": ([*[5.0] * 20, np.nan, *[5.0] * 20], {}, 0),
    "one reading": ([5.0], {"still": 1}, 0),
    "nothing": ([], {}, 0),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_frozen(name: str) -> None:
    values, how, count = CASES[name]
    assert sum(judged(values, **how)) == count


def test_a_gap_ends_a_stretch() -> None:
    hours = [*range(20), *range(22, 42)]
    assert not any(judged([5.0] * 40, hours=hours))
    assert all(judged([5.0] * 40, hours=[*range(20), *(h + 0.4 for h in range(20, 40))]))


def test_streams_do_not_run_into_each_other() -> None:
    one, two = readings(list(range(20)), [5.0] * 20), readings(list(range(20, 40)), [5.0] * 20, stream=1)
    both = Readings(*(np.concatenate([getattr(one, n), getattr(two, n)]) for n in ("stream", "time", "value")))
    rules = Rules(*(np.array([each] * 2) for each in (HOUR, 24 * HOUR, np.nan, False, False)))
    assert not frozen(both, rules)[0].any()
    assert not len(gaps_of(both, rules.interval).stream)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.sampled_from([1.0, 2.0, np.nan]), st.integers(0, 1))))
def test_the_reading_that_counts_does_not_depend_on_the_order(rows: list[tuple[int, int, float, int]]) -> None:
    def counted(which: list[tuple[int, int, float, int]]) -> list[tuple[int, int, str]]:
        columns = [
            np.array([row[n] for row in which], dtype=kind) for n, kind in enumerate((np.int64, np.int64, float, np.int64))
        ]
        found = counting(*columns)
        return [(int(s), int(t), str(v)) for s, t, v in zip(found.stream, found.time, found.value, strict=True)]

    assert counted(rows) == counted(rows[::-1])
    best = {(s, t): min((-r, str(v)) for a, b, v, r in rows if (a, b) == (s, t))[1] for s, t, _, _ in rows}
    assert counted(rows) == [(s, t, best[s, t]) for s, t in sorted(best)]
