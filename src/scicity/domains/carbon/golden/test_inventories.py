"""Conservation: scopes by enterprise are those of the zone, months the year, zones the district, the inventory all of it."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scicity.domains.carbon.golden.small_district import CHOICES, FACTORS, WHY, SmallDistrict, energy

FIRMS = [
    {"enterprise": name, "name_zh": name, "name_en": name, "zone": zone, "origin": "measured"}
    for name, zone in (("a", "east"), ("b", "west"))
]
DIESEL = {
    **{"factor": "diesel", "carrier": "diesel", "emission_scope": "1", "region": "china", "quantity": "combustion_energy"},
    **{"printed": "72.59", "unit": "t/TJ", "valid_from": "2020-01-01", "document": "d", "boundary": "direct", "gas": "CO2"},
    "review": "unverified",
}
HEAT = DIESEL | {
    "factor": "heat.diesel",
    "quantity": "heat_value_mass",
    "printed": "42.652",
    "unit": "GJ/t",
    "emission_scope": "",
}
TAP = DIESEL | {
    **{"factor": "tap", "carrier": "water", "emission_scope": "3", "quantity": "supply_footprint", "printed": "0.168"},
    **{"unit": "kg/t", "boundary": "life_cycle", "gas": "CO2e"},
}
MORE = [
    WHY | {"purpose": purpose, "carrier": carrier, "factor": factor, "valid_from": "2021-01-01"}
    for purpose, carrier, factor in (
        *(("location_based", "diesel", "diesel"), ("heat_value", "diesel", "heat.diesel")),
        ("supply_chain", "water", "tap"),
    )
]
BILL = {"carrier": "diesel", "unit": "t", "origin": "measured", "source": "bill"}
YEAR = {"valid_from": "2023-01-01", "valid_to": "2024-01-01"}
BILLS = [
    BILL | YEAR | {"entry": "1", "building": "b1", "printed": "1"},
    BILL | YEAR | {"entry": "2", "enterprise": "b", "activity": "mobile", "printed": "2"},
    BILL
    | {
        "entry": "3",
        "building": "b1",
        "enterprise": "a",
        "printed": "0.5",
        "valid_from": "2022-12-15",
        "valid_to": "2023-01-15",
    },
    BILL | YEAR | {"entry": "4", "building": "b2", "carrier": "water", "unit": "m3", "printed": "120"},
    BILL | {"entry": "5", "enterprise": "b", "printed": "1", "valid_from": "2025-01-01", "valid_to": "2025-07-01"},
]
ENERGY = [
    energy("b1", "electricity", "2022-12", "100"),
    energy("b1", "electricity", "2023-01", "1000.123457"),
    energy("b2", "electricity", "2023-01", "2000"),
    energy("b2", "electricity", "2023-02", None),
    energy("b2", "natural_gas", "2023-02", "300"),
]


def made(root: Path, bills: list[dict[str, str]] = BILLS, rows: list[dict[str, Any]] = ENERGY) -> SmallDistrict:
    district = SmallDistrict(root)
    district.register("buildings.enterprise", FIRMS)
    district.register("carbon.fuel_use", bills)
    district.factors([*FACTORS, DIESEL, HEAT, TAP], [*CHOICES, *MORE])
    district.use(rows, whose={"b2": "b"})
    district.compute()
    return district


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> SmallDistrict:
    return made(tmp_path_factory.mktemp("conserved"))


def by(rows: list[dict[str, Any]], *keys: str) -> dict[tuple[Any, ...], Decimal]:
    """The emissions of rows summed by keys."""
    found: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        found[tuple(row[key] for key in keys)] += row["emission"] or 0
    return found


def conserved(district: SmallDistrict) -> None:
    """Every sum of the accounts that must hold, to the last digit."""
    zone_months, zone_years = district.rows("zone_emission_monthly"), district.rows("zone_emission_yearly")
    keys = ("zone", "carrier", "emission_scope")
    of_enterprises = by(district.rows("enterprise_emission_monthly"), *keys, "month")
    assert {key: value for key, value in of_enterprises.items() if value} == {
        key: value for key, value in by(zone_months, *keys, "month").items() if value
    }
    months: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for (*key, month), value in by(zone_months, *keys, "month").items():
        months[(*key, month.year)] += value
    assert months == by(zone_years, *keys, "year")
    zones: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for (zone, *key), value in by(zone_years, *keys, "year").items():
        zones[(zone == "district", *key)] += value
    assert all(zones[True, *key] == value for (whole, *key), value in zones.items() if not whole)
    totals = by(district.rows("zone_total_yearly", zone="district"), "year")
    scopes = by([row for row in zone_years if row["zone"] == "district" and row["emission_scope"] < 3], "year")
    assert by(district.rows("inventory_gpc"), "year") == totals == scopes


def test_accounts_are_conserved(district: SmallDistrict) -> None:
    conserved(district)


def test_a_bill_in_its_months(district: SmallDistrict) -> None:
    """One tonne over a year of 365 days: 1000 kg x 31/365 x 42.652 GJ/t x 72.59 kg/GJ in January."""
    january = district.rows("fuel_emission_monthly", entry="1")[0]
    assert float(january["fuel_amount"]) == pytest.approx(1000 * 31 / 365, abs=1e-6)
    assert float(january["emission"]) == pytest.approx(31 / 365 * 42.652 * 72.59, abs=1e-4)
    assert sum(row["fuel_amount"] for row in district.rows("fuel_monthly", entry="1")) == 1000
    assert [row["known_seconds"] for row in district.rows("fuel_monthly", entry="3")] == [17 * 86_400, 14 * 86_400]
    year = district.rows("emission_yearly", building="b1", carrier="diesel", year=2023)[0]
    assert (year["coverage"], year["review"]) == (1, "unverified")
    assert district.rows("emission_yearly", building="b1", carrier="diesel", year=2022)[0]["coverage"] == pytest.approx(
        17 / 365
    )


def test_water_is_scope_3_and_in_no_total(district: SmallDistrict) -> None:
    total = district.rows("zone_total_yearly", zone="west", year=2023)[0]
    assert float(total["other_emission"]) == pytest.approx(20.16, abs=1e-5)  # 120 t x 0.168, rounded month by month
    assert total["emission"] == total["direct_emission"] + total["indirect_emission"]
    gas = Decimal("53.98488")  # 300 x 0.9 x 0.199944
    vehicles = sum(row["emission"] for row in district.rows("fuel_emission_monthly", entry="2"))
    assert total["direct_emission"] == gas + vehicles


def test_a_year_of_bills_alone_has_its_accounts(district: SmallDistrict) -> None:
    """2025 has no metered energy at all; its bills make its figures, computed from nothing as well as healed."""
    total = district.rows("zone_total_yearly", zone="district", year=2025)[0]
    assert float(total["emission"]) == pytest.approx(42.652 * 72.59, abs=1e-4)
    assert total["coverage"] == pytest.approx(181 / 365)


def test_sectors_and_notation_keys(district: SmallDistrict) -> None:
    rows = {(row["gpc_sector"], row["emission_scope"]): row for row in district.rows("inventory_gpc", year=2023)}
    assert rows["II.1", 1]["emission"] == sum(row["emission"] for row in district.rows("fuel_emission_monthly", entry="2"))
    assert (rows["III.1", 3]["notation"], rows["III.1", 3]["emission"], rows["III.1", 3]["coverage"]) == ("NE", None, None)
    assert rows["I.6", 2]["notation"] is None  # the buildings' use is not registered: non-specified
    district.register(
        "carbon.gpc_notation",
        [
            {
                "gpc_sector": "III.1",
                "emission_scope": "3",
                "notation": "NO",
                "reason_zh": "无",
                "reason_en": "none",
                "origin": "manual",
            },
            {
                "gpc_sector": "I.6",
                "emission_scope": "2",
                "notation": "IE",
                "reason_zh": "无",
                "reason_en": "none",
                "origin": "manual",
            },
        ],
    )
    district.load()
    district.compute()
    rows = {(row["gpc_sector"], row["emission_scope"]): row for row in district.rows("inventory_gpc", year=2023)}
    assert (rows["III.1", 3]["notation"], rows["III.1", 3]["reason_en"]) == ("NO", "none")
    assert rows["I.6", 2]["notation"] is None  # a key does not hide figures


def test_the_inventory_of_an_enterprise(district: SmallDistrict) -> None:
    form = {row["inventory_item"]: row for row in district.rows("inventory_enterprise", enterprise="b", year=2023)}
    assert form["bought_electricity"]["emission"] == Decimal("1110.8")  # 2000 x 0.5554
    own = sum(row["emission"] for row in district.rows("fuel_emission_monthly", entry="2"))
    assert form["combustion"]["emission"] == Decimal("53.98488") + own
    assert form["total"]["emission"] == form["combustion"]["emission"] + form["bought_electricity"]["emission"]
    assert form["bought_electricity"]["coverage"] == pytest.approx(31 / 59)  # February is unknown
    assert {name for name, row in form.items() if row["notation"]} == {
        *("process", "bought_heat", "exported_electricity", "exported_heat"),
    }


def test_common_is_what_its_own_energy_emits(district: SmallDistrict) -> None:
    """The rest of a zone is no leftover of rounding: its energy times the factor is its emission."""
    row = district.rows("enterprise_emission_monthly", zone="east", enterprise="common", carrier="electricity")[-1]
    assert row["energy"] == Decimal("1000.123457")
    assert row["emission"] == Decimal("555.468568")  # x 0.5554


AMOUNT = st.decimals(0, 10_000, places=3)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["b1", "b2", ""]), st.sampled_from(["a", "b", ""]), AMOUNT), max_size=4), AMOUNT)
def test_whatever_is_billed_is_conserved(tmp_path_factory: Any, bills: list[tuple[str, str, Decimal]], used: Decimal) -> None:
    written = [
        BILL
        | {"entry": str(number), "building": building, "enterprise": firm or "a", "printed": f"{amount:f}"}
        | spans[number % 2]
        for number, (building, firm, amount) in enumerate(bills)
        if building or firm
    ]
    root = tmp_path_factory.mktemp("any")
    rows = [*ENERGY[:3], energy("b1", "electricity", "2023-03", f"{used:f}")]
    healed = made(root / "healed", bills=[], rows=rows)
    healed.register("carbon.fuel_use", written)
    healed.load()
    healed.compute()
    conserved(healed)
    assert healed.contents() == made(root / "anew", bills=written, rows=rows).contents()


spans = (YEAR, {"valid_from": "2022-11-11T07:00:00", "valid_to": "2023-02-28"})
