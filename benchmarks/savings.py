"""Baselines and savings beside opendsm's daily model: fit, fit on a year not seen, known savings, and seconds a meter.

    .venv/bin/python benchmarks/savings.py --data FOLDER [--buildings FOLDER] [--peer PYTHON] [--real 20]

FOLDER of --data holds opendsm's sample meters (`il-*`, metadata.json; they come with opendsm, Apache-2.0), that of --buildings
the Cambridge archive (cambridge_hourly_2018_2021.parquet, weather_bedford_2018_2021.parquet; MIT). PYTHON has opendsm 1.2.7 and
multimethod below 2 (without which one of its dependencies does not load). One process each, one after the other; medians of
repeated fits. --real: how many of the real meters opendsm fits, evenly among those that can be modelled.

CV(RMSE) is over the same days for both, without parameters subtracted. On the samples a year not seen is the reporting year,
whose use is known to be nine tenths: predictions are lowered by that. On real buildings it is the next year, as it came.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"  # one thread for both

import numpy as np  # noqa: E402
import pyarrow.parquet as parquet  # noqa: E402

HOME = Path(__file__).parent.parent
sys.path.insert(0, str(HOME / "src"))

from scicity.domains.diagnosis.methods import baseline, goodness, savings, sufficiency  # noqa: E402

SAMPLES = ("il-electricity-cdd-hdd", "il-electricity-cdd-only", "il-gas-hdd-only", "il-gas-intercept-only")
SUMMER, WINTER = (6, 7, 8, 9), (11, 12, 1, 2)
REPEATS = 5
ALL_HOURS = 24


@dataclass
class Case:
    """One meter: days, loads and hourly temperatures of baseline and test, and the temperatures with their instants [ns]."""

    name: str
    electricity: bool
    zone: str
    days: np.ndarray
    load: np.ndarray
    warmth: np.ndarray
    test_days: np.ndarray
    test_load: np.ndarray
    test_warmth: np.ndarray
    hours: np.ndarray
    temperature: np.ndarray
    left: float = 1.0  # the known share of the use that is left in the test

    def sky(self, test: bool = False) -> baseline.Days:
        """The days as the methods take them."""
        days = self.test_days if test else self.days
        month = days.astype("M8[M]").astype(int) % 12 + 1
        season = np.select([np.isin(month, SUMMER), np.isin(month, WINTER)], [2, 0], 1)
        number = days.astype("M8[D]").astype(int)
        return baseline.days(number, self.test_warmth if test else self.warmth, (number + 3) % 7 >= 5, season)

    def instants(self, days: np.ndarray) -> np.ndarray:
        """The beginnings of days [ns UTC]."""
        zone = ZoneInfo(self.zone)
        return np.array([int(day.replace(tzinfo=zone).timestamp()) for day in days.astype("M8[s]").tolist()]) * 10**9


def table(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A compressed table of instants and values: local days, instants [ns] and values."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = list(csv.reader(lines))[1:]
    instants = np.array([np.datetime64(row[0][:19]) - offset(row[0]) for row in rows]).astype("M8[ns]").astype(np.int64)
    return np.array([row[0][:10] for row in rows], "M8[D]"), instants, np.array([float(row[1] or "nan") for row in rows])


def offset(written: str) -> np.timedelta64:
    """What a written instant is ahead of UTC."""
    hours, minutes = int(written[19:22]), int(written[23:25])
    return np.timedelta64(hours * 60 + (minutes if hours >= 0 else -minutes), "m")


def by_day(days: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Values of hours as wanted days x 24; the 25th hour of a day is left out, a missing one NaN."""
    unique, start = np.unique(days, return_index=True)
    place = np.arange(len(days)) - start[np.searchsorted(unique, days)]
    table = np.full((len(unique), ALL_HOURS), np.nan)
    fits = place < ALL_HOURS
    table[np.searchsorted(unique, days)[fits], place[fits]] = values[fits]
    return table[np.searchsorted(unique, wanted)]


