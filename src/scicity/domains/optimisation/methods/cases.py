"""Stations over some days: their rows, what they meet hour by hour, and what is missing of each day.

Source: none; the shapes are those of `described.Given`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from scicity.domains.optimisation.methods.columns import local_parts
from scicity.domains.optimisation.methods.described import SUPPLIES, Given
from scicity.domains.optimisation.methods.hours import prices
from scicity.kernel.calendar import Calendar, micros

EPOCH = date(1970, 1, 1)
LOCATION_BASED = "location_based"
SWITCHED_DAYS = 31  # the newest days that are planned of a station whose units can be off: whole numbers take longer
MICRO = 1_000_000


@dataclass(frozen=True)
class Case:
    """A station over some local days: its rows, what it meets by the hour, and what is missing of each day."""

    name: str
    units: list[dict[str, Any]]
    demands: list[dict[str, Any]]
    hours: np.ndarray  # [µs UTC]
    days: np.ndarray  # [days since 1970] of each hour
    given: Given
    stand_in: np.ndarray
    missing: dict[int, str]
    carbon_known: np.ndarray

    @property
    def switched(self) -> bool:
        """Whether a unit asks for whole numbers."""
        return any(
            row["least_load"] or row["least_hours_on"] or row["least_hours_off"] or row["start_cost"] for row in self.units
        )

    def cut(self, part: slice, steps: int) -> Given:
        """What it meets in some hours, each of `steps` steps."""

        def of(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {name: np.repeat(series[part], steps) for name, series in values.items()}

        whole = self.given
        return Given(
            outside=np.repeat(whole.outside[part], steps),
            hour=np.repeat(whole.hour[part], steps),
            hours=1.0 / steps,
            available=of(whole.available),
            price=of(whole.price),
            carbon=of(whole.carbon),
            demand=of(whole.demand),
        )

    def by_day(self) -> Iterator[tuple[int, slice]]:
        """The days [since 1970] and the hours of each."""
        days, first = np.unique(self.days, return_index=True)
        for day, a, b in zip(days.tolist(), first.tolist(), [*first[1:].tolist(), self.days.size], strict=True):
            yield day, slice(a, b)


def cases(calendar: Calendar, tables: Mapping[str, pa.Table]) -> list[Case]:
    """The stations that have units, with what they meet in the hours whose weather is told."""
    weather = tables["weather"].sort_by("hour")
    if not weather.num_rows or not tables["units"].num_rows:
        return []
    hours = micros(weather.column("hour"))
    days = weather.column("day").cast(pa.int32()).to_numpy()
    months, _, of_day = local_parts(calendar, hours)
    series, stands = _series(tables["inputs"], hours)
    tariffs = _tariffs(tables["tariffs"], hours, months, of_day)
    carbon = _carbon(tables["factors"], days)
    units, demands = tables["units"].to_pylist(), tables["demands"].to_pylist()
    found = []
    for name in sorted({row["energy_station"] for row in units}):
        own = [row for row in units if row["energy_station"] == name]
        of = [row for row in demands if row["energy_station"] == name]
        nothing = np.full(hours.size, np.nan)
        given = Given(
            outside=weather.column("air_temperature").to_numpy(zero_copy_only=False).astype(float),
            hour=of_day,
            hours=1.0,
            available={
                row["station_unit"]: series.get((name, row["station_unit"]), nothing)
                for row in own
                if row["unit_kind"] in ("pv", "wind")
            },
            price={tariff: tariffs[tariff] for row in own for tariff in (row["tariff"], row["export_tariff"]) if tariff},
            carbon={carrier: np.nan_to_num(values) for carrier, values in carbon.items()},
            demand={row["demand"]: series.get((name, row["demand"]), nothing) for row in of},
        )
        needed = [SUPPLIES[row["unit_kind"]] for row in own if row["unit_kind"] in SUPPLIES]
        known = np.all([np.isfinite(carbon.get(carrier, nothing)) for carrier in needed], axis=0) if needed else nothing == 0
        stand = np.zeros(hours.size, bool)
        for (station, _), values in stands.items():
            stand |= values if station == name else False
        stand |= any(row["origin"] == "stand-in" for row in own)
        found.append(Case(name, own, of, hours, days, given, stand, _missing(given, days), known))
    return found


def _series(inputs: pa.Table, hours: np.ndarray) -> tuple[dict[tuple[str, str], np.ndarray], dict[tuple[str, str], np.ndarray]]:
    values: dict[tuple[str, str], np.ndarray] = {}
    stands: dict[tuple[str, str], np.ndarray] = {}
    if not inputs.num_rows:
        return values, stands
    keys = inputs.group_by(["energy_station", "station_input"], use_threads=False).aggregate([])
    names = list(zip(*(keys.column(name).to_pylist() for name in ("energy_station", "station_input")), strict=True))
    station = inputs.column("energy_station").combine_chunks().dictionary_encode()
    part = inputs.column("station_input").combine_chunks().dictionary_encode()
    code = station.indices.to_numpy().astype(np.int64) * len(part.dictionary) + part.indices.to_numpy()
    place = {name: at for at, name in enumerate(station.dictionary.to_pylist())}
    other = {name: at for at, name in enumerate(part.dictionary.to_pylist())}
    power = inputs.column("unit_power").cast(pa.float64()).to_numpy(zero_copy_only=False)
    borrowed = inputs.column("stand_in").to_numpy(zero_copy_only=False).astype(bool)
    at = np.searchsorted(hours, micros(inputs.column("hour")))
    for name in names:
        mine = code == place[name[0]] * len(part.dictionary) + other[name[1]]
        values[name] = np.full(hours.size, np.nan)
        values[name][at[mine]] = power[mine]
        stands[name] = np.zeros(hours.size, bool)
        stands[name][at[mine]] = borrowed[mine]
    return values, stands


def _tariffs(tariffs: pa.Table, hours: np.ndarray, months: np.ndarray, of_day: np.ndarray) -> dict[str, np.ndarray]:
    rows = tariffs.to_pylist()
    for row in rows:
        for column in ("valid_from", "valid_to"):
            row[column] = None if row[column] is None else round(row[column].timestamp()) * MICRO
    names = dict.fromkeys(row["tariff"] for row in rows)
    return {name: prices([row for row in rows if row["tariff"] == name], hours, months, of_day) for name in names}


def _carbon(factors: pa.Table, days: np.ndarray) -> dict[str, np.ndarray]:
    """Carbon dioxide of a kWh by carrier and hour [kg/kWh], location-based; NaN where no factor holds. Fuels by net heating
    value."""
    found: dict[str, np.ndarray] = {}
    for row in factors.to_pylist():
        if row["purpose"] != LOCATION_BASED or row["factor_value"] is None:
            continue
        series = found.setdefault(row["carrier"], np.full(days.size, np.nan))
        holds = days >= (row["first_day"] - EPOCH).days
        if row["last_day"] is not None:
            holds &= days <= (row["last_day"] - EPOCH).days
        series[holds] = float(row["factor_value"])
    return found


def _missing(given: Given, days: np.ndarray) -> dict[int, str]:
    """Of each day that cannot be planned what is missing."""
    found: dict[int, str] = {}
    parts = [("weather", {"": given.outside}), ("demand", given.demand), ("available", given.available), ("price", given.price)]
    for word, held in reversed(parts):
        for series in held.values():
            for day in np.unique(days[~np.isfinite(series)]).tolist():
                found[day] = word
    return found


def last_of(horizon: pa.Table) -> int:
    """The newest day that is planned [days since 1970]; -1 where none is."""
    return max(((row["last_day"] - EPOCH).days for row in horizon.to_pylist()), default=-1)


def planned_days(case: Case, horizon: pa.Table, newest: int | None = None) -> list[tuple[int, slice]]:
    """The days of a case for which plans are made: the newest ones, fewer where whole numbers are asked for."""
    last = last_of(horizon)
    rows = horizon.to_pylist()
    count = (rows[0]["last_day"] - rows[0]["first_day"]).days + 1 if rows else 0
    count = min(count, SWITCHED_DAYS) if case.switched else count
    first = last - (count if newest is None else min(count, newest)) + 1
    return [(day, part) for day, part in case.by_day() if first <= day <= last and day not in case.missing]


def in_horizon(days: np.ndarray, horizon: pa.Table) -> np.ndarray:
    """Which local days [days since 1970] are planned or lie in the year of the design."""
    wanted = np.zeros(days.shape, bool)
    for row in horizon.to_pylist():
        first, last = (np.datetime64(row[name], "D").astype(int) for name in ("first_day", "last_day"))
        wanted |= (days >= first) & (days <= last)
        wanted |= days.astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970 == row["design_year"]
    return wanted
