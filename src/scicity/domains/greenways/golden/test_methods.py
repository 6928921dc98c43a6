"""Lengths by centre lines and people near parks, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, box

from scicity.domains.greenways.methods.centre import by_place, parted, stretches
from scicity.domains.greenways.methods.circles import circle, once, people, shared


def array(*shapes):
    found = np.empty(len(shapes), dtype=object)
    found[:] = shapes
    return found


def counted(*lines, rank=None, reach=15.0, turn=20.0, step=20.0):
    found = stretches(array(*lines), np.array(rank or [0] * len(lines)), reach, turn, step)
    return found.length[found.counts].sum(), found.length.sum()


STREET = LineString([(0, 0), (1000, 0)])


@pytest.mark.parametrize(
    ("lines", "rank", "expected", "off"),
    [
        ([STREET], None, 1000, 0),
        ([STREET, LineString([(1000, 12), (0, 12)])], None, 1000, 0),  # two carriageways, one each way
        ([STREET, LineString([(0, 6), (1000, 6)]), LineString([(0, -6), (1000, -6)])], [0, 2, 2], 1000, 0),
        ([LineString([(0, 6), (1000, 6)]), STREET], [2, 0], 1000, 0),  # whatever comes first in the file
        ([STREET, LineString([(0, 40), (1000, 40)])], None, 2000, 0),  # another street
        ([STREET, LineString([(500, -500), (500, 500)])], None, 2000, 0),  # a crossing
        ([STREET, LineString([(1000, 0), (1800, 0)])], None, 1800, 0),  # it goes on
        ([STREET, LineString([(1000, 0), (1001, 0)]), LineString([(1001, 0), (1800, 0)])], None, 1800, 0),
        ([STREET, STREET], None, 1000, 0),  # drawn twice
        ([STREET, LineString([(400, 8), (600, 8)])], None, 1000, 0),
        ([STREET, LineString([(0, 8), (500, 8), (500, 308)])], [0, 1], 1300, 20),  # it leaves the street half way
        ([LineString([(0, 0), (300, 0), (300, 10), (0, 10)])], None, 610, 0),  # a line beside itself counts
    ],
)
def test_a_street_counts_once(lines, rank, expected, off):
    length, drawn = counted(*lines, rank=rank)
    assert length == pytest.approx(expected, abs=off or 1e-6)
    assert drawn == pytest.approx(sum(line.length for line in lines))


def test_without_reach_everything_counts():
    assert counted(STREET, STREET, reach=0.0) == pytest.approx((2000, 2000))


def test_what_is_beside_something_that_does_not_count_may_count():
    three = [LineString([(0, y), (1000, y)]) for y in (0, 12, 24)]
    assert counted(*three)[0] == pytest.approx(2000)


def test_curves_that_run_beside_each_other_count_once():
    round_ = [shapely.buffer(Point(0, 0), radius, quad_segs=64).exterior for radius in (200, 210)]
    length, _ = counted(*(LineString(ring.coords) for ring in round_))
    assert length == pytest.approx(round_[1].length, rel=0.02)


def test_lengths_by_place_add_up():
    places = array(box(-10, -10, 405, 50), box(300, -10, 600, 50))
    pieces, of, where = parted(array(STREET, LineString([(0, 12), (1000, 12)]), None), places)
    assert sorted(zip(of.tolist(), where.tolist(), strict=True)) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    drawn, kept = by_place(stretches(pieces, np.zeros(len(pieces), int), 15, 20, 20), where, 2)
    assert drawn == pytest.approx([810, 390, 800])
    assert kept == pytest.approx([405, 195, 400])


def test_a_line_along_a_border_is_in_one_place():
    pieces, _, where = parted(array(LineString([(100, 0), (100, 100)])), array(box(0, 0, 100, 100), box(100, 0, 200, 100)))
    assert (len(pieces), where.tolist()) == (1, [0])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 300)] * 4).filter(lambda t: t[:2] != t[2:]), min_size=1, max_size=8))
def test_no_more_counts_than_is_drawn_and_the_longest_of_the_first_rank_counts_whole(told):
    lines = [LineString([t[:2], t[2:]]) for t in told]
    found = stretches(array(*lines), np.zeros(len(lines), int), 15, 20, 20)
    assert found.length[found.counts].sum() <= found.length.sum() + 1e-9
    longest = max(range(len(lines)), key=lambda at: (lines[at].length, -at))
    assert found.counts[found.line == longest].all()


def test_a_circle_reaches_its_radius_around_every_park():
    shape = circle(array(box(0, 0, 100, 100), Point(1000, 0), None), np.array([50.0, 100.0, 5.0]))
    assert shape.area == pytest.approx(100 * 100 + 4 * 100 * 50 + np.pi * 50**2 + np.pi * 100**2, rel=1e-3)
    assert circle(array(None), np.array([5.0])) is None


def test_people_are_spread_over_their_cell():
    zones = array(box(0, 0, 100, 100), box(100, 0, 200, 100))
    cells = array(box(50, 0, 150, 100), Point(10, 10), Point(100, 50), box(900, 900, 901, 901), None)
    residents = np.array([100.0, 7.0, 3.0, 50.0, 9.0])
    assert people(zones, cells, residents).tolist() == [60, 50]
    assert people(zones, cells, residents, box(0, 0, 75, 100)).tolist() == [32, 0]
    assert people(zones, cells, np.array([np.nan, 7.0, 3.0, 1, 1])).tolist() == [10, 0]


def test_shares_count_each_place_once():
    zones = array(box(0, 0, 100, 100))
    assert once(zones, array(box(0, 0, 50, 100), box(25, 0, 60, 100), None)).tolist() == [6000]
    assert shared(zones, None).tolist() == [0]