def samples(folder: Path) -> list[Case]:
    """opendsm's sample meters: a year before the blackout and a year after it."""
    known, cases = json.loads((folder / "metadata.json").read_text(encoding="utf-8")), []
    for name in SAMPLES:
        facts = known[f"{name}-daily"]
        days, _, load = table(folder / f"{name}-daily.csv.gz")
        local, hours, temperature = table(folder / facts["temperature_filename"])
        ends, begins = np.datetime64(facts["blackout_start_date"]), np.datetime64(facts["blackout_end_date"])
        first, then = (days >= ends - 365) & (days < ends), (days >= begins) & (days < begins + 365)
        cases.append(
            Case(
                name, "electricity" in name, "America/Chicago",
                days[first], load[first], by_day(local, temperature, days[first]),
                days[then], load[then], by_day(local, temperature, days[then]), hours, temperature,
                facts["annual_reporting_total_load"] / facts["annual_baseline_total_load"],
            )
        )  # fmt: skip
    return cases


def fitted(cases: list[Case]) -> tuple[baseline.Baseline, float]:
    """The baselines of meters under one sky, and the median seconds of all of them together."""
    load, sky, seconds = np.stack([case.load for case in cases]), cases[0].sky(), []
    for _ in range(REPEATS):
        began = time.perf_counter()
        model = baseline.fit(load, sky)
        seconds.append(time.perf_counter() - began)
    return model, float(np.median(seconds))


def peer(python: str, cases: list[Case], repeats: int) -> dict[str, np.ndarray]:
    """What opendsm says of meters."""
    handed: dict[str, np.ndarray] = {
        "names": np.array([case.name for case in cases]),
        "electricity": np.array([case.electricity for case in cases]),
        "zone": np.array([case.zone for case in cases]),
    }
    for number, case in enumerate(cases):
        handed[f"{number}.day"], handed[f"{number}.load"] = case.instants(case.days), case.load
        handed[f"{number}.test"] = case.instants(case.test_days)
        handed[f"{number}.hour"], handed[f"{number}.temperature"] = case.hours, case.temperature
    with tempfile.TemporaryDirectory() as folder:
        given, told = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(given, **handed)
        subprocess.run([python, HOME / "benchmarks" / "savings_peer.py", given, told, str(repeats)], check=True)
        return dict(np.load(told))


def cv(measured: np.ndarray, predicted: np.ndarray) -> float:
    """CV(RMSE) without parameters subtracted, of one meter."""
    return float(goodness.cv_rmse(measured[None], predicted[None])[0])


def compared(cases: list[Case], model: baseline.Baseline, theirs: dict[str, np.ndarray]) -> np.ndarray:
    """Of each meter: CV(RMSE) in the baseline and in the test, ours and the peer's; NaN where the peer has none."""
    rows = []
    for number, case in enumerate(cases):
        one = baseline.predict(model, case.sky())[number]
        other = baseline.predict(model, case.sky(test=True))[number] * case.left
        row = [cv(case.load, one), np.nan, cv(case.test_load, other), np.nan]
        if f"{number}.in" in theirs:
            seen, unseen = theirs[f"{number}.in"], theirs[f"{number}.out"] * case.left
            # on the days that both tell
            row = [
                cv(np.where(np.isfinite(seen), case.load, np.nan), one),
                cv(np.where(np.isfinite(one), case.load, np.nan), seen),
                cv(np.where(np.isfinite(unseen), case.test_load, np.nan), other),
                cv(np.where(np.isfinite(other), case.test_load, np.nan), unseen),
            ]  # fmt: skip
        rows.append(row)
    return np.array(rows)


def speeds(cases: list[Case], seconds: float, theirs: dict[str, np.ndarray]) -> None:
    """Seconds a meter, and the ratio."""
    own = seconds / len(cases)
    line = f"  ours {own * 1000:.1f} ms a meter ({len(cases)} at once)"
    if theirs:
        other = float(np.median([theirs[key] for key in theirs if key.endswith(".seconds")]))
        line += f"; opendsm {other * 1000:.0f} ms: {other / own:.0f} times (bar: 20)"
    print(line)


