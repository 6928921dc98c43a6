"""Rows of hours as one array of series, days and hours, and the scores of forecasts by series and month.

Loads [kWh] of hours; days since 1970 [d].

Source: arithmetic of this project; MAE, CV(RMSE) and MASE after Hyndman & Koehler 2006, doi
10.1016/j.ijforecast.2006.03.001.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.control.methods.load import HOURS, DayAhead

FULL = 0.999  # of an hour: less is not known well enough to be learnt from
LEAST_HOURS = 20  # of a day
LOADS = tuple(f"load_{hour:02d}" for hour in range(HOURS))


@dataclass(frozen=True)
class Grid:
    """Loads (series, days, 24) [kWh] from `first` [days since 1970] on, NaN where unknown; the series by building and carrier.

    `stand_in`: (series,) whether data that are not the district's own lie below.
    """

    buildings: list[str]
    carriers: list[str]
    first: int
    loads: np.ndarray
    stand_in: np.ndarray

    @property
    def last(self) -> int:
        """The last day of which any hour is known."""
        known = np.flatnonzero((~np.isnan(self.loads)).any(axis=(0, 2)))
        return self.first + int(known[-1]) if len(known) else self.first - 1

    def until(self, day: int) -> Grid:
        """The same with days up to this one: cut off, or unknown."""
        days = day - self.first + 1
        more = max(0, days - self.loads.shape[1])
        loads = np.pad(self.loads[:, :days], ((0, 0), (0, more), (0, 0)), constant_values=np.nan)
        return Grid(self.buildings, self.carriers, self.first, loads, self.stand_in)


def hours_to_days(rows: pa.Table) -> dict[str, np.ndarray]:
    """Rows of hours as rows of days: `code` of the series, `day` [days since 1970], `loads` (days, 24) [kWh], `stand_in`.

    Columns: building, carrier, day, hour_of_day, energy [kWh], estimated_energy [kWh], coverage, stand_in. An hour that is
    estimated, or of which a part is unknown, is unknown here: what was filled in is no load to learn from. Where the clock is
    set back, the two hours of one name count as their mean. `code` is the place in `buildings` x `carriers`; days of which
    fewer than 20 hours are known are left out, so that a day is told once it is nearly over.
    """
    building, carrier = (rows.column(name).combine_chunks().dictionary_encode() for name in ("building", "carrier"))
    kinds = len(carrier.dictionary)
    day = rows.column("day").cast(pa.int32()).to_numpy()
    first = int(day.min())
    days = int(day.max()) - first + 1
    code = building.indices.to_numpy().astype(np.int64) * kinds + carrier.indices.to_numpy()
    energy = pc.cast(rows.column("energy"), pa.float64()).to_numpy()
    whole = pc.and_(pc.greater_equal(rows.column("coverage"), FULL), pc.equal(rows.column("estimated_energy"), 0))
    good = pc.fill_null(whole, False).to_numpy() & ~np.isnan(energy)
    at = (code * days + (day - first)) * HOURS + rows.column("hour_of_day").to_numpy()
    size = len(building.dictionary) * kinds * days * HOURS
    count = np.bincount(at[good], minlength=size)
    total = np.bincount(at[good], weights=energy[good], minlength=size)
    loads = np.divide(total, count, out=np.full(size, np.nan), where=count > 0).reshape(-1, HOURS)
    marked = np.zeros(len(loads), dtype=bool)
    marked[at[pc.fill_null(rows.column("stand_in"), False).to_numpy()] // HOURS] = True
    told = np.flatnonzero(np.count_nonzero(~np.isnan(loads), axis=1) >= LEAST_HOURS)
    return {
        "buildings": np.array(building.dictionary.to_pylist(), dtype=object),
        "carriers": np.array(carrier.dictionary.to_pylist(), dtype=object),
        "code": told // days,
        "day": first + told % days,
        "loads": loads[told],
        "stand_in": marked[told],
    }


def gridded(rows: pa.Table, first: int, last: int) -> Grid:
    """Rows of `control.load_day` from day `first` to `last` [days since 1970] as a grid, ordered by building and carrier."""
    day = rows.column("day").cast(pa.int32()).to_numpy()
    inside = (day >= first) & (day <= last)
    days = last - first + 1
    building, carrier = (rows.column(name).combine_chunks().dictionary_encode() for name in ("building", "carrier"))
    names, kinds = building.dictionary.to_pylist(), carrier.dictionary.to_pylist()
    code = building.indices.to_numpy().astype(np.int64) * max(1, len(kinds)) + carrier.indices.to_numpy()
    present = np.unique(code[inside])
    order = np.array(sorted(present.tolist(), key=lambda at: (names[at // len(kinds)], kinds[at % len(kinds)])), dtype=np.int64)
    place = np.zeros(len(names) * len(kinds) + 1, dtype=np.int64)
    place[order] = np.arange(len(order))
    where = place[code[inside]] * days + (day[inside] - first)
    loads = np.full((len(order) * days, HOURS), np.nan)
    for hour, name in enumerate(LOADS):
        loads[where, hour] = rows.column(name).to_numpy()[inside]
    stand_in = np.zeros(len(order), dtype=bool)
    stand_in[place[code[inside]][rows.column("stand_in").to_numpy()[inside]]] = True
    shaped = loads.reshape(len(order), days, HOURS)
    return Grid([names[at // len(kinds)] for at in order], [kinds[at % len(kinds)] for at in order], first, shaped, stand_in)


@dataclass(frozen=True)
class Scores:
    """Of each series and month: hours that were scored, mean load, and of each of three forecasts the mean absolute error and
    the root of the mean squared one, all [kWh]; (series, months) each, the forecasts in front: model, yesterday, last week."""

    months: np.ndarray
    hours: np.ndarray
    mean: np.ndarray
    absolute: np.ndarray
    squared: np.ndarray


def scored(loads: np.ndarray, first: int, made: DayAhead) -> Scores:
    """The errors of forecasts over the hours in which the load and all three forecasts are known, by month.

    `loads`: (series, days, 24) [kWh]; `first` [days since 1970]. `months` are datetime64[M]. NaN where no hour counts.
    """
    whole = (first + np.arange(loads.shape[1])).astype("datetime64[D]").astype("datetime64[M]")
    months, starts = np.unique(whole, return_index=True)
    given = (made.forecast, made.yesterday, made.last_week)
    known = ~np.isnan(loads)
    for each in given:
        known = known & ~np.isnan(each)

    def by_month(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values.sum(axis=2), starts, axis=1) if len(starts) else np.zeros((len(loads), 0))

    hours = by_month(known.astype(np.float64))
    some = hours > 0

    def over(values: np.ndarray) -> np.ndarray:
        return np.divide(values, hours, out=np.full_like(hours, np.nan), where=some)

    off = [np.where(known, each - loads, 0.0) for each in given]
    absolute = np.stack([over(by_month(np.abs(each))) for each in off])
    squared = np.stack([np.sqrt(over(by_month(each * each))) for each in off])
    return Scores(months, hours.astype(np.int64), over(by_month(np.where(known, loads, 0.0))), absolute, squared)
