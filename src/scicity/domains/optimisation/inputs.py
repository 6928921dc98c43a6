"""What stations meet: the weather, what is metered, and from these each demand and what PV and wind can give, hour by hour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.optimisation.methods import load, sun, wind
from scicity.domains.optimisation.methods.cases import in_horizon
from scicity.domains.optimisation.methods.columns import decimals, grouped_means, local_parts, moments, newest, words
from scicity.kernel.calendar import micros
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

QUANTITIES = ("air_temperature", "wind_speed", "global_irradiance")
OF_READING = ("datastream", "time", "value", "revision")
PLANNED = 92  # the newest days that are planned day by day; design looks at a year
ENOUGH_HOURS = load.KNOWN_HOURS
CALM = 1.5  # [m/s] taken for the wind that cools panels where none is known


@derived(
    reads={
        **{name: Read(f"reading.{name}", columns=OF_READING) for name in QUANTITIES},
        "streams": Read("district.datastream", columns=("datastream", "thing", "property", "origin")),
        "stations": Read("optimisation.energy_station", columns=("energy_station", "weather_station")),
    },
    columns=["hour", "day", *QUANTITIES, "stand_in"],
    grain=["hour"],
    period="month",
    time="hour",
    by_partition=True,
    title_zh="逐时天气",
    title_en="Weather by hour",
)
def weather_hourly(slot: Slot, streams: pa.Table, stations: pa.Table, **readings: pa.Table) -> pa.Table:
    """Temperature, wind and sunlight of each local hour: the mean of what the things said that energy stations name for it.

    A reading is about the interval that begins at its time. Of several revisions of a reading the newest counts.
    """
    if not stations.num_rows:
        return weather_hourly.schema.empty_table()
    hours, days = slot.calendar.hours(slot.start, slot.end)
    named = {row["weather_station"] for row in stations.to_pylist()}
    own = [row for row in streams.to_pylist() if row["thing"] in named and row["property"] in QUANTITIES]
    borrowed = {row["datastream"] for row in own if row["origin"] == "stand-in"}
    columns, any_known, stand_in = {}, np.zeros(hours.size, bool), np.zeros(hours.size, bool)
    for name in QUANTITIES:
        mine = pa.array([row["datastream"] for row in own], pa.string())
        names, times, values = newest(readings[name].filter(pc.is_in(readings[name].column("datastream"), mine)))
        place = np.searchsorted(hours, times, side="right") - 1
        columns[name] = grouped_means(values, place, hours.size)
        any_known |= np.isfinite(columns[name])
        if borrowed:
            stand_in[place[np.isin(names, list(borrowed))]] = True
    return pa.table(
        {
            "hour": moments(hours),
            "day": pa.array(days).cast(pa.date32()),
            **{name: pa.array(values, from_pandas=True) for name, values in columns.items()},
            "stand_in": pa.array(stand_in),
        }
    ).filter(pa.array(any_known))


@derived(
    reads={"weather": "optimisation.weather_hourly"},
    columns=["calendar_day", "hour_of_day", "hour", *QUANTITIES],
    grain=["calendar_day", "hour_of_day"],
    by_partition=True,
    title_zh="替代天气",
    title_en="Weather to stand in",
)
def weather_of_date(slot: Slot, weather: pa.Table) -> pa.Table:
    """Of each hour of the calendar the weather of the newest year that knows its temperature: it stands in where one has none.

    One real day after another, not means, as a mean of years has neither cold nights nor still days. The month that is under
    way does not count yet, so that what comes just now changes nothing here.
    """
    known = weather.filter(pc.is_valid(weather.column("air_temperature")))
    hours = micros(known.column("hour")) if known.num_rows else np.empty(0, np.int64)
    if hours.size:
        done = hours < slot.calendar.bounds(str(slot.calendar.periods(hours.max(keepdims=True), "month")[0]))[0]
        known, hours = known.filter(pa.array(done)), hours[done]
    _, dates, of_day = local_parts(slot.calendar, hours)
    order = np.argsort(hours, kind="stable")
    key = (dates * 100 + of_day)[order]
    unique, back = np.unique(key[::-1], return_index=True)
    rows = known.take(pa.array(order[::-1][back]))
    names = [f"{date // 100:02d}-{date % 100:02d}" for date in (unique // 100).tolist()]
    return pa.table(
        {
            "calendar_day": pa.array(names, pa.string()),
            "hour_of_day": pa.array(unique % 100),
            **{name: rows.column(name) for name in ("hour", *QUANTITIES)},
        }
    )


@derived(
    reads={
        "hourly": Read(
            "energy.consumption_hourly",
            columns=("building", "carrier", "hour", "day", "energy", "known_seconds", "expected_seconds", "stand_in"),
        ),
        "demands": Read(
            "optimisation.station_demand",
            columns=("energy_station", "demand", "building", "metered_carrier", "demand_ratio", "origin"),
            trace={"energy_station": "energy_station", "demand": "demand"},
        ),
    },
    columns=["energy_station", "demand", "building", "carrier", "hour", "day", "energy", "stand_in"],
    grain=["energy_station", "demand", "hour"],
    period="month",
    time="day",
    title_zh="实测负荷",
    title_en="Demands as metered",
)
def metered_demand(hourly: Any, demands: Any) -> Any:
    """Energy that a station's demand takes in an hour: what the building's meters show, times the demand's ratio.

    An hour of which a part is unknown is unknown. A building that gives back more than it takes has no demand.
    """
    metered = demands.filter(demands.building.notnull()).rename(of="building", its="origin")
    rows = hourly.inner_join(metered, [hourly.building == metered.of, hourly.carrier == metered.metered_carrier])
    whole = rows.known_seconds >= rows.expected_seconds
    energy = ibis.greatest(rows.energy * rows.demand_ratio.cast("decimal(18, 6)"), ibis.literal(0).cast("decimal(18, 6)"))
    return rows.select(
        "energy_station",
        "demand",
        "building",
        "carrier",
        "hour",
        "day",
        energy=ibis.ifelse(whole, energy, ibis.null("decimal(18, 6)")).cast("decimal(18, 6)"),
        stand_in=rows.stand_in | (rows.its == "stand-in"),
    )


@derived(
    reads={
        "weather": Read("optimisation.weather_hourly", columns=("hour", "day", "air_temperature")),
        "metered": Read("optimisation.metered_demand", columns=("energy_station", "demand", "day", "energy")),
    },
    columns=["last_day", "first_day", "design_year"],
    grain=["last_day"],
    title_zh="规划期",
    title_en="Days that are planned",
)
def horizon(weather: Any, metered: Any) -> Any:
    """The newest day with data, from which day on plans are made, and the newest whole year, for which stations are designed.

    A day counts that knows 18 hours of a demand that is metered (where nothing is metered, of the temperature), once it is
    over: it knows all 24, or a later one has begun. So what comes during a day plans nothing anew.
    """

    def over(rows: Any) -> Any:
        return rows.filter((rows.hours >= ENOUGH_HOURS) & ((rows.hours >= 24) | (rows.day < rows.newest)))

    met = metered.mutate(newest=metered.day.max().over()).filter(metered.energy.notnull())
    met = met.group_by("energy_station", "demand", "day", "newest").agg(hours=met.count())
    felt = weather.mutate(newest=weather.day.max().over()).filter(weather.air_temperature.notnull())
    felt = felt.group_by("day", "newest").agg(hours=felt.count())
    days = over(met).agg(metered_last=lambda t: t.day.max())
    both = days.cross_join(over(felt).agg(felt_last=lambda t: t.day.max()))
    last = ibis.coalesce(both.metered_last, both.felt_last)
    both = both.mutate(last_day=last).filter(last.notnull())
    year = (both.last_day + ibis.interval(days=1)).year().cast("int64") - 1
    return both.select(last_day=both.last_day, first_day=both.last_day - ibis.interval(days=PLANNED - 1), design_year=year)


_PLACES = Read("optimisation.energy_station", columns=("energy_station", "longitude", "latitude"))


@derived(
    reads={
        "weather": Read("optimisation.weather_hourly"),
        "metered": Read("optimisation.metered_demand", columns=("day",), trace={"day": "day"}),
        "dates": Read("optimisation.weather_of_date"),
        "horizon": "optimisation.horizon",
        "stations": _PLACES,
    },
    columns=["hour", "day", *QUANTITIES, "origin", "stand_in"],
    grain=["hour"],
    period="month",
    time="hour",
    by_partition=True,
    title_zh="规划所用天气",
    title_en="Weather that plans take",
)
def weather_used(
    slot: Slot, weather: pa.Table, metered: pa.Table, dates: pa.Table, horizon: pa.Table, stations: pa.Table
) -> pa.Table:
    """The weather of every hour that is planned: as measured, or else that of the same date of the newest year that has it.

    Where no sensor tells the sunlight it is modelled from the day's range of temperature (FAO-56, equation 50) in the shape of
    a clear sky at the middle of the stations.
    """
    hours, days = slot.calendar.hours(slot.start, slot.end)
    wanted = in_horizon(days, horizon)
    hours, days = hours[wanted], days[wanted]
    if not hours.size or not stations.num_rows:
        return weather_used.schema.empty_table()
    values, known = _measured(weather, hours)
    _, date, of_day = local_parts(slot.calendar, hours)
    other = _of_dates(dates, date, of_day)
    columns = {name: np.where(np.isfinite(values[name]), values[name], other[name]) for name in QUANTITIES}
    borrowed = ~np.isfinite(values["air_temperature"]) | known
    origin = np.where(borrowed, "stand-in", "measured").astype(object)
    columns["wind_speed"] = np.where(np.isfinite(columns["wind_speed"]), columns["wind_speed"], CALM)
    dark = ~np.isfinite(columns["global_irradiance"])
    place = middle(stations)
    if dark.any() and place is not None:
        felt = columns["air_temperature"]
        whole = np.isfinite(felt)
        guessed = np.where(whole, felt, np.nanmean(felt) if whole.any() else 0.0)
        modelled = sun.from_temperatures(sun.sky(hours, *place), guessed, days)
        columns["global_irradiance"] = np.where(dark & whole, modelled, columns["global_irradiance"])
        origin[dark & ~borrowed] = "modelled"
    return pa.table(
        {
            "hour": moments(hours),
            "day": pa.array(days).cast(pa.date32()),
            **{name: pa.array(column, from_pandas=True) for name, column in columns.items()},
            "origin": pa.array(origin.tolist(), pa.string()),
            "stand_in": pa.array(borrowed),
        }
    )


def middle(stations: pa.Table) -> tuple[float, float] | None:
    """Latitude and longitude of the middle of the stations whose place is known; None where none is."""
    rows = [(row["latitude"], row["longitude"]) for row in stations.to_pylist()]
    known = [row for row in rows if None not in row]
    return (float(np.mean([a for a, _ in known])), float(np.mean([b for _, b in known]))) if known else None


def _measured(weather: pa.Table, hours: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What was measured in each hour (NaN where nothing was), and whether that is borrowed from elsewhere."""
    at = np.searchsorted(hours, micros(weather.column("hour"))) if weather.num_rows else np.empty(0, int)
    there = at < hours.size
    if weather.num_rows:
        there &= hours[np.minimum(at, hours.size - 1)] == micros(weather.column("hour"))
    found = {}
    for name in QUANTITIES:
        found[name] = np.full(hours.size, np.nan)
        found[name][at[there]] = weather.column(name).to_numpy(zero_copy_only=False).astype(float)[there]
    borrowed = np.zeros(hours.size, bool)
    borrowed[at[there]] = weather.column("stand_in").to_numpy(zero_copy_only=False).astype(bool)[there]
    return found, borrowed


