"""Conflicts between plans and with control lines: known answers, totals that add up, decisions that outlive an edition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from scicity.domains.planning.golden.test_partition import array, boxes, jittered
from scicity.domains.planning.methods import uses
from scicity.domains.planning.methods.carrying import carried
from scicity.domains.planning.methods.conflicts import Limits, Line, beneath, between, prevailing, sheet

LIMITS = Limits(least_area=10.0, least_width=1.0)
PARTS = ("agreed_area", "conflict_area", "sliver_area", "silent_area", "overruled_area")


def plan(name, *parcels):
    words = [np.array([each[at] for each in parcels], dtype=object) for at in (0, 1)]
    return sheet(name, words[0], words[1], words[1], array(*(each[2] for each in parcels)))


def rows(found):
    names = ("feature", "other_feature", "piece_kind", "conflict_area", "sliver_area")
    return sorted(zip(*(found.columns[name].tolist() for name in names), strict=True))


def test_two_plans_agree_differ_and_are_silent():
    city = plan("city", ("a", "07", box(0, 0, 100, 100)), ("b", "14", box(100, 0, 200, 100)))
    energy = plan("energy", ("x", "07", box(0, 0, 60, 100)), ("y", "10", box(60, 0, 150, 100)))
    found = between(city, energy, LIMITS)
    assert rows(found) == [("a", "y", "conflict", 4000.0, 0.0), ("b", "y", "conflict", 5000.0, 0.0)]
    expected = {"whole_area": 20000, "agreed_area": 6000, "conflict_area": 9000, "sliver_area": 0, "silent_area": 5000}
    assert {name: found.totals[name] for name in expected} == expected
    assert (found.totals["other_whole_area"], found.totals["other_silent_area"]) == (15000, 0)


def test_what_two_drafts_of_one_boundary_leave_between_them_is_a_sliver():
    city = plan("city", ("a", "07", box(0, 0, 100, 100)), ("b", "14", box(100, 0, 200, 100)))
    draft = plan("draft", ("a", "07", box(0, 0, 100.4, 100)), ("b", "14", box(100.4, 0, 200, 100)))
    found = between(city, draft, LIMITS)
    ((mine, theirs, kind, broad, slight),) = rows(found)
    assert (mine, theirs, kind, broad) == ("b", "a", "sliver", 0.0)
    assert slight == pytest.approx(40.0)
    assert (found.totals["conflicts_counted"], found.totals["slivers_counted"]) == (0, 1)


def test_a_piece_of_a_broad_and_a_thin_part_is_a_conflict_of_the_broad_part():
    both = box(0, 0, 20, 20).union(box(0, 50, 100, 50.5))
    found = between(plan("p", ("a", "07", both)), plan("q", ("x", "10", box(-10, -10, 200, 200))), LIMITS)
    assert rows(found) == [("a", "x", "conflict", 400.0, 50.0)]
    assert found.columns["parts_counted"].tolist() == [2]


def test_compatible_and_unknown_uses():
    mine, theirs = np.array(["07", "07", None, "07"], dtype=object), np.array(["08", "09", None, "07"], dtype=object)
    assert uses.agree(mine, theirs, [("08", "07")]).tolist() == [True, False, False, True]


def test_the_longest_code_that_a_class_begins_with_is_its_use():
    found = uses.land_uses(np.array(["070102", "0801", "wood", "99", None], dtype=object), {"07", "0701", "08"}, {"wood": "03"})
    assert found.tolist() == ["0701", "08", "03", None, None]
    assert uses.at_level(found, 2).tolist() == ["07", "08", "03", None, None]


FARMLAND, GREEN = Line("farmland", "forbids", ("07", "10"), 1), Line("green", "forbids", ("07",), 4)
GROWTH = Line("growth", "confines", ("07", "08", "10"), 3)


def against(parcels, lines, *areas):
    names = [np.array([each[at] for each in areas], dtype=object) for at in (0, 1)]
    return beneath(parcels, names[0], names[1], array(*(each[2] for each in areas)), lines, LIMITS)


def test_a_line_that_forbids_keeps_uses_out_of_its_inside():
    parcels = plan("p", ("home", "0701", box(0, 0, 100, 100)), ("field", "01", box(100, 0, 200, 100)))
    found = against(parcels, [FARMLAND], ("f1", "farmland", box(60, 0, 140, 100)))
    assert rows(found) == [("home", "f1", "conflict", 4000.0, 0.0)]
    assert found.totals["farmland/agreed_area"] == 4000.0
    assert found.totals["farmland/silent_area"] == 12000.0


def test_a_line_that_confines_keeps_uses_within():
    parcels = plan("p", ("home", "07", box(0, 0, 100, 100)), ("wood", "03", box(100, 0, 200, 100)))
    found = against(parcels, [GROWTH], ("g1", "growth", box(0, 0, 70, 100)))
    assert rows(found) == [("home", "outside", "conflict", 3000.0, 0.0)]
    assert (found.totals["growth/agreed_area"], found.totals["growth/silent_area"]) == (7000.0, 10000.0)


def test_where_two_lines_keep_the_same_out_the_first_has_it():
    parcels = plan("p", ("home", "07", box(0, 0, 100, 100)))
    lines = [GREEN, FARMLAND]  # told in another order than they go
    found = against(parcels, lines, ("g", "green", box(0, 0, 60, 100)), ("f", "farmland", box(40, 0, 100, 100)))
    assert rows(found) == [("home", "f", "conflict", 6000.0, 0.0), ("home", "g", "conflict", 4000.0, 0.0)]
    assert (found.totals["green/overruled_area"], found.totals["farmland/overruled_area"]) == (2000.0, 0.0)
    for line in ("green", "farmland"):
        assert sum(found.totals[f"{line}/{part}"] for part in PARTS) == pytest.approx(10000.0, rel=1e-12)


def test_a_line_of_higher_rank_that_allows_a_use_takes_nothing_from_one_that_does_not():
    parcels = plan("p", ("pipe", "13", box(0, 0, 100, 100)))
    yellow, farmland = Line("yellow", "forbids", ("07",), 1), Line("farmland", "forbids", ("07", "13"), 2)
    found = against(parcels, [yellow, farmland], ("y", "yellow", box(0, 0, 100, 100)), ("f", "farmland", box(0, 0, 50, 100)))
    assert rows(found) == [("pipe", "f", "conflict", 5000.0, 0.0)]


def test_lines_that_nothing_tells_of_claim_nothing():
    found = against(plan("p", ("a", "07", box(0, 0, 9, 9))), [], ("f", "unheard-of", box(0, 0, 9, 9)))
    assert (found.columns, found.totals) == ({}, {})


def test_precedence():
    assert [prevailing(*each) for each in ((1, 2), (3, 2), (2, 2), (None, 1))] == ["this", "other", None, None]


def test_parcels_that_claim_one_place_twice_are_told_and_counted_once():
    doubled = plan("p", ("a", "07", box(0, 0, 10, 10)), ("b", "10", box(5, 0, 15, 10)))
    assert (doubled.overlap, doubled.whole) == (50.0, 150.0)


def test_a_conflict_keeps_its_id_when_its_boundary_moves():
    first = between(plan("p", ("a", "07", box(0, 0, 100, 100))), plan("q", ("x", "10", box(50, 0, 150, 100))), LIMITS)
    later = between(plan("p", ("a", "07", box(0, 0, 100, 90))), plan("q", ("x", "10", box(40, 0, 150, 100))), LIMITS)
    assert first.columns["conflict"].tolist() == later.columns["conflict"].tolist()


def test_decisions_follow_a_conflict_whose_parcels_were_renumbered():
    names, sides = np.array(["new1", "kept", "new2"], dtype=object), np.array(["p|q"] * 3, dtype=object)
    shapes = array(box(0, 0, 10, 9), box(50, 0, 60, 10), box(200, 0, 210, 10))
    old_names, old_sides = np.array(["gone", "kept", "far"], dtype=object), np.array(["p|q", "p|q", "p|r"], dtype=object)
    old_shapes = array(box(0, 0, 10, 10), box(50, 0, 60, 10), box(200, 0, 210, 10))
    assert carried(names, sides, shapes, old_names, old_sides, old_shapes, 0.8).tolist() == ["gone", "kept", None]
    assert carried(names, sides, shapes, old_names, old_sides, old_shapes, 0.95).tolist() == [None, "kept", None]


kinds = st.lists(st.sampled_from(["07", "10", "14", None]), min_size=14, max_size=14)


@settings(max_examples=25, deadline=None)
@given(boxes, kinds, boxes, kinds)
def test_totals_add_up_whatever_is_planned(left, mine, right, theirs):
    one = plan("p", *((str(at), use, shape) for at, (shape, use) in enumerate(zip(left, mine, strict=False))))
    two = plan("q", *((str(at), use, shape) for at, (shape, use) in enumerate(zip(right, theirs, strict=False))))
    totals = between(one, two, LIMITS).totals
    assert sum(totals[part] for part in PARTS) == pytest.approx(totals["whole_area"], rel=1e-9)
    names = np.array([["farmland", "green", "growth"][at % 3] for at in range(len(right))], dtype=object)
    found = beneath(
        one,
        np.array([str(at) for at in range(len(right))], dtype=object),
        names,
        array(*right),
        [FARMLAND, GREEN, GROWTH],
        LIMITS,
    )
    for line in {name.partition("/")[0] for name in found.totals}:
        whole = found.totals[f"{line}/whole_area"]
        assert sum(found.totals[f"{line}/{part}"] for part in PARTS) == pytest.approx(whole, rel=1e-9)


def test_two_sheets_of_parcels_add_up_to_a_billionth():
    words = lambda seed: np.random.default_rng(seed).choice(np.array(["07", "08", "14"], dtype=object), 900)  # noqa: E731
    names = np.array([str(at) for at in range(900)], dtype=object)
    one = sheet("p", names, words(1), words(1), jittered(1, 30))
    two = sheet("q", names, words(2), words(2), jittered(2, 30, 11.0))
    totals = between(one, two, LIMITS).totals
    assert abs(totals["unaccounted_area"]) <= 1e-9 * totals["whole_area"]
    assert totals["slivers_counted"] > 0
