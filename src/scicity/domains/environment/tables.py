"""Air, from hourly readings to days, months and years: means, AQI, good days and attainment of limits.

All concentrations are in µg/m³ here, those of carbon monoxide too, so that one column has one unit.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.environment.methods import assessment, daily, exact, grid, index, periods, standards
from scicity.domains.environment.methods.standards import POLLUTANTS
from scicity.domains.environment.said import implied_baseline  # noqa: F401
from scicity.domains.environment.sources import (  # noqa: F401  (found here by name)
    BEYOND,
    BREAKPOINT,
    CAPTURE,
    EDITION,
    LEVEL,
    LIMIT,
    PERCENTILE,
    ROUNDING,
    SPOKEN,
    STATION,
)
from scicity.domains.environment.yearly import air_attainment, air_good_days, air_yearly  # noqa: F401
from scicity.kernel.calendar import DAY, micros
from scicity.kernel.computing import Slot
from scicity.kernel.district import ORIGINS
from scicity.kernel.tables import Read, derived
from scicity.vocabulary import conversion, term

HOUR = 3_600_000_000  # [µs]
MINUTE = 60  # [s]
SECOND_GRADE = 2  # districts where people live are of the second grade
DAILY = {pollutant: "max_8h" if pollutant == "o3" else "day" for pollutant in POLLUTANTS}
READING = ("datastream", "time", "value", "revision")
DATASTREAM = ("datastream", "thing", "property", "interval_seconds", "origin")
EDITIONS = Read("environment.edition")


@derived(
    reads={
        **{pollutant: Read(f"reading.{pollutant}", columns=READING) for pollutant in POLLUTANTS},
        "datastream": Read(
            "district.datastream", columns=DATASTREAM, key="thing", trace={"station": "thing", "pollutant": "property"}
        ),
        "capture": "environment.capture_minimum",
        "edition": EDITIONS,
    },
    columns=["station", "pollutant", "hour", "day", "concentration", "origin"],
    grain=["station", "pollutant", "hour"],
    by_partition=True,
    period="month",
    time="hour",
    key="station",
    title_zh="空气污染物小时浓度",
    title_en="Hourly concentrations",
)
def air_hourly(slot: Slot, datastream: pa.Table, capture: pa.Table, edition: pa.Table, **readings: pa.Table) -> pa.Table:
    """Hourly mean concentrations of each station: the readings that count, of enough minutes; other hours have no row.

    A reading is about the interval that begins at its time. Of several instruments for one pollutant the mean is taken.
    """
    minima, _ = periods.minima_at(capture, edition, slot.calendar, slot.start)
    parts = []
    for pollutant in POLLUTANTS:
        rows = grid.chosen(readings[pollutant]).join(datastream, "datastream", join_type="inner")
        slope, _ = conversion(term(pollutant).unit, standards.MICROGRAMS)
        value = rows.column("value").to_numpy(zero_copy_only=False).astype(np.float64) * slope
        rows = rows.append_column("pollutant", grid.labels([pollutant], len(rows)))
        parts.append(rows.append_column("micrograms", pa.array(value)))
    rows = pa.concat_tables(parts)
    time = micros(rows.column("time"))
    rows = rows.append_column("start", pa.array(time - slot.calendar.local(time) % HOUR))
    values, known = exact.in_millionths(rows.column("micrograms").to_numpy())
    found, group = grid.groups_of(rows, ["thing", "pollutant", "start"])
    total, count = exact.sums(values, known, group, len(found))
    seconds, _ = exact.sums(rows.column("interval_seconds").to_numpy().astype(np.int64), known, group, len(found))
    origin = grid.worst(rows.column("origin"), group, len(found), ORIGINS)
    start = found.column("start").to_numpy()
    table = grid.table(
        station=found.column("thing"),
        pollutant=found.column("pollutant"),
        hour=pa.array(start).cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC")),
        day=pa.array(slot.calendar.days(start)).cast(pa.date32()),
        concentration=grid.decimals(exact.means(total, count)),
        origin=origin,
    )
    enough = seconds >= minima.hour_minutes * MINUTE
    return table.filter(pa.array(enough & (start >= slot.start) & (start < slot.end)))


@derived(
    reads={
        "hourly": "environment.air_hourly",
        "capture": "environment.capture_minimum",
        "edition": EDITIONS,
        "limit": "environment.air_limit",
        "rounding": "environment.rounding",
    },
    columns=[
        *("station", "pollutant", "day", "averaging", "concentration", "concentration_rounded", "hour_maximum"),
        *("concentration_sum", "valid_hours", "valid_windows", "coverage", "origin"),
    ],
    grain=["station", "pollutant", "day"],
    by_partition=True,
    period="month",
    time="day",
    key="station",
    title_zh="空气污染物日浓度",
    title_en="Daily concentrations",
)
def air_daily(
    slot: Slot, hourly: pa.Table, capture: pa.Table, edition: pa.Table, limit: pa.Table, rounding: pa.Table
) -> pa.Table:
    """Daily means, and of ozone the highest 8 h mean of the day; null where the hours are too few (GB 3095, HJ 663)."""
    if not len(hourly):
        return air_daily.schema.empty_table()
    hours, day_of_hour = slot.calendar.hours(slot.start, slot.end)
    place = np.searchsorted(hours, micros(hourly.column("hour")))
    matrix = grid.gridded(hourly, "concentration", place, len(hours))
    starts, days = daily.day_starts(day_of_hour)
    minima, name = periods.minima_at(capture, edition, slot.calendar, slot.start)
    means = daily.daily_means(matrix.values, matrix.known, starts, minima.day_hours)
    ozone = np.arange(POLLUTANTS.index("o3"), len(matrix.values), len(POLLUTANTS))
    limits = standards.limits_of(limit.to_pylist(), name, SECOND_GRADE)
    windows = daily.daily_maximum_8h(
        matrix.values[ozone],
        matrix.known[ozone],
        starts,
        slot.calendar.local(hours) % DAY // HOUR,
        window_hours=minima.window_hours,
        day_windows=minima.day_windows,
        first_window_end=minima.first_window_end,
        certain_above=limits["o3", "max_8h"] if minima.incomplete_exceedance_counts else None,
    )
    steps = standards.steps_of(rounding.to_pylist(), name, "day")
    step = np.tile([[steps[pollutant]] for pollutant in POLLUTANTS], (len(matrix.stations), 1))
    total, count, value, known = means.total.copy(), means.count.copy(), means.value.copy(), means.known.copy()
    total[ozone], count[ozone], value[ozone], known[ozone] = windows.total, windows.count, windows.value, windows.known
    highest, any_hour = daily.daily_hour_maximum(matrix.values, matrix.known, starts)
    is_ozone, captured = np.zeros(value.shape, dtype=bool), np.zeros(value.shape, dtype=np.int64)
    is_ozone[ozone], captured[ozone] = True, windows.captured
    table = grid.table(
        **grid.series_columns(matrix.stations, len(days)),
        day=grid.dates(np.tile(days, len(value))),
        averaging=pc.if_else(pa.array(is_ozone.ravel()), "max_8h", "day"),
        concentration=grid.decimals(value, known),
        concentration_rounded=grid.decimals(exact.means(total, count, step), known),
        hour_maximum=grid.decimals(highest, any_hour),
        concentration_sum=grid.decimals(means.total),
        valid_hours=means.count.ravel(),
        valid_windows=pc.if_else(pa.array(is_ozone.ravel()), pa.array(captured.ravel()), None),
        coverage=(means.count / np.diff(np.r_[starts, len(hours)])).ravel(),
        origin=grid.worst_by_series(hourly, matrix.stations, len(days), ORIGINS),
    )
    # Days before the first hour of a station and after its last are not gaps.
    heard = np.any(any_hour.reshape(len(matrix.stations), len(POLLUTANTS), -1), axis=1, keepdims=False)
    spanned = np.maximum.accumulate(heard, axis=1) & np.maximum.accumulate(heard[:, ::-1], axis=1)[:, ::-1]
    return table.filter(pa.array(np.repeat(spanned, len(POLLUTANTS), axis=0).ravel()))


@derived(
    reads={
        "days": "environment.air_daily",
        "capture": "environment.capture_minimum",
        "edition": EDITIONS,
        "breakpoint": "environment.aqi_breakpoint",
        "beyond": "environment.aqi_beyond",
        "level": "environment.aqi_level",
    },
    columns=[
        *("station", "day", "edition", "in_force", "aqi", "aqi_at_least", "index_items", "primary_pollutants"),
        *("aqi_level", "attains", "origin"),
    ],
    grain=["station", "day", "edition"],
    by_partition=True,
    period="month",
    time="day",
    key="station",
    title_zh="空气质量指数",
    title_en="Air quality index",
)
def air_index(
    slot: Slot, days: pa.Table, capture: pa.Table, edition: pa.Table, breakpoint: pa.Table, beyond: pa.Table, level: pa.Table
) -> pa.Table:
    """The AQI of each day under each edition, the one in force marked; null unless all six pollutants have a value."""
    if not len(days):
        return air_index.schema.empty_table()
    first = int(grid.day_numbers(days.column("day")).min())
    place = grid.day_numbers(days.column("day")) - first
    width = int(place.max()) + 1
    values, known = grid.gridded(days, "concentration_rounded", place, width).by_station
    hour = grid.gridded(days, "hour_maximum", place, width)
    there = np.zeros((len(hour.stations), width), dtype=bool)
    editions = periods.editions(edition, slot.calendar)
    at = pc.index_in(days.column("station"), pa.array(hour.stations)).to_numpy().astype(np.int64)
    worst = grid.worst(days.column("origin"), at, len(hour.stations), ORIGINS)
    there[at, place] = True
    in_force = standards.edition_at(np.arange(first, first + width, dtype=np.int32), editions)
    parts = []
    for number, one in enumerate(editions):
        cuts = standards.cuts_of(breakpoint.to_pylist(), beyond.to_pylist(), one.index)
        minima = standards.capture_of(capture.to_pylist(), one.name)
        bounds = sorted((r["aqi_from"], r["attains"]) for r in level.to_pylist() if r["document"] == one.index)
        lower, good = np.array([b for b, _ in bounds]), np.array([False, *(g for _, g in bounds)])
        for s, station in enumerate(hour.stations):
            sub = [index.sub_index(values[s, i], known[s, i], cuts[p, DAILY[p]]) for i, p in enumerate(POLLUTANTS)]
            o3 = POLLUTANTS.index("o3")
            hourly = exact.half_even(hour.by_station[0][s, o3], 1, exact.MILLIONTHS), hour.by_station[1][s, o3]
            sub[o3] = index.with_fallback(sub[o3], index.sub_index(*hourly, cuts["o3", "hour"]), known[s, o3])
            found = index.air_quality_index(np.array([a for a, _ in sub]), np.array([b for _, b in sub]), minima.index_items)
            levels = index.level(found.aqi, lower)
            some = found.items > 0
            table = grid.table(
                station=grid.labels([station], width),
                day=grid.dates(np.arange(first, first + width)),
                edition=grid.labels([one.name], width),
                in_force=in_force == number,
                aqi=pa.array(found.aqi, mask=~found.known),
                aqi_at_least=pa.array(found.at_least, mask=~some),
                index_items=found.items,
                primary_pollutants=pa.array(index.primary_names(found.primary, POLLUTANTS), pa.string(), mask=~found.known),
                aqi_level=pa.array(levels, mask=~found.known),
                # What is known to be bad is bad, however much is missing; good is only what is whole.
                attains=pa.array(
                    good[levels] & found.known,
                    mask=~(found.known | (some & ~good[index.level(found.at_least, lower)])),
                ),
                origin=pa.repeat(worst[s], width),
            )
            parts.append(table.filter(pa.array(there[s])))
    return pa.concat_tables(parts)


@derived(
    reads={"days": "environment.air_daily", "capture": "environment.capture_minimum", "edition": EDITIONS},
    columns=["station", "pollutant", "month", "concentration", "valid_days", "days", "coverage", "origin"],
    grain=["station", "pollutant", "month"],
    by_partition=True,
    period="month",
    time="month",
    key="station",
    title_zh="空气污染物月浓度",
    title_en="Monthly concentrations",
)
def air_monthly(slot: Slot, days: pa.Table, capture: pa.Table, edition: pa.Table) -> pa.Table:
    """Means of the daily values of each month; null where the days are too few (GB 3095, table 4)."""
    if not len(days):
        return air_monthly.schema.empty_table()
    first, length = periods.span(slot.calendar, slot.start, slot.end)
    matrix = grid.gridded(days, "concentration", grid.day_numbers(days.column("day")) - first, length)
    minima, _ = periods.minima_at(capture, edition, slot.calendar, slot.start)
    total, count = np.where(matrix.known, matrix.values, 0).sum(axis=1), matrix.known.sum(axis=1).astype(np.int64)
    month = periods.EPOCH + timedelta(days=first)
    enough = assessment.month_captured(count, np.array(month.month), minima.month_days, minima.february_days)
    return grid.table(
        **grid.series_columns(matrix.stations, 1),
        month=pa.array([month] * len(count), pa.date32()),
        concentration=grid.decimals(exact.means(total, count), enough),
        valid_days=count,
        days=np.full(len(count), length),
        coverage=count / length,
        origin=grid.worst_by_series(days, matrix.stations, 1, ORIGINS),
    )
