"""Cost against carbon: plans between the cheapest and the cleanest, from one program that HiGHS keeps.

Source: for weights, L. A. Zadeh 1963, doi:10.1109/TAC.1963.1105511; for limits, Y. Y. Haimes et al. 1971,
doi:10.1109/TSMC.1971.4308298.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scicity.domains.optimisation.methods.model import Model, build
from scicity.domains.optimisation.methods.solving import Plan, Solver, Weights
from scicity.domains.optimisation.methods.station import Station

CLEANEST = Weights(0.0, 1.0)
TIE = 1e-6  # [kg/money, money/kg] of the other aim, so that of equally good plans the one that wastes nothing is taken


class Point(NamedTuple):
    """A plan of the front; `limit` [kg] that its carbon keeps to; `price` [money/kg] of the last kg, None in whole numbers."""

    limit: float
    plan: Plan
    price: float | None


def weighed(station: Station, weights: Sequence[Weights]) -> list[Plan]:
    """The best plan for each of `weights` [1, money/kg], each solving from where the one before ended. Raises Unsolved."""
    solver = Solver(build(station))
    plans = []
    for each in weights:
        solver.weigh(each)
        plans.append(solver.solve())
    return plans


def limited(station: Station, points: int) -> list[Point]:
    """The cheapest plans whose carbon keeps within `points` limits, evenly from the cheapest's carbon to the least there is.

    Finds what no weights find where whole numbers make the front bend inwards. Raises Unsolved, and ValueError for less than 2
    points.
    """
    if points < 2:
        raise ValueError(f"a front of {points} points; expected at least 2")
    model = build(station)
    solver = Solver(model)
    solver.weigh(Weights(1.0, TIE))
    cheapest = solver.solve()
    solver.weigh(Weights(TIE, 1.0))
    cleanest = solver.solve()
    solver.weigh(Weights())
    row = _capped(solver, model)
    found = []
    for limit in np.linspace(cheapest.carbon, cleanest.carbon, points).tolist():
        solver.highs.changeRowBounds(row, -np.inf, limit + 1e-9 * abs(limit))
        plan = solver.solve()
        price = None if plan.prices is None else -float(solver.highs.getSolution().row_dual[row])
        found.append(Point(limit, plan, price))
    return found


def _capped(solver: Solver, model: Model) -> int:
    """Adds the row of all carbon; its number."""
    carbon = model.program.carbon.ravel()
    columns = np.flatnonzero(carbon).astype(np.int32)
    solver.highs.addRow(-np.inf, np.inf, columns.size, columns, carbon[columns])
    return int(solver.highs.getNumRow()) - 1
