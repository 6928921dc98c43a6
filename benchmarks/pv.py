"""How far the PV of `optimisation/methods/sun.py` is from series that others made or measured.

    python benchmarks/pv.py BUILDINGS HOMES

`BUILDINGS`: the folder with `solar_generation_2018_2021.parquet` (renewables.ninja: W per kW, irradiance on the plane, °C) and
`weather_bedford_2018_2021.parquet` (Met Office: global irradiance, °C). `HOMES`: the folder of the CityLearn challenge of 2022,
phase 1 (`weather.csv`: irradiance, of which the column called diffuse is taken for the global one; `Building_1.csv`: W per kW).
Their tilts, losses and places are not all told; what is assumed stands below. Prints the energy of the whole time beside
theirs, the deviation of the hours, and their correlation.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

HOUR = 3_600_000_000


def tell(name: str, ours: np.ndarray, theirs: np.ndarray) -> None:
    known = np.isfinite(ours) & np.isfinite(theirs)
    ours, theirs = ours[known], theirs[known]
    bias = ours.sum() / theirs.sum() - 1
    spread = np.sqrt(np.mean((ours - theirs) ** 2)) / theirs.mean()
    years = known.sum() / 8766
    print(
        f"{name:<44}{ours.sum() / years:9.0f}{theirs.sum() / years:9.0f} kWh/kW{bias:9.1%} energy{spread:9.1%} RMSE of the mean"
        f"{np.corrcoef(ours, theirs)[0, 1]:8.4f} correlation"
    )


def main() -> None:
    from scicity.domains.optimisation.methods import sun

    buildings, homes = Path(sys.argv[1]), Path(sys.argv[2])
    table = pd.read_parquet(buildings / "solar_generation_2018_2021.parquet")
    made, direct, diffuse, felt = (table.iloc[:, at].to_numpy() for at in range(1, 5))
    hours = pd.to_datetime(table.iloc[:, 0]).to_numpy().astype("datetime64[us]").astype(np.int64)
    calm = np.ones(hours.size)
    ninja = sun.Panel(1.0, 35.0, 180.0, -0.0035, 0.10)  # as its makers tell: 35°, south, 10 % loss
    tell("renewables.ninja, from its own plane", sun.panel_power(ninja, direct + diffuse, felt, calm), made / 1000)
    weather = pd.read_parquet(buildings / "weather_bedford_2018_2021.parquet")
    level, outside = (weather.iloc[:, at].to_numpy() for at in (3, 1))
    there = sun.sky(hours, 52.21, -0.46)
    measured = sun.pv_power(ninja, there, level, outside, calm)
    tell("renewables.ninja, from Bedford's sensor", measured, made / 1000)
    days = hours // (24 * HOUR)
    guessed = sun.from_temperatures(there, outside, days)
    tell("Bedford's sun from its temperatures, level", guessed / 1000, level / 1000)
    by_day = np.bincount(days - days[0], guessed / 1000), np.bincount(days - days[0], level / 1000)
    print(f"  by days: correlation {np.corrcoef(*by_day)[0, 1]:.3f}")
    home = pd.read_csv(homes / "Building_1.csv")
    sky_of = pd.read_csv(homes / "weather.csv")
    begin = pd.Timestamp("2016-07-31 23:00").tz_localize("Etc/GMT+8").value // 1000  # months and hours fit this year's weekdays
    hours = begin + np.arange(len(home)) * HOUR
    there = sun.sky(hours, 34.1, -117.5)
    level = sky_of[
        "diffuse_solar_irradiance"
    ].to_numpy()  # up to 1,000 W/m² beside a beam of 800: it can only be the global one
    outside = sky_of["outdoor_dry_bulb_temperature"].to_numpy()
    power = sun.pv_power(sun.Panel(1.0, 20.0, 180.0), there, level, outside, np.full(len(home), 2.0))
    tell("CityLearn 2022, home 1, tilt of 20° assumed", power, home["solar_generation"].to_numpy() / 1000)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent / "src"))
    main()
