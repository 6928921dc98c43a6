"""Access against networkx on the extract of Helsinki: the same lengths by a program that nobody here wrote."""

from __future__ import annotations

import itertools
from pathlib import Path

import networkx
import numpy as np
import pyogrio
import pytest
import shapely
from pyproj import Geod

from scicity.domains.circles.methods import reaching
from scicity.domains.circles.methods.network import FORBIDDEN, Pace, build, split
from scicity.domains.circles.methods.reaching import Doors, Search
from scicity.domains.circles.methods.snapping import Snapping

EXTRACT = Path(__file__).parents[3] / "districts" / "helsinki" / "layers" / "helsinki.osm.pbf"
CLOSED = ("trail", "construction", "elevator", "proposed")
GEOD = Geod(ellps="WGS84")
CLOSE = 0.01  # m of network length


@pytest.fixture(scope="module")
def lines() -> list[tuple[list[tuple[float, float]], bool]]:
    """The coordinates of each way that may be passed, and whether it is one-way."""
    _, found = pyogrio.read_arrow(EXTRACT, layer="lines", where="highway IS NOT NULL", columns=["highway", "other_tags"])
    rows = zip(*(found.column(name).to_pylist() for name in ("highway", "other_tags", "wkb_geometry")), strict=True)
    return [
        (list(shapely.from_wkb(shape).coords), '"oneway"=>"yes"' in (tags or ""))
        for highway, tags, shape in rows
        if highway not in CLOSED
    ]


@pytest.fixture(scope="module")
def reference(lines) -> networkx.DiGraph:
    """The ways as networkx has them: every vertex a node named by its position, of parallel arcs the shorter."""
    graph = networkx.DiGraph()
    for places, one_way in lines:
        for a, b in itertools.pairwise(places):
            if a == b:
                continue
            metres = GEOD.inv(*a, *b)[2]
            for start, end in ((a, b),) if one_way else ((a, b), (b, a)):
                if metres < graph.get_edge_data(start, end, {"metres": np.inf})["metres"]:
                    graph.add_edge(start, end, metres=metres)
    return graph


@pytest.fixture(scope="module")
def network(lines):
    one_way = np.array([one for _, one in lines])
    shapes = np.array([shapely.LineString(places) for places, _ in lines], dtype=object)
    forward = np.ones(len(lines))
    return build(shapes, Pace(forward, np.where(one_way, FORBIDDEN, 1.0), np.zeros(len(lines))))


def places(network) -> list[tuple[float, float]]:
    return list(zip(network.longitude.tolist(), network.latitude.tolist(), strict=True))


def test_the_same_nodes_arcs_and_islands(network, reference) -> None:
    assert set(places(network)) == set(reference.nodes)
    assert network.nodes > 5000
    assert sum(metres for _, _, metres in reference.edges(data="metres")) > 150_000
    assert network.islands.max() + 1 == networkx.number_weakly_connected_components(reference)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_nearest_of_several_is_as_far_as_networkx_says(network, reference, seed) -> None:
    chosen = np.random.default_rng(seed).choice(network.nodes, 12, replace=False)
    search = Search(network, Doors(np.arange(12), chosen, np.zeros(12)), 12, "metres")
    ours = search.nearest(np.arange(12)).cost
    where = places(network)
    told = networkx.multi_source_dijkstra_path_length(
        reference.reverse(copy=False), {where[node] for node in chosen.tolist()}, weight="metres"
    )
    theirs = np.array([told.get(place, np.inf) for place in where])
    assert (np.isinf(ours) == np.isinf(theirs)).all()
    assert 0 < np.isinf(theirs).sum() < network.nodes / 2  # islands and one-way streets there are
    both = np.isfinite(theirs)
    assert np.abs(ours - theirs)[both].max() < CLOSE


def test_counts_and_ways_are_those_of_networkx(network, reference) -> None:
    rng = np.random.default_rng(4)
    chosen, homes = rng.choice(network.nodes, 15, replace=False), rng.choice(network.nodes, 40, replace=False)
    where = places(network)
    search = Search(network, Doors(np.arange(15), chosen, np.zeros(15)), 15, "metres")
    counts = search.counts(np.arange(15), homes, np.zeros(40), [500.0, 1000.0])
    for at, home in enumerate(homes.tolist()):
        told = networkx.single_source_dijkstra_path_length(reference, where[home], weight="metres")
        far = np.array([told.get(where[node], np.inf) for node in chosen.tolist()])
        assert counts[:, at].tolist() == [(far <= 500).sum(), (far <= 1000).sum()]
        path, facility = search.route(home, np.arange(15))
        if facility != reaching.NONE:
            walked = sum(reference.edges[where[a], where[b]]["metres"] for a, b in itertools.pairwise(path))
            assert walked == pytest.approx(far.min(), abs=CLOSE)


def test_snapped_places_are_as_far_as_with_the_edge_cut_by_hand(network, reference) -> None:
    rng = np.random.default_rng(5)
    homes = np.column_stack([rng.uniform(24.938, 24.951, 25), rng.uniform(60.166, 60.177, 25)])
    doors = np.column_stack([rng.uniform(24.938, 24.951, 6), rng.uniform(60.166, 60.177, 6)])
    every = np.concatenate([doors, homes])
    snapped = Snapping(network, least=1000).snap(every[:, 0], every[:, 1], 300.0)
    there = snapped.edge >= 0
    assert there.sum() > 25
    whole, nodes = split(network, snapped.edge[there], snapped.share[there])
    count = int(there[:6].sum())
    search = Search(
        whole, reaching.doors(np.arange(count), nodes[:count], snapped.metres[there][:count], 1.0, "metres"), count, "metres"
    )
    ours = search.nearest(np.arange(count)).cost[nodes[count:]] + snapped.metres[there][count:]
    # by hand: nodes of their own in networkx, each between the ends of its edge, in order along it
    graph = reference.reverse(copy=True)
    on_edge: dict[int, list[tuple[float, str]]] = {}
    for at, (edge, share) in enumerate(zip(snapped.edge[there].tolist(), snapped.share[there].tolist(), strict=True)):
        on_edge.setdefault(edge, []).append((share, f"p{at}"))
    where = places(network)
    for edge, cuts in on_edge.items():
        a, b = where[network.start[edge]], where[network.end[edge]]
        chain = [(0.0, a), *sorted(cuts), (1.0, b)]
        for (low, first), (high, last) in itertools.pairwise(chain):
            metres = network.length[edge] * (high - low)
            graph.add_edge(last, first, metres=metres)  # against the direction of travel
            if np.isfinite(network.backward[edge]):
                graph.add_edge(first, last, metres=metres)
    for at in range(count):
        graph.add_edge("all doors", f"p{at}", metres=float(snapped.metres[there][at]))
    told = networkx.single_source_dijkstra_path_length(graph, "all doors", weight="metres")
    theirs = (
        np.array([told.get(f"p{count + at}", np.inf) for at in range(int(there[6:].sum()))]) + snapped.metres[there][count:]
    )
    assert (np.isinf(ours) == np.isinf(theirs)).all()
    both = np.isfinite(theirs)
    assert both.sum() > 10
    assert np.abs(ours - theirs)[both].max() < CLOSE
