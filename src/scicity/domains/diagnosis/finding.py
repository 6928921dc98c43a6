"""Tables of anomalies: the shape of each day, what is usual, what stands out, and what it is worth."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from scicity.domains.diagnosis.baselines import CONTEXT, LIMITS, days_of, limits_of, rests_of, skies
from scicity.domains.diagnosis.methods import frames, usual
from scicity.domains.diagnosis.methods.arrays import Floats
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

HEAT = ("natural_gas", "heat")
PLACED = "electricity"  # the carrier whose nights and rest days are judged


@derived(
    reads={
        "hourly": Read(
            "energy.consumption_hourly",
            columns=(
                *("building", "carrier", "hour", "day", "hour_of_day", "energy", "known_seconds", "expected_seconds"),
                "stand_in",
            ),
        ),
        "limits": LIMITS,
    },
    columns=[
        *("building", "carrier", "day", "energy", "day_hours", "night_load", "night_hours", "work_load", "work_hours"),
        "stand_in",
    ],
    grain=["building", "carrier", "day"],
    period="month",
    time="day",
    title_zh="逐日负荷形状",
    title_en="Shape of days",
)
def shape_daily(hourly: Any, limits: Any) -> Any:
    """The mean load of a day's night and of its working hours, from the hours that are known whole."""
    hours = limits.agg(
        **{
            rule: limits.threshold.max(where=limits.rule == rule).cast("int64")
            for rule in ("night_from", "night_to", "work_from", "work_to")
        }
    )
    rows = hourly.filter(hourly.known_seconds >= hourly.expected_seconds, hourly.energy.notnull()).cross_join(hours)
    load = rows.energy.cast("float64")
    night = (rows.hour_of_day >= rows.night_from) & (rows.hour_of_day < rows.night_to)
    work = (rows.hour_of_day >= rows.work_from) & (rows.hour_of_day < rows.work_to)
    return rows.group_by("building", "carrier", "day").agg(
        energy=rows.energy.sum(),
        day_hours=rows.count(),
        night_load=load.mean(where=night),
        night_hours=night.cast("int64").sum(),
        work_load=load.mean(where=work),
        work_hours=work.cast("int64").sum(),
        stand_in=rows.stand_in.max(),
    )


@derived(
    reads={"shapes": "diagnosis.shape_daily", **CONTEXT},
    columns=[
        *("building", "carrier", "day", "rest", "night_load", "usual_night", "night_limit", "night_hours", "work_load"),
        *("usual_rest", "rest_limit", "work_hours", "weather_stream", "stand_in"),
    ],
    grain=["building", "carrier", "day"],
    period="year",
    time="day",
    by_partition=True,
    title_zh="夜间与休息日负荷",
    title_en="Nights and rest days",
)
def load_daily(slot: Slot, shapes: pa.Table, limits: pa.Table, rests: pa.Table, **context: pa.Table) -> pa.Table:
    """The load of each night and of the working hours of each rest day, what is usual for a day as warm, and the limit.

    For electricity alone: gas and heat follow the weather, and their nights are judged by their baselines.
    """
    shapes = shapes.filter(pa.array([name == PLACED for name in shapes.column("carrier").to_pylist()], pa.bool_()))
    first, length = days_of(slot)
    rule, number = limits_of(limits), np.arange(first, first + length)
    names, which = frames.series(shapes, ["building", "carrier"])
    day = frames.day_numbers(shapes)
    loads = {
        column: frames.by_day(frames.numbers(shapes, column), which, day, len(names), first, length)
        for column in ("night_load", "work_load")
    }
    rest = frames.rest_days(number, rests_of(rests))
    kind = frames.kinds(number, rest)
    warmth = frames.temperatures(context["weather"], first, length)
    told = {name: np.full((len(names), length), np.nan) for name in ("usual_night", "night_limit", "usual_rest", "rest_limit")}
    streams = np.full(len(names), None, dtype=object)
    for stream, members in skies(names, warmth, context["choices"], context["buildings"]).items():
        streams[members] = stream
        mean = day_means(warmth[stream]) if stream in warmth else np.full(length, np.nan)
        night = usual.nights(loads["night_load"][members], (kind > 0).astype(np.int64), mean, rule)
        work = usual.rests(loads["work_load"][members], kind, mean, rule)
        told["usual_night"][members], told["night_limit"][members] = night.usual, night.limit
        told["usual_rest"][members], told["rest_limit"][members] = work.usual, work.limit
    place = day - first
    kept = (place >= 0) & (place < length)
    rows = shapes.filter(pa.array(kept))
    which, place = which[kept], place[kept]
    found = rows.append_column("rest", pa.array(rest[place]))
    found = found.append_column("weather_stream", pa.array(streams[which], pa.string()))
    for name, table in told.items():
        value = table[which, place]
        found = found.append_column(name, pa.array(value, mask=~np.isfinite(value)))
    return found.select(load_daily.schema.names)


