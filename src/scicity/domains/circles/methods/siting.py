"""Where k more places help most: the p-median and the maximal covering location problem, solved by HiGHS.

What there is already stays open and costs nothing; candidates are added. Both are programs of whole numbers; HiGHS says how far
the found answer can be from the best one, and that gap is told.

Sources: S. L. Hakimi, Optimum locations of switching centers, doi:10.1287/opre.12.3.450 (p-median);
R. Church and C. ReVelle, The maximal covering location problem, doi:10.1007/BF01942293.
Costs [s or m, as the caller's], people [one].
"""

from __future__ import annotations

from typing import NamedTuple

import highspy
import numpy as np
from scipy.sparse import csr_matrix, vstack

from scicity.domains.circles.methods.lengths import Floats, Ints
from scicity.domains.circles.methods.reaching import Pairs

NODES = 20_000  # of the search tree: a bound that is the same on every machine, which seconds are not
OPTIMAL = "optimal"
BOUNDED = "bounded"


class Demand(NamedTuple):
    """People at each place, and what it costs them to reach what there is (infinite: nothing); of shape (places,)."""

    people: Floats
    cost: Floats


class Sited(NamedTuple):
    """The chosen candidates in the order in which each adds most, what each adds then, what would be lost without it alone.

    `worth`: all that they add; `bound`: the most that any choice can add; `gap`: (bound − worth) / bound; `status` optimal or
    bounded. In people for coverage, in people times cost for the median.
    """

    chosen: list[int]
    adds: Floats
    lost_without: Floats
    worth: float
    bound: float
    gap: float
    status: str


class Unsolved(RuntimeError):  # noqa: N818  (reads as what happened)
    """A program that HiGHS could not solve."""


def covering(demand: Demand, pairs: Pairs, candidates: int, few: int, limit: float) -> Sited:
    """The `few` candidates by which most people more come within `limit`: people whose cost now is above it, at places that
    `pairs` (place, candidate, cost) bring within it. Source: Church and ReVelle 1974, doi:10.1007/BF01942293."""
    some = (pairs.cost <= limit) & (demand.cost[pairs.place] > limit) & (demand.people[pairs.place] > 0)
    gain = np.ones(int(some.sum()))
    return _sited(demand.people, pairs.place[some], pairs.facility[some], gain, candidates, few)


def median(demand: Demand, pairs: Pairs, candidates: int, few: int, at_most: float) -> Sited:
    """The `few` candidates by which the cost of everybody's way to the nearest falls most; costs beyond `at_most` count as it.

    Source: Hakimi 1964, doi:10.1287/opre.12.3.450, in the form of ReVelle and Swain 1970,
    doi:10.1111/j.1538-4632.1970.tb00142.x.
    """
    gain = np.minimum(demand.cost, at_most)[pairs.place] - pairs.cost
    some = (gain > 0) & (demand.people[pairs.place] > 0)
    return _sited(demand.people, pairs.place[some], pairs.facility[some], gain[some], candidates, few)


def _sited(people: Floats, place: Ints, candidate: Ints, gain: Floats, candidates: int, few: int) -> Sited:
    """Places served by one candidate at most, each as far as it gains: max Σ people · gain · served."""
    if not len(place) or few < 1:
        return Sited([], np.zeros(0), np.zeros(0), 0.0, 0.0, 0.0, OPTIMAL)
    weights = people[place] * gain
    chosen, bound, status = _solve(weights, place, candidate, candidates, few)
    greedy = _greedily(people, place, candidate, gain, candidates, few)
    if status != OPTIMAL and _worth(people, place, candidate, gain, greedy) > _worth(people, place, candidate, gain, chosen):
        chosen = greedy
    highest = np.zeros(len(people))
    np.maximum.at(highest, place, weights)
    bound = min(bound, float(highest.sum()))  # every place as well served as any candidate can serve it
    table = np.zeros((len(chosen), int(place.max()) + 1))
    for number, one in enumerate(chosen):  # at most `few`
        table[number, place[candidate == one]] = gain[candidate == one]
    weight = people[: table.shape[1]]
    order, adds, best = [], [], np.zeros(table.shape[1])
    left = list(range(len(chosen)))
    while left:
        more = np.maximum(table[left], best) @ weight - best @ weight
        at = int(np.argmax(np.round(more, 9)))
        if more[at] <= 0:
            break
        order.append(left.pop(at))
        adds.append(float(more[at]))
        best = np.maximum(best, table[order[-1]])
    worth = float(best @ weight)
    lost = [worth - float(np.delete(table[order], at, axis=0).max(axis=0, initial=0.0) @ weight) for at in range(len(order))]
    bound = max(bound, worth)
    gap = round((bound - worth) / bound, 9) if bound > 0 else 0.0
    return Sited([int(chosen[at]) for at in order], np.array(adds), np.array(lost), worth, bound, gap, status)


