"""Networks: what hangs together by shared nodes, up, down and both ways."""

from __future__ import annotations

import random

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.space.connected import Network


def network(edges: list[tuple[str, str, str]]) -> Network:
    return Network.of([(name, first, last, None, None, None) for name, first, last in edges])


@given(st.integers(0, 10_000), st.sampled_from(["up", "down", "both"]))
@settings(max_examples=60, deadline=None)
def test_a_trace_is_what_can_be_reached(seed: int, way: str) -> None:
    """Beside networkx: pipes reached from one of them, loops, forks and doubled pipes among them."""
    rng = random.Random(seed)
    edges = [(f"p{n}", f"n{rng.randrange(12)}", f"n{rng.randrange(12)}") for n in range(rng.randrange(1, 18))]
    feature, first, last = rng.choice(edges)
    graph = networkx.MultiDiGraph()
    for name, start, end in edges:
        graph.add_edge(start, end, name)
    if way == "both":
        side = networkx.node_connected_component(graph.to_undirected(), first)
        wanted = {name for name, start, _ in edges if start in side}
    else:
        turned = graph.reverse() if way == "up" else graph
        node = first if way == "up" else last
        nodes = {node} | networkx.descendants(turned, node)
        wanted = {name for name, start, end in edges if (end if way == "up" else start) in nodes} | {feature}
    assert set(network(edges).trace(feature, way)) == wanted


def test_the_nearest_come_first() -> None:
    chain = network([(f"p{n}", f"n{n}", f"n{n + 1}") for n in range(6)])
    assert chain.trace("p2", "down") == ["p2", "p3", "p4", "p5"]
    assert chain.trace("p2", "up") == ["p2", "p1", "p0"]


def test_what_is_restricted_or_not_there_cuts_the_way() -> None:
    rows = [("a", "1", "2", None, None, None), ("b", "2", "3", "officer reviewer", None, None), ("c", "3", "4", None, 10, 20)]
    found = Network.of(rows)
    assert found.trace("a", "down", frozenset()) == ["a"]
    assert found.trace("a", "down", frozenset({"reviewer"})) == ["a", "b", "c"]
    assert found.trace("a", "down", None, 5) == ["a", "b"]
    assert found.trace("a", "down", None, 10) == ["a", "b", "c"]
    with pytest.raises(LookupError):
        found.trace("b", "up", frozenset({"resident"}))