def on_samples(folder: Path, python: str | None) -> None:
    """The bars on the sample meters."""
    cases = samples(folder)
    model, seconds = fitted(cases)
    theirs = peer(python, cases, REPEATS) if python else {}
    print("sample meters                 CV(RMSE)  ours opendsm   not seen: ours opendsm   saved [90 % interval]       known")
    known, rows = 0, compared(cases, model, theirs)
    for number, (case, row) in enumerate(zip(cases, rows, strict=True)):
        load = np.full((len(cases), len(case.test_days)), np.nan)
        load[number] = case.test_load
        told = savings.saved(model, load, case.sky(test=True))
        low, high = told.fraction_low[number], told.fraction_high[number]
        known += low <= 1 - case.left <= high
        print(
            f"  {case.name:<28} {row[0]:>12.4f} {row[1]:>7.4f} {row[2]:>15.4f} {row[3]:>7.4f}"
            f"  {told.fraction[number]:>7.1%} [{low:.1%}, {high:.1%}] {1 - case.left:>10.1%}"
        )
    better = int((rows[:, 0] <= rows[:, 1]).sum())
    print(
        f"  CV(RMSE) no worse on {better} of {len(cases)} (bar: all but one); known savings inside on {known} of {len(cases)}"
    )
    speeds(cases, seconds, theirs)


@dataclass
class Archive:
    """Real meters: names, whether electricity, days, loads (meters, days), hourly temperatures (days, 24)."""

    names: list[str]
    electricity: np.ndarray
    days: np.ndarray
    load: np.ndarray
    warmth: np.ndarray

    def sky(self, rows: np.ndarray) -> baseline.Days:
        """Some of the days as the methods take them."""
        return self.case(0, rows, rows).sky()

    def case(self, meter: int, rows: np.ndarray, test: np.ndarray) -> Case:
        """One meter, learnt on some days and tried on others."""
        hours = self.days.astype("M8[ns]").astype(np.int64)[:, None] + np.arange(ALL_HOURS) * 3_600_000_000_000
        return Case(
            self.names[meter], bool(self.electricity[meter]), "UTC", self.days[rows], self.load[meter, rows], self.warmth[rows],
            self.days[test], self.load[meter, test], self.warmth[test], hours.ravel(), self.warmth.ravel(),
        )  # fmt: skip


def archive(folder: Path) -> Archive:
    """The Cambridge archive: an hour of electricity that is 0 is one of its filled gaps; one of gas may be true."""
    rows = parquet.read_table(folder / "cambridge_hourly_2018_2021.parquet")
    names = np.char.add(np.char.add(np.array(rows["building"], str), " "), np.array(rows["carrier"], str))
    meters, meter = np.unique(names, return_inverse=True)
    first, last = np.datetime64("2018-01-01"), np.datetime64("2022-01-01")
    days = np.arange(first, last)
    hour = np.array(rows["datetime"]).astype("M8[h]").astype(int) - first.astype("M8[h]").astype(int)
    hours = np.full((len(meters), len(days) * ALL_HOURS), np.nan)
    hours[meter, hour] = np.array(rows["load_kwh"])
    weather = parquet.read_table(folder / "weather_bedford_2018_2021.parquet")
    warmth = np.full(len(days) * ALL_HOURS, np.nan)
    at = np.array(weather["datetime"].to_pylist(), "M8[h]").astype(int) - first.astype("M8[h]").astype(int)
    warmth[at] = np.array(weather["air_temperature [degC]"])
    electricity = np.char.endswith(meters, "electricity")
    load = sufficiency.daily(hours.reshape(len(meters), len(days), ALL_HOURS), electricity)
    return Archive(list(meters), electricity, days, load, warmth.reshape(-1, ALL_HOURS))


