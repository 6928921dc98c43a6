"""The tables of planning over a small district whose areas are known, and what is refused of its registers."""

from __future__ import annotations

from datetime import date

import pytest
import shapely

from scicity.city import City
from scicity.domains.planning.decided import resolution
from scicity.domains.planning.followed import observation
from scicity.domains.planning.golden.small_plans import LAYERS, MONITORING, PLANS, TARGETS, SmallPlans, collection, square
from scicity.kernel.lake import Part
from scicity.kernel.problems import Refused

HA = 10_000.0


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    found = SmallPlans(tmp_path_factory.mktemp("planning"))
    found.city.load()
    return found


def put(found, table, rows):
    import pyarrow as pa

    empty = {"source_file": "records", "source_row": 1}
    with found.city.lake.alone():
        found.city.computing.put(table, pa.Table.from_pylist([row | empty for row in rows], schema=table.schema))


def test_plans_are_compared_and_areas_add_up(loaded):
    rows = {(row["plan"], row["against"]): row for row in loaded.rows("planning.comparison")}
    assert set(rows) == {
        *(("city", "energy"), ("city", "line:permanent farmland"), ("city", "line:green line")),
        *(("energy", "line:permanent farmland"), ("energy", "line:green line")),
    }
    both = rows["city", "energy"]
    assert [
        both[n] / HA for n in ("whole_area", "agreed_area", "conflict_area", "sliver_area", "silent_area")
    ] == pytest.approx([140, 100, 40, 0, 0], abs=1e-6)
    assert both["other_silent_area"] == pytest.approx(500, rel=1e-6)  # half a metre beyond: the other plan alone
    for row in rows.values():
        parts = sum(row[n] for n in ("agreed_area", "conflict_area", "sliver_area", "silent_area", "overruled_area"))
        assert parts == pytest.approx(row["whole_area"], rel=1e-9)


def test_conflicts_have_place_zone_and_what_goes_first(loaded):
    rows = {
        (row["plan"], row["against"], row["feature"], row["other_feature"]): row for row in loaded.rows("planning.conflict")
    }
    home = rows["city", "energy", "a", "y"]
    assert (home["land_use"], home["other_land_use"], home["prevails"], home["zone"]) == ("07", "13", "this", "west")
    assert home["conflict_area"] == pytest.approx(10 * HA, rel=1e-6)
    assert shapely.from_wkb(home["geometry"]).contains(shapely.Point(home["longitude"], home["latitude"]))
    assert rows["city", "line:permanent farmland", "b", "f"]["prevails"] == "other"
    assert rows["city", "line:green line", "a", "g"]["conflict_area"] == pytest.approx(
        50 * 800, rel=1e-6
    )  # the rest is farmland
    assert ("city", "line:green line", "b", "g") not in rows  # a park within the green line
    assert home["stand_in"] is False


def test_accounts_of_land_add_up_to_the_district(loaded):
    balance = {(row["day"], row["zone"]): row for row in loaded.rows("planning.account_balance")}
    now = date(2024, 12, 31)
    west, east, whole = (balance[now, zone] for zone in ("west", "east", "district"))
    assert [west[n] / HA for n in ("zone_area", "accounted_area", "unclassified_area", "gap_area")] == pytest.approx(
        [100, 100, 0, 0], abs=1e-6
    )
    assert [east[n] / HA for n in ("accounted_area", "unclassified_area", "gap_area")] == pytest.approx([15, 25, 60], abs=1e-6)
    assert whole["outside_area"] / HA == pytest.approx(5, abs=1e-6)
    uses = loaded.rows("planning.land_use_account")
    for (day, zone), row in balance.items():
        parts = sum(use["land_area"] for use in uses if (use["day"], use["zone"]) == (day, zone))
        assert parts + row["unclassified_area"] + row["gap_area"] == pytest.approx(row["zone_area"], rel=1e-9)
        if zone == "district":
            assert row["zone_area"] == pytest.approx(
                sum(balance[day, each]["zone_area"] for each in ("west", "east")), rel=1e-12
            )


def test_the_reserve_and_what_it_was_used_for(loaded):
    rows = {(row["day"].year, row["zone"]): row for row in loaded.rows("planning.reserve_account")}
    names = ("reserve_area", "reserve_kept_area", "reserve_used_area", "reserve_unknown_area")
    assert [rows[2009, "district"][n] / HA for n in names] == pytest.approx([80, 80, 0, 0], abs=1e-6)
    assert [rows[2024, "district"][n] / HA for n in names] == pytest.approx([80, 45, 30, 5], abs=1e-6)
    assert rows[2024, "district"]["reserve_used_share"] == pytest.approx(37.5, rel=1e-6)
    uses = {
        (row["day"].year, row["zone"], row["land_use"]): row["reserve_used_area"] for row in loaded.rows("planning.reserve_use")
    }
    assert {key: area / HA for key, area in uses.items()} == pytest.approx(
        {(2024, "west", "10"): 30, (2024, "district", "10"): 30}, abs=1e-6
    )


