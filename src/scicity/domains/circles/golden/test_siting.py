"""Best places against every choice tried; places at schools; land and people."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from scicity.domains.circles.methods import land, seats, siting
from scicity.domains.circles.methods.reaching import Pairs
from scicity.domains.circles.methods.siting import Demand


def town(seed: int, places: int = 30, candidates: int = 9) -> tuple[Demand, Pairs, np.ndarray]:
    rng = np.random.default_rng(seed)
    where, doors = rng.uniform(0, 2000, (places, 2)), rng.uniform(0, 2000, (candidates, 2))
    cost = np.abs(where[:, None] - doors[None]).sum(axis=2)
    now = np.where(rng.random(places) < 0.3, rng.uniform(100, 900, places), np.inf)
    place, candidate = np.nonzero(cost < 1500)
    return Demand(rng.integers(0, 90, places).astype(float), now), Pairs(place, candidate, cost[place, candidate]), cost


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("few", [1, 2, 4])
def test_covering_is_as_good_as_the_best_of_all_choices(seed: int, few: int) -> None:
    demand, pairs, cost = town(seed)
    found = siting.covering(demand, pairs, 9, few, 500.0)
    without = demand.cost > 500

    def worth(choice: tuple[int, ...]) -> float:
        return float(demand.people[without & (cost[:, list(choice)].min(axis=1) <= 500)].sum())

    best = max(worth(choice) for choice in combinations(range(9), few))
    assert worth(tuple(found.chosen)) == pytest.approx(best)
    assert (found.worth, found.gap, found.status) == (pytest.approx(best), pytest.approx(0, abs=1e-8), "optimal")
    assert found.adds.sum() == pytest.approx(best)
    assert list(found.adds) == sorted(found.adds, reverse=True)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("few", [1, 2, 4])
def test_the_median_is_as_good_as_the_best_of_all_choices(seed: int, few: int) -> None:
    demand, pairs, cost = town(seed)
    found = siting.median(demand, pairs, 9, few, 1200.0)
    now = np.minimum(demand.cost, 1200.0)
    reachable = np.where(cost < 1500, cost, np.inf)

    def worth(choice: tuple[int, ...]) -> float:
        return float(((now - np.minimum(now, reachable[:, list(choice)].min(axis=1))) * demand.people).sum())

    best = max(worth(choice) for choice in combinations(range(9), few))
    assert worth(tuple(found.chosen)) == pytest.approx(best)
    assert found.worth == pytest.approx(best)
    assert found.bound >= found.worth
    for at, one in enumerate(found.chosen):
        rest = tuple(each for each in found.chosen if each != one)
        assert found.lost_without[at] == pytest.approx(best - (worth(rest) if rest else 0.0))


def test_a_search_that_is_cut_short_tells_how_far_it_may_be_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(siting, "NODES", 0)
    demand, pairs, _ = town(3, 120, 40)
    found = siting.median(demand, pairs, 40, 6, 1200.0)
    assert found.status == "bounded"
    assert found.bound >= found.worth > 0
    assert 0 < found.gap < 1
    assert len(found.chosen) <= 6
    assert found.gap == pytest.approx((found.bound - found.worth) / found.bound, abs=1e-9)


def test_where_nothing_can_be_gained_nothing_is_chosen() -> None:
    demand = Demand(np.array([5.0, 0.0]), np.array([100.0, np.inf]))
    pairs = Pairs(np.array([0, 1]), np.array([0, 0]), np.array([200.0, 50.0]))
    assert siting.covering(demand, pairs, 1, 1, 300.0).chosen == []
    assert siting.median(demand, pairs, 1, 1, 900.0).chosen == []


def test_children_go_to_the_nearest_place_that_is_free() -> None:
    # two blocks, two schools; the near school of both has 100 places
    pairs = Pairs(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([60.0, 600.0, 120.0, 300.0]))
    found = seats.placed(np.array([80.0, 50.0]), np.array([100.0, 40.0]), pairs, 9000.0)
    # 60·80 + 120·20 + 300·30 = 16200 is the least: moving a child of block 0 to school 1 costs 540 − 180 more
    assert found.people.tolist() == [80.0, 0.0, 20.0, 30.0]
    assert found.without.tolist() == [0.0, 0.0]
    short = seats.placed(np.array([80.0, 50.0]), np.array([100.0, 10.0]), pairs, 9000.0)
    assert short.people.sum() == 110.0
    assert short.without.sum() == 20.0


def test_children_whom_no_school_is_in_reach_of_are_without() -> None:
    none = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    assert seats.placed(np.array([7.0, 0.0]), np.array([5.0]), none, 9000.0).without.tolist() == [7.0, 0.0]
    assert seats.placed(np.zeros(2), np.array([5.0]), none, 9000.0).without.tolist() == [0.0, 0.0]


def test_land_and_people_by_the_formulas_of_the_metadata() -> None:
    # 40 to 52 km² in six years is 5 % of the first a year; 200,000 to 270,000 people ln(1.35)/6 = 5.0017 %
    consumed, grown = land.consumption_rate(40e6, 52e6, 6), land.growth_rate(200_000, 270_000, 6)
    assert consumed == pytest.approx(0.05)
    assert grown == pytest.approx(0.0500174, abs=1e-7)
    assert land.consumption_to_growth(consumed, grown) == pytest.approx(0.999652, abs=1e-6)
    assert land.consumption_to_growth(consumed, 0.0) is None
    assert land.consumption_rate(0, 5, 1) is None
    assert land.growth_rate(10, 0, 1) is None
    assert land.open_share(2e6, 5e6, 20e6) == pytest.approx(35.0)
    assert land.open_share(1, 1, 0) is None
