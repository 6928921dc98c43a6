"""Heights around a fort and under a view: known answers, by date, and what is refused of the registers."""

from __future__ import annotations

from datetime import date

import pytest

from scicity.domains.heritage.golden.small_heritage import (
    LAYERS,
    REGISTERS,
    RULES,
    SITES,
    VIEWS,
    SmallHeritage,
    collection,
    square,
)
from scicity.kernel.problems import Refused


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    found = SmallHeritage(tmp_path_factory.mktemp("heritage"))
    found.city.load()
    return found


def test_each_building_is_held_to_the_rule_of_its_distance(loaded):
    rows = {(row["feature"], row["height_rule"]): row for row in loaded.rows("heritage.height_check")}
    told = {key: (row["permitted_height"], row["excess_height"], row["height_verdict"]) for key, row in rows.items()}
    assert told["house", "near"] == (9, pytest.approx(3), "breaks")
    assert told["office", "middle"] == (18, pytest.approx(0), "keeps")
    assert told["tower", "far"] == (pytest.approx(18 + 0.06 * 200, abs=1e-5), pytest.approx(10, abs=1e-5), "breaks")
    assert told["plan", "middle"] == (18, pytest.approx(12), "breaks")
    assert told["shed", "near"] == (9, None, "unknown")
    assert rows["house", "near"]["site_distance"] == pytest.approx(50, abs=1e-5)
    assert ("office", "near") not in rows
    assert not any(feature == "hall" for feature, _ in rows)  # it was gone before the rules


def test_what_is_new_in_a_range_breaks_its_rule(loaded):
    rows = loaded.rows("heritage.height_check", where={"check_kind": "range"})
    assert [(row["feature"], row["permitted_height"], row["excess_height"]) for row in rows] == [("kiosk", 0, 3)]


def test_what_stands_in_a_view(loaded):
    (row,) = loaded.rows("heritage.height_check", where={"check_kind": "corridor"})
    # the sight line rises from 41.6 m to 61.6 m over a kilometre, and the mill stands half way on 42 m
    assert (row["feature"], row["site"], row["ground_assumed"]) == ("mill", "fort", False)
    assert row["permitted_height"] == pytest.approx(41.6 + 20 * 0.5 - 42, abs=1e-4)
    assert row["excess_height"] == pytest.approx(20 - 9.6, abs=1e-4)
    assert row["site_distance"] == pytest.approx(500, abs=1e-4)


def test_sites_stand_otherwise_on_each_day(loaded):
    rows = {(row["day"].year, row["site"]): row for row in loaded.rows("heritage.site_standing")}
    names = ("buildings_checked", "buildings_breaking", "buildings_unknown", "worst_excess")
    assert [rows[2014, "fort"][n] for n in names] == [0, 0, 0, None]
    assert [rows[2024, "fort"][n] for n in names] == [6, 4, 1, pytest.approx(10.4, abs=1e-4)]
    assert [rows[2035, "fort"][n] for n in names] == [7, 5, 1, pytest.approx(12)]
    assert rows[2024, "bridge"]["buildings_checked"] == 0


def test_areas_drawn_and_stated(loaded):
    rows = {row["site"]: row for row in loaded.rows("heritage.site_area")}
    assert rows["fort"]["drawn_area"] == pytest.approx(1e6, rel=1e-6)
    assert rows["fort"]["area_difference"] == pytest.approx(0, abs=1)
    assert (rows["bridge"]["drawn_area"], rows["bridge"]["stated_area"]) == (None, None)


def test_what_not_everybody_may_see_is_not_in_a_check_for_everybody(tmp_path):
    head = "layer,theme,name_zh,name_en,layer_file,visible_to,origin\n"
    register = head + "heritage-sites,heritage,文物,Sites,heritage-sites.geojson,leader officer,stand-in\n"
    built = collection(("house", square(1050, 0, 1070, 20), {"height": 12.0, "restricted_to": "officer expert"}))
    found = SmallHeritage(tmp_path, {"layers": register}, {"buildings": built})
    found.city.load()
    assert {row["restricted_to"] for row in found.rows("heritage.height_check")} == {"officer"}


def test_a_district_without_heritage_has_empty_tables(tmp_path):
    found = SmallHeritage(tmp_path, dict.fromkeys(REGISTERS, ""), dict.fromkeys(LAYERS, ""))
    found.city.load()
    for table in ("height_check", "site_standing", "site_area"):
        assert found.rows(f"heritage.{table}") == []


@pytest.mark.parametrize(
    ("register", "text", "told"),
    [
        ("height_rules", RULES.replace("step,0,100,,9", "step,0,100,protection,9"), "a distance from the site, or a class"),
        ("height_rules", RULES.replace("step,0,100,,9", "step,0,100,,"), "the height at the beginning"),
        ("height_rules", RULES.replace("step,0,100,,9,", "step,0,100,,9,0.1"), "a slope where the form is slope"),
        ("height_rules", RULES.replace("step,100,300", "step,50,300"), "no distance that near has already"),
        ("height_rules", RULES.replace("step,100,300", "step,100,90"), "more than 100"),
        ("height_rules", RULES.replace("far,fort", "far,castle"), "heritage.site"),
        ("height_rules", RULES.replace(",9,,all", ",-9,,all"), "permitted_height"),
        ("heritage_sites", SITES.replace("堡,Fort,city", "堡,Fort,world"), "one of nation"),
        ("view_corridors", VIEWS.replace(",1.6,", ",one,"), "eye_height"),
    ],
)
def test_what_is_wrong_with_a_register_is_told(tmp_path, register, text, told):
    found = SmallHeritage(tmp_path, {register: text})
    with pytest.raises(Refused, match=told) as refused:
        found.city.load()
    assert any(problem.file == f"registers/{register}.csv" for problem in refused.value.problems)


def test_a_view_whose_ground_nothing_tells_has_no_sight_line(tmp_path):
    found = SmallHeritage(tmp_path, {"view_corridors": VIEWS.replace(",40,40,40,50,", ",40,40,,50,")})
    found.city.load()
    assert found.rows("heritage.height_check", where={"check_kind": "corridor"}) == []
    assert {row["day"] for row in found.rows("heritage.site_standing")} == {
        date(2014, 12, 31),
        date(2024, 12, 31),
        date(2035, 12, 31),
    }
