"""What a wind turbine gives by the speed of the wind.

Speed at the hub by the power law with an exponent of 1/7; between cut-in and rated speed the power grows with the cube of the
speed. Source: J. F. Manwell et al., Wind Energy Explained, 2nd ed. 2009, 2.3.3 and 3.2, doi:10.1002/9781119994367.
"""

from __future__ import annotations

import numpy as np

from scicity.domains.optimisation.methods.matrix import Floats

MEASURED_AT = 10.0  # [m] above the ground, the height of a weather station's anemometer
SHEAR = 1 / 7


def wind_power(speed: Floats, rated: float, hub: float, cut_in: float, full: float, cut_out: float) -> Floats:
    """Power [kW] at wind speeds [m/s] measured 10 m above the ground, any shape.

    `rated` [kW] from `full` speed on; `hub` [m] its height; nothing below `cut_in` and from `cut_out` on. Raises ValueError
    where the speeds do not grow.
    """
    if not 0 <= cut_in < full < cut_out:
        raise ValueError(f"speeds of {cut_in}, {full}, {cut_out} m/s; expected cut-in, rated and cut-out to grow")
    at_hub = np.asarray(speed, np.float64) * (hub / MEASURED_AT) ** SHEAR
    rising = (at_hub**3 - cut_in**3) / (full**3 - cut_in**3)
    power: Floats = np.where(at_hub < cut_out, np.clip(rising, 0.0, 1.0), 0.0) * rated
    return power