def _of_dates(dates: pa.Table, date: np.ndarray, of_day: np.ndarray) -> dict[str, np.ndarray]:
    """The weather that stands in for each hour; NaN where no year has it (29 February takes the 28th)."""
    table: dict[str, np.ndarray] = {name: np.full((1300, 24), np.nan) for name in QUANTITIES}
    names = dates.column("calendar_day").to_pylist()
    rows = np.array([int(name[:2]) * 100 + int(name[3:]) for name in names], dtype=int)
    hours = dates.column("hour_of_day").to_numpy().astype(int)
    for name, grid in table.items():
        grid[rows, hours] = dates.column(name).to_numpy(zero_copy_only=False).astype(float)
        grid[229] = np.where(np.isfinite(grid[229]), grid[229], grid[228])
    return {name: grid[date, of_day] for name, grid in table.items()}


@derived(
    reads={
        "weather": Read("optimisation.weather_used", columns=("hour", "day", *QUANTITIES, "stand_in")),
        "metered": Read(
            "optimisation.metered_demand", columns=("energy_station", "demand", "hour", "day", "energy", "stand_in")
        ),
        "stations": _PLACES,
        "units": Read(
            "optimisation.station_unit",
            columns=(
                *("energy_station", "station_unit", "unit_kind", "capacity", "tilt", "azimuth", "temperature_coefficient"),
                *("system_loss", "inverter_capacity", "hub_height", "cut_in_speed", "rated_speed", "cut_out_speed", "origin"),
            ),
            trace={"energy_station": "energy_station", "station_input": "station_unit"},
        ),
        "demands": Read("optimisation.station_demand", trace={"energy_station": "energy_station", "station_input": "demand"}),
    },
    columns=["energy_station", "station_input", "hour", "day", "input_kind", "unit_power", "origin", "stand_in"],
    grain=["energy_station", "station_input", "hour"],
    period="month",
    time="day",
    by_partition=True,
    title_zh="能源站逐时输入",
    title_en="Inputs of stations by hour",
)
def input_hourly(
    slot: Slot, weather: pa.Table, metered: pa.Table, stations: pa.Table, units: pa.Table, demands: pa.Table
) -> pa.Table:
    """What each station must meet and what its PV and wind can give [kW], hour by hour of the days that are planned.

    Demands as metered; hours that are missing are filled by the month's mean of that hour (`estimated`) where the day knows 18
    others. What nothing meters is a profile of the floor area by the outside temperature (`modelled`). PV by pvlib, wind by a
    power curve.
    """
    if not weather.num_rows:
        return input_hourly.schema.empty_table()
    weather = weather.sort_by("hour")
    hours = micros(weather.column("hour"))
    felt, windy, level = (weather.column(name).to_numpy(zero_copy_only=False).astype(float) for name in QUANTITIES)
    _, date, of_day = local_parts(slot.calendar, hours)
    borrowed = weather.column("stand_in").to_numpy(zero_copy_only=False)
    told = _metered(metered, hours)
    found: list[tuple[str, str, str, np.ndarray, np.ndarray, np.ndarray]] = []
    for row in demands.to_pylist():
        key = (row["energy_station"], row["demand"])
        if row["building"] is not None:
            values, stands = told.get(key, (np.full(hours.size, np.nan), np.zeros(hours.size, bool)))
            values, guessed = load.filled(values, of_day)
            origin = np.where(guessed > 0, "estimated", row["origin"])
            stands = stands | (row["origin"] == "stand-in")
        else:
            values = load.profile(row, felt, date, of_day)
            origin = np.full(hours.size, "stand-in" if row["origin"] == "stand-in" else "modelled")
            stands = borrowed | (row["origin"] == "stand-in")
        found.append((*key, "demand", values, origin, stands))
    places = {row["energy_station"]: (row["latitude"], row["longitude"]) for row in stations.to_pylist()}
    for row in units.to_pylist():
        values = _available(row, places[row["energy_station"]], hours, felt, windy, level)
        if values is not None:
            stands = borrowed | (row["origin"] == "stand-in")
            found.append(
                (row["energy_station"], row["station_unit"], "available", values, np.full(hours.size, "modelled"), stands)
            )
    found.sort(key=lambda each: each[:2])
    return _input_table(found, weather)


