"""A station planned anew from now on, with the newest readings: a day ahead in quarter-hours, as advice.

What is not known yet stands in, and is told: loads by the forecast of the next day where there is one, everything else as it
was at the same hour of the day before. Stores begin as full as their readings say, else as the last plan left them, and end as
they began.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from scicity.domains.optimisation.methods import outcome
from scicity.domains.optimisation.methods.columns import HOUR, local_parts
from scicity.domains.optimisation.methods.described import STORES, SUPPLIES, WAYS, Given, station_of
from scicity.domains.optimisation.methods.hours import prices

AHEAD = 24  # hours
QUARTERS = 4
MICRO = 1_000_000
QUARTER = timedelta(minutes=15)
KNOWN, FORECAST, DAY_BEFORE = "known", "forecast", "day-before"
READING, PLANNED, EMPTY = "reading", "planned", "unknown"


class CannotPlan(Exception):  # noqa: N818  (reads as what happened)
    """A station that cannot be planned, and why."""


@dataclass(frozen=True)
class SetPoint:
    """What a unit is advised to do: `power` [kW] of its output in each step; of a store negative where it is to be filled."""

    unit: str
    carrier: str
    power: list[float]


@dataclass(frozen=True)
class Advice:
    """A plan of a station from `begin` on, in steps of a quarter of an hour.

    `basis`: of each input how many of its hours were known, forecast, or taken from the day before; `stores`: of each store how
    it is known how full it is. `cost` [CNY], `emission` [kg], None where no factor holds.
    """

    station: str
    begin: datetime
    steps: list[datetime]
    set_points: list[SetPoint]
    cost: float
    emission: float | None
    unmet: float
    basis: dict[str, dict[str, int]]
    stores: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The advice as plain values; `mode` says that it commands nothing."""
        return {
            "mode": "advisory",
            "station": self.station,
            "begin": self.begin.isoformat(),
            "step_minutes": 15,
            "cost_cny": round(self.cost, 2),
            "emission_kg": None if self.emission is None else round(self.emission, 1),
            "unmet_kwh": round(self.unmet, 1),
            "basis": self.basis,
            "stores": self.stores,
            "set_points": [
                {
                    "unit": each.unit,
                    "carrier": each.carrier,
                    "unit_of_value": "kW",
                    "values": [round(v, 3) + 0.0 for v in each.power],
                }
                for each in self.set_points
            ],
        }


def stations_of(figures: Any) -> list[str]:
    """The stations that have units."""
    return sorted({row["energy_station"] for row in figures.rows("optimisation.station_unit", ["energy_station"])})


