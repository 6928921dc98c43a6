"""The linter of factors refuses every wrong value that is known, and all that cannot be; and takes what is right."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from scicity.domains.carbon import sources
from scicity.kernel.district import KERNEL_SOURCES, District
from scicity.kernel.problems import Problem, Problems
from scicity.kernel.tables import Catalog

CATALOG = Catalog(
    [*KERNEL_SOURCES, *(value for name, value in vars(sources).items() if name.isupper() and hasattr(value, "path"))]
)
MEAN = {
    **{"factor": "f", "carrier": "electricity", "emission_scope": "2", "region": "china", "quantity": "grid_mean"},
    **{"printed": "0.5366", "unit": "kg/kWh", "data_year": "2022", "valid_from": "2022-01-01", "valid_to": "2023-01-01"},
    **{"document": "公告", "document_number": "2024年第33号", "published_on": "2024-12-26", "gas": "CO2"},
    **{"boundary": "direct", "review": "unverified"},
}
COAL = MEAN | {"emission_scope": "", "data_year": "", "document": "GB/T 2589-2020", "gas": "", "document_number": ""}
CHOICE = {
    **{"purpose": "location_based", "carrier": "electricity", "factor": "f", "ratio": "", "valid_from": "2022-01-01"},
    **{"reason_zh": "因为", "reason_en": "because"},
}


def problems_of(tmp_path: Path, factors: list[dict[str, str]], choices: list[dict[str, str]] | None = None) -> list[Problem]:
    """The problems of a district of a few factors, each told as changes of a row that is right."""
    (tmp_path / "factors").mkdir()
    (tmp_path / "registers").mkdir()
    (tmp_path / "district.toml").write_text(
        '[district]\nslug = "t"\nname = {zh = "试", en = "t"}\ntimezone = "Asia/Shanghai"\nlanguages = ["zh"]\n'
        '[[zone]]\nzone = "district"\nname_zh = "全区"\nname_en = "All"\n'
    )
    columns = [c for c in sources.FACTOR.columns if c not in sources.COMPUTED]
    _write(tmp_path / "factors" / "f.csv", columns, [MEAN | row for row in factors])
    _write(tmp_path / "registers" / "factor_choices.csv", list(sources.CHOICE.columns), [CHOICE | c for c in choices or []])
    problems = Problems()
    District.open(tmp_path, problems).sources(CATALOG, problems)
    return list(problems)


def _write(file: Path, columns: list[str], rows: list[dict[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def codes(found: list[Problem]) -> list[str]:
    return [problem.code for problem in found]


WRONG: dict[str, dict[str, str]] = {
    "2021 and 2022 swapped": {"printed": "0.5366", "data_year": "2021"},
    "2022 and 2021 swapped": {"printed": "0.5568"},
    "0.5703 as the mean of 2022": {"printed": "0.5703"},
    "0.5703 under 2020": {"printed": "0.5703", "data_year": "2020", "quantity": "enterprise_reporting"},
    "Beijing 0.7188": {"printed": "0.7188", "region": "beijing"},
    "national 0.5810": {"printed": "0.5810", "data_year": ""},
    "East China the national mean": {"printed": "0.5366", "region": "east_china"},
    "0.785 credited to GB/T 2589": {"printed": "0.785", "document": "GB/T 2589-2020", "data_year": "", "published_on": ""},
    "0.785 credited to nothing": {"printed": "785", "unit": "g/kWh", "data_year": ""},
    "0.5633, in no table": {"printed": "0.5633"},
    "0.81 beside steam": {"printed": "0.81", "unit": "t/MWh"},
    "footprint as a mean": {"printed": "0.6205", "data_year": "2023", "published_on": "2025-10-23"},
    "gas 2.1622 t per 10 000": {
        **{"printed": "2.1622", "unit": "t/ten_thousand_Nm3", "quantity": "combustion_volume", "carrier": "natural_gas"},
        **{"data_year": "", "emission_scope": "1"},
    },
}


@pytest.mark.parametrize("name", WRONG)
def test_known_wrong_values_are_refused(tmp_path: Path, name: str) -> None:
    found = [problem for problem in problems_of(tmp_path, [WRONG[name]]) if problem.code == "factor-known-wrong"]
    assert len(found) == 1
    assert (found[0].file, found[0].row, found[0].field) == ("factors/f.csv", 2, "printed")
    assert found[0].expected
    assert found[0].remedy


RIGHT: dict[str, dict[str, str]] = {
    "mean of 2022": {},
    "mean of 2021": {"printed": "0.5568", "data_year": "2021", "published_on": "2024-04-12"},
    "East China 2022": {"printed": "0.5617", "region": "east_china"},
    "a later announcement may print 0.5633": {"printed": "0.5633", "data_year": "2025", "published_on": "2027-12-30"},
    "enterprise reporting 2022": {"printed": "0.5703", "quantity": "enterprise_reporting", "data_year": ""},
    "steam per MJ": {
        **{"printed": "0.11", "unit": "kg/MJ", "carrier": "heat", "quantity": "purchased_heat", "data_year": ""},
    },
    "gas": {
        **{"printed": "21.6219", "unit": "t/ten_thousand_Nm3", "quantity": "combustion_volume", "carrier": "natural_gas"},
        **{"data_year": "", "emission_scope": "1"},
    },
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_values_are_taken(tmp_path: Path, name: str) -> None:
    assert problems_of(tmp_path, [RIGHT[name]]) == []


def test_every_known_error_has_its_reason_and_source() -> None:
    with (sources.STANDARDS / "known_wrong.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert all(row[column] for column in ("fault", "unit", "truth", "reason_zh", "reason_en", "source")), row["fault"]


FAULTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unit of another thing": ({"unit": "kg/Nm3"}, ["unit"]),
    "no unit": ({"unit": "half a kg"}, ["unit"]),
    "no number": ({"printed": "0.53-0.54"}, ["value"]),
    "unknown quantity": ({"quantity": "intensity"}, ["reference"]),
    "off by a thousand": ({"printed": "536.6"}, ["range"]),
    "footprint called direct": ({"quantity": "footprint", "printed": "0.62", "gas": "CO2e"}, ["factor-boundary"]),
    "mean called life cycle": ({"boundary": "life_cycle"}, ["factor-boundary", "factor-boundary"]),
    "data younger than the document": ({"data_year": "2025", "printed": "0.53"}, ["factor-year"]),
    "half a month": ({"valid_from": "2022-01-15"}, ["factor-year"]),
    "an instant": ({"valid_to": "2023-01-01T00:00:00Z"}, ["factor-year"]),
    "verified without its place": ({"review": "verified", "document_number": ""}, ["value-missing", "value-missing"]),
    "ends before it begins": ({"valid_to": "2021-01-01"}, ["period"]),
    "corrects nothing": ({"revision": "1"}, ["factor-year"]),
    "equal value as equivalent": (
        COAL | {"quantity": "standard_coal_energy", "unit": "kgce/kWh", "printed": "0.28232"},
        ["factor-arithmetic", "range"],
    ),
    "equivalent value as equal": (
        COAL | {"quantity": "standard_coal_equal", "unit": "kgce/kWh", "printed": "0.1229"},
        ["factor-mixed", "range"],
    ),
    "equal value without a date": (
        COAL | {"quantity": "standard_coal_equal", "unit": "kgce/kWh", "printed": "0.28232", "valid_to": ""},
        ["factor-mixed"],
    ),
    "0.122 of a demonstration": (
        COAL | {"quantity": "standard_coal_energy", "unit": "kgce/kWh", "printed": "0.122"},
        ["factor-known-wrong"],
    ),
    "coal without its heat value": (
        COAL | {"carrier": "diesel", "quantity": "standard_coal_mass", "unit": "kgce/kg", "printed": "1.4571"},
        ["factor-arithmetic"],
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    changes, expected = FAULTS[name]
    assert sorted(codes(problems_of(tmp_path, [changes]))) == expected


GUIDE = MEAN | {"carrier": "natural_gas", "emission_scope": "1", "data_year": "", "document": "guide", "document_number": ""}
PARTS = [
    GUIDE | {"factor": "h", "quantity": "heat_value_volume", "printed": "389.31", "unit": "GJ/ten_thousand_Nm3"},
    GUIDE | {"factor": "c", "quantity": "carbon_content", "printed": "15.3", "unit": "t/TJ"},
    GUIDE | {"factor": "o", "quantity": "oxidation", "printed": "99", "unit": "percent"},
]
WHOLE = GUIDE | {"quantity": "combustion_volume", "printed": "2.1622", "unit": "kg/Nm3"}
BY_ENERGY = GUIDE | {"factor": "e", "quantity": "combustion_energy", "printed": "55.54", "unit": "t/TJ"}


def test_a_fuel_factor_is_computed_again_from_its_parts(tmp_path: Path) -> None:
    assert problems_of(tmp_path, [*PARTS, WHOLE, BY_ENERGY]) == []


def test_a_fuel_factor_that_its_parts_do_not_give(tmp_path: Path) -> None:
    parts = [PARTS[0], PARTS[1] | {"printed": "15.32"}, PARTS[2]]  # 15.32 gives 2.1650
    found = problems_of(tmp_path, [*parts, WHOLE, BY_ENERGY])
    assert codes(found) == ["factor-arithmetic", "factor-arithmetic"]
    assert found[0].expected.startswith("2.16502:")


def test_parts_of_another_document_do_not_count(tmp_path: Path) -> None:
    parts = [row | {"document": "another guide"} for row in PARTS]
    assert problems_of(tmp_path, [*parts, WHOLE | {"printed": "2.1650"}]) == []


def test_standard_coal_is_computed_again_from_its_heat_value(tmp_path: Path) -> None:
    heat = COAL | {"carrier": "diesel", "factor": "h", "quantity": "coal_heat_mass", "unit": "kJ/kg", "printed": "42705"}
    coal = COAL | {"carrier": "diesel", "quantity": "standard_coal_mass", "unit": "kgce/kg", "printed": "1.4571"}
    assert problems_of(tmp_path, [heat, coal]) == []
    other = tmp_path / "other"
    other.mkdir()
    assert codes(problems_of(other, [heat, coal | {"printed": "1.4714"}])) == ["factor-arithmetic"]  # that of petrol


def test_two_factors_for_one_thing_at_one_time(tmp_path: Path) -> None:
    later = {"factor": "g", "printed": "0.5306", "data_year": "2023", "valid_from": "2022-07-01", "published_on": "2025-12-31"}
    assert codes(problems_of(tmp_path, [{}, later])) == ["periods-overlap"]


def test_two_values_for_one_data_year(tmp_path: Path) -> None:
    again = {"printed": "0.5367", "valid_from": "2023-01-01", "valid_to": "2024-01-01"}
    assert codes(problems_of(tmp_path, [{}, again])) == ["factor-year"]


def test_a_correction_comes_after_what_it_corrects(tmp_path: Path) -> None:
    correction = {"printed": "0.5370", "revision": "1", "published_on": "2025-06-01"}
    assert problems_of(tmp_path, [{}, correction]) == []
    other = tmp_path / "other"
    other.mkdir()
    assert codes(problems_of(other, [{}, correction | {"published_on": "2024-01-01"}])) == ["factor-year"]


FOOTPRINT = {"quantity": "footprint", "boundary": "life_cycle", "emission_scope": "", "printed": "0.62", "gas": "CO2e"}
EQUIVALENT = COAL | {"quantity": "standard_coal_energy", "unit": "kgce/kWh", "printed": "0.1229"}
EQUAL = COAL | {"quantity": "standard_coal_equal", "unit": "kgce/kWh", "printed": "0.28232"}
BAD_CHOICES: dict[str, tuple[dict[str, str], dict[str, str], list[str]]] = {
    "footprint for emissions": (FOOTPRINT, {}, ["factor-boundary", "factor-choice"]),
    "equal value in the equivalent book": (EQUAL, {"purpose": "standard_coal_equivalent"}, ["factor-mixed"]),
    "equivalent value in the equal book": (EQUIVALENT, {"purpose": "standard_coal_equal"}, ["factor-mixed"]),
    "a factor of another carrier": ({}, {"carrier": "heat"}, ["factor-choice"]),
    "a factor of another scope": ({"emission_scope": "1"}, {}, ["factor-choice"]),
    "a quantity that does not answer": ({"quantity": "fossil_power", "printed": "0.8325"}, {}, ["factor-choice"]),
    "a ratio that is none": ({}, {"ratio": "f"}, ["factor-choice"]),
    "a series that is not there": ({}, {"factor": "g"}, ["reference"]),
    "a carrier that is not known": ({"carrier": "peat"}, {"carrier": "peat"}, ["reference"]),
    "half a month": ({}, {"valid_from": "2022-01-20"}, ["factor-year"]),
    "an unknown purpose": ({}, {"purpose": "market"}, ["choice", "factor-choice"]),
}


@pytest.mark.parametrize("name", BAD_CHOICES)
def test_choices_that_cannot_answer(tmp_path: Path, name: str) -> None:
    factor, choice, expected = BAD_CHOICES[name]
    assert sorted(codes(problems_of(tmp_path, [factor], [choice]))) == sorted(expected)


def test_choices_that_can(tmp_path: Path) -> None:
    factors = [{}, EQUAL | {"factor": "q"}, EQUIVALENT | {"factor": "v"}]
    choices = [
        {},
        {"purpose": "standard_coal_equal", "factor": "q"},
        {"purpose": "standard_coal_equivalent", "factor": "v"},
    ]
    assert problems_of(tmp_path, factors, choices) == []
