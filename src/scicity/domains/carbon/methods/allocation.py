"""The fuel of a plant of combined cooling, heating and power, split between its products by each method in use.

A plant burns one amount of fuel for several products, and no measurement says for which: the split is a convention, and the
conventions differ widely. Each is here under its name, with its source; each gives shares that sum to 1.

Products stand in the order power, heat, cold [kWh each]. A method that cannot be applied gives NaN for that row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

POWER, HEAT, COLD = 0, 1, 2
PRODUCTS = ("power", "heat", "cold")
KELVIN = 273.15  # [K] 0 °C, by definition of the Celsius scale


@dataclass(frozen=True)
class Plant:
    """What the methods need to know of plants, one entry of each array (n) per row; NaN where it is not stated.

    Temperatures [°C]: of heat supplied and returned, of cold supplied, of the surroundings. `references` (n, 3) [1]: efficiency
    of power, efficiency of heat and coefficient of performance of cold (per fuel) of separate production. `fixed` (n, 3) [1]:
    shares that were agreed.
    """

    heat_supply: np.ndarray
    heat_return: np.ndarray
    cold_supply: np.ndarray
    ambient: np.ndarray
    references: np.ndarray
    fixed: np.ndarray


def energy_content(output: np.ndarray, fuel: np.ndarray, plant: Plant) -> np.ndarray:
    """Shares (n, 3) [1] by the energy of the products `output` (n, 3) [kWh].

    Source: WRI/WBCSD 2006, Allocation of GHG Emissions from a Combined Heat and Power Plant, energy content method
    (unverified).
    """
    return _shares(output)


def exergy(output: np.ndarray, fuel: np.ndarray, plant: Plant) -> np.ndarray:
    """Shares (n, 3) [1] by the work that the products could do: power all of it, heat and cold by Carnot.

    Heat is given at the logarithmic mean of supply and return. Source: WRI/WBCSD 2006, work potential method (unverified);
    EN 15316-4-5, Carnot method (unverified).
    """
    supply, back, surroundings = (t + KELVIN for t in (plant.heat_supply, plant.heat_return, plant.ambient))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(np.isclose(supply, back), supply, (supply - back) / np.log(supply / back))
        of_heat = 1 - surroundings / mean
        of_cold = surroundings / (plant.cold_supply + KELVIN) - 1
    weights = np.stack([np.ones_like(of_heat), of_heat, of_cold], axis=1)
    return _weighed(output, np.where(weights > 0, weights, np.nan))


def efficiency(output: np.ndarray, fuel: np.ndarray, plant: Plant) -> np.ndarray:
    """Shares (n, 3) [1] by the fuel that separate production of each product would have burnt.

    Source: WRI/WBCSD 2006, efficiency method; EN 15316-4-5, alternative production (both unverified).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.where(plant.references > 0, 1 / plant.references, np.nan)
    return _weighed(output, weights)


def benefit_to_power(output: np.ndarray, fuel: np.ndarray, plant: Plant) -> np.ndarray:
    """Shares (n, 3) [1] where heat and cold carry the fuel of separate production and power the rest of `fuel` (n) [kWh].

    Source: the heat method of Chinese power plants, in which power has the benefit (好处归电; unverified). NaN where less than
    nothing is left for power.
    """
    return _rest(output, fuel, plant, (HEAT, COLD), (POWER,))


def benefit_to_heat(output: np.ndarray, fuel: np.ndarray, plant: Plant) -> np.ndarray:
    """Shares (n, 3) [1] where power carries the fuel of separate production, and heat and cold the rest by their energy.

    Source: the power bonus method of EN 15316-4-5 (unverified), in which heat has the benefit (好处归热). NaN where less than
    nothing is left.
    """
    return _rest(output, fuel, plant, (POWER,), (HEAT, COLD))


def fixed_share(output: np.ndarray, fuel: np.ndarray, plant: Plant) -> np.ndarray:
    """Shares (n, 3) [1] that were agreed, among the products that there were.

    Source: the agreement that the register names.
    """
    return _shares(np.where(output > 0, plant.fixed, 0.0))


METHODS: dict[str, Callable[[np.ndarray, np.ndarray, Plant], np.ndarray]] = {
    "energy_content": energy_content,
    "exergy": exergy,
    "efficiency": efficiency,
    "benefit_to_power": benefit_to_power,
    "benefit_to_heat": benefit_to_heat,
    "fixed_share": fixed_share,
}


def _weighed(output: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Shares by weighed products; what a product that there was not would have weighed does not matter."""
    return _shares(np.where(output > 0, output * weights, 0.0))


def _shares(parts: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = parts / parts.sum(axis=1, keepdims=True)
    possible = np.all(np.isfinite(shares) & (shares >= 0), axis=1, keepdims=True)
    return np.where(possible, shares, np.nan)


def _rest(output: np.ndarray, fuel: np.ndarray, plant: Plant, first: tuple[int, ...], last: tuple[int, ...]) -> np.ndarray:
    """Shares where some products carry the fuel of separate production and the others what is left, by their energy."""
    with np.errstate(divide="ignore", invalid="ignore"):
        separate = np.where(output > 0, output / plant.references, 0.0)
        parts = np.zeros_like(output)
        parts[:, first] = separate[:, first]
        left = fuel - parts.sum(axis=1)
        of_last = output[:, last]
        parts[:, last] = left[:, None] * of_last / of_last.sum(axis=1, keepdims=True)
    none_to_carry = of_last.sum(axis=1) <= 0  # then the first carry all of it
    parts = np.where(none_to_carry[:, None], np.nan_to_num(separate) * np.isin(np.arange(output.shape[1]), first), parts)
    return _shares(np.where((parts >= 0).all(axis=1, keepdims=True), parts, np.nan))
