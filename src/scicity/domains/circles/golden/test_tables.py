"""A small town whose every answer can be worked out by hand; what heals, what opens, what is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from scicity.domains.circles.golden.small_town import (
    CANDIDATES,
    CLINIC,
    EXTENTS,
    LAYERS,
    REGISTERS,
    SITINGS,
    SPEED,
    SmallTown,
    collection,
    home,
    line,
    people,
    point,
)
from scicity.kernel.problems import Refused

NOW = date(2026, 1, 1)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    found = SmallTown(tmp_path_factory.mktemp("town"))
    found.city.load()
    return found


def access(town, facility_class, mode="foot"):
    where = {"travel_mode": mode, "facility_class": facility_class}
    return {row["cell"]: row for row in town.rows("circles.access", where=where)}


def test_the_time_to_the_nearest_is_the_way_at_the_speed_of_the_mode(town):
    found = access(town, "clinic")
    assert {cell: row["access_state"] for cell, row in found.items()} == {
        **dict.fromkeys("abc", "reached"),
        "d": "unreached",
        "e": "off_network",
    }
    assert [found[cell]["access_distance"] for cell in "abc"] == pytest.approx([0, 300, 900], abs=0.03)
    assert [found[cell]["access_time"] for cell in "bc"] == pytest.approx([300 / SPEED, 900 / SPEED], abs=0.05)
    assert [found[cell]["facility"] for cell in "abcde"] == ["clinic", "clinic", "clinic", None, None]
    assert [found["d"][name] for name in ("access_time", "access_distance", "facilities_15")] == [None, None, 0]
    assert [found["e"][name] for name in ("access_time", "facilities_15")] == [None, None]
    assert [found["c"][f"facilities_{each}"] for each in (5, 10, 15)] == [0, 0, 1]
    assert access(town, "sport")["a"]["access_state"] == "no_facilities"


def test_what_is_planned_and_what_only_some_may_see_is_not_counted(town):
    told = town.rows("circles.facility", where={"facility_class": "clinic"})
    assert [row["facility"] for row in told] == ["clinic"]
    assert (told[0]["zone"], told[0]["places"]) == ("west", None)


def test_a_park_is_reached_at_its_edge_and_not_at_its_middle(town):
    found = access(town, "park")
    assert found["c"]["access_distance"] == pytest.approx(900 - 480 + 5, abs=0.05)
    assert found["b"]["access_distance"] == pytest.approx(380 - 300 + 5, abs=0.05)
    doors = town.rows("circles.door", where={"facility_class": "park", "travel_mode": "foot"})
    assert len(doors) > 4
    assert {row["facility"] for row in doors} == {"park"}


def test_who_rides_is_faster_and_motorways_are_for_neither(town):
    assert access(town, "clinic", "bicycle")["c"]["access_time"] == pytest.approx(900 / 3.33, abs=0.05)
    ways = {row["way"] for row in town.rows("circles.edge")}
    assert ways == {"main", "island"}


def test_circles_are_shares_of_those_whose_home_touches_the_network(town):
    rows = {(row["circle"], row["zone"]): row for row in town.rows("circles.circle_coverage", where={"age_group": "all"})}
    bus = rows["sdg-11-2-1", "district"]
    assert (bus["people"], bus["people_seen"], bus["people_covered"]) == (Decimal(520), Decimal(420), Decimal(220))
    assert bus["circle_share"] == pytest.approx(220 / 420 * 100)
    assert bus["coverage"] == pytest.approx(420 / 520)
    assert rows["sdg-11-2-1", "west"]["people_seen"] == Decimal(320)  # the island is outside
    elders = town.rows("circles.circle_coverage", where={"age_group": "elders", "circle": "sdg-11-2-1", "zone": "district"})
    assert elders[0]["people_covered"] == Decimal(44)
    assert elders[0]["stand_in"]


def test_a_circle_is_not_known_where_a_class_has_no_data(town):
    cells = {row["cell"]: row for row in town.rows("circles.circle_cell", where={"circle": "service-15"})}
    told = {cell: (row["circle_met"], row["circle_met_at_most"]) for cell, row in cells.items()}
    # the school is 1000 m from a: 900.9 s
    assert told == {"a": (False, False), "b": (None, True), "c": (None, True), "d": (False, False), "e": (None, None)}
    assert cells["a"]["classes_missing"] == "school"
    assert set(cells["b"]["classes_without_data"].split()) == {"culture", "sport", "market", "eldercare"}
    (whole,) = town.rows("circles.circle_coverage", where={"circle": "service-15", "zone": "district", "age_group": "all"})
    assert (whole["circle_share"], whole["people_covered"]) == (None, None)
    assert whole["circle_share_at_most"] == pytest.approx(220 / 420 * 100)


def test_shares_of_a_class(town):
    where = {"facility_class": "clinic", "zone": "district", "age_group": "all", "travel_mode": "foot"}
    (row,) = town.rows("circles.class_coverage", where=where)
    assert [row[name] for name in ("people_5", "people_10", "people_15")] == [Decimal(200), Decimal(200), Decimal(320)]
    assert row["people_radius"] == Decimal(320)
    assert row["people_unreached"] == Decimal(100)
    assert row["mean_access_time"] == pytest.approx((300 * 100 + 900 * 120) / SPEED / 320, abs=0.05)
    assert town.rows("circles.class_coverage", where={"facility_class": "sport"}) == []  # no data is no share


def test_children_are_placed_as_far_as_places_go(town):
    (school,) = town.rows("circles.school")
    assert (school["places"], school["people_placed"], school["places_free"]) == (25, Decimal(25), 0)
    assert school["people_nearest"] == Decimal(32)
    # 12 from c, 10 from b, 3 from a
    assert school["mean_access_time"] == pytest.approx((12 * 100 + 10 * 700 + 3 * 1000) / SPEED / 25, abs=0.05)
    zones = {row["zone"]: row for row in town.rows("circles.school_zone")}
    assert (zones["district"]["people"], zones["district"]["people_without"]) == (Decimal(52), Decimal(27))
    assert zones["west"]["people_without"] == Decimal(17)
    assert zones["west"]["placed_share"] == pytest.approx(25 / 42 * 100)


def test_the_best_places_and_what_each_adds(town):
    chosen = {(row["siting"], row["rank"]): row for row in town.rows("circles.siting_choice")}
    assert (chosen["one", 1]["candidate"], chosen["one", 1]["adds"]) == ("middle", 120)
    assert (chosen["two", 2]["candidate"], chosen["two", 2]["adds"], chosen["two", 2]["lost_without"]) == ("far", 100, 100)
    outcome = {row["siting"]: row for row in town.rows("circles.siting_outcome")}
    assert [outcome["two"][name] for name in ("worth", "bound", "optimality_gap", "solver_status")] == [220, 220, 0, "optimal"]
    assert (outcome["one"]["people_without"], outcome["one"]["candidates_off"]) == (Decimal(220), 1)
    # the elders of d (20) have 900 s now, as they reach nothing, and 50 m then; those of c gain 600 m, of b none
    assert chosen["way", 1]["candidate"] == "far"
    assert chosen["way", 1]["adds_people_time"] == pytest.approx(20 * (900 - 50 / SPEED) / 3600, abs=1e-4)


def test_land_and_open_space(town):
    (growth,) = town.rows("circles.land_growth")
    assert growth["land_consumption_rate"] == pytest.approx(4.0)
    assert growth["population_growth_rate"] == pytest.approx(5.2473, abs=1e-4)  # ln(1.3) / 5
    assert growth["consumption_to_growth"] == pytest.approx(0.7623, abs=1e-4)
    west = next(row for row in town.rows("circles.open_space") if row["zone"] == "west")
    assert west["open_space_area"] == pytest.approx(100 * 55, rel=1e-4)
    assert west["street_area"] == pytest.approx(1000 * 20, rel=1e-4)
    assert west["open_share"] == pytest.approx((5500 + 20000) / 1.2e6 * 100, rel=1e-4)
    assert west["coverage"] == pytest.approx(1000 / 1600, rel=1e-4)  # nobody tells the width of the motorway


def test_a_figure_opens_to_the_cell_the_edge_and_the_facility(town):
    town.rows("circles.access")
    why = town.city.figures.why("circles.access.access_time/day=2026-01-01/travel_mode=foot/cell=b/facility_class=clinic")
    told = {evidence.name: evidence for evidence in why.inputs}
    assert {row["cell"] for row in told["homes"].rows} == {"b"}
    assert {row["facility"] for row in told["doors"].rows} == {"clinic"}
    assert {row["way"] for row in told["edges"].rows} == {"main"}
    below = town.city.figures.why("circles.home.snap_distance/day=2026-01-01/travel_mode=foot/cell=b")
    (cell,) = next(evidence for evidence in below.inputs if evidence.name == "population").rows
    assert (cell["feature"], cell["source_file"]) == ("b", "layers/population.geojson")


def test_a_clinic_that_moves_heals_access_and_leaves_the_network_alone(tmp_path):
    town = SmallTown(tmp_path)
    town.city.load()
    town.city.compute()
    moved = collection((CLINIC[0], CLINIC[1], point(1000), {}), ("school", "school", point(1000), {"places": 25}))
    (town.folder / "layers" / "facilities.geojson").write_text(moved, encoding="utf-8")
    town.city.load()
    done = {each.table: each for each in town.city.compute()}
    assert not (done["circles.edge"].computed if "circles.edge" in done else ())
    assert not (done["circles.resident"].computed if "circles.resident" in done else ())
    assert access(town, "clinic")["c"]["access_distance"] == pytest.approx(100, abs=0.03)
    again = SmallTown(tmp_path / "again", layers={"facilities": moved})
    again.city.load()
    assert access(again, "clinic") == access(town, "clinic")


def test_rules_of_the_district_take_the_place_of_those_that_come_with_the_program(tmp_path):
    modes = (
        "travel_mode,name_zh,name_en,travel_speed,slope_effect,steepest,snap_limit,least_island,document,clause,review,note\n"
        "foot,步行,on foot,0.5,none,,500,0,,,unverified,\n"
    )
    head = "travel_mode,feature_class,passable,travel_speed,passing_delay,document,review,note\n"
    ways = head + "foot,motorway,true,,,,unverified,\n"
    days = "day,name_zh,name_en\n2026-01-01,现状,now\n2035-01-01,规划,planned\n"
    found = SmallTown(tmp_path, {"travel_modes": modes, "way_rules": ways, "access_days": days})
    found.city.load()
    rows = {(row["day"], row["cell"]): row for row in access_rows(found)}
    assert rows[NOW, "b"]["access_time"] == pytest.approx(600, abs=0.05)
    assert rows[NOW, "e"]["access_state"] == "unreached"  # the motorway is a way now, and joins nothing
    assert rows[date(2035, 1, 1), "c"]["facility"] == "planned"


def access_rows(town):
    return town.rows("circles.access", where={"travel_mode": "foot", "facility_class": "clinic"})


def test_drawn_streets_that_cross_are_joined_where_the_district_says_so(tmp_path):
    crossing = collection(
        ("main", "residential", line((0, 0), (1000, 0)), {}),
        ("branch", "residential", line((600, -300), (600, 300)), {}),
        ("bridge", "residential", line((800, -300), (800, 300)), {"level": "1"}),
    )
    cells = collection(("x", None, home(600, 200), people(10)), ("y", None, home(800, 200), people(10)))
    layers = {"streets": crossing, "population": cells}
    apart = SmallTown(tmp_path / "a", {"sitings": ""}, layers)
    rule = {"network_rules": "layer,noded,length_measure,note\nstreets,false,geodesic,\n", "sitings": ""}
    joined = SmallTown(tmp_path / "b", rule, layers)
    for found, expected in ((apart, [None, None]), (joined, [800, None])):
        found.city.load()
        told = [row["access_distance"] for row in access(found, "clinic").values()]
        assert told == [pytest.approx(each, abs=0.03) if each else None for each in expected]


def test_a_district_without_layers_has_empty_tables(tmp_path):
    found = SmallTown(tmp_path, dict.fromkeys(REGISTERS, ""), dict.fromkeys(LAYERS, ""))
    found.city.load()
    for table in [each.name for each in found.city.catalog.derived if each.domain == "circles"]:
        assert found.rows(table) == []


@pytest.mark.parametrize(
    ("register", "text", "told"),
    [
        ("sitings", SITINGS.replace("clinic,foot,all,covering,1", "palace,foot,all,covering,1"), "facility_class"),
        ("sitings", SITINGS.replace("2026-01-01,clinic,foot,elders", "2026-01-02,clinic,foot,elders"), "2026-01-01"),
        ("sitings", SITINGS.replace("foot,elders", "broom,elders"), "travel_mode"),
        ("sitings", SITINGS.replace("covering,1,300", "cheapest,1,300"), "covering"),
        ("sitings", SITINGS.replace("covering,1,300", "covering,0,300"), "new_places"),
        ("sitings", SITINGS.replace("covering,1,300", "covering,1,nan"), "access_limit"),
        ("facility_candidates", "\n".join(CANDIDATES).replace("far,clinic", "far,palace"), "facility_class"),
        ("facility_candidates", "\n".join(CANDIDATES) + "\nx,clinic,点,place,999,40,stand-in,x", "longitude"),
        ("urban_extents", EXTENTS.replace("west,2025", "moon,2025"), "district.zone"),
        ("urban_extents", EXTENTS.replace("1200000", "-1"), "built_up_area"),
    ],
)
def test_what_is_wrong_with_a_register_is_told(tmp_path, register, text, told):
    found = SmallTown(tmp_path, {register: text})
    with pytest.raises(Refused, match=told) as refused:
        found.city.load()
    assert any(problem.file == f"registers/{register}.csv" for problem in refused.value.problems)
