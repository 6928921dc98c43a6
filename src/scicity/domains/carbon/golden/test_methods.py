"""Known answers of the carbon methods, computed by hand from the numbers that the documents print."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from scicity.domains.carbon.methods import exact, fuel, in_use

CARBON_DIOXIDE = Fraction(44, 12)


@pytest.mark.parametrize(
    ("printed", "unit", "canonical_unit", "expected"),
    [
        ("0.5580", "kg/kWh", "kg/kWh", "0.558"),
        ("0.5580", "t/MWh", "kg/kWh", "0.558"),
        ("558.0", "g/kWh", "kg/kWh", "0.558"),
        ("55.54", "t/TJ", "kg/kWh", "0.199944"),  # 55.54 x 3.6 / 1000
        ("0.11", "t/GJ", "kg/kWh", "0.396"),  # 110 kg / 277.777... kWh
        ("0.11", "kg/MJ", "kg/kWh", "0.396"),  # the same number per MJ happens to be right
        ("21.6219", "t/ten_thousand_Nm3", "kg/Nm3", "2.16219"),
        ("0.03412", "kgce/MJ", "kgce/kWh", "0.122832"),
        ("389.31", "GJ/ten_thousand_Nm3", "kWh/Nm3", "10.814166666667"),  # 389.31 / 36
        ("0.168", "kg/t", "kg/kg", "0.000168"),
    ],
)
def test_printed_numbers_in_canonical_units(printed: str, unit: str, canonical_unit: str, expected: str) -> None:
    assert exact.twelve_places(exact.canonical(printed, unit, canonical_unit)) == Decimal(expected)


@pytest.mark.parametrize(
    ("unit", "canonical_unit"),
    [
        ("t/ten_thousand_Nm3", "kg/kWh"),  # per volume is not per energy
        ("kg/m**3", "kg/Nm3"),  # a cubic metre of unknown state
        ("kg/m3_20C", "kg/Nm3"),  # gas at 20 °C against 0 °C: 7 % more volume
        ("kgce/kWh", "kg/kWh"),  # coal is not carbon dioxide
        ("kg", "kg/kWh"),
    ],
)
def test_a_mix_of_units_is_refused(unit: str, canonical_unit: str) -> None:
    with pytest.raises(ValueError, match="cannot be converted"):
        exact.scale(unit, canonical_unit)


def test_slopes_are_exact() -> None:
    assert exact.exact_slope(3.5999999999999996) == Fraction(18, 5)
    assert exact.exact_slope(1 / 3600) == Fraction(1, 3600)
    assert exact.exact_slope(0.45359237e-3) == Fraction("0.00045359237")  # a pound per MWh
    for slope in (0.0, -1.0):
        with pytest.raises(ValueError, match="positive"):
            exact.exact_slope(slope)


@pytest.mark.parametrize("printed", ["0.06-0.11", "1e3", "½", "-0.5", "", "0,5", "nan", "５"])
def test_only_plain_decimals_are_numbers(printed: str) -> None:
    with pytest.raises(ValueError, match="plain decimal"):
        exact.printed_number(printed)


def test_the_last_place_is_the_one_that_is_printed() -> None:
    assert exact.last_place("0.5580") == Fraction(1, 10_000)
    assert exact.last_place("860") == 1


@pytest.mark.parametrize(
    ("heat_value", "carbon", "oxidation", "expected"),
    [  # GJ per unit, tC/TJ: kg of carbon dioxide per unit, as the inventory guide prints them
        ("389.31", "15.3", "0.99", "21621.9"),
        ("42.652", "20.2", "0.98", "3095.9"),
        ("43.07", "18.9", "0.98", "2925.1"),
        ("50.179", "17.2", "0.98", "3101.3"),
        ("51.498", "15.3", "0.98", "2831.3"),
        ("41.816", "21.1", "0.98", "3170.5"),
        ("1000", "15.3", "0.99", "55539.0"),  # per TJ: 55.54 t/TJ of GB/T 51366
    ],
)
def test_fuel_factors(heat_value: str, carbon: str, oxidation: str, expected: str) -> None:
    heat = exact.canonical(heat_value, "GJ", "kWh")
    found = fuel.fuel_factor(heat, exact.canonical(carbon, "t/TJ", "kg/kWh"), Fraction(oxidation), CARBON_DIOXIDE)
    assert abs(found - Fraction(expected)) < Fraction(1, 10)


def test_fuel_factors_out_of_range() -> None:
    one = Fraction(1)
    for arguments in ((-one, one, one, one), (one, Fraction(0), one, one), (one, one, Fraction(3, 2), one)):
        with pytest.raises(ValueError, match=r"positive|oxidation"):
            fuel.fuel_factor(*arguments)


@pytest.mark.parametrize(
    ("heat_value", "expected"),
    [
        *(("3600", "0.12284"), ("1000", "0.034121"), ("32238", "1.09999"), ("38979", "1.33000"), ("42705", "1.45713")),
        *(("43124", "1.47143"), ("50242", "1.71430"), ("51498", "1.75715"), ("20934", "0.71429")),
    ],
)
def test_standard_coal(heat_value: str, expected: str) -> None:
    found = fuel.standard_coal(exact.canonical(heat_value, "kJ", "kWh"), exact.canonical("29307.6", "kJ/kgce", "kWh/kgce"))
    assert abs(found - Fraction(expected)) <= Fraction(1, 100_000)
    with pytest.raises(ValueError, match="positive"):
        fuel.standard_coal(Fraction(0), Fraction(1))


HELD = [
    in_use.Held("beijing", 100, 200, place=0),
    in_use.Held("beijing", 200, 300, place=1),
    in_use.Held("beijing", 200, 300, place=2, revision=1),
    in_use.Held("gas", 0, None, place=3),
    in_use.Held("ratio", 150, None, place=4),
]


def test_a_choice_is_covered_without_a_gap_and_a_correction_counts() -> None:
    uses = in_use.uses_of(in_use.Choice(50, None, "beijing", ""), HELD)
    assert [(u.first, u.until, u.factor, u.missing) for u in uses] == [
        (50, 100, None, "factor"),
        (100, 200, 0, None),
        (200, 300, 2, None),
        (300, None, None, "factor"),  # never the nearest
    ]


def test_a_ratio_that_is_asked_for_must_hold_too() -> None:
    uses = in_use.uses_of(in_use.Choice(100, 180, "gas", "ratio"), HELD)
    assert [(u.first, u.until, u.factor, u.ratio, u.missing) for u in uses] == [
        (100, 150, 3, None, "ratio"),
        (150, 180, 3, 4, None),
    ]


def test_a_series_that_does_not_exist_has_no_factor() -> None:
    assert in_use.uses_of(in_use.Choice(0, 10, "elsewhere", ""), HELD) == [in_use.Use(0, 10, None, None, "factor")]
    assert in_use.holding(HELD, "beijing", 99) is None
    assert in_use.holding(HELD, "beijing", 100) == HELD[0]
