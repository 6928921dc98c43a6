"""Plans that look a horizon ahead, keep their first steps, and look again.

The program of the whole time is laid out once; each look takes a slice of its arrays. HiGHS keeps its program and the basis it
ended with: only costs, bounds and right-hand sides that change with time are given to it, in bulk, and of the matrix the
coefficients that do (a COP). Behind the last step the first ones stand in for what is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from scicity.domains.optimisation.methods.matrix import Floats, Ints, Program, Term
from scicity.domains.optimisation.methods.model import Model, build
from scicity.domains.optimisation.methods.solving import COST, Plan, Solver, Unsolved, Weights, plan_of
from scicity.domains.optimisation.methods.station import Station, Store


class Varying(NamedTuple):
    """Coefficients of the matrix that change with time: at which columns and rows of the window, and the series."""

    rows: Ints
    columns: Ints
    series: Floats


class Rolling:
    """A station solved window by window, of `horizon` steps each.

    Stores begin at their `begin` (empty where that is None) and may end a window anywhere; `worth` [objective/kWh] by store is
    what is left in it at a window's end is taken to be worth. Raises ValueError for
    a horizon that is not 1 to the station's steps.
    """

    def __init__(
        self,
        station: Station,
        horizon: int,
        weights: Weights = COST,
        worth: Mapping[str, float] | None = None,
    ) -> None:
        if not 1 <= horizon <= station.steps:
            raise ValueError(f"a horizon of {horizon} steps; expected 1 to {station.steps}")
        open_ended = [replace(each, end="free") if isinstance(each, Store) else each for each in station.devices]
        self.model: Model = build(replace(station, devices=open_ended))
        self.steps, self.horizon, self.weights = station.steps, horizon, weights
        self.program = _prolonged(self.model.program, horizon)
        self.whole = self.program.whole.astype(bool)
        self.past = self.program.past.copy()
        self.solver = Solver(replace(self.model, program=self.program), weights, steps=horizon)
        self.cost = self.solver.weighed(weights)
        self.ends = {self.model.columns(name)["level"]: value for name, value in (worth or {}).items()}
        levels = [at for at, block in enumerate(self.program.columns) if block.quantity == "level"]
        self.levels = np.array(levels, dtype=np.int64)
        self._varying()
        self.looks = 0

    def _varying(self) -> None:
        """What must be told anew at each look."""
        program, window = self.program, np.arange(self.horizon, dtype=np.int32)
        changing = [_moves(values) for values in (self.cost, program.lower, program.upper)]
        changing[0][list(self.ends)] = True
        self.costs = np.flatnonzero(changing[0])
        self.bounds = np.flatnonzero(changing[1] | changing[2])
        self.cost_at = (self.costs[:, None] * self.horizon + window).ravel().astype(np.int32)
        self.bound_at = (self.bounds[:, None] * self.horizon + window).ravel().astype(np.int32)
        past = {at for at, terms in enumerate(program.terms) if any(term.back for term in terms)}
        moving = (_moves(program.row_lower) | _moves(program.row_upper)).tolist()
        self.rows = np.array([at for at, moves in enumerate(moving) if moves or at in past], dtype=np.int64)
        self.row_at = (self.rows[:, None] * self.horizon + window).ravel().astype(np.int32)
        self.matrix = [
            Varying(row * self.horizon + window, term.block * self.horizon + window, np.asarray(term.factor))
            for row, terms in enumerate(program.terms)
            for term in terms
            if np.ndim(term.factor) and np.ptp(np.asarray(term.factor)) > 0
        ]
        self.told = [varying.series[: self.horizon].copy() for varying in self.matrix]

    def look(self, first: int) -> Floats:
        """What is best from step `first` on, the past being as it is: (blocks of columns, horizon). Raises Unsolved."""
        program, highs = self.program, self.solver.highs
        part = slice(first, first + self.horizon)
        cost = self.cost[self.costs, part]
        for block, worth in self.ends.items():
            cost[np.searchsorted(self.costs, block), -1] -= worth
        highs.changeColsCost(self.cost_at.size, self.cost_at, cost.ravel())
        if self.bound_at.size:
            lower, upper = (side[self.bounds, part].ravel() for side in (program.lower, program.upper))
            highs.changeColsBounds(self.bound_at.size, self.bound_at, lower, upper)
        lower, upper = (side[self.rows].ravel() for side in program.beyond(self.past, first, self.horizon))
        rows: Any = highs  # its types leave this one out
        rows.changeRowsBounds(self.row_at.size, self.row_at, lower, upper)
        for at, varying in enumerate(self.matrix):
            values = varying.series[part]
            for step in np.flatnonzero(values != self.told[at]).tolist():
                highs.changeCoeff(int(varying.rows[step]), int(varying.columns[step]), float(values[step]))
            self.told[at] = values
        self.looks += 1
        try:
            self.solver.run()
        except Unsolved as unsolved:
            unsolved.add_note(f"in the window from step {first}")
            raise
        return np.array(highs.getSolution().col_value).reshape(len(program.columns), self.horizon)

    def keep(self, values: Floats) -> None:
        """`values` (blocks of columns, some steps) were done: they are the past of the next look."""
        done = values.copy()
        done[self.whole] = np.round(done[self.whole])
        levels = np.clip(done[self.levels], self.program.lower[self.levels, :1], self.program.upper[self.levels, :1])
        done[self.levels] = levels
        self.past = np.concatenate([self.past, done], axis=1)[:, -self.past.shape[1] :]

    def roll(self, every: int) -> Plan:
        """All steps, looking anew after each `every` of them. Raises Unsolved; ValueError for more than the horizon."""
        if not 1 <= every <= self.horizon:
            raise ValueError(f"a look every {every} steps; expected 1 to the horizon of {self.horizon}")
        done = np.empty((len(self.model.program.columns), self.steps))
        for first in range(0, self.steps, every):
            kept = min(every, self.steps - first)
            values = self.look(first)[:, :kept]
            self.keep(values)
            done[:, first : first + kept] = values
        return plan_of(self.model, done, self.weights)


def _prolonged(program: Program, more: int) -> Program:
    """The same program with its first `more` steps once more behind its last, so that every window is a slice."""
    long = copy(program)
    long.steps = program.steps + more
    for name in ("cost", "carbon", "lower", "upper", "row_lower", "row_upper"):
        values = getattr(program, name)
        setattr(long, name, np.concatenate([values, values[:, :more]], axis=1))
    long.terms = [[_longer(term, more) for term in terms] for terms in program.terms]
    return long


def _longer(term: Term, more: int) -> Term:
    if np.ndim(term.factor) == 0:
        return term
    factor = np.asarray(term.factor)
    return term._replace(factor=np.concatenate([factor, factor[:more]]))


def _moves(values: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Of each row of (rows, steps) whether it changes; infinite bounds are alike."""
    moves: np.ndarray[tuple[int], np.dtype[np.bool_]] = (values != values[:, :1]).any(axis=1)
    return moves