def test_a_layer_of_the_reserve_goes_before_what_parcels_say(tmp_path):
    kept = collection(
        ("s1", None, square(400, 0, 800, 1000)),
        ("s2", None, square(1300, 0, 1400, 1000)),
        s1={"valid_to": "2020-01-01T00:00:00Z"},
    )
    found = SmallPlans(tmp_path, layers={"strategic-reserve": kept})
    found.city.load()
    rows = {(row["day"].year, row["zone"]): row for row in found.rows("planning.reserve_account")}
    names = ("reserve_area", "reserve_kept_area", "reserve_used_area", "reserve_unknown_area")
    assert [rows[2009, "district"][n] / HA for n in names] == pytest.approx([50, 50, 0, 0], abs=1e-6)
    # of what was released, 30 ha became industry, and of 10 ha the parcels say reserve still
    assert [rows[2024, "district"][n] / HA for n in names] == pytest.approx([50, 10, 30, 10], abs=1e-6)


def test_blue_and_green_count_each_place_once(loaded):
    rows = {(row["day"].year, row["zone"]): row for row in loaded.rows("planning.blue_green_account")}
    west = rows[2024, "west"]
    names = ("green_area", "water_area", "both_area", "blue_green_area")
    assert [west[n] / HA for n in names] == pytest.approx([49.5, 5.5, 0.5, 55], abs=1e-6)
    assert west["blue_green_share"] == pytest.approx(55, rel=1e-6)
    assert rows[2024, "district"]["blue_green_share"] == pytest.approx(28, rel=1e-6)


def test_without_water_or_zones_there_is_no_account(tmp_path):
    found = SmallPlans(tmp_path, layers={"water": "", "zones": ""})
    found.city.load()
    assert found.rows("planning.blue_green_account") == []
    assert found.rows("planning.land_use_account") == []
    assert len(found.rows("planning.conflict")) > 0


def test_targets_and_what_was_observed(loaded):
    put(
        loaded,
        observation,
        [{"plan": "energy", "plan_target": "pumps", "observed_on": date(2024, 1, 1), "value": 12.0, "note": None}],
    )
    rows = {row["plan_target"]: row for row in loaded.rows("planning.target_progress")}
    green, land, pumps = rows["green"], rows["land"], rows["pumps"]
    assert (green["value"], green["progress_share"], green["target_met"], green["observations_counted"]) == (40, 50, False, 2)
    assert green["next_due_on"] == date(2023, 6, 30)
    assert (land["progress_share"], land["target_met"]) == (pytest.approx(110), True)
    assert (pumps["value"], pumps["progress_share"], pumps["target_met"]) == (12, None, False)


def test_plans_are_counted(loaded):
    rows = {row["plan_kind"]: row for row in loaded.rows("planning.plan_count")}
    assert [rows["all"][n] for n in ("plans_counted", "plans_in_force", "plans_drawn")] == [3, 1, 2]
    assert rows["special"]["plans_counted"] == 1


def test_decisions_hold_by_name_and_are_carried_by_place(tmp_path):
    found = SmallPlans(tmp_path)
    found.city.load()
    row = next(row for row in found.rows("planning.conflict") if (row["feature"], row["other_feature"]) == ("a", "y"))
    act = {name: row[name] for name in ("conflict", "plan", "against", "restricted_to", "geometry")}
    steps = [("proposed", date(2024, 1, 1)), ("agreed", date(2024, 2, 1))]
    put(
        found,
        resolution,
        [act | {"act_number": n, "resolution_act": a, "reason": "r", "decided_on": d} for n, (a, d) in enumerate(steps, 1)],
    )
    states = {each["conflict"]: each for each in found.rows("planning.conflict_state")}
    mine = states[row["conflict"]]
    assert (mine["conflict_state"], mine["acts_counted"], mine["still_there"], mine["carried_from"]) == (
        "agreed",
        2,
        True,
        None,
    )
    assert sum(each["conflict_state"] == "open" for each in states.values()) == len(states) - 1
    # the next edition gives the parcel another number, and moves its boundary a little
    parcels = collection(("x", "07", square(0, 0, 500, 1000)), ("y2", "13", square(510, 0, 900, 1000)))
    found.write("layers/plan-energy.geojson", parcels)
    city = found.city = City(found.folder, found.state)
    city.load()
    states = {each["conflict"]: each for each in found.rows("planning.conflict_state")}
    carried = [each for each in states.values() if each["carried_from"]]
    assert [(each["carried_from"], each["conflict_state"]) for each in carried] == [(row["conflict"], "agreed")]
    assert row["conflict"] not in states
    # and where it is gone altogether, what was decided is kept
    found.write("layers/plan-energy.geojson", collection(("x", "07", square(0, 0, 500, 1000))))
    found.city = City(found.folder, found.state)
    found.city.load()
    states = {each["conflict"]: each for each in found.rows("planning.conflict_state")}
    assert (states[row["conflict"]]["still_there"], states[row["conflict"]]["conflict_state"]) == (False, "agreed")


