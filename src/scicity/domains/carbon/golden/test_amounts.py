"""Hard cases of units (group 24): bills of fuels, heat and water in their units, conditions, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.domains.carbon import fuels
from scicity.domains.carbon.golden.small_district import SmallDistrict
from scicity.domains.carbon.methods import amounts, spreading
from scicity.kernel.problems import Refused

AT_20 = Fraction("273.15") / Fraction("293.15")  # Nm3 of one m3 at 20 °C

RIGHT = [  # carrier, printed, unit, condition, density: canonical amount and unit
    ("electricity", "1", "MWh", "", "", 1000, "kWh"),
    ("heat", "3.6", "GJ", "", "", 1000, "kWh"),
    ("heat", "3.6", "吉焦", "", "", 1000, "kWh"),
    ("electricity", "2.5", "万千瓦时", "", "", 25_000, "kWh"),
    ("natural_gas", "1", "万Nm3", "", "", 10_000, "Nm3"),
    ("natural_gas", "1", "万m3", "0C", "", 10_000, "Nm3"),
    ("natural_gas", "1", "万m3", "20C", "", 10_000 * AT_20, "Nm3"),
    ("natural_gas", "100", "Nm3", "0C", "", 100, "Nm3"),
    ("natural_gas", "100", "m3_20C", "", "", 100 * AT_20, "Nm3"),
    ("natural_gas", "3.6", "GJ", "gross", "", 1000, "kWh"),
    ("natural_gas", "1", "tce", "", "", Fraction("29307600") / 3600, "kWh"),
    ("diesel", "2", "吨", "", "", 2000, "kg"),
    ("diesel", "100", "L", "", "0.84", 84, "kg"),
    ("water", "12", "m3", "", "", 12_000, "kg"),
    ("water", "12", "t", "", "", 12_000, "kg"),
]


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: " ".join(map(str, case[:5])))
def test_hard_case_24_units_are_read_exactly(case: tuple[str, str, str, str, str, Fraction, str]) -> None:
    carrier, printed, unit, condition, density, expected, canonical = case
    found = amounts.amount_of(printed, unit, condition, density, fuels.measures()[carrier], fuels.known())
    assert (found.value, found.unit) == (expected, canonical)


REFUSED = {  # carrier, printed, unit, condition, density: code and field
    "gas in m3 of no condition": ("natural_gas", "100", "m3", "", "", "fuel-condition", "condition"),
    "gas in Nm3 said to be at 20 °C": ("natural_gas", "100", "Nm3", "20C", "", "fuel-condition", "condition"),
    "gas in m3 said to be net": ("natural_gas", "100", "m3", "net", "", "fuel-condition", "condition"),
    "energy of gas, net or gross not said": ("natural_gas", "100", "GJ", "", "", "fuel-condition", "condition"),
    "coal equivalent said to be gross": ("natural_gas", "1", "tce", "gross", "", "fuel-condition", "condition"),
    "litres without a density": ("diesel", "100", "L", "", "", "fuel-condition", "density"),
    "a mass with a density": ("diesel", "100", "kg", "", "0.84", "fuel-condition", "density"),
    "diesel in Nm3": ("diesel", "100", "Nm3", "", "", "unit", "unit"),
    "electricity as coal": ("electricity", "1", "tce", "", "", "unit", "unit"),
    "water in kWh": ("water", "1", "kWh", "", "", "unit", "unit"),
    "heat in tonnes of steam": ("heat", "1", "t", "", "", "unit", "unit"),
    "a unit that is none": ("heat", "1", "GJ; DROP", "", "", "unit", "unit"),
    "a number that is none": ("heat", "1e3", "GJ", "", "", "value", "printed"),
    "heat at 0 °C": ("heat", "1", "GJ", "0C", "", "fuel-condition", "condition"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_hard_case_24_a_mix_is_refused(name: str) -> None:
    carrier, printed, unit, condition, density, code, field = REFUSED[name]
    with pytest.raises(amounts.AmountRefused) as refused:
        amounts.amount_of(printed, unit, condition, density, fuels.measures()[carrier], fuels.known())
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.expected


def test_gas_at_20_degrees_is_a_fourteenth_less_at_0_degrees() -> None:
    assert float(fuels.known().normal_volume["20C"]) == pytest.approx(0.931776, abs=1e-6)
    assert fuels.known().normal_volume["0C"] == 1
    with pytest.raises(ValueError, match="above zero"):
        amounts.normal_volume(Fraction(0), Fraction(1), Fraction(1), Fraction(1))


@given(
    st.lists(st.integers(0, 10**15), min_size=1, max_size=5),
    st.lists(st.integers(0, 10**9), min_size=1, max_size=14).filter(any),
)
def test_parts_sum_to_the_whole(totals: list[int], weights: list[int]) -> None:
    total = np.array(totals, dtype=np.int64)
    parts = spreading.spread(total, np.tile(np.array(weights, dtype=np.int64), (len(total), 1)))
    assert (parts.sum(axis=1) == total).all()
    assert (parts >= 0).all()
    assert not parts[:, np.array(weights) == 0].any()


def test_what_cannot_be_spread() -> None:
    for weights in ([[0, 0]], [[-1, 2]]):
        with pytest.raises(ValueError, match="weights"):
            spreading.spread(np.array([1]), np.array(weights))


BILL = {
    **{"entry": "1", "building": "b1", "carrier": "diesel", "valid_from": "2023-01-01", "valid_to": "2023-02-01"},
    **{"printed": "1", "unit": "t", "origin": "measured", "source": "bill"},
}
METER = {"meter": "m", "carrier": "diesel", "role": "main", "zero_is_gap": "false", "origin": "measured"}
INSTALLED = {"meter": "m", "valid_from": "2023-01-15", "building": "b1", "multiplier": "1"}


def told(
    root: Path, bills: list[dict[str, str]], **registers: list[dict[str, str]]
) -> list[tuple[str, int | None, str | None]]:
    """Code, row and field of each problem of a district with these bills."""
    district = SmallDistrict(root)
    for name, rows in registers.items():
        district.register(name.replace("__", "."), rows)
    district.register("carbon.fuel_use", bills)
    try:
        district.load()
    except Refused as refused:
        return [(problem.code, problem.row, problem.field) for problem in refused.problems]
    return []


def test_bills_are_taken_or_refused_with_their_place(tmp_path: Path) -> None:
    assert told(tmp_path / "0", [BILL]) == []
    gas = BILL | {"entry": "2", "carrier": "natural_gas", "unit": "m3"}
    nobody = BILL | {"entry": "3", "building": ""}
    huge = BILL | {"entry": "4", "printed": "999999999999999"}
    backwards = BILL | {"entry": "5", "valid_to": "2022-01-01"}
    found = told(tmp_path / "1", [BILL, gas, nobody, huge, backwards])
    assert sorted(found) == [
        ("fuel-condition", 3, "condition"),
        ("period", 6, "valid_to"),
        ("range", 5, "printed"),
        ("value-missing", 4, "building"),
    ]


def test_a_fuel_that_a_meter_counts_is_refused(tmp_path: Path) -> None:
    """Only the months that the meter does not count may be billed."""
    gas = BILL | {"carrier": "natural_gas", "printed": "3.6", "unit": "GJ", "condition": "net"}
    meter = METER | {"carrier": "natural_gas"}
    registers = {"energy__meter": [meter], "energy__installation": [INSTALLED]}
    assert told(tmp_path / "0", [gas], **registers) == [("fuel-metered", 2, "carrier")]
    assert told(tmp_path / "1", [gas | {"valid_to": "2023-01-15"}], **registers) == []
    assert told(tmp_path / "2", [gas | {"building": "b2"}], **registers) == []
