"""Known answers of the carbon tables, computed by the kernel from a small district; and how they heal."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scicity.domains.carbon.golden.small_district import (
    BUILDING,
    CHOICES,
    COAL,
    EQUAL,
    FACTORS,
    OF_OTHERS,
    WHY,
    YEAR,
    SmallDistrict,
    energy,
    of_year,
)
from scicity.kernel.lake import Part
from scicity.kernel.problems import Refused
from scicity.kernel.tables import discover

ENERGY = [
    energy("b1", "electricity", "2021-12", "100", estimated_energy=Decimal(40)),
    energy("b1", "electricity", "2022-01", "200", estimated_energy=Decimal(60)),
    energy("b1", "electricity", "2022-06", "10"),
    energy("b1", "electricity", "2022-07", "10.5"),
    energy("b1", "natural_gas", "2022-01", "1000"),
    energy("b2", "electricity", "2022-01", "300", stand_in=True),
    energy("b2", "electricity", "2022-02", None),
    energy("b2", "electricity", "2023-01", "400"),
    energy("b2", "electricity", "2024-01", "500"),
]


def made(root: Path) -> SmallDistrict:
    """Factors of 2021 to 2023, energy from December 2021 to January 2024."""
    district = SmallDistrict(root)
    district.factors(FACTORS, CHOICES)
    district.use(ENERGY)
    district.compute()
    return district


@pytest.fixture
def district(tmp_path: Path) -> SmallDistrict:
    """A district of its own, which the test may change."""
    return made(tmp_path)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> SmallDistrict:
    """A district that no test changes."""
    return made(tmp_path_factory.mktemp("small"))


def emissions(district: SmallDistrict, **where: Any) -> list[tuple[str, str, Decimal | None]]:
    rows = district.rows("emission_monthly", **where)
    return [(row["building"], f"{row['month']:%Y-%m}", row["emission"]) for row in rows]


def test_a_gap_over_new_year_takes_the_factor_of_each_month(unchanged: SmallDistrict) -> None:
    rows = unchanged.rows("emission_monthly", building="b1", carrier="electricity")
    assert [(row["emission"], row["estimated_energy"], row["emission_factor"]) for row in rows] == [
        (Decimal("56.88"), 40, Decimal("0.5688")),
        (Decimal("111.6"), 60, Decimal("0.558")),
        (Decimal("5.58"), 0, Decimal("0.558")),
        (Decimal("5.859"), 0, Decimal("0.558")),
    ]
    assert {row["review"] for row in rows} == {"unverified"}


def test_gas_counted_by_gross_calorific_value(unchanged: SmallDistrict) -> None:
    row = unchanged.rows("emission_monthly", carrier="natural_gas")[0]
    assert (row["accounted_energy"], row["emission"]) == (900, Decimal("179.9496"))  # 1000 x 0.9 x 0.199944
    assert (row["emission_scope"], row["review"]) == (1, "unverified")  # the factor was seen, the ratio was not


def test_a_missing_year_is_refused_and_told(unchanged: SmallDistrict) -> None:
    row = unchanged.rows("emission_monthly", month=date(2024, 1, 1))[0]
    assert (row["emission"], row["coverage"], row["missing"]) == (None, 0, "factor")
    gap = unchanged.rows("factor_gap")
    assert [(g["carrier"], f"{g['month']:%Y-%m}", g["missing"], g["factor"], g["energy"]) for g in gap] == [
        ("electricity", "2024-01", "factor", "grid.beijing", 500)
    ]
    total = unchanged.rows("zone_total_yearly", zone="district", year=2024)[0]
    assert (total["emission"], total["energy"], total["coverage"]) == (None, 500, 0)


def test_unknown_energy_is_no_gap_of_factors(unchanged: SmallDistrict) -> None:
    row = unchanged.rows("emission_monthly", building="b2", month=date(2022, 2, 1))[0]
    assert (row["emission"], row["missing"], row["coverage"]) == (None, "energy", 0)


def test_years_zones_and_totals(unchanged: SmallDistrict) -> None:
    year = unchanged.rows("emission_yearly", building="b1", carrier="electricity", year=2022)[0]
    assert (year["emission"], year["energy"], year["known_seconds"]) == (Decimal("123.039"), Decimal("220.5"), 92 * 86_400)
    assert year["coverage"] == pytest.approx(92 / 365)
    zone = unchanged.rows("zone_emission_yearly", zone="district", carrier="electricity", year=2022)[0]
    assert (zone["emission"], zone["buildings_counted"], zone["stand_in"]) == (Decimal("290.439"), 2, True)
    assert zone["expected_seconds"] == 2 * YEAR
    month = unchanged.rows("zone_emission_monthly", zone="west", month=date(2022, 1, 1))[0]
    assert (month["emission"], month["coverage"]) == (Decimal("167.4"), 1)
    whole = unchanged.rows("zone_total_monthly", zone="district", month=date(2022, 1, 1))[0]
    assert (whole["direct_emission"], whole["indirect_emission"]) == (Decimal("179.9496"), Decimal("279"))
    assert whole["emission"] == Decimal("458.9496")
    total = unchanged.rows("zone_total_yearly", zone="district", year=2022)[0]
    assert total["emission"] == Decimal("470.3886")  # 123.039 + 167.4 + 179.9496
    assert (total["floor_area"], total["emission_intensity"]) == (400, pytest.approx(1.1759715))
    east = unchanged.rows("zone_total_yearly", zone="east", year=2022)[0]
    assert (east["stand_in"], east["floor_area"]) == (False, 100)
    building = unchanged.rows("building_total_yearly", building="b1", year=2022)[0]
    assert (building["emission"], building["emission_intensity"]) == (Decimal("302.9886"), pytest.approx(3.029886))
    assert unchanged.rows("building_total_yearly", building="b2", year=2022)[0]["direct_emission"] is None


def test_an_unknown_floor_area_gives_no_intensity(district: SmallDistrict) -> None:
    unknown = [
        {"building": "b1", "zone": "east", "floor_area": None},
        {"building": "b2", "zone": "west", "floor_area": 300.0},
    ]
    district.put(BUILDING, unknown)
    district.compute()
    total = {row["zone"]: row["emission_intensity"] for row in district.rows("zone_total_yearly", year=2022)}
    assert total == {"district": None, "east": None, "west": pytest.approx(0.558)}


def test_standard_coal_in_two_books(district: SmallDistrict) -> None:
    equivalent = {
        row["carrier"]: row["standard_coal"] for row in district.rows("standard_coal_yearly", zone="district", year=2022)
    }
    assert equivalent == {
        "electricity": Decimal("63.96945"),
        "natural_gas": Decimal("110.5488"),
    }  # 520.5 x 0.1229; 900 x 0.122832
    assert [row["standard_coal"] for row in district.rows("standard_coal_total", zone="district", year=2022)] == [
        Decimal("174.51825")
    ]
    equal = COAL | {"factor": "equal", "carrier": "electricity", "quantity": "standard_coal_equal", "printed": "0.28232"}
    dated = {"unit": "kgce/kWh", "region": "shanghai", "valid_from": "2022-01-01", "valid_to": "2023-01-01"}
    choice = WHY | {"purpose": EQUAL, "carrier": "electricity", "factor": "equal", "valid_from": "2022-01-01"}
    district.factors([*FACTORS, equal | dated], [*CHOICES, choice | {"valid_to": "2023-01-01"}])
    done = district.compute()
    assert done["carbon.standard_coal_yearly"].changed == {Part("2022")}
    assert "carbon.emission_monthly" not in done or not done["carbon.emission_monthly"].changed
    found = district.rows("standard_coal_yearly", zone="district", purpose=EQUAL)
    assert [(row["year"], row["carrier"], row["standard_coal"]) for row in found] == [
        (2022, "electricity", Decimal("146.94756")),  # 520.5 x 0.28232
        (2022, "natural_gas", None),  # no factor was chosen for it in this book
    ]
    total = district.rows("standard_coal_total", zone="district", purpose=EQUAL)[0]
    assert total["coverage"] < 0.5
    assert district.rows("standard_coal_total", zone="district", purpose=CHOICES[2]["purpose"], year=2022)[0][
        "standard_coal"
    ] == Decimal("174.51825")


def test_a_correction_published_later_leaves_what_was_published(district: SmallDistrict) -> None:
    before = {table: district.version(table) for table in ("emission_monthly", "zone_total_yearly", "factor_in_use")}
    published = district.rows("zone_total_yearly", zone="district", year=2022)
    factors = [*FACTORS, of_year(2022, "0.5590", revision="1", published_on="2025-06-01")]
    district.factors(factors, CHOICES)
    done = district.compute()
    assert done["carbon.emission_monthly"].changed == {Part("2022")}
    assert ("b1", "2022-01", Decimal("111.8")) in emissions(district, carrier="electricity")
    assert district.rows("emission_monthly", month=date(2021, 12, 1))[0]["emission"] == Decimal("56.88")
    again = {row["zone"]: row for row in district.again("zone_total_yearly", "2022", before["zone_total_yearly"])}
    assert again["district"] == published[0]
    old = district.again("emission_monthly", "2022", before["emission_monthly"])
    assert [row["emission"] for row in old if row["building"] == "b2"] == [Decimal("167.4"), None]
    new = district.again("emission_monthly", "2022", district.version("emission_monthly"))
    assert [row["emission"] for row in new if row["building"] == "b2"] == [Decimal("167.7"), None]


def test_a_region_that_changes_in_the_middle_of_a_year(district: SmallDistrict) -> None:
    other = {"factor": "grid.north_china", "region": "north_china"}
    choices = [CHOICES[0] | {"valid_to": "2022-07-01"}, CHOICES[0] | {"factor": other["factor"], "valid_from": "2022-07-01"}]
    district.factors([*FACTORS, of_year(2022, "0.6776", **other)], [*choices, *CHOICES[1:]])
    district.compute()
    assert emissions(district, building="b1", carrier="electricity")[2:] == [
        ("b1", "2022-06", Decimal("5.58")),
        ("b1", "2022-07", Decimal("7.1148")),  # 10.5 x 0.6776
    ]
    assert emissions(district, building="b2", month=date(2023, 1, 1)) == [("b2", "2023-01", None)]  # not there for 2023


def test_an_accounting_year_other_than_the_data_year(district: SmallDistrict) -> None:
    later = of_year(2023, "0.5554", valid_from="2024-01-01", valid_to="2025-01-01")
    district.factors([*FACTORS, later], CHOICES)
    done = district.compute()
    assert done["carbon.emission_monthly"].changed == {Part("2024")}
    assert emissions(district, month=date(2024, 1, 1)) == [("b2", "2024-01", Decimal("277.7"))]
    used = district.rows("factor_in_use", carrier="electricity", purpose="location_based", first_day=date(2024, 1, 1))
    assert (used[0]["data_year"], used[0]["last_day"]) == (2023, date(2024, 12, 31))
    assert district.rows("factor_gap") == []


def test_one_changed_factor_recomputes_one_year(district: SmallDistrict) -> None:
    changed = [of_year(2022, "0.5581") if row.get("data_year") == "2022" else row for row in FACTORS]
    district.factors(changed, CHOICES)
    done = district.compute()
    years = {name: {part.period for part in d.computed} for name, d in done.items() if name != "carbon.factor_in_use"}
    assert set(years) == {
        *("carbon.emission_monthly", "carbon.emission_yearly", "carbon.building_total_yearly", "carbon.zone_emission_monthly"),
        *("carbon.zone_emission_yearly", "carbon.zone_total_monthly", "carbon.zone_total_yearly", "carbon.factor_gap"),
        *("carbon.standard_coal_yearly", "carbon.fuel_emission_monthly", "carbon.enterprise_emission_monthly"),
        *("carbon.enterprise_emission_yearly", "carbon.enterprise_total_yearly", "carbon.market_based_yearly"),
        "carbon.market_based_total",
        *("carbon.inventory_enterprise", "carbon.inventory_gpc", "carbon.inventory_gpc_total", "carbon.change_cause"),
    }
    assert years.pop("carbon.change_cause") == {"2020", "2021", "2022", "2023"}  # a year is held against those beside it
    assert all(periods == {"2022"} for periods in years.values())
    assert not done["carbon.standard_coal_yearly"].changed  # it was looked at, and nothing above it was
    assert district.compute() == {}


def test_words_of_a_document_change_no_emission(district: SmallDistrict) -> None:
    district.factors([row | {"note": "looked at again"} for row in FACTORS], CHOICES)
    assert not any(d.changed for d in district.compute().values())


def test_what_was_healed_equals_what_is_computed_from_nothing(district: SmallDistrict, tmp_path: Path) -> None:
    for factors, choices in (
        (FACTORS[1:], CHOICES),
        ([*FACTORS, of_year(2022, "0.5590", revision="1")], CHOICES[:2]),
        ([of_year(2024, "0.5500"), *FACTORS], CHOICES[::-1]),
    ):
        district.factors(factors, choices)
        district.compute()
    district.use([*ENERGY[1:], energy("b1", "electricity", "2024-03", "7")])
    district.compute()
    other = SmallDistrict(tmp_path / "other")
    other.factors(factors, choices)
    other.use([*ENERGY[1:], energy("b1", "electricity", "2024-03", "7")])
    other.compute()
    assert district.contents() == other.contents()


def test_without_factors_nothing_is_told_and_all_is_missing(tmp_path: Path) -> None:
    bare = SmallDistrict(tmp_path)
    bare.factors([], [])
    bare.use(ENERGY)
    bare.compute()
    assert {(row["emission"], row["missing"]) for row in bare.rows("emission_monthly")} == {(None, "choice")}
    assert sum(row["energy"] or 0 for row in bare.rows("factor_gap")) == Decimal("2520.5")
    assert bare.rows("standard_coal_total") == []


def test_a_wrong_factor_loads_nothing(district: SmallDistrict) -> None:
    wrong = of_year(2022, "0.7188")
    with pytest.raises(Refused, match="factor-known-wrong"):
        district.factors([wrong, *FACTORS[2:]], CHOICES)
    assert district.compute() == {}


def test_the_tables_of_others_are_as_they_declare_them() -> None:
    declared = discover()
    for stub in OF_OTHERS:
        theirs = declared[stub.name]
        assert set(stub.columns) <= set(theirs.columns), stub.name
        assert (stub.period, stub.time, set(stub.grain)) == (theirs.period, theirs.time, set(theirs.grain)), stub.name


def test_every_carrier_of_a_meter_has_its_scope(unchanged: SmallDistrict) -> None:
    carriers = {row["carrier"] for row in unchanged.rows("carrier")}
    meter: Any = discover()["energy.meter"]
    assert set(meter.choices["carrier"]) <= carriers