def test_what_not_everybody_may_see_makes_what_not_everybody_may_see(tmp_path):
    parcels = collection(
        ("a", "07", square(0, 0, 600, 1000)), ("b", "14", square(600, 0, 1400, 1000)), a={"restricted_to": "officer leader"}
    )
    head = "layer,theme,name_zh,name_en,layer_file,visible_to,origin\n"
    register = head + "plan-energy,planning,能源,Energy,plan-energy.geojson,leader expert,stand-in\n"
    found = SmallPlans(tmp_path, {"layers": register}, {"plan-city": parcels})
    found.city.load()
    rows = {(row["plan"], row["against"], row["feature"]): row for row in found.rows("planning.conflict")}
    assert rows["city", "energy", "a"]["restricted_to"] == "leader"
    assert rows["city", "energy", "b"]["restricted_to"] == "expert leader"
    assert rows["city", "line:permanent farmland", "a"]["restricted_to"] == "leader officer"
    assert rows["city", "line:permanent farmland", "b"]["restricted_to"] is None


def test_a_bow_tie_and_a_parcel_drawn_twice_break_nothing(tmp_path):
    tie = shapely.Polygon([(116.39, 41.15), (116.40, 41.16), (116.40, 41.15), (116.39, 41.16)])
    layers = {
        "plan-energy": collection(("x", "07", tie), ("y", "10", square(0, 0, 100, 100)), ("y2", "10", square(0, 0, 100, 100)))
    }
    found = SmallPlans(tmp_path, layers=layers)
    found.city.load()
    (row,) = [row for row in found.rows("planning.comparison") if row["against"] == "energy"]
    assert row["other_overlap_area"] == pytest.approx(HA, rel=1e-6)
    assert row["conflict_area"] == pytest.approx(HA, rel=1e-6)


def test_a_district_without_plans_has_empty_tables(tmp_path):
    none = dict.fromkeys(("plans", "plan_targets", "plan_monitoring", "account_days"), "")
    found = SmallPlans(tmp_path, none, dict.fromkeys(LAYERS, ""))
    found.city.load()
    for table in ("conflict", "comparison", "conflict_state", "land_use_account", "account_balance", "target_progress"):
        assert found.rows(f"planning.{table}") == []


@pytest.mark.parametrize(
    ("register", "text", "told"),
    [
        ("plans", PLANS.replace(",special,area,drafting", ",wish,area,drafting"), "plan_kind"),
        ("plans", PLANS.replace("plan-old", "plan-city"), "a layer that no other plan has"),
        ("plans", PLANS.replace("plan-old,,", "plan-old,,old"), "another plan of this register"),
        ("plans", PLANS.replace("energy,special,area,drafting", "energy,special,area,dreamt"), "one of drafting"),
        ("plan_targets", TARGETS.replace("higher,30,50", "higher,50,50"), "another value than the target"),
        ("plan_targets", TARGETS.replace("energy,pumps", "nuclear,pumps"), "planning.plan"),
        ("plan_monitoring", MONITORING.replace("2022-06-30", "2020-06-30"), "observed_on"),
        ("planning_thresholds", "rule,threshold,source,review\nsliver_length,3,x,unverified\n", "one of sliver_area"),
        ("planning_thresholds", "rule,threshold,source,review\nsliver_area,-3,x,unverified\n", "0"),
        (
            "control_lines",
            "control_line,name_zh,name_en,control_kind,land_uses,precedence,document,clause,review\nx,甲,x,forbids, "
            ",1,d,,unverified\n",
            "land_uses",
        ),
    ],
)
def test_what_is_wrong_with_a_register_is_told(tmp_path, register, text, told):
    found = SmallPlans(tmp_path, {register: text})
    with pytest.raises(Refused, match=told) as refused:
        found.city.load()
    assert any(problem.file == f"registers/{register}.csv" for problem in refused.value.problems)


def test_own_thresholds_and_lines_go_before_those_of_the_program(tmp_path):
    head = "control_line,name_zh,name_en,control_kind,land_uses,precedence,document,clause,review\n"
    registers = {
        "planning_thresholds": "rule,threshold,source,review\nsliver_area,150000,x,unverified\n",
        "control_lines": head + "permanent farmland,农田,Farmland,forbids,14,1,x,,verified\n",
    }
    found = SmallPlans(tmp_path, registers)
    found.city.load()
    rows = {(row["plan"], row["against"], row["feature"], row["other_feature"]): row for row in found.rows("planning.conflict")}
    assert rows["city", "energy", "a", "y"]["piece_kind"] == "sliver"  # 10 ha, and a piece counts from 15 on
    assert ("city", "line:permanent farmland", "a", "f") not in rows
    assert ("city", "line:permanent farmland", "b", "f") in rows


def test_a_change_of_one_layer_recomputes_what_reads_it(loaded):
    loaded.city.compute()
    done = {each.table for each in loaded.city.compute()}
    assert done == set()
    assert Part("all") in loaded.city.lake.snapshot("planning.conflict").files