def replanned(figures: Any, calendar: Any, station: str, at: datetime | None = None) -> Advice:
    """The advice for a station from `at` on (the hour behind the newest that is known, if None). Raises CannotPlan."""
    units = [dict(row) for row in figures.rows("optimisation.station_unit", where={"energy_station": station})]
    demands = [dict(row) for row in figures.rows("optimisation.station_demand", where={"energy_station": station})]
    if not units:
        raise CannotPlan(f"no energy station with units is called {station[:60]!r}")
    known = _known(figures, station, at)
    if not known:
        raise CannotPlan(f"{station}: nothing is known of what it must meet")
    last = min(max(series) for series in known.values())
    begin = last + HOUR if at is None else int(at.timestamp() * MICRO) // (900 * MICRO) * (900 * MICRO)
    first_hour = begin // HOUR * HOUR
    hours = first_hour + np.arange(AHEAD + 1) * HOUR
    if hours[0] - last > 2 * 24 * HOUR:
        newest = datetime.fromtimestamp(last / MICRO, UTC).astimezone(calendar.tz)
        raise CannotPlan(f"{station}: the newest hour that is known is {newest:%Y-%m-%d %H:%M}, more than two days before")
    forecast = _forecast(figures, demands, hours)
    basis: dict[str, dict[str, int]] = {}
    series = {name: _ahead(name, held, forecast.get(name, {}), hours, basis) for name, held in known.items()}
    offset = (begin - first_hour) // (900 * MICRO)
    steps = AHEAD * QUARTERS

    def quarters(values: np.ndarray) -> np.ndarray:
        return np.repeat(values, QUARTERS)[offset : offset + steps]

    months, _, of_day = local_parts(calendar, hours)
    carbon, whole = _carbon(figures, units, datetime.fromtimestamp(begin / MICRO, UTC).astimezone(calendar.tz).date())
    levels, told = _levels(figures, station, units, begin)
    given = Given(
        outside=quarters(series["outside"]),
        hour=quarters(of_day),
        hours=1.0 / QUARTERS,
        available={
            row["station_unit"]: quarters(series[row["station_unit"]]) for row in units if row["unit_kind"] in ("pv", "wind")
        },
        price={name: quarters(values) for name, values in _prices(figures, units, hours, months, of_day).items()},
        carbon={carrier: np.full(steps, value) for carrier, value in carbon.items()},
        demand={row["demand"]: quarters(series[row["demand"]]) for row in demands},
        begin=levels,
    )
    found = outcome.best(station_of(station, units, demands, given))
    course = outcome.course(found)
    short = sum(
        float(power.sum()) for unit, power in zip(course.units, course.power, strict=True) if unit.startswith(outcome.UNMET)
    )
    return Advice(
        station,
        datetime.fromtimestamp(begin / MICRO, UTC),
        [datetime.fromtimestamp((begin + at * 900 * MICRO) / MICRO, UTC) for at in range(steps)],
        set_points(units, course),
        float(course.cost.sum()),
        float(course.emission.sum()) if whole else None,
        short / QUARTERS,
        basis,
        told,
    )


def set_points(units: list[dict[str, Any]], course: outcome.Course) -> list[SetPoint]:
    """The power of each unit that can be told what to do, at its main carrier."""
    main = {}
    for row in units:
        if row["unit_kind"] in WAYS:
            main[row["station_unit"]] = WAYS[row["unit_kind"]][1]
        elif row["unit_kind"] in STORES:
            main[row["station_unit"]] = STORES[row["unit_kind"]] or row["carrier"]
    rows = zip(course.units, course.carriers, course.power, strict=True)
    return [SetPoint(unit, carrier, power.tolist()) for unit, carrier, power in rows if main.get(unit) == carrier]


def _known(figures: Any, station: str, at: datetime | None) -> dict[str, dict[int, float]]:
    """Each input and the temperature outside by hour [µs UTC], of the newest days before `at`."""
    found: dict[str, dict[int, float]] = {}
    rows = figures.rows("optimisation.input_hourly", ["unit_power"], {"energy_station": station}, ["-hour"], limit=10_000)
    for row in rows:
        found.setdefault(row["station_input"], {})[_micros(row["hour"])] = float(row["unit_power"])
    if not found:
        return {}
    outside = {}
    for row in figures.rows("optimisation.weather_used", ["air_temperature"], None, ["-hour"], limit=24 * 92):
        if row["air_temperature"] is not None:
            outside[_micros(row["hour"])] = float(row["air_temperature"])
    if not outside:
        return {}
    found["outside"] = outside
    until = None if at is None else int(at.timestamp() * MICRO) // HOUR * HOUR
    if until is not None:  # what was known then, for a plan that is made afterwards
        found = {name: {hour: value for hour, value in held.items() if hour <= until} for name, held in found.items()}
    return found if all(found.values()) else {}


def _micros(instant: datetime) -> int:
    return round(instant.timestamp()) * MICRO


def _ahead(
    name: str, held: Mapping[int, float], forecast: Mapping[int, float], hours: np.ndarray, basis: dict[str, dict[str, int]]
) -> np.ndarray:
    """An input over the hours ahead: known, forecast, or as at that hour of the newest day that knows it."""
    count = basis.setdefault(name, {})
    values = np.empty(hours.size)
    for at, hour in enumerate(hours.tolist()):
        how, found = KNOWN, held.get(hour)
        if found is None and hour in forecast:
            how, found = FORECAST, forecast[hour]
        back = hour
        while found is None:
            how, back = DAY_BEFORE, back - 24 * HOUR
            found = held.get(back)
            if hour - back > 8 * 24 * HOUR:
                raise CannotPlan(f"{name}: nothing is known of this hour of the day for a week")
        values[at] = found
        if at < AHEAD:
            count[how] = count.get(how, 0) + 1
    return values


