"""The forecast of the next day's load of every building and carrier, and how far such forecasts were off, month by month."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import pyarrow as pa

from scicity.domains.control.methods import load, told
from scicity.domains.control.methods.grid import LOADS
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

_HOURS = ("building", "carrier", "day", "hour_of_day", "energy", "estimated_energy", "coverage", "stand_in")


@derived(
    reads={"hourly": Read("energy.consumption_hourly", columns=_HOURS)},
    columns=["building", "carrier", "day", *LOADS, "stand_in"],
    grain=["building", "carrier", "day"],
    period="month",
    fine="day",
    time="day",
    by_partition=True,
    title_zh="逐日负荷曲线",
    title_en="Load curves of days",
)
def load_day(slot: Slot, hourly: pa.Table) -> pa.Table:
    """The measured load of each hour of a day, side by side; a day is told once 20 of its hours are known.

    What was estimated, or is known in part, is unknown here: forecasts learn from what was measured alone.
    """
    return told.days_of(hourly, load_day.schema)


@derived(
    reads={
        "daily": Read(
            "control.load_day",
            margin=timedelta(days=load.LOOKS_BACK + told.BEFORE),
            trace={"building": "building", "carrier": "carrier", "origin_day": "day"},
        )
    },
    columns=[
        *("building", "carrier", "hour", "day", "hour_of_day", "origin_day", "forecast", "forecast_low", "forecast_high"),
        *("yesterday_load", "last_week_load", "symbol", "origin", "stand_in"),
    ],
    grain=["building", "carrier", "hour"],
    period="year",
    time="origin_day",
    by_partition=True,
    title_zh="次日负荷预测",
    title_en="Load of the next day",
)
def load_forecast(slot: Slot, daily: pa.Table) -> pa.Table:
    """The load of each hour of the day after the newest one (of each year), from what was known when `origin_day` ended.

    The interval holds four outcomes in five if the next day is as the last four weeks were: the quantiles of the errors that
    the same forecasts made for each hour and its neighbours. Buildings and carriers of which too little is known have none.
    Method, and its errors beside those of forecasts that need none: `methods/load.py`, docs/forecasts.md, forecast_error.
    """
    return told.next_day(slot, daily, load_forecast.schema)


@derived(
    reads={
        "daily": Read(
            "control.load_day",
            margin=timedelta(days=load.LOOKS_BACK),
        )
    },
    columns=[
        *("building", "carrier", "month", "scored_hours", "mean_load", "forecast_mae", "yesterday_mae", "last_week_mae"),
        *("forecast_cv", "yesterday_cv", "last_week_cv", "relative_error", "stand_in"),
    ],
    grain=["building", "carrier", "month"],
    period="year",
    time="month",
    by_partition=True,
    title_zh="预测误差回测",
    title_en="Errors of forecasts",
)
def forecast_error(slot: Slot, daily: pa.Table) -> pa.Table:
    """How far the next day's load would have been off, forecast at every midnight of the month from what was known then.

    Beside it the errors of two forecasts that need no model: the same hour yesterday, and a week ago; all three over the same
    hours, those whose load and all three forecasts are known. `relative_error` is the mean absolute error over that of
    yesterday's. Hours that were estimated are not scored.
    """
    return told.errors(slot, daily, forecast_error.schema)


@derived(
    reads={"monthly": "control.forecast_error"},
    columns=[
        *("building", "carrier", "scored_hours", "mean_load", "forecast_mae", "yesterday_mae", "last_week_mae"),
        *("relative_error", "last_day", "stand_in"),
    ],
    grain=["building", "carrier"],
    title_zh="近十二月预测误差",
    title_en="Errors of forecasts over twelve months",
)
def forecast_skill(monthly: Any) -> Any:
    """The errors of a series' forecasts over its last twelve scored months, the hours weighing alike."""
    ranked = monthly.mutate(
        place=ibis.row_number().over(ibis.window(group_by=["building", "carrier"], order_by=ibis.desc("month")))
    )
    rows = ranked.filter(ranked.place < 12)
    hours = rows.scored_hours.cast("float64")
    sums = rows.group_by("building", "carrier").agg(
        scored_hours=rows.scored_hours.sum(),
        mean_load=(rows.mean_load * hours).sum() / hours.sum(),
        forecast_mae=(rows.forecast_mae * hours).sum() / hours.sum(),
        yesterday_mae=(rows.yesterday_mae * hours).sum() / hours.sum(),
        last_week_mae=(rows.last_week_mae * hours).sum() / hours.sum(),
        last_day=(rows.month.max() + ibis.interval(months=1) - ibis.interval(days=1)).cast("date"),
        stand_in=rows.stand_in.max(),
    )
    return sums.mutate(relative_error=sums.forecast_mae / sums.yesterday_mae.nullif(0.0))
