"""Networks by hand: parallel edges, one-ways, islands, snapping, the distance to oneself."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from scicity.domains.circles.methods import lengths, noding, reaching
from scicity.domains.circles.methods.network import FORBIDDEN, Fault, Network, Pace, build, matrix, split
from scicity.domains.circles.methods.reaching import Doors, Search
from scicity.domains.circles.methods.snapping import NOWHERE, Snapping

# 60° N: a ten-thousandth of a degree is 5.58 m to the east and 11.14 m to the north
EAST, NORTH = 24.95, 60.17


def at(x: float, y: float) -> tuple[float, float]:
    return EAST + x * 1e-4, NORTH + y * 1e-4


def ways(*lines: list[tuple[float, float]], one_way: tuple[int, ...] = (), speed: float = 1.0) -> Network:
    pace = np.full(len(lines), 1 / speed)
    back = pace.copy()
    back[list(one_way)] = FORBIDDEN
    shapes = np.array([shapely.LineString([at(*p) for p in line]) for line in lines])
    return build(shapes, Pace(pace, back, np.zeros(len(lines))))


def node(network: Network, x: float, y: float) -> int:
    place = at(x, y)
    return int(np.argmin(np.hypot(network.longitude - place[0], network.latitude - place[1])))


def search(network: Network, *nodes: int, cost: float = 0.0, by: str = "metres") -> Search:
    each = np.arange(len(nodes))
    return Search(network, Doors(each, np.array(nodes), np.full(len(nodes), cost)), len(nodes), by)


def test_ways_join_where_they_share_a_vertex_and_only_there() -> None:
    crossing = ways([(0, 0), (10, 0)], [(5, -5), (5, 5)])  # they cross without a vertex: a bridge
    assert crossing.nodes == 4
    assert crossing.islands.max() == 1
    joined = ways([(0, 0), (5, 0), (10, 0)], [(5, -5), (5, 0), (5, 5)])
    assert joined.nodes == 5
    assert joined.islands.max() == 0


def test_drawn_lines_become_junctions_where_they_cross_on_one_level() -> None:
    lines = np.array([shapely.LineString([at(0, 0), at(10, 0)]), shapely.LineString([at(5, -5), at(5, 5)])])
    flat = noding.noded(lines, np.zeros(2, dtype=np.int64))
    even = Pace(np.ones(2), np.ones(2), np.zeros(2))
    assert build(flat, even).nodes == 5
    assert build(flat, even).islands.max() == 0
    assert build(noding.noded(lines, np.array([0, 1])), even).nodes == 4
    touching = np.array([shapely.LineString([at(0, 0), at(10, 0)]), shapely.LineString([at(3, 0), at(3, 5)])])
    assert build(touching, even).islands.max() == 1
    assert build(noding.noded(touching, np.zeros(2, dtype=np.int64)), even).islands.max() == 0


def test_noding_neither_adds_nor_takes_length() -> None:
    rng = np.random.default_rng(7)
    lines = shapely.linestrings(rng.uniform(0, 20, (40, 4, 2)) * 1e-4 + np.array([EAST, NORTH]))
    even = Pace(np.ones(40), np.ones(40), np.zeros(40))
    plain, cut = build(lines, even), build(noding.noded(lines, np.zeros(40, dtype=np.int64)), even)
    assert cut.nodes > plain.nodes
    assert cut.length.sum() == pytest.approx(plain.length.sum(), abs=0.05)
    assert cut.islands.max() < plain.islands.max()


def test_of_parallel_edges_the_shorter_one_counts() -> None:
    detour = [(0, 0), (5, 5), (10, 0)]
    network = ways([(0, 0), (10, 0)], detour, [(0, 0), (10, 0)])
    cost = search(network, node(network, 0, 0)).nearest(np.array([0])).cost
    straight = lengths.geodesic(*(np.array([v]) for v in (*at(0, 0), *at(10, 0))))[0]
    assert cost[node(network, 10, 0)] == pytest.approx(straight, abs=1e-9)  # neither twice nor three times as far
    a, b = np.array([0, 0]), np.array([1, 1])
    assert matrix(2, a, b, np.array([5.0, 3.0])).toarray()[0, 1] == 3.0


def test_a_way_of_no_cost_is_a_way() -> None:
    graph = matrix(3, np.array([0, 1]), np.array([1, 2]), np.array([0.0, 4.0]))
    assert graph.nnz == 2


def test_one_ways_are_followed_towards_the_facility() -> None:
    network = ways([(0, 0), (10, 0)], [(10, 0), (10, 10), (0, 10), (0, 0)], one_way=(0,))
    here, there = node(network, 0, 0), node(network, 10, 0)
    direct = lengths.geodesic(*(np.array([v]) for v in (*at(0, 0), *at(10, 0))))[0]
    assert search(network, there).nearest(np.array([0])).cost[here] == pytest.approx(direct)
    around = search(network, here).nearest(np.array([0])).cost[there]
    assert around == pytest.approx(network.length.sum() - direct)


def test_an_island_is_named_and_what_lies_on_another_is_not_reached() -> None:
    network = ways([(0, 0), (10, 0)], [(30, 0), (90, 0)], [(0, 50), (1, 50)])
    assert list(np.round(network.island_lengths)) == sorted(np.round(network.island_lengths), reverse=True)
    assert network.islands[node(network, 30, 0)] == 0
    found = search(network, node(network, 0, 0)).nearest(np.array([0]))
    assert np.isinf(found.cost[node(network, 90, 0)])
    assert found.facility[node(network, 90, 0)] == reaching.NONE
    assert found.cost[node(network, 0, 0)] == 0.0
    assert search(network).nearest(np.zeros(0, dtype=np.int64)).cost.min() == np.inf


def test_snapping_is_to_a_place_within_an_edge_and_its_way_is_added() -> None:
    network = ways([(0, 0), (10, 0)])
    found = Snapping(network).snap(*(np.array([v]) for v in at(4, 3)), limit=50)
    assert found.share[0] == pytest.approx(0.4, abs=1e-6)
    assert found.metres[0] == pytest.approx(3e-4 * 111412, rel=1e-3)  # a degree of latitude at 60° N [m]
    whole, nodes = split(network, found.edge, found.share)
    assert whole.length.sum() == pytest.approx(network.length.sum())
    each = Search(whole, reaching.doors(np.array([0]), nodes, found.metres, 1.0), 1)
    cost = each.nearest(np.array([0])).cost
    assert cost[node(network, 10, 0)] == pytest.approx(0.6 * network.length[0] + found.metres[0])


def test_who_stands_at_the_door_is_there_already() -> None:
    network = ways([(0, 0), (10, 0)])
    found = Snapping(network).snap(*(np.array([v, v]) for v in at(4, 0)), limit=1)
    whole, nodes = split(network, found.edge, found.share)
    assert nodes[0] == nodes[1]  # two points at one place are one node
    each = Search(whole, reaching.doors(np.array([0]), nodes[:1], found.metres[:1], 1.0), 1)
    assert each.nearest(np.array([0])).cost[nodes[1]] + found.metres[1] == pytest.approx(0.0, abs=1e-6)


def test_two_on_one_edge_meet_along_it_and_not_by_its_ends() -> None:
    network = ways([(0, 0), (100, 0)])
    found = Snapping(network).snap(*(np.array(v) for v in zip(at(40, 0), at(45, 0), strict=True)), limit=1)
    whole, nodes = split(network, found.edge, found.share)
    each = Search(whole, reaching.doors(np.array([0]), nodes[:1], found.metres[:1], 1.0), 1, "metres")
    assert each.nearest(np.array([0])).cost[nodes[1]] == pytest.approx(0.05 * network.length[0], abs=1e-6)


def test_beyond_the_limit_nothing_is_snapped() -> None:
    network = ways([(0, 0), (10, 0)])
    far = Snapping(network).snap(*(np.array([v]) for v in at(5, 30)), limit=100)
    assert far.edge[0] == NOWHERE
    assert np.isnan(far.metres[0])
    unknown = Snapping(network).snap(np.array([np.nan]), np.array([60.0]), limit=100)
    assert unknown.edge[0] == NOWHERE


def test_small_islands_can_be_left_out_of_snapping() -> None:
    network = ways([(0, 0), (100, 0)], [(50, 2), (51, 2)])
    place = tuple(np.array([v]) for v in at(50, 3))
    assert Snapping(network).snap(*place, limit=100).edge[0] == 1
    assert Snapping(network, least=50).snap(*place, limit=100).edge[0] == 0


def test_nobody_walks_through_a_facility() -> None:
    network = ways([(0, 0), (10, 0)], [(0, 50), (10, 50)])
    ends = np.array([node(network, 0, 0), node(network, 0, 50)])
    both = Search(network, Doors(np.array([0, 0]), ends, np.zeros(2)), 1, "metres")  # a facility with two doors
    other = Search(network, Doors(np.array([0, 0, 1]), np.r_[ends, node(network, 10, 50)], np.zeros(3)), 2, "metres")
    assert np.isfinite(both.nearest(np.array([0])).cost).all()
    assert np.isinf(other.nearest(np.array([1])).cost[node(network, 10, 0)])


def test_counts_and_the_nearest_few() -> None:
    network = ways([(0, 0), (10, 0), (20, 0), (30, 0), (40, 0)])
    step = network.length[0]
    line = [node(network, x, 0) for x in (0, 10, 20, 30, 40)]
    each = search(network, line[1], line[2], line[4])
    place, more = np.array([line[0], line[4]]), np.array([0.0, np.inf])
    counts = each.counts(np.arange(3), place, more, [step * 1.01, step * 2.01, step * 9])
    assert counts.tolist() == [[1, 0], [2, 0], [3, 0]]
    cost, which = each.nearest_few(np.arange(3), place, np.zeros(2), 2)
    assert which.tolist() == [[0, 1], [2, 1]]
    assert cost[1, 0] == 0.0
    pairs = each.pairs(np.arange(3), place, np.zeros(2), step * 2.01)
    assert list(zip(pairs.place.tolist(), pairs.facility.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 2), (1, 1)]
    path, facility = each.route(line[3], np.array([0, 1]))
    assert facility == 1
    assert path.tolist() == [line[3], line[2]]


def test_what_is_no_place_is_refused() -> None:
    even = Pace(np.ones(1), np.ones(1), np.zeros(1))
    with pytest.raises(Fault, match="180"):
        build(np.array([shapely.LineString([(400000, 4400000), (400100, 4400000)])]), even)
    with pytest.raises(Fault, match="without coordinates"):
        build(np.array([shapely.LineString([(24, 60), (np.nan, np.nan)])]), even)
    with pytest.raises(Fault, match="geodesic or plane"):
        build(np.array([shapely.LineString([(24, 60), (24.1, 60)])]), even, measure="straight")


def test_nothing_is_a_network_too() -> None:
    empty = build(np.array([None], dtype=object), Pace(np.ones(1), np.ones(1), np.zeros(1)))
    assert empty.nodes == 0
    assert Snapping(empty).snap(np.array([24.0]), np.array([60.0]), 100).edge[0] == NOWHERE