def _forecast(figures: Any, demands: list[dict[str, Any]], hours: np.ndarray) -> dict[str, dict[int, float]]:
    """The forecast load of metered demands by hour, where the district has one."""
    found: dict[str, dict[int, float]] = {}
    for row in demands:
        if row["building"] is None:
            continue
        where = {"building": row["building"], "carrier": row["metered_carrier"]}
        try:
            rows = figures.rows("control.load_forecast", ["forecast"], where, ["-hour"], limit=48)
        except LookupError:
            return {}
        ratio = float(row["demand_ratio"])
        found[row["demand"]] = {
            _micros(each["hour"]): max(0.0, float(each["forecast"])) * ratio for each in rows if each["forecast"] is not None
        }
    return found


def _prices(
    figures: Any, units: list[dict[str, Any]], hours: np.ndarray, months: np.ndarray, of_day: np.ndarray
) -> dict[str, np.ndarray]:
    names = sorted({name for row in units for name in (row["tariff"], row["export_tariff"]) if name})
    found = {}
    for name in names:
        rows = [dict(row) for row in figures.rows("optimisation.tariff", where={"tariff": name})]
        for row in rows:
            for column in ("valid_from", "valid_to"):
                row[column] = None if row[column] is None else _micros(row[column])
        found[name] = prices(rows, hours, months, of_day)
        if not np.isfinite(found[name]).all():
            raise CannotPlan(f"tariff {name} has no price for some of these hours")
    return found


def _carbon(figures: Any, units: list[dict[str, Any]], day: Any) -> tuple[dict[str, float], bool]:
    """Carbon dioxide of a kWh by carrier on a day, and whether that of all that the station buys is known."""
    found: dict[str, float] = {}
    try:
        rows = figures.rows("carbon.factor_in_use", where={"purpose": "location_based"})
    except LookupError:
        rows = []
    for row in rows:
        holds = row["first_day"] <= day and (row["last_day"] is None or row["last_day"] >= day)
        if holds and row["factor_value"] is not None:
            found[row["carrier"]] = float(row["factor_value"])
    bought = {SUPPLIES[row["unit_kind"]] for row in units if row["unit_kind"] in SUPPLIES}
    return found, bought <= set(found)


def _levels(figures: Any, station: str, units: list[dict[str, Any]], begin: int) -> tuple[dict[str, float], dict[str, str]]:
    """How full each store is [kWh], and how that is known."""
    found: dict[str, float] = {}
    told: dict[str, str] = {}
    for row in units:
        if row["unit_kind"] not in STORES:
            continue
        name = row["station_unit"]
        level, told[name] = _level(figures, station, name, begin)
        if level is not None:
            least = float(row["least_level"] or 0.0) * float(row["storage_capacity"])
            found[name] = min(max(level, least), float(row["storage_capacity"]))
    return found, told


def _level(figures: Any, station: str, unit: str, begin: int) -> tuple[float | None, str]:
    stream = f"{station}.{unit}.storage_level"
    try:
        rows = figures.rows("reading.storage_level", ["value"], {"datastream": stream}, ["-time", "-revision"], limit=1)
    except LookupError:
        rows = []
    if rows and rows[0]["value"] is not None and begin - _micros(rows[0]["time"]) <= 2 * HOUR:
        return float(rows[0]["value"]), READING
    before = datetime.fromtimestamp(begin / MICRO, UTC) - QUARTER
    where = {"energy_station": station, "course": "plan", "station_unit": unit, "step": before}
    rows = figures.rows("optimisation.plan", ["stored_energy"], where, limit=1)
    if rows and rows[0]["stored_energy"] is not None:
        return float(rows[0]["stored_energy"]), PLANNED
    return None, EMPTY
