"""Parks, circles, greenways and densities over a small district whose areas and lengths are known."""

from __future__ import annotations

import pytest

from scicity.domains.greenways.golden.small_green import CLAIMS, LAYERS, REGISTERS, SmallGreen
from scicity.kernel.problems import Refused


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    found = SmallGreen(tmp_path_factory.mktemp("greenways"))
    found.city.load()
    return found


def test_parks_have_class_zone_and_area(loaded):
    rows = {row["feature"]: row for row in loaded.rows("greenways.park")}
    assert [(name, row["park_class"], row["zone"]) for name, row in sorted(rows.items())] == [
        ("big", "city", "west"),
        ("odd", "other", "west"),
        ("small", "pocket", "east"),
    ]
    assert rows["big"]["park_area"] == pytest.approx(250_000, rel=1e-6)
    assert rows["small"]["least_area"] == 400


def test_green_space_for_each_resident(loaded):
    rows = {(row["day"].year, row["zone"]): row for row in loaded.rows("greenways.green_account")}
    west, whole = rows[2024, "west"], rows[2024, "district"]
    assert (west["residents"], west["residents_kind"]) == (pytest.approx(1000), "layer")
    assert west["park_area"] == pytest.approx(250_000, rel=1e-6)
    assert west["green_area"] == pytest.approx(300_000, rel=1e-6)  # the lawn lies half in the park
    assert west["green_per_resident"] == pytest.approx(300, rel=1e-6)
    assert (whole["parks_counted"], whole["residents"]) == (2, pytest.approx(1500))
    assert whole["park_area"] == pytest.approx(250_400, rel=1e-6)
    before = [rows[2018, zone]["parks_counted"] for zone in ("west", "east", "district")]
    assert before == [2, 1, 2]  # a park in two zones is one of the district


def test_residents_are_those_planned_where_nobody_counted(tmp_path):
    found = SmallGreen(tmp_path, layers={"population": ""})
    found.city.load()
    rows = {row["zone"]: row for row in found.rows("greenways.green_account") if row["day"].year == 2024}
    assert (rows["west"]["residents"], rows["west"]["residents_kind"], rows["district"]["residents"]) == (1500, "planned", 2000)
    circles = found.rows("greenways.park_circle")
    assert circles
    assert {row["residents_share"] for row in circles} == {None}


def test_the_circle_of_parks(loaded):
    rows = {(row["day"].year, row["zone"], row["park_class"]): row for row in loaded.rows("greenways.park_circle")}
    city, pocket, any_ = (rows[2024, "district", each] for each in ("city", "pocket", "any"))
    assert rows[2024, "west", "city"]["circle_area_share"] == pytest.approx(100, abs=1e-6)  # a kilometre reaches all of it
    assert pocket["circle_area"] == pytest.approx(20 * 20 + 80 * 300 + 3.14159 * 300**2, rel=1e-3)
    assert any_["circle_area"] > city["circle_area"]
    east = rows[2024, "east", "pocket"]
    assert east["residents_covered"] == pytest.approx(500 * east["circle_area"] / 1e6, rel=1e-6)
    assert rows[2024, "west", "any"]["residents_covered"] == pytest.approx(1000, rel=1e-6)
    assert (2018, "district", "pocket") not in rows


def test_greenways_by_their_centre_lines(loaded):
    rows = {(row["day"].year, row["zone"]): row for row in loaded.rows("greenways.greenway_length")}
    found = {zone: rows[2024, zone]["counted_length"] for zone in ("west", "east", "district", "outside")}
    assert found == pytest.approx({"west": 1000, "east": 1000, "district": 2000, "outside": 500}, rel=1e-5)
    assert rows[2024, "west"]["merged_length"] == pytest.approx(1000, rel=1e-5)


def test_density_counts_a_street_once(loaded):
    rows = {(row["day"].year, row["zone"], row["network"]): row for row in loaded.rows("greenways.slow_density")}
    slow = rows[2018, "west", "slow"]
    assert slow["counted_length"] == pytest.approx(1000 + 400 + 400, rel=1e-5)
    assert slow["drawn_length"] == pytest.approx(3000 + 800, rel=1e-5)
    assert (slow["density_basis"], slow["slow_density"]) == ("zone", pytest.approx(1.8, rel=1e-5))
    assert rows[2018, "west", "walking"]["counted_length"] == pytest.approx(1400, rel=1e-5)
    assert rows[2018, "west", "cycling"]["counted_length"] == pytest.approx(1400, rel=1e-5)
    later = rows[2024, "west", "slow"]
    assert (later["density_basis"], later["density_area"]) == ("growth", pytest.approx(500_000, rel=1e-6))
    assert later["slow_density"] == pytest.approx((500 + 800) / 500, rel=1e-4)
    assert rows[2024, "east", "slow"]["slow_density"] is None


def test_shade_is_a_share_of_what_is_known(loaded):
    rows = {(row["day"].year, row["zone"]): row for row in loaded.rows("greenways.street_shade")}
    west = rows[2024, "west"]
    assert [west[n] for n in ("known_length", "shaded_length", "shaded_share")] == pytest.approx([2000, 1500, 75], rel=1e-5)


def test_statements_beside_the_map(loaded):
    rows = {(row["claim_id"], row["day"].year): row for row in loaded.rows("greenways.claim_check")}
    assert rows["G1", 2024]["gap"] == pytest.approx(2500 - 3000, rel=1e-4)
    assert (rows["G2", 2018]["stated_value"], rows["G2", 2018]["measured_value"]) == (4, pytest.approx(1.8, rel=1e-5))
    assert rows["G3", 2024]["measured_value"] == pytest.approx(250_400, rel=1e-6)


def test_a_district_without_green_has_empty_tables(tmp_path):
    found = SmallGreen(tmp_path, dict.fromkeys(REGISTERS, ""), dict.fromkeys(LAYERS, ""))
    found.city.load()
    for table in ("park", "green_account", "park_circle", "greenway_length", "slow_density", "street_shade", "claim_check"):
        assert found.rows(f"greenways.{table}") == []


@pytest.mark.parametrize(
    ("place", "text", "told"),
    [
        ("registers/green_claims", CLAIMS.replace("G1,greenway_length", "G1,wellbeing"), "one of greenway_length"),
        ("registers/green_claims", CLAIMS.replace("G1,", "G9,"), "indicators.statement"),
        ("registers/slow_traffic", "rule,threshold,source,review\nreach,5,x,unverified\n", "one of street_reach"),
        ("registers/slow_traffic", "rule,threshold,source,review\nstep,0,x,unverified\n", "at least 1 m"),
        (
            "registers/park_classes",
            "park_class,name_zh,name_en,circle_radius,least_area,document,clause,review\nzoo,动物园,Zoo,-5,,d,,unverified\n",
            "circle_radius",
        ),
    ],
)
def test_what_is_wrong_with_a_register_is_told(tmp_path, place, text, told):
    found = SmallGreen(tmp_path, {place: text})
    with pytest.raises(Refused, match=told) as refused:
        found.city.load()
    assert any(problem.file == f"{place}.csv" for problem in refused.value.problems)