def _worth(people: Floats, place: Ints, candidate: Ints, gain: Floats, chosen: Ints) -> float:
    best = np.zeros(len(people))
    some = np.isin(candidate, chosen)
    np.maximum.at(best, place[some], gain[some])
    return float(best @ people)


def _greedily(people: Floats, place: Ints, candidate: Ints, gain: Floats, candidates: int, few: int) -> Ints:
    """At each step the candidate that then adds most; of several the first."""
    best, chosen = np.zeros(len(people)), []
    for _ in range(few):
        more = np.bincount(candidate, np.clip(gain - best[place], 0, None) * people[place], candidates)
        if more.max() <= 0:
            break
        chosen.append(int(np.argmax(np.round(more, 9))))
        mine = candidate == chosen[-1]
        np.maximum.at(best, place[mine], gain[mine])
    return np.array(chosen, dtype=np.int64)


class _Quiet(highspy.Highs):  # type: ignore[misc]
    """HiGHS without callbacks: to enable them it writes its name to the standard output before it can be told not to."""

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()


def _solve(worth: Floats, place: Ints, candidate: Ints, candidates: int, few: int) -> tuple[Ints, float, str]:
    """Which candidates, the bound, and whether it was proved. Columns: open (whole), then served by pair."""
    used, number = np.unique(candidate, return_inverse=True)
    places, row = np.unique(place, return_inverse=True)
    pairs, opens = len(place), len(used)
    each = np.arange(pairs)
    once = csr_matrix((np.ones(pairs), (row, opens + each)), shape=(len(places), opens + pairs))
    only_open = csr_matrix(
        (np.r_[np.ones(pairs), -np.ones(pairs)], (np.r_[each, each], np.r_[opens + each, number])), shape=(pairs, opens + pairs)
    )
    as_many = csr_matrix((np.ones(opens), (np.zeros(opens, int), np.arange(opens))), shape=(1, opens + pairs))
    rows = vstack([once, only_open, as_many]).tocsr()
    above = np.r_[np.ones(len(places)), np.zeros(pairs), float(few)]
    scale = max(1.0, float(worth.max()) / 1e4)
    highs = _Quiet()
    options = {"output_flag": False, "threads": 1, "random_seed": 0, "mip_rel_gap": 1e-9, "mip_max_nodes": NODES}
    for name, value in options.items():
        highs.setOptionValue(name, value)
    highs.passModel(
        *(opens + pairs, rows.shape[0], rows.nnz, int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize), 0.0),
        *(np.r_[np.zeros(opens), -worth / scale], np.zeros(opens + pairs), np.ones(opens + pairs)),
        *(np.full(rows.shape[0], -highspy.kHighsInf), above),
        *(rows.indptr.astype(np.int32), rows.indices.astype(np.int32), rows.data),
        np.r_[np.ones(opens, np.int32), np.zeros(pairs, np.int32)],
    )
    highs.run()
    information = highs.getInfo()
    open_now = np.array(highs.getSolution().col_value)[:opens]
    done = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    if highs.getModelStatus() in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kSolveError):
        raise Unsolved(str(highs.getModelStatus()))
    return used[open_now > 0.5], -float(information.mip_dual_bound) * scale, OPTIMAL if done else BOUNDED
