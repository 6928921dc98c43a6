"""Land and people over time, and land that is open to all: the sums of SDG 11.3.1 and 11.7.1."""

from __future__ import annotations

import math


def consumption_rate(before: float, after: float, years: float) -> float | None:
    """Land consumed a year [1/a]: (V₁ − V₀) / V₀ / T, V being built-up area [m²], T > 0 [a]; None where there was no land.

    Source: UN Statistics Division, metadata of SDG indicator 11.3.1 (edition of 2021).
    """
    if before <= 0 or years <= 0:
        return None
    return (after - before) / before / years


def growth_rate(before: float, after: float, years: float) -> float | None:
    """Growth of a population a year [1/a]: ln(P₁ / P₀) / y; None where either is nobody. y > 0 [a].

    Source: UN Statistics Division, metadata of SDG indicator 11.3.1 (edition of 2021).
    """
    if before <= 0 or after <= 0 or years <= 0:
        return None
    return math.log(after / before) / years


def consumption_to_growth(consumption: float | None, growth: float | None) -> float | None:
    """Land consumption rate over population growth rate [1]; None where one is unknown or people neither came nor went.

    Source: UN Statistics Division, metadata of SDG indicator 11.3.1 (edition of 2021).
    """
    if consumption is None or growth is None or growth == 0:
        return None
    return consumption / growth


def open_share(open_space: float, streets: float, built_up: float) -> float | None:
    """Share [%] of a built-up area [m²] that is open space for public use, streets included; None without a built-up area.

    Source: UN Statistics Division, metadata of SDG indicator 11.7.1.
    """
    return (open_space + streets) / built_up * 100 if built_up > 0 else None
