"""What PV gives by the weather, by pvlib: solar position, transposition, cell temperature, modules, inverter.

Hours are told by their beginning; the sun is taken at their middle. Irradiance [W/m²], power [kW], temperature [°C], wind
[m/s], angles [degree] (azimuth 180 is south). Sources: pvlib, K. Anderson et al. 2023, doi:10.21105/joss.05994; PVWatts 5,
NREL/TP-6A20- 62641; decomposition by D. G. Erbs et al. 1982, doi:10.1016/0038-092X(82)90302-4; transposition by J. Hay and J.
Davies 1980; cell temperature by D. Faiman 2008, doi:10.1002/pip.813; clear sky by B. Haurwitz 1945; the sun from the day's
range of temperature by Hargreaves and Samani, as FAO Irrigation and Drainage Paper 56 (1998), equation 50, has it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scicity.domains.optimisation.methods.columns import Floats, Ints

HALF_HOUR = 1_800_000_000  # [µs]
INTERIOR = 0.16  # [K^-0.5] of equation 50, for places away from a coast
ALBEDO = 0.2  # of the ground about
NOMINAL = 0.96  # efficiency of an inverter at full load, as PVWatts has it
CONSTANT = 1361.0  # [W/m²] of the sun outside of the atmosphere


class Panel(NamedTuple):
    """PV of one direction: `rated` [kW] of the modules at 1000 W/m² and 25 °C; `inverter` [kW] of alternating current.

    `coefficient` [1/K] of the power by cell temperature; `loss` [share] of wires, dirt, mismatch and times out of service.
    """

    rated: float
    tilt: float
    azimuth: float
    coefficient: float = -0.0035
    loss: float = 0.14
    inverter: float = float("inf")


class Sky(NamedTuple):
    """The sun at the middle of each hour: zenith, azimuth [degree], irradiance outside of the atmosphere [W/m²], day of the
    year."""

    zenith: Floats
    azimuth: Floats
    outside: Floats
    day: Ints


def sky(hours: Ints, latitude: float, longitude: float) -> Sky:
    """The sun over the hours that begin at `hours` [µs UTC], shape (hours,); north and east positive."""
    import pandas as pd
    from pvlib import irradiance, solarposition

    times = pd.DatetimeIndex((np.asarray(hours, np.int64) + HALF_HOUR).astype("datetime64[us]"), tz="UTC")
    found: Any = solarposition.get_solarposition(times, latitude, longitude, method="nrel_numpy")
    extra = np.asarray(irradiance.get_extra_radiation(times, solar_constant=CONSTANT), np.float64)
    return Sky(found["apparent_zenith"].to_numpy(), found["azimuth"].to_numpy(), extra, times.dayofyear.to_numpy())


def from_temperatures(seen: Sky, outside: Floats, day: Ints) -> Floats:
    """Global irradiance on the level [W/m²] of each hour, from the range of each day's temperature: a stand-in for a sensor.

    A day's sum is 0.16 · √(warmest − coldest) · what comes in outside of the atmosphere, at most that of a clear sky; it has a
    clear sky's shape. `outside` [°C] and `day` (any whole number that tells the days apart, in order), both of shape (hours,).
    """
    import pandas as pd
    from pvlib import clearsky

    clear = clearsky.haurwitz(pd.Series(seen.zenith))["ghi"].to_numpy()
    level = seen.outside * np.maximum(0.0, np.cos(np.radians(seen.zenith)))
    _, first = np.unique(day, return_index=True)
    counts = np.diff(np.r_[first, day.size])
    spread = np.maximum.reduceat(outside, first) - np.minimum.reduceat(outside, first)
    wanted = INTERIOR * np.sqrt(spread) * np.add.reduceat(level, first)
    sums = np.add.reduceat(clear, first)
    share = np.divide(wanted, sums, out=np.zeros(sums.shape), where=sums > 0)
    return clear * np.repeat(np.minimum(1.0, share), counts)


def pv_power(panel: Panel, seen: Sky, level: Floats, outside: Floats, wind: Floats) -> Floats:
    """What PV gives in each hour [kW], clipped by its inverter; `level`: global irradiance on the level [W/m²], shape
    (hours,)."""
    from pvlib import irradiance

    split: Any = irradiance.erbs(level, seen.zenith, seen.day)
    beam, diffuse = (np.nan_to_num(np.asarray(split[part], np.float64)) for part in ("dni", "dhi"))
    told: Any = irradiance.get_total_irradiance(
        *(panel.tilt, panel.azimuth, seen.zenith, seen.azimuth, beam, level, diffuse),
        dni_extra=seen.outside,
        albedo=ALBEDO,
        model="haydavies",
    )
    on_it = np.nan_to_num(np.maximum(np.asarray(told["poa_global"], np.float64), 0.0))
    return panel_power(panel, on_it, outside, wind)


def panel_power(panel: Panel, on_it: Floats, outside: Floats, wind: Floats) -> Floats:
    """What PV gives [kW] by the irradiance on its plane [W/m²], the temperature outside [°C] and the wind [m/s], shape
    (hours,)."""
    from pvlib import inverter, pvsystem, temperature

    cell = temperature.faiman(on_it, outside, wind)
    direct = pvsystem.pvwatts_dc(on_it, cell, panel.rated, panel.coefficient) * (1 - panel.loss)
    direct = np.maximum(np.asarray(direct, np.float64), 0.0)
    if not np.isfinite(panel.inverter):
        return direct * NOMINAL
    given: Floats = np.maximum(np.asarray(inverter.pvwatts(direct, panel.inverter / NOMINAL, NOMINAL), np.float64), 0.0)
    return given
