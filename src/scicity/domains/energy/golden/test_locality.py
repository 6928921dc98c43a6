"""Properties of the ledger that no single case shows: parts equal the whole, any order gives the same, energy is conserved."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from scicity.domains.energy.methods import calm, ledger, registers, screening
from scicity.domains.energy.methods.devices import FOREVER, HOUR, Installation, Stream, fleet
from scicity.domains.energy.methods.hours import FLAGS, Hours
from scicity.domains.energy.methods.ledger import SetAside, hours_of
from scicity.domains.energy.methods.screening import DAY, Ints, Series
from scicity.kernel import stored
from scicity.kernel.calendar import Calendar, micros_of

CALENDAR = Calendar("Asia/Kolkata")
FIRST = CALENDAR.instant(date(2023, 3, 1))
DAYS, PART = 42, 5  # days of readings; days of a part: many parts begin or end within a trouble
WHOLE = (14, 34)  # the days whose hours are compared; readings go on for more than a week around them

Damage = tuple[str, int, int, int]  # kind, hour at which it begins, hours that it lasts, size [counts]
damages = st.lists(
    st.tuples(
        st.sampled_from(["silent", "nan", "zero", "up", "down", "for good", "frozen", "conflict", "noise"]),
        st.integers(4 * 24, 38 * 24),
        st.one_of(st.integers(1, 8), st.integers(9, 90), st.integers(91, 300)),
        st.integers(1, 40_000),
    ),
    max_size=5,
)
meters = st.fixed_dictionaries(
    {
        "digits": st.sampled_from([None, 3, 5]),
        "rated": st.sampled_from([None, 40.0, 400.0]),
        "every": st.sampled_from([15, 30, 60, 180]),
        "replaced": st.sampled_from([None, 20 * 24 * 60 + 37]),
        "seed": st.integers(0, 5),
    }
)
relaxed = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def stream_of(meter: dict[str, int | float | None]) -> Stream:
    """A stream whose meter shows whole kWh with two decimals; perhaps it is replaced."""
    device = Installation(
        "m", "b", -FOREVER, FOREVER, "A", Decimal(1), meter["digits"], 2, None, None, meter["rated"]  # type: ignore[arg-type]
    )  # fmt: skip
    devices: tuple[Installation, ...] = (device,)
    if meter["replaced"]:
        change = FIRST + int(meter["replaced"]) * 60_000_000
        devices = (replace(device, end=change), replace(device, start=change, serial="B", register_start=Decimal(70)))
    return Stream("s", "m", "forward", "energy_register", int(meter["every"] or 0) * 60_000_000, False, devices)


def readings_of(meter: dict[str, int | float | None], harm: list[Damage]) -> Series:
    """Readings of a load that follows the hour of the day, and what is done to them."""
    rng = np.random.default_rng(int(meter["seed"] or 0))
    step = int(meter["every"] or 0) * 60_000_000
    time = np.arange(FIRST, FIRST + DAYS * DAY, step)
    load = rng.integers(0, 20, len(time)) * (time // HOUR % 24) * step // HOUR
    count = 500 + np.cumsum(load)
    turns = 10 ** (int(meter["digits"]) + 2) if meter["digits"] else 2**40
    value = (count % turns) / 100
    keep, extra = np.ones(len(time), dtype=bool), []
    for kind, begin, long, size in harm:
        at = (time >= FIRST + begin * HOUR) & (time < FIRST + (begin + long) * HOUR)
        if kind == "silent":
            keep &= ~at
        elif kind == "conflict":
            extra.append((time[at], value[at] + size / 100))
        elif kind == "for good":
            value = np.where(time >= FIRST + begin * HOUR, (value + size / 100) % (turns / 100), value)
        elif kind == "frozen":
            value = np.where(at, value[np.argmax(at)], value)
        else:
            changed = {"nan": value * np.nan, "zero": value * 0, "up": value + size / 100, "down": value - size / 100}
            value = np.where(at, changed.get(kind, np.abs(value + rng.integers(-size, size, len(value)) / 100)), value)
    time = np.concatenate([time[keep], *(t for t, _ in extra)])
    value = np.concatenate([value[keep], *(v for _, v in extra)])
    return Series(np.zeros(len(time), dtype=np.int64), time, value, np.zeros(len(time), dtype=np.int64))


def edges_of(first: int, last: int) -> Ints:
    """The edges of the hours of the days `first` to `last` (exclusive)."""
    return np.arange(FIRST + first * DAY, FIRST + last * DAY + 1, HOUR)


def known(found: Hours) -> list[npt.NDArray[np.int64]]:
    """Columns to compare: curves count from where their readings begin, so energy only where it is known."""
    there = found.measured + found.estimated > 0
    return [found.device, found.hour, np.where(there, found.energy, -1), found.measured, found.estimated, found.flags]


def within(found: SetAside, edges: Ints) -> SetAside:
    """Those of the hours between the edges."""
    return SetAside(*(column[(found.time >= edges[0]) & (found.time < edges[-1])] for column in found))


def given_to(series: Series, first: int, last: int, margin: int = registers.MARGIN) -> Series:
    """What a part is given: from so far before the last reading before it to so far behind the first one after it."""
    before, behind = series.time[series.time <= first], series.time[series.time >= last]
    low = (before.max() if len(before) else first) - margin
    high = (behind.min() if len(behind) else last) + margin
    return series.take((series.time >= low) & (series.time <= high))


def told_of(files: list[Series], first: int, last: int) -> pa.Table:
    """What files tell of the stream, those that hold a reading that a part is given."""
    low, high = (int(each) for each in np.sort(given_to(joined(files), first, last).time)[[0, -1]])
    columns = ("datastream", "time", "value", "revision")
    tables = [
        pa.table([pa.array(["s"] * len(f.time)), pa.array(f.time, pa.timestamp("us", tz="UTC")), f.value, f.revision], columns)
        for f in (file.take(np.lexsort((file.value, file.time))) for file in files if len(file.time))
        if f.time[0] <= high and f.time[-1] >= low
    ]
    return stored.chained(pa.concat_tables([pa.table(stored.extents_of(each), schema=stored.EXTENTS) for each in tables]))


def joined(files: list[Series]) -> Series:
    """The readings of all files."""
    return Series(*(np.concatenate([getattr(f, name) for f in files]) for name in ("stream", "time", "value", "revision")))


def cut(series: Series, days: list[int]) -> list[Series]:
    """The readings as files, cut at the ends of days."""
    edges = [-FOREVER, *(FIRST + day * DAY + HOUR // 2 for day in sorted(set(days))), FOREVER]
    return [series.take((series.time >= a) & (series.time < b)) for a, b in pairwise(edges)]


@settings(relaxed, max_examples=120)
@given(
    meter=meters,
    harm=damages.map(lambda several: several[:2]),
    cuts=st.one_of(st.just(list(range(DAYS))), st.lists(st.integers(1, 40), min_size=6)),
    seldom=st.booleans(),
    in_place=st.sampled_from([(0, DAYS)] * 3 + [(18, 29), (23, DAYS), (0, 21)]),
    early=st.integers(0, 30),
)
def test_parts_that_are_calm_equal_the_whole_with_fewer_readings_around(
    meter: dict[str, int | float | None],
    harm: list[Damage],
    cuts: list[int],
    seldom: bool,
    in_place: tuple[int, int],
    early: int,
) -> None:
    """By what files tell, however the readings are cut into files; the damages are in some parts, and others are calm."""
    if seldom:  # a meter that is never replaced, and one trouble that is short: half of its time is calm
        meter = {**meter, "replaced": None, "digits": meter["digits"] and 5}
        harm = [(kind, begin % 200 + 96, min(long, 8), size) for kind, begin, long, size in harm[:1]]
    stream, series = stream_of(meter), readings_of(meter, harm)
    if in_place != (0, DAYS) and len(stream.installations) == 1:
        begin, end = (FIRST + day * DAY for day in in_place)
        device = replace(stream.installations[0], start=begin - early * HOUR - 1, end=end + early * HOUR + 1)
        series = series.take((series.time >= begin) & (series.time < end))
        if early % 2 and np.isfinite(series.value).all():  # what it showed is known
            device = replace(device, register_start=Decimal(f"{series.value[0]:.2f}"))
        stream = replace(stream, installations=(device,))
    whole, verdicts = hours_of([stream], series, "energy_register", edges_of(*WHOLE), CALENDAR)
    calm_parts = 0
    for day in range(WHOLE[0], WHOLE[1], 2):
        edges = edges_of(day, day + 2)
        first, last = int(edges[0]), int(edges[-1])
        told = told_of(cut(series, cuts), first, last)
        if not calm.calm_streams(told, [stream], np.zeros(1, dtype=np.int64), first, last)[0]:
            continue
        calm_parts += 1
        near = given_to(series, first, last, micros_of(calm.NEAR))
        part, part_verdicts = hours_of([stream], near, "energy_register", edges, CALENDAR)
        within_part = (whole.hour >= (day - WHOLE[0]) * 24) & (whole.hour < (day + 2 - WHOLE[0]) * 24)
        expected = Hours(*(column[within_part] for column in whole))
        for a, b in zip(known(expected._replace(hour=expected.hour - (day - WHOLE[0]) * 24)), known(part), strict=True):
            np.testing.assert_array_equal(a, b)
        assert not len(within(part_verdicts, edges).time) and not len(within(verdicts, edges).time)
    event(f"calm parts: {calm_parts}")
    if not harm and meter["replaced"] is None and meter["digits"] is None and meter["rated"] is None and in_place == (0, DAYS):
        assert calm_parts == 10


@pytest.mark.parametrize("kind", ["silent", "nan", "down", "for good", "conflict", "noise", "zero"])
def test_trouble_that_lies_as_far_as_the_rules_look_is_not_calm(kind: str) -> None:
    """In all of eight days to either side; what lies in another file further away does not matter."""
    meter: dict[str, int | float | None] = {"digits": 5, "rated": 400.0, "every": 15, "replaced": None, "seed": 2}
    first, last = FIRST + 20 * DAY, FIRST + 21 * DAY
    for day, expected in ((9, True), (13, False), (20, False), (28, False), (31, True)):
        series = readings_of(meter, [(kind, day * 24 + 2, 9, 30_000)])
        told = told_of(cut(series, list(range(42))), first, last)
        found = calm.calm_streams(told, [stream_of(meter)], np.zeros(1, dtype=np.int64), first, last)
        assert found.tolist() == [expected], day


@relaxed
@given(meter=meters, harm=damages)
@example({"digits": None, "rated": None, "every": 30, "replaced": None, "seed": 1}, [("nan", 400, 80, 1), ("zero", 480, 30, 1)])
@example({"digits": 3, "rated": 400.0, "every": 180, "replaced": None, "seed": 0}, [("for good", 223, 1, 19848)])
def test_parts_equal_the_whole(meter: dict[str, int | float | None], harm: list[Damage]) -> None:
    stream, series = stream_of(meter), readings_of(meter, harm)
    whole, verdicts = hours_of([stream], series, "energy_register", edges_of(*WHOLE), CALENDAR)
    parts, found = [], []
    for day in range(*WHOLE, PART):
        edges = edges_of(day, day + PART)
        given_rows = given_to(series, int(edges[0]), int(edges[-1]))
        part, part_verdicts = hours_of([stream], given_rows, "energy_register", edges, CALENDAR)
        parts.append(part._replace(hour=part.hour + (day - WHOLE[0]) * 24))
        found.append(within(part_verdicts, edges))
    together = Hours(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    order = np.lexsort((together.hour, together.device))
    for a, b in zip(known(whole), known(Hours(*(column[order] for column in together))), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(within(verdicts, edges_of(*WHOLE)), zip(*found, strict=True), strict=True):
        np.testing.assert_array_equal(a, np.concatenate(b))


@relaxed
@given(meter=meters, harm=damages, seed=st.integers(0, 100))
def test_the_order_of_arrival_and_repetition_change_nothing(
    meter: dict[str, int | float | None], harm: list[Damage], seed: int
) -> None:
    stream, series = stream_of(meter), readings_of(meter, harm)
    rng = np.random.default_rng(seed)
    again = np.r_[np.arange(len(series.time)), rng.integers(0, len(series.time), len(series.time) // 3)]
    shuffled = series.take(rng.permutation(again))
    for a, b in zip(
        known(hours_of([stream], series, "energy_register", edges_of(*WHOLE), CALENDAR)[0]),
        known(hours_of([stream], shuffled, "energy_register", edges_of(*WHOLE), CALENDAR)[0]),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


@relaxed
@given(meter=meters, harm=damages, days=st.sampled_from([WHOLE, (-6, 8), (36, 48), (-4, 50), (-9, -1), (44, 50), (20, 21)]))
def test_the_quick_way_equals_the_careful_one(
    meter: dict[str, int | float | None], harm: list[Damage], days: tuple[int, int]
) -> None:
    """Also where the readings begin or end within the hours, or lie outside of them."""
    stream, series, edges = stream_of(meter), screening.by_stream(readings_of(meter, harm)), edges_of(*days)
    quick, _ = hours_of([stream], series, "energy_register", edges, CALENDAR)
    devices = fleet([stream], registers=True)
    careful, _ = ledger._carefully([stream], devices, series, "energy_register", edges, CALENDAR, np.ones(1, dtype=bool))
    for a, b in zip(known(quick), known(careful), strict=True):
        np.testing.assert_array_equal(a, b)


@relaxed
@given(
    every=st.sampled_from([5, 15, 30, 60]),
    seed=st.integers(0, 20),
    lost=st.lists(st.tuples(st.integers(4 * 24, 36 * 24), st.integers(1, 200)), max_size=6),
    off=st.integers(0, 59),
)
def test_hours_add_up_to_the_difference_of_the_register(every: int, seed: int, lost: list[tuple[int, int]], off: int) -> None:
    """Whatever is lost, to the last digit; the sampling is off the hour."""
    meter: dict[str, int | float | None] = {"digits": 5, "rated": None, "every": every, "replaced": None, "seed": seed}
    series = readings_of(meter, [("silent", begin, long, 1) for begin, long in lost])
    series = replace(series, time=series.time + off * 60_000_000)
    first, last = int(series.time[0]), int(series.time[-1])
    edges = np.arange(first // HOUR * HOUR - HOUR // 2, last + 2 * HOUR, HOUR)
    found, _ = hours_of([stream_of(meter)], series, "energy_register", edges, CALENDAR)
    there = found.measured + found.estimated > 0
    rolls = int((np.diff(series.value) < 0).sum())
    difference = round((series.value[-1] - series.value[0]) * 100) + rolls * 10**7
    assert int(found.energy[there].sum()) == difference * 10_000
    assert int((found.measured + found.estimated).sum()) == last - first


@pytest.mark.parametrize("kind", ["zero", "nan", "up", "down", "silent"])
@pytest.mark.parametrize("long", [1, 5, 20, 47])
def test_what_passes_leaves_no_trace_in_the_total(kind: str, long: int) -> None:
    """Two days of nonsense at most, and the total is that of the true register."""
    meter: dict[str, int | float | None] = {"digits": None, "rated": None, "every": 15, "replaced": None, "seed": 3}
    true, told = (readings_of(meter, harm) for harm in ([], [(kind, 500, long, 30_000)]))
    totals = []
    for series in (true, told):
        found, _ = hours_of([stream_of(meter)], series, "energy_register", edges_of(*WHOLE), CALENDAR)
        assert not (found.flags & FLAGS["partial"]).any()
        totals.append(int(found.energy.sum()))
    assert totals[0] == totals[1]


def test_what_does_not_fit_in_six_decimals_is_refused() -> None:
    """Group 24: a multiplier that would need rounding is a fault of the register of installations."""
    meter: dict[str, int | float | None] = {"digits": 5, "rated": None, "every": 60, "replaced": None, "seed": 0}
    stream = stream_of(meter)
    odd = replace(stream.installations[0], multiplier=Decimal("0.00001"))
    with pytest.raises(ValueError, match="six decimals"):
        hours_of([replace(stream, installations=(odd,))], readings_of(meter, []), "energy_register", edges_of(*WHOLE), CALENDAR)
