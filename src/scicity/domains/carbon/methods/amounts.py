"""What a bill says of a fuel, of heat or of water, as an exact amount in one unit: kWh (net), kg or Nm3.

Units are never guessed: a volume of gas needs the condition at which it was counted, the energy of a fuel whether it is net or
gross, a volume of a liquid its density. Source: arithmetic; the conditions of `standards/gas_conditions.csv`, the constants of
`standards/constants.csv`, each with its document.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

from scicity.domains.carbon.methods import exact

ENERGY, MASS, NORMAL_VOLUME = "kWh", "kg", "Nm3"
NORMAL, AT_20, NET, GROSS = "0C", "20C", "net", "gross"
CONDITIONS = (NORMAL, AT_20, NET, GROSS)
VOLUME, VOLUME_AT_20, LITRE, COAL = "m**3", "m3_20C", "L", "kgce"
# Names of units as bills write them; everything else is read by pint as it stands.
NAMES = {
    **{"m3": "m**3", "m³": "m**3", "立方米": "m**3", "方": "m**3", "Nm³": "Nm3", "标准立方米": "Nm3", "标方": "Nm3"},
    **{"万m3": "ten_thousand_m3", "万m³": "ten_thousand_m3", "万立方米": "ten_thousand_m3", "万方": "ten_thousand_m3"},
    **{"万Nm3": "ten_thousand_Nm3", "万Nm³": "ten_thousand_Nm3", "万标准立方米": "ten_thousand_Nm3"},
    **{"吨": "t", "千克": "kg", "公斤": "kg", "升": "L", "吨标准煤": "tce", "吨标煤": "tce"},
    **{"千瓦时": "kWh", "度": "kWh", "兆瓦时": "MWh", "万千瓦时": "ten_thousand_kWh", "万kWh": "ten_thousand_kWh"},
    **{"吉焦": "GJ", "兆焦": "MJ", "百万千焦": "GJ"},
}


@dataclass(frozen=True)
class Amount:
    """An exact amount and the unit that it is in: `kWh` (of a fuel: on `basis` net or gross), `kg` or `Nm3`."""

    value: Fraction
    unit: str
    basis: str = ""


class AmountRefused(ValueError):  # noqa: N818  (reads as what happened: the amount was refused)
    """An amount that cannot be read: code of the problem, field, what was found and what was expected."""

    def __init__(self, code: str, field: str, found: str, expected: str) -> None:
        super().__init__(f"{field}: found {found}; expected {expected}")
        self.code, self.field, self.found, self.expected = code, field, found, expected


@dataclass(frozen=True)
class Known:
    """What is needed to turn one measure into another.

    `normal_volume`: normal cubic metres of one cubic metre at a condition [Nm3/m3]; `heat_of_standard_coal` [kWh/kgce];
    `density_of_water` [kg/m3].
    """

    normal_volume: Mapping[str, Fraction]
    heat_of_standard_coal: Fraction
    density_of_water: Fraction


def normal_volume(
    temperature: Fraction, pressure: Fraction, normal_temperature: Fraction, normal_pressure: Fraction
) -> Fraction:
    """Normal cubic metres of one cubic metre of an ideal gas at a temperature [K] and a pressure [kPa].

    Source: the equation of state of an ideal gas; of natural gas at atmospheric pressure it is off by less than 0.3 %. Raises
    ValueError for what is not above zero.
    """
    if min(temperature, pressure, normal_temperature, normal_pressure) <= 0:
        raise ValueError("temperatures and pressures are above zero")
    return normal_temperature / temperature * (pressure / normal_pressure)


def amount_of(printed: str, unit: str, condition: str, density: str, measures: Collection[str], known: Known) -> Amount:
    """An amount as a bill prints it, in its canonical unit.

    `measures`: by what its carrier may be measured (`energy`, `fuel_energy`, `coal`, `mass`, `liquid`, `gas`, `water`).
    `condition`: `0C`, `20C`, `net`, `gross` or empty; `density` [kg/L] as printed, or empty. Raises AmountRefused.
    """
    try:
        number = exact.printed_number(printed)
    except ValueError:
        raise AmountRefused("value", "printed", printed, "a plain decimal number") from None
    readers: Mapping[str, Callable[[Fraction, str, str, str, Known], Amount | None]] = {
        **{"energy": _energy, "fuel_energy": _fuel_energy, "coal": _coal, "mass": _mass},
        **{"liquid": _liquid, "gas": _gas, "water": _water},
    }
    name = NAMES.get(unit.strip(), unit.strip())
    for measure in measures:
        found = readers[measure](number, name, condition, density, known)
        if found is not None:
            return found
    able = {
        **{"energy": "kWh, MWh, GJ", "fuel_energy": "kWh, MWh, GJ (net or gross)", "coal": "tce, kgce", "mass": "kg, t"},
        **{"liquid": "L with a density", "gas": "Nm3, m3, 万m3 with their condition", "water": "m3"},
    }
    raise AmountRefused("unit", "unit", unit, "one of " + "; ".join(able[measure] for measure in measures))


def _slope(unit: str, canonical: str) -> Fraction | None:
    try:
        return exact.scale(unit, canonical)
    except ValueError:
        return None


def _no(condition: str, unit: str) -> None:
    if condition:
        raise AmountRefused("fuel-condition", "condition", condition, f"nothing: a condition says nothing of {unit}")


def _energy(number: Fraction, unit: str, condition: str, _: str, __: Known) -> Amount | None:
    slope = _slope(unit, ENERGY)
    if slope is None:
        return None
    _no(condition, unit)
    return Amount(number * slope, ENERGY)


def _fuel_energy(number: Fraction, unit: str, condition: str, _: str, __: Known) -> Amount | None:
    slope = _slope(unit, ENERGY)
    if slope is None:
        return None
    if condition not in (NET, GROSS):
        expected = "net or gross: the calorific value on which the energy of a fuel is counted"
        raise AmountRefused("fuel-condition", "condition", condition, expected)
    return Amount(number * slope, ENERGY, condition)


def _coal(number: Fraction, unit: str, condition: str, _: str, known: Known) -> Amount | None:
    slope = _slope(unit, COAL)
    if slope is None:
        return None
    if condition not in ("", NET):
        raise AmountRefused("fuel-condition", "condition", condition, "nothing or net: standard coal is counted by net heat")
    return Amount(number * slope * known.heat_of_standard_coal, ENERGY, NET)


def _mass(number: Fraction, unit: str, condition: str, density: str, __: Known) -> Amount | None:
    slope = _slope(unit, MASS)
    if slope is None:
        return None
    _no(condition, unit)
    if density:
        raise AmountRefused("fuel-condition", "density", density, "nothing: a mass needs no density")
    return Amount(number * slope, MASS)


def _liquid(number: Fraction, unit: str, condition: str, density: str, _: Known) -> Amount | None:
    slope = _slope(unit, LITRE)
    if slope is None:
        return None
    _no(condition, unit)
    try:
        weight = exact.printed_number(density)
    except ValueError:
        weight = Fraction(0)
    if weight <= 0:
        raise AmountRefused(
            "fuel-condition", "density", density, "kg/L as the delivery note states it, or the amount in kg or t"
        )
    return Amount(number * slope * weight, MASS)


def _gas(number: Fraction, unit: str, condition: str, _: str, known: Known) -> Amount | None:
    for stated, at in ((NORMAL_VOLUME, NORMAL), (VOLUME_AT_20, AT_20)):
        slope = _slope(unit, stated)
        if slope is not None:
            if condition not in ("", at):
                raise AmountRefused("fuel-condition", "condition", condition, f"{at}: {unit} says so itself")
            return Amount(number * slope * known.normal_volume[at], NORMAL_VOLUME)
    slope = _slope(unit, VOLUME)
    if slope is None:
        return None
    if condition not in (NORMAL, AT_20):
        raise AmountRefused("fuel-condition", "condition", condition, "0C or 20C: the temperature at which the gas was counted")
    return Amount(number * slope * known.normal_volume[condition], NORMAL_VOLUME)


def _water(number: Fraction, unit: str, condition: str, _: str, known: Known) -> Amount | None:
    slope = _slope(unit, VOLUME)
    if slope is None:
        return None
    _no(condition, unit)
    return Amount(number * slope * known.density_of_water, MASS)
