"""What a fuel emits and what it is worth in standard coal, from what the fuel is."""

from __future__ import annotations

from fractions import Fraction


def fuel_factor(
    heat_value: Fraction, carbon_content: Fraction, oxidation: Fraction, carbon_dioxide_per_carbon: Fraction
) -> Fraction:
    """Carbon dioxide [kg] of one unit of a fuel.

    `heat_value` [kWh per unit, net] > 0, `carbon_content` [kg of carbon per kWh] > 0, `oxidation` 0 to 1,
    `carbon_dioxide_per_carbon`: ratio of the molar masses, 44/12. With a heat value of 1 it is the factor by energy [kg/kWh].
    Source: GB/T 32150-2025, 7.5 (unverified; formula as in the provincial inventory guide 2025). Raises ValueError out of
    range.
    """
    if heat_value <= 0 or carbon_content <= 0 or carbon_dioxide_per_carbon <= 0:
        raise ValueError("heat value, carbon content and ratio of masses are positive")
    if not 0 <= oxidation <= 1:
        raise ValueError(f"oxidation is {oxidation}, and must be from 0 to 1")
    return heat_value * carbon_content * oxidation * carbon_dioxide_per_carbon


def standard_coal(heat_value: Fraction, heat_of_standard_coal: Fraction) -> Fraction:
    """Standard coal [kgce] of one unit of a carrier.

    `heat_value` [kWh per unit] > 0, `heat_of_standard_coal` [kWh/kgce] > 0 (29 307.6 kJ/kgce).
    Source: GB/T 2589-2020, 4 and annex A (unverified). Raises ValueError out of range.
    """
    if heat_value <= 0 or heat_of_standard_coal <= 0:
        raise ValueError("heat values are positive")
    return heat_value / heat_of_standard_coal