def day_means(temperature: Floats) -> Floats:
    """Mean temperatures of days (D,) from those of hours (D, 24); NaN where none is known."""
    count = np.isfinite(temperature).sum(axis=1)
    mean: Floats = np.where(count > 0, np.nan_to_num(temperature).sum(axis=1) / np.maximum(count, 1), np.nan)
    return mean


@derived(
    reads={
        "hourly": Read(
            "energy.consumption_hourly",
            columns=("building", "carrier", "hour", "day", "energy", "known_seconds", "expected_seconds", "stand_in"),
        ),
        "models": Read("diagnosis.baseline", columns=("building", "carrier", "year", "weather_stream", "accepted")),
        "parts": Read("diagnosis.baseline_part", columns=("building", "carrier", "year", "cooling_point", "cooling_slope")),
        "weather": Read("diagnosis.weather_hourly", columns=("datastream", "hour", "day", "air_temperature")),
        "limits": LIMITS,
    },
    columns=["building", "carrier", "day", "heat_load", "warm_hours", "cooling_point", "stand_in"],
    grain=["building", "carrier", "day"],
    period="month",
    time="day",
    title_zh="制冷时段的供热",
    title_en="Heat in warm hours",
)
def warm_heat_daily(hourly: Any, models: Any, parts: Any, weather: Any, limits: Any) -> Any:
    """Gas and heat that a building used in the hours warmer than the point above which its electricity cools.

    Only of buildings whose electricity has an accepted baseline with cooling; the point is the warmest of the year's,
    and not below the limit `warm_from`: what rises with a mild day is no cooling.
    """
    sure = models.filter(models.accepted, models.carrier == PLACED).select("building", "year", datastream="weather_stream")
    cooled = parts.filter(parts.carrier == PLACED, parts.cooling_slope > 0)
    points = cooled.group_by("building", "year").agg(cooling_point=cooled.cooling_point.max())
    least = limits.agg(warm_from=limits.threshold.max(where=limits.rule == "warm_from"))
    points = points.cross_join(least)
    points = points.mutate(cooling_point=ibis.greatest(points.cooling_point, points.warm_from)).drop("warm_from")
    known = sure.inner_join(points, ["building", "year"])
    heat = hourly.filter(hourly.carrier.isin(HEAT), hourly.known_seconds >= hourly.expected_seconds)
    rows = heat.mutate(year=heat.day.year().cast("int64")).inner_join(known, ["building", "year"])
    rows = rows.inner_join(weather.select("datastream", "hour", "air_temperature"), ["datastream", "hour"])
    rows = rows.filter(rows.air_temperature > rows.cooling_point)
    return rows.group_by("building", "carrier", "day").agg(
        heat_load=rows.energy.cast("float64").mean(),
        warm_hours=rows.count(),
        cooling_point=rows.cooling_point.max(),
        stand_in=rows.stand_in.max(),
    )
