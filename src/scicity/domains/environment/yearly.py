"""Years of air: means, good days of valid days, attainment of the limits of each edition."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.environment.methods import assessment, exact, grid, periods, standards
from scicity.domains.environment.methods.standards import POLLUTANTS
from scicity.kernel.computing import Slot
from scicity.kernel.district import ORIGINS
from scicity.kernel.tables import Read, derived

GRADES = (1, 2)
EDITIONS = Read("environment.edition")


@derived(
    reads={"days": "environment.air_daily", "capture": "environment.capture_minimum", "edition": EDITIONS},
    columns=[
        *("station", "pollutant", "year", "concentration", "concentration_of_valid_days", "concentration_of_hours"),
        *("valid_hours", "valid_days", "days", "short_months", "coverage", "origin"),
    ],
    grain=["station", "pollutant", "year"],
    by_partition=True,
    period="year",
    time="year",
    key="station",
    title_zh="空气污染物年浓度",
    title_en="Yearly concentrations",
)
def air_yearly(slot: Slot, days: pa.Table, capture: pa.Table, edition: pa.Table) -> pa.Table:
    """Yearly means: of the daily values where they are enough (GB 3095, table 4), of those there are, and of all hours."""
    if not len(days):
        return air_yearly.schema.empty_table()
    first, length = periods.span(slot.calendar, slot.start, slot.end)
    place = grid.day_numbers(days.column("day")) - first
    matrix = grid.gridded(days, "concentration", place, length)
    hours_sum = grid.gridded(days, "concentration_sum", place, length)
    counted = days.append_column("hours", days.column("valid_hours").cast(pa.int32()).cast(grid.EXACT))
    hours = grid.gridded(counted, "hours", place, length).values.sum(axis=1) // exact.MILLIONTHS
    total, count = np.where(matrix.known, matrix.values, 0).sum(axis=1), matrix.known.sum(axis=1).astype(np.int64)
    minima, _ = periods.minima_at(capture, edition, slot.calendar, slot.start)
    enough, short = periods.year_captured(matrix, first, minima)
    mean = exact.means(total, count)
    return grid.table(
        **grid.series_columns(matrix.stations, 1),
        year=np.full(len(count), int(slot.part.period)),
        concentration=grid.decimals(mean, enough),
        concentration_of_valid_days=grid.decimals(mean, count > 0),
        concentration_of_hours=grid.decimals(exact.means(hours_sum.values.sum(axis=1), hours), hours > 0),
        valid_hours=hours,
        valid_days=count,
        days=np.full(len(count), length),
        short_months=short,
        coverage=count / length,
        origin=grid.worst_by_series(days, matrix.stations, 1, ORIGINS),
    )


@derived(
    reads={"days": "environment.air_index", "level": "environment.aqi_level", "edition": EDITIONS},
    columns=[
        *("station", "year", "edition", "in_force", "good_days", "valid_days", "good_day_share", "certain_bad_days"),
        *("days", "coverage", "origin"),
    ],
    grain=["station", "year", "edition"],
    by_partition=True,
    period="year",
    time="year",
    key="station",
    title_zh="优良天数",
    title_en="Good days",
)
def air_good_days(slot: Slot, days: pa.Table, level: pa.Table, edition: pa.Table) -> pa.Table:
    """Good days (AQI at most 100) of the valid days of each year, under each edition; both counts stand beside the share."""
    if not len(days):
        return air_good_days.schema.empty_table()
    _, length = periods.span(slot.calendar, slot.start, slot.end)
    found, group = grid.groups_of(days, ["station", "edition"])
    valid = pc.is_valid(days.column("aqi")).to_numpy()
    attains = pc.fill_null(days.column("attains"), True).to_numpy()
    valid_days, good, bad = (
        np.bincount(group[mask], minlength=len(found)).astype(np.int64) for mask in (valid, valid & attains, ~attains)
    )
    last = periods.edition_name(edition, slot.calendar, slot.end - 1)
    share, some = assessment.share(good, valid_days)
    return grid.table(
        station=found.column("station"),
        year=np.full(len(found), int(slot.part.period)),
        edition=found.column("edition"),
        in_force=pc.equal(found.column("edition"), last),
        good_days=good,
        valid_days=valid_days,
        good_day_share=grid.decimals(share, some),
        certain_bad_days=bad,
        days=np.full(len(found), length),
        coverage=valid_days / length,
        origin=grid.worst(days.column("origin"), group, len(found), ORIGINS),
    )


@derived(
    reads={
        "days": "environment.air_daily",
        "capture": "environment.capture_minimum",
        "edition": EDITIONS,
        "limit": "environment.air_limit",
        "rounding": "environment.rounding",
        "percentile": "environment.percentile",
    },
    columns=[
        *("station", "pollutant", "year", "edition", "limit_grade", "averaging", "percentile", "in_force"),
        *("concentration", "concentration_rounded", "concentration_limit", "attainment", "valid_days", "coverage", "origin"),
    ],
    grain=["station", "pollutant", "year", "edition", "limit_grade", "averaging"],
    by_partition=True,
    period="year",
    time="year",
    key="station",
    title_zh="年度达标评价",
    title_en="Attainment of the yearly limits",
)
def air_attainment(
    slot: Slot,
    days: pa.Table,
    capture: pa.Table,
    edition: pa.Table,
    limit: pa.Table,
    rounding: pa.Table,
    percentile: pa.Table,
) -> pa.Table:
    """The yearly mean, and the percentile of the daily values, against the limits of each edition and grade (HJ 663)."""
    if not len(days):
        return air_attainment.schema.empty_table()
    first, length = periods.span(slot.calendar, slot.start, slot.end)
    matrix = grid.gridded(days, "concentration", grid.day_numbers(days.column("day")) - first, length)
    minima, _ = periods.minima_at(capture, edition, slot.calendar, slot.start)
    enough, _ = periods.year_captured(matrix, first, minima)
    count = matrix.known.sum(axis=1).astype(np.int64)
    total = np.where(matrix.known, matrix.values, 0).sum(axis=1)
    series, _ = np.nonzero(matrix.known)
    values = matrix.values[matrix.known]
    last = periods.edition_name(edition, slot.calendar, slot.end - 1)
    origin = grid.worst_by_series(days, matrix.stations, 1, ORIGINS)
    tiles = len(matrix.stations)

    @cache
    def statistic(percent: int | None, step: int) -> exact.Integers:
        """The yearly mean of each series, or a percentile of its daily values, rounded to a multiple of `step`."""
        if percent is None:
            return exact.means(total, count, step)
        return assessment.percentiles(values, series, len(count), percent, step)[0]

    parts = []
    for one in periods.editions(edition, slot.calendar):
        steps = standards.steps_of(rounding.to_pylist(), one.name, "year")
        listed = [row for row in percentile.to_pylist() if row["edition"] == one.name]
        percents = {(row["pollutant"], row["averaging"]): row["percentile"] for row in listed}
        for grade in GRADES:
            for (pollutant, averaging), bound in standards.limits_of(limit.to_pylist(), one.name, grade).items():
                percent = percents.get((pollutant, averaging))
                if averaging != "year" and percent is None:
                    continue  # hourly limits are no yearly statistic
                mine = np.arange(POLLUTANTS.index(pollutant), len(count), len(POLLUTANTS))
                value, judged = statistic(percent, 1), statistic(percent, steps[pollutant])
                bounds = np.full(tiles, bound)
                verdict = assessment.attainment(judged[mine], enough[mine], bounds, np.ones(tiles, dtype=bool))
                parts.append(
                    grid.table(
                        station=pa.array(matrix.stations, pa.string()),
                        pollutant=grid.labels([pollutant], tiles),
                        year=np.full(tiles, int(slot.part.period)),
                        edition=grid.labels([one.name], tiles),
                        limit_grade=np.full(tiles, grade),
                        averaging=grid.labels([averaging], tiles),
                        percentile=pa.array([percent] * tiles, pa.int64()),
                        in_force=np.full(tiles, one.name == last),
                        concentration=grid.decimals(value[mine], count[mine] > 0),
                        concentration_rounded=grid.decimals(judged[mine], count[mine] > 0),
                        concentration_limit=grid.decimals(bounds),
                        attainment=verdict.tolist(),
                        valid_days=count[mine],
                        coverage=count[mine] / length,
                        origin=origin.take(pa.array(mine)),
                    )
                )
    return pa.concat_tables(parts)
