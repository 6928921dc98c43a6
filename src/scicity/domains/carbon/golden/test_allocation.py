"""Hard cases of plants (group 17): fuel split between power, heat and cold by each method, and back; sold across the border."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.domains.carbon.golden.small_district import CHOICES, FACTORS, SmallDistrict
from scicity.domains.carbon.methods import allocation

NAN = float("nan")


def plant(**changes: float) -> allocation.Plant:
    """One plant: heat of 90/50 °C, cold of 7 °C, 10 °C outside; references 0.5, 0.9, 1.2; shares 0.5, 0.3, 0.2."""
    state = {"supply": 90.0, "back": 50.0, "cold": 7.0, "ambient": 10.0, "power": 0.5, "heat": 0.9, "of_cold": 1.2} | changes
    return allocation.Plant(
        *(np.array([state[name]]) for name in ("supply", "back", "cold", "ambient")),
        np.array([[state["power"], state["heat"], state["of_cold"]]]),
        np.array([[0.5, 0.3, 0.2]]),
    )


def shares(method: str, output: tuple[float, float, float], fuel: float = 1000.0, **changes: float) -> list[float]:
    found = allocation.METHODS[method](np.array([output]), np.array([fuel]), plant(**changes))
    return [float(share) for share in found[0]]


def test_hard_case_17_known_splits_of_each_method() -> None:
    output = (400.0, 450.0, 0.0)
    assert shares("energy_content", output) == pytest.approx([400 / 850, 450 / 850, 0])
    assert shares("efficiency", output) == pytest.approx([800 / 1300, 500 / 1300, 0])  # 400/0.5 and 450/0.9
    assert shares("benefit_to_power", output) == pytest.approx([0.5, 0.5, 0])  # heat carries 500 of 1000
    assert shares("benefit_to_heat", output) == pytest.approx([0.8, 0.2, 0])  # power carries 800
    assert shares("fixed_share", output) == pytest.approx([0.625, 0.375, 0])  # of 0.5 and 0.3
    mean = 40 / np.log(363.15 / 323.15)  # 342.76 K
    carnot = 1 - 283.15 / mean
    assert shares("exergy", output) == pytest.approx([400 / (400 + 450 * carnot), 450 * carnot / (400 + 450 * carnot), 0])
    assert carnot == pytest.approx(0.17395, abs=1e-4)


def test_cold_carries_work_only_below_the_surroundings() -> None:
    warm = shares("exergy", (400.0, 0.0, 100.0), ambient=30.0)
    assert warm[2] == pytest.approx(100 * (303.15 / 280.15 - 1) / (400 + 100 * (303.15 / 280.15 - 1)))
    assert np.isnan(shares("exergy", (400.0, 0.0, 100.0), ambient=5.0)).all()


def test_a_method_that_cannot_be_applied_gives_nothing() -> None:
    assert np.isnan(shares("efficiency", (400.0, 450.0, 0.0), heat=NAN)).all()
    assert shares("efficiency", (400.0, 450.0, 0.0), of_cold=NAN) == pytest.approx([800 / 1300, 500 / 1300, 0])  # no cold made
    assert np.isnan(shares("benefit_to_power", (400.0, 950.0, 0.0))).all()  # heat alone would need more than the fuel
    assert np.isnan(shares("energy_content", (0.0, 0.0, 0.0))).all()
    assert shares("benefit_to_heat", (400.0, 0.0, 0.0)) == [1, 0, 0]


AMOUNT = st.floats(0, 1e9)


@given(st.tuples(AMOUNT, AMOUNT, AMOUNT), st.floats(1, 1e10))
def test_shares_are_parts_of_one(output: tuple[float, float, float], fuel: float) -> None:
    for method in allocation.METHODS:
        found = shares(method, output, fuel)
        assert np.isnan(found).all() or (sum(found) == pytest.approx(1) and min(found) >= 0)


PLANT = {
    **{"plant": "p", "name_zh": "站", "name_en": "Plant", "zone": "east", "enterprise": "maker", "products": "power heat"},
    **{"allocation": "efficiency", "heat_temperature": "90", "heat_return_temperature": "50", "ambient_temperature": "10"},
    **{"reference_power_efficiency": "0.5", "reference_heat_efficiency": "0.9", "power_share": "0.7", "heat_share": "0.3"},
    **{"document": "contract", "review": "unverified", "origin": "measured", "source": "plant"},
}
MAKER = {"enterprise": "maker", "name_zh": "甲", "name_en": "Maker", "zone": "east", "origin": "measured"}
GAS = {
    **{"entry": "g", "enterprise": "maker", "plant": "p", "carrier": "natural_gas", "activity": "generation"},
    **{"valid_from": "2023-01-01", "valid_to": "2023-03-01", "printed": "1234.567891", "unit": "MWh", "condition": "net"},
    **{"origin": "measured", "source": "bill"},
}
OUT = {
    **{
        "plant": "p",
        "enterprise": "maker",
        "destination": "inside",
        "valid_from": "2023-01-01",
        "valid_to": "2023-03-01",
        "unit": "MWh",
    },
    **{"origin": "measured", "source": "meter"},
}
OUTPUTS = [
    OUT | {"entry": "1", "product": "power", "printed": "400"},
    OUT | {"entry": "2", "product": "heat", "printed": "300"},
    OUT | {"entry": "3", "product": "heat", "printed": "100.000001", "destination": "outside"},
]


def made(root: Path, gas: dict[str, str] = GAS, outputs: list[dict[str, str]] = OUTPUTS) -> SmallDistrict:
    district = SmallDistrict(root)
    district.register("buildings.enterprise", [MAKER])
    district.register("carbon.plant", [PLANT])
    district.register("carbon.plant_output", outputs)
    district.register("carbon.fuel_use", [gas])
    district.factors(FACTORS, CHOICES)
    district.compute()
    return district


def test_hard_case_17_every_method_sums_back_to_the_fuel_and_its_emissions(tmp_path: Path) -> None:
    district = made(tmp_path)
    months = district.rows("cogeneration_monthly")
    fuel: dict[tuple[str, date], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for row in months:
        if row["allocated_energy"] is not None:
            key = (row["method"], row["month"])
            fuel[key][0] += row["allocated_energy"]
            fuel[key][1] += row["allocated_emission"]
    whole = {row["month"]: [row["energy"], row["emission"]] for row in district.rows("fuel_emission_monthly")}
    assert {method for method, _ in fuel} == set(allocation.METHODS)
    assert all(found == whole[month] for (_, month), found in fuel.items())
    assert sum(row[0] for row in whole.values()) == Decimal("1234567.891")
    years = district.rows("cogeneration_yearly", method="efficiency", year=2023)
    assert sum(row["allocated_energy"] for row in years) == Decimal("1234567.891")
    assert years[0]["coverage"] == pytest.approx(2 / 12)


def test_hard_case_17_heat_sold_across_the_border(tmp_path: Path) -> None:
    """It stays in scope 1 of the producer, is told beside it, and is taken off in the inventory of the enterprise."""
    district = made(tmp_path)
    heat = district.rows("cogeneration_yearly", method="efficiency", product="heat")[0]
    assert heat["sold_energy"] == Decimal("100000.001")
    assert float(heat["exported_emission"] / heat["allocated_emission"]) == pytest.approx(100_000.001 / 400_000.001, abs=1e-9)
    total = district.rows("zone_total_yearly", zone="district", year=2023)[0]
    assert total["direct_emission"] == sum(row["emission"] for row in district.rows("fuel_emission_monthly"))
    gpc = district.rows("inventory_gpc", gpc_sector="I.4.4")[0]
    assert (gpc["emission"], gpc["basic_emission"]) == (total["direct_emission"], None)
    form = {row["inventory_item"]: row for row in district.rows("inventory_enterprise", enterprise="maker")}
    assert form["exported_electricity"]["emission"] == -Decimal("222160")  # 400 000 x 0.5554
    assert (form["exported_heat"]["emission"], form["exported_heat"]["energy"]) == (None, Decimal("400000.001"))  # no factor
    assert (form["process"]["notation"], form["bought_heat"]["notation"]) == ("NE", "NO")
    assert form["total"]["emission"] is None  # a part of it is unknown


def test_an_unknown_product_or_fuel_is_not_split(tmp_path: Path) -> None:
    district = made(tmp_path / "1", outputs=OUTPUTS[:1])  # no heat was told, and the plant makes some
    assert {(row["missing"], row["allocated_energy"]) for row in district.rows("cogeneration_monthly")} == {("output", None)}
    district = made(tmp_path / "2", gas=GAS | {"printed": "10", "unit": "Nm3", "condition": ""})  # no calorific value is chosen
    assert {row["missing"] for row in district.rows("cogeneration_monthly")} == {"fuel"}
    assert {row["missing"] for row in district.rows("fuel_emission_monthly")} == {"heat_value"}
    assert {row["missing"] for row in district.rows("factor_gap")} == {"heat_value"}