def _metered(metered: pa.Table, hours: np.ndarray) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    found: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}
    if not metered.num_rows:
        return found
    names = list(zip(metered.column("energy_station").to_pylist(), metered.column("demand").to_pylist(), strict=True))
    keys = {key: at for at, key in enumerate(dict.fromkeys(names))}
    which = np.array([keys[name] for name in names])
    at = np.searchsorted(hours, micros(metered.column("hour")))
    there = (at < hours.size) & (hours[np.minimum(at, hours.size - 1)] == micros(metered.column("hour")))
    energy = metered.column("energy").cast(pa.float64()).to_numpy(zero_copy_only=False)
    stands = metered.column("stand_in").to_numpy(zero_copy_only=False).astype(bool)
    values, borrowed = np.full((len(keys), hours.size), np.nan), np.zeros((len(keys), hours.size), bool)
    values[which[there], at[there]] = energy[there]
    borrowed[which[there], at[there]] = stands[there]
    return {key: (values[at], borrowed[at]) for key, at in keys.items()}


def _available(
    row: Mapping[str, Any],
    place: Sequence[float | None],
    hours: np.ndarray,
    felt: np.ndarray,
    windy: np.ndarray,
    level: np.ndarray,
) -> np.ndarray | None:
    """What PV or wind can give [kW]; None for what is neither."""
    if row["unit_kind"] == "wind":
        speeds = (row["cut_in_speed"], row["rated_speed"], row["cut_out_speed"])
        return wind.wind_power(windy, row["capacity"], row["hub_height"], *speeds)
    if row["unit_kind"] != "pv":
        return None
    latitude, longitude = place
    if latitude is None or longitude is None:
        return np.full(hours.size, np.nan)
    usual = sun.Panel(row["capacity"], row["tilt"], row["azimuth"])
    told = {"coefficient": "temperature_coefficient", "loss": "system_loss", "inverter": "inverter_capacity"}
    panel = usual._replace(**{name: row[column] for name, column in told.items() if row[column] is not None})
    known = np.isfinite(level) & np.isfinite(felt)
    power = sun.pv_power(
        panel, sun.sky(hours, latitude, longitude), np.where(known, level, 0.0), np.where(known, felt, 20.0), windy
    )
    return np.where(known, power, np.nan)


def _input_table(found: Iterable[tuple[str, str, str, np.ndarray, np.ndarray, np.ndarray]], weather: pa.Table) -> pa.Table:
    rows = list(found)
    count, length = len(rows), weather.num_rows
    if not count:
        return input_hourly.schema.empty_table()
    values = np.concatenate([row[3] for row in rows])
    each = np.repeat(np.arange(count), length)
    table = pa.table(
        {
            "energy_station": words([row[0] for row in rows], each),
            "station_input": words([row[1] for row in rows], each),
            "hour": pa.concat_arrays([weather.column("hour").combine_chunks()] * count),
            "day": pa.concat_arrays([weather.column("day").combine_chunks()] * count),
            "input_kind": words([row[2] for row in rows], each),
            "unit_power": decimals(values),
            "origin": pa.array(np.concatenate([row[4] for row in rows]).astype(str).tolist(), pa.string()),
            "stand_in": pa.array(np.concatenate([row[5] for row in rows]).astype(bool)),
        }
    )
    return table.filter(pa.array(np.isfinite(values)))