def on_buildings(folder: Path, python: str | None, many: int) -> None:
    """The real buildings: which can be modelled in some year, why the others cannot, and the peer on some of them."""
    real = archive(folder)
    years = real.days.astype("M8[Y]").astype(int) + 1970
    print(f"\nreal buildings: {len({name.split()[0] for name in real.names})}, {len(real.names)} meters")
    year_of, told, seconds, fits = {}, {}, 0.0, 0
    for year in np.unique(years):
        rows = np.flatnonzero(years == year)
        there = np.flatnonzero(np.isfinite(real.load[:, rows]).any(axis=1))
        began = time.perf_counter()
        model = baseline.fit(real.load[np.ix_(there, rows)], real.sky(rows))
        seconds, fits = seconds + time.perf_counter() - began, fits + len(there)
        refused = sufficiency.refusal(real.load[np.ix_(there, rows)], real.sky(rows), model)
        for place, meter in enumerate(there):
            reasons = refused.reasons(place)
            told.setdefault(meter, []).append(f"{year}: {', '.join(reasons)}" if reasons else "")
            if not reasons:
                year_of.setdefault(meter, int(year))
    modelled = {real.names[meter].split()[0] for meter in year_of}
    print(f"  {fits} meter-years fitted in {seconds:.1f} s: {seconds / fits * 1000:.1f} ms each")
    print(f"  can be modelled in some year: {len(year_of)} meters, {len(modelled)} buildings; the others, by the year:")
    for meter, name in enumerate(real.names):
        if meter not in year_of:
            print(f"    {name}: {'; '.join(told.get(meter, ['no known day']))}")
    counted = Counter(reason for reasons in told.values() for line in reasons for reason in line[6:].split(", ") if reason)
    print(f"  reasons by meter-year: {dict(counted.most_common())}")
    unseen(real, years, year_of, python, many)


def unseen(real: Archive, years: np.ndarray, year_of: dict[int, int], python: str | None, many: int) -> None:
    """Real meters learnt in one year and tried on the next, all by ours and some by the peer."""
    groups: dict[int, list[Case]] = {}
    for meter, year in year_of.items():
        test = np.flatnonzero(years == year + 1)
        if np.isfinite(real.load[meter, test]).sum() >= 300:
            groups.setdefault(year, []).append(real.case(meter, np.flatnonzero(years == year), test))
    rows, held = [], 0
    for cases in groups.values():
        model, _ = fitted(cases)
        rows.append(compared(cases, model, {}))
        result = savings.saved(model, np.stack([case.test_load for case in cases]), cases[0].sky(test=True))
        held += int(((result.low <= 0) & (result.high >= 0)).sum())
    every = np.concatenate(rows)
    print(
        f"  {len(every)} meters with a next year: median CV(RMSE) {np.median(every[:, 0]):.4f}"
        f", not seen {np.median(every[:, 2]):.4f}"
    )
    print(f"  no saving within the 90 % interval of the next year: {held / len(every):.0%} (what changed is no chance)")
    if python:
        cases = max(groups.values(), key=len)
        cases = [cases[at] for at in np.unique(np.linspace(0, len(cases) - 1, many).astype(int))]
        model, seconds = fitted(cases)
        theirs = peer(python, cases, 1)
        both = compared(cases, model, theirs)
        both = both[np.isfinite(both[:, 1])]
        ours, other, ours_unseen, other_unseen = np.median(both, axis=0)
        print(f"  {len(both)} of them by opendsm too: CV(RMSE) ours {ours:.4f}, opendsm {other:.4f}", end="")
        print(f", no worse on {(both[:, 0] <= both[:, 1]).sum()}", end="")
        print(f"; not seen {ours_unseen:.4f} and {other_unseen:.4f}, no worse on {(both[:, 2] <= both[:, 3]).sum()}")
        for key in (key for key in theirs if key.endswith(".failed")):
            print(f"    opendsm on {cases[int(key.split('.')[0])].name}: {theirs[key]}")
        speeds(cases, seconds, theirs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--buildings", type=Path)
    parser.add_argument("--peer")
    parser.add_argument("--real", type=int, default=20)
    asked = parser.parse_args()
    on_samples(asked.data, asked.peer)
    if asked.buildings:
        on_buildings(asked.buildings, asked.peer, asked.real)
